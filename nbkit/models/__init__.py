"""Weights of local models: which there are, by hash, and how they get onto this machine."""
