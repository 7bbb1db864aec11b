"""Prompts from templates."""
