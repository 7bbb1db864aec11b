"""What is in an index, as values that draw as a table and become a DataFrame."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbkit import registry
from nbkit.escape import clean, line
from nbkit.figures import count
from nbkit.rag.index_files import Stats
from nbkit.rag.store import Entry
from nbkit.tables import Table

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 200


@dataclass(frozen=True, slots=True, repr=False)
class DocumentList(Sequence[Entry]):
    """The documents of an index, in the order of their sources.

    >>> listed = DocumentList("docs", (Entry("a.md", "", "Fans", ".md", "text/markdown", "2026-01-31", 0, 3, ()),))
    >>> listed
    docs: 1 document
      a.md  Fans  3 chunks
    >>> [one.source for one in listed], "a.md" in listed.sources
    (['a.md'], True)
    """

    name: str
    entries: tuple[Entry, ...]

    @property
    def sources(self) -> list[str]:
        """The names that the index knows them by; `remove` takes one."""
        return [one.source for one in self.entries]

    def __getitem__(self, at: int) -> Entry:  # type: ignore[override]  # a part of it is no list of an index
        return self.entries[at]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def to_frame(self) -> pd.DataFrame:
        """One row for each document; needs the extra `[data]`, raises an `NbkitError` naming the command without it."""
        with registry.pandas_for("to_frame()"):
            import pandas as pd
        names = [field.name for field in dataclasses.fields(Entry)]
        return pd.DataFrame([[getattr(one, name) for name in names] for one in self.entries], columns=names)

    def table(self, *, most: int | None = None) -> Table:
        """One row for each document, or for the first so many; what was read of it in part, or replaced, is a note."""
        shown = self.entries[:most]
        has_notes = any(one.notes for one in shown)
        columns = ("file", "title", "chunks", "pages", "added", *(["notes"] if has_notes else []))
        kinds = Counter(one.source.rpartition(".")[2].lower() for one in self.entries)
        note = [", ".join(f"{times:,} {kind}" for kind, times in kinds.most_common())]
        note += [f"… and {len(self) - len(shown):,} more"] if len(shown) < len(self) else []
        rows = [row if has_notes else row[:-1] for row in map(_row, shown)]
        return Table(f"Index {self.name}", columns, rows, note=" ".join(filter(None, note)))

    def __repr__(self) -> str:
        rows = [f"  {line(one.source)}  {line(one.title)}  {count(one.chunks, 'chunk')}" for one in self._shown]
        return "\n".join([f"{self.name}: {count(len(self), 'document')}", *rows, *self._more])

    def _repr_html_(self) -> str:
        return self.table(most=_MOST_ROWS).html()

    @property
    def _shown(self) -> tuple[Entry, ...]:
        return self.entries[:_MOST_ROWS]

    @property
    def _more(self) -> list[str]:
        left = len(self) - _MOST_ROWS
        return [f"  … and {left:,} more"] if left > 0 else []


def _row(one: Entry) -> tuple[str, ...]:
    when = one.added[:16].replace("T", " ")
    return one.source, one.title, f"{one.chunks:,}", f"{one.pages:,}" if one.pages else "", when, "; ".join(one.notes)


@dataclass(frozen=True, slots=True, repr=False)
class IndexStats(Stats):
    """How much an index holds, and what it was made with, under its name.

    >>> IndexStats(2, 9, 0, 384, 1_200_000, "id", "id", "all-minilm-l6-v2", 80, 0, index="docs")
    docs: 2 documents, 9 chunks, 1.2 MB
      embedder: all-minilm-l6-v2, 384 dimensions, id id
      chunk size: 80 tokens at most, no overlap
    """

    index: str = ""

    def __repr__(self) -> str:
        documents, chunks, size, *rest = self.figures()
        head = f"{count(self.documents, documents[0][:-1])}, {count(self.chunks, chunks[0][:-1])}, {size[1]}"
        return "\n".join([f"{self.index}: {head}", *(f"  {name}: {clean(value)}" for name, value in rest)])

    def _repr_html_(self) -> str:
        return Table(f"Index {self.index}", ("figure", "value"), self.figures()).html()
