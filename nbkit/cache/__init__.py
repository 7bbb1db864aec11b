"""Answers kept by the hash of their request."""
