"""Servers that tests start; none of these files holds a test."""

collect_ignore_glob = ["*.py"]
