"""A home's metrics as text."""

from __future__ import annotations

from nbkit import registry
from nbkit.ledger.metered import Metered
from nbkit.ledger.prometheus import exposition
from nbkit.session import Session

_ELSEWHERE = ("notebook", "session")
"""Budgets of a notebook or a kernel, which is not the process that is asked."""


def metrics_text(session: Session) -> str:
    """What the record store of the session's home holds, as Prometheus reads it, with the budgets of day and project.

    Makes no home where there is none. Raises `StoreError` when the records cannot be read.

    >>> import tempfile
    >>> from pathlib import Path
    >>> session = Session(home=Path(tempfile.mkdtemp(), "none"), environment={})
    >>> "nbkit_calls_total" in metrics_text(session), session.home.exists()
    (True, False)
    """
    version = registry.installed_version()
    if not session.ledger.path.exists():
        return exposition(Metered(), version=version)
    standings = session.standings(session.config().settings, notebook=None)
    shown = [one for one in standings if one.scope not in _ELSEWHERE]
    return exposition(session.ledger.metered(), shown, version=version)
