"""Where a session keeps things: the home, or a place apart for a notebook that is replayed or recorded."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

APART: Final = "NBKIT_APART"
"""Variable by which a command tells the kernel of a replayed notebook where to keep things, to read them there."""


class Owner(Protocol):
    """What of a session tells where it keeps things."""

    home: Path
    environment: Mapping[str, str]


class Apart:
    """The place apart, made on first use and gone when it is closed, unless a command has named one.

    >>> from types import SimpleNamespace
    >>> Apart(SimpleNamespace(home="/kept", environment={})).home()
    '/kept'
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._lock = threading.Lock()
        self._made: tempfile.TemporaryDirectory[str] | None = None

    def home(self) -> Path:
        """The home, or for a notebook that is replayed or recorded its own place."""
        environment = self._owner.environment
        if not environment.get("NBKIT_REPLAY") and not environment.get("NBKIT_RECORD"):
            return self._owner.home
        if environment.get(APART):
            return Path(environment[APART])
        with self._lock:
            if self._made is None:
                self._made = tempfile.TemporaryDirectory(prefix="nbkit-replay-")
            return Path(self._made.name)

    def close(self) -> None:
        """Takes away what was made."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.cleanup()
