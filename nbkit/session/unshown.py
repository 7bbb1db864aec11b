"""Records of calls that draw nothing of their own, until the cell that made them ends."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from nbkit.recorded import Record


@dataclass(frozen=True, slots=True)
class Unshown:
    """One record that no output carries yet."""

    record: Record
    keeps_content: bool
    is_quiet: bool
    """Whether it asked that nothing be drawn."""


class UnshownRecords:
    """Takes records from any thread; gives them all to the one that draws.

    >>> records = UnshownRecords()
    >>> records.add([])
    >>> records.take()
    []
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Unshown] = []

    def add(self, records: Iterable[Unshown]) -> None:
        """Keeps records until they are taken."""
        with self._lock:
            self._records += records

    def take(self) -> list[Unshown]:
        """All records since it was last asked, in the order in which their calls began."""
        with self._lock:
            taken, self._records = self._records, []
        # Threads end in any order; a replay gives the answers to one request in the order of the notebook.
        return sorted(taken, key=lambda one: one.record.started_at)
