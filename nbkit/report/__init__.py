"""One notebook file as one page: run it, then report it, offline and from the file alone."""

from __future__ import annotations

from nbkit.report.page import report
from nbkit.report.running import run

__all__ = ["report", "run"]
