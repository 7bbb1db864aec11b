"""The rows of an answer's tables, line by line while it arrives: each is a claim of its own."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from nbkit.guards.rows import cells_of

_RULE: Final = re.compile(r"[\s|:-]*-[\s|:-]*")
_EMPTY: Final = re.compile(
    r"[\W_]*|n/?a|none|unknown|not (?:stated|given|specified|mentioned|available)", re.IGNORECASE
)


class Row(NamedTuple):
    """One row below a table's head."""

    text: str
    """Its cells, as a sentence would say them."""
    named: str
    """Each cell behind the name of its column."""


class AnswerTable:
    """Reads an answer's lines in order; lines of code are not to be given to it.

    >>> table = AnswerTable()
    >>> [table.row(line) for line in ("| Part | Price |", "|---|---|", "| Lid | 3 EUR |")][-1]
    Row(text='Lid; 3 EUR', named='Part: Lid; Price: 3 EUR')
    """

    def __init__(self) -> None:
        self._names: list[str] | None = None

    def row(self, line: str) -> Row | None:
        """The row that the line is; None for a head, a rule, and what is no table."""
        line = line.strip()
        if not line.startswith("|"):
            self._names = None
            return None
        if _RULE.fullmatch(line):
            return None
        cells = cells_of(line)
        if self._names is None:
            self._names = cells
            return None
        names = [*self._names, *[""] * (len(cells) - len(self._names))]
        said = [(name, cell) for name, cell in zip(names, cells, strict=False) if not _EMPTY.fullmatch(cell)]
        if not said:
            return None
        named = [f"{name}: {cell}" if name else cell for name, cell in said]
        return Row("; ".join([cell for _, cell in said]), "; ".join(named))
