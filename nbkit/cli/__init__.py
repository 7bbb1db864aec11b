"""The shell command `nbkit`: demo, doctor, models, run, report."""

from nbkit.cli.entry import build_parser, main

__all__ = ["build_parser", "main"]
