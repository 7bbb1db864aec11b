"""The one place that holds state: settings in force, open providers, cache, ledger, conversations."""

from nbkit.session.apart import APART
from nbkit.session.process import current, end_current, has_current
from nbkit.session.session import Session

__all__ = ["APART", "Session", "current", "end_current", "has_current"]
