"""Calls that are those of one cell, however many, in whatever thread: they share its budget and are told together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from decimal import Decimal

from nbkit.recorded import Outcome
from nbkit.session.spending import Purse


class OneCell:
    """Where a session's calls belong while a `with` block lasts.

    >>> cell = OneCell()
    >>> with cell.of(None) as asked:
    ...     cell.add([])
    >>> asked
    []
    """

    def __init__(self) -> None:
        self.purse: Purse | None = None
        """What they share; None where each call has the cell's whole budget."""
        self._outcomes: list[Outcome] | None = None

    @contextlib.contextmanager
    def of(self, limit_usd: Decimal | None) -> Iterator[list[Outcome]]:
        """A block whose calls may cost so much together; gives the list that their outcomes come into."""
        before, outcomes = (self.purse, self._outcomes), list[Outcome]()
        self.purse, self._outcomes = None if limit_usd is None else Purse(limit_usd), outcomes
        try:
            yield outcomes
        finally:
            self.purse, self._outcomes = before

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Takes what came of a call."""
        if self._outcomes is not None:
            self._outcomes.extend(outcomes)
