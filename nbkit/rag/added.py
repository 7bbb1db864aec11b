"""What became of the files that were added, as a value that says it in a line and a few rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nbkit.escape import line
from nbkit.figures import count, duration, money
from nbkit.types import Cost, Usage

Status: TypeAlias = Literal["new", "changed", "unchanged", "removed", "failed"]
_MOST_ALIKE = 3
_TEN = 10


@dataclass(frozen=True, slots=True)
class FileRow:
    """What became of one file."""

    source: str
    status: Status
    chunks: int = 0
    reason: str = ""
    """Why it failed, or what of it could not be read."""


@dataclass(frozen=True, slots=True, repr=False)
class Added:
    """What became of all of them."""

    rows: tuple[FileRow, ...]
    embedded: int
    """Chunks that the model was asked for; the others were in the cache of embeddings."""
    duration_s: float
    is_whole: bool = True
    """False when it was interrupted: what was done is kept."""
    usage: Usage | None = None
    """Tokens that a service was sent; None where the model runs here."""
    cost: Cost | None = None
    """What they cost."""
    is_discarded: bool = False
    """True when it was to take the place of an index, and that one was kept: interrupted, or nothing could be read."""

    @property
    def chunks_per_s(self) -> float:
        """Chunks that were embedded, by the time of all of it."""
        return self.embedded / self.duration_s if self.duration_s else 0.0

    def __str__(self) -> str:
        """One line on all of them.

        >>> print(Added((FileRow("a.md", "new", 3), FileRow("b.md", "unchanged")), embedded=3, duration_s=0.2))
        2 files: 1 new, 0 changed, 1 unchanged, 0 removed, 0 failed · 3 chunks embedded (15 a second) · 200 ms
        """
        found = Counter(row.status for row in self.rows)
        statuses: tuple[Status, ...] = ("new", "changed", "unchanged", "removed", "failed")
        parts = ", ".join(f"{found[status]:,} {status}" for status in statuses)
        end = "" if self.is_whole else " · interrupted: what was done is kept"
        if self.is_discarded:
            end = f" · {'nothing could be read' if self.is_whole else 'interrupted'}: the index is as it was before"
        files, chunks = count(len(self.rows), "file"), count(self.embedded, "chunk")
        each = self.chunks_per_s
        speed = f" ({each:,.{0 if each >= _TEN else 1}f} a second)" if each else ""
        return f"{files}: {parts} · {chunks} embedded{speed} · {duration(self.duration_s)}{self._price()}{end}"

    def _price(self) -> str:
        if self.usage is None or self.cost is None or not self.usage.input_tokens:
            return ""
        mark = "~" if self.usage.source == "estimate" else ""
        usd = "?" if self.cost.usd is None else mark + money(self.cost.usd)
        return f" · {mark}{count(self.usage.input_tokens, 'token')}, {usd}"

    def __repr__(self) -> str:
        """The line, and below it what is worth a look."""
        shown, left = self.worth_showing()
        lines = [line(f"{row.status} {row.source}" + (f": {row.reason}" if row.reason else "")) for row in shown]
        lines = [f"  {said}" for said in lines]
        return "\n".join([str(self), *lines, *([f"  … and {left:,} more"] if left else [])])

    def worth_showing(self, most: int = 20) -> tuple[list[FileRow], int]:
        """At most so many rows, those that failed first, unchanged ones left out; and how many files they leave out.

        Files that failed for one reason are one row when there are more than three, named by the first.

        >>> rows = [FileRow(f"{number}.bin", "failed", reason="no loader reads .bin") for number in range(2000)]
        >>> Added((*rows, FileRow("a.md", "new")), embedded=1, duration_s=0.2).worth_showing()[0][0].source
        '2,000 files such as 0.bin'
        """
        by_reason: dict[str, list[FileRow]] = {}
        for row in self.rows:
            if row.status == "failed":
                by_reason.setdefault(row.reason, []).append(row)
        found: list[tuple[FileRow, int]] = []
        for reason, rows in by_reason.items():
            if len(rows) > _MOST_ALIKE:
                name = f"{count(len(rows), 'file')} such as {rows[0].source}"
                found.append((FileRow(name, "failed", reason=reason), len(rows)))
            else:
                found += [(row, 1) for row in rows]
        order: tuple[Status, ...] = ("removed", "changed", "new")
        found += [(row, 1) for status in order for row in self.rows if row.status == status]
        return [row for row, _ in found[:most]], sum(files for _, files in found[most:])
