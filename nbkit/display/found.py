"""What a search of an index found, as an object that draws as a table and becomes a DataFrame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbkit import registry
from nbkit.documents import Passage, SearchMode, place
from nbkit.errors import NbkitError
from nbkit.escape import NO_MATH, clean, escape, excerpt

if TYPE_CHECKING:
    import pandas as pd

_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top;white-space:normal"'
_MOST_QUOTE_CHARS = 240
_NAMES = ("No.", "Score", "Where", "Passage")


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """Passages, best first.

    >>> found = Found("fans", "docs", "bm25", (Passage("a", "The fan needs 30 W.", "fan.md", end=19, score=1.5),))
    >>> found
    docs: fans (bm25; scores compare within this table)
      1  1.500  fan.md, characters 1 to 19
         The fan needs 30 W.
    >>> found[0].source, len(found)
    ('fan.md', 1)
    """

    question: str
    index: str
    mode: SearchMode
    passages: tuple[Passage, ...]
    note: str = ""
    """Why nothing was found, where that is known."""

    def __getitem__(self, at: int) -> Passage:
        return self.passages[at]

    def __len__(self) -> int:
        return len(self.passages)

    def __iter__(self) -> Iterator[Passage]:
        return iter(self.passages)

    def to_frame(self) -> pd.DataFrame:
        """One row for each passage: score, source, page, start, end, headings, text; needs the extra `[data]`.

        Raises an `NbkitError` naming the install command when pandas is missing.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise NbkitError(
                what="to_frame() makes a DataFrame, and pandas is not installed",
                why="pandas is an extra, so that nbkit installs quickly",
                fix=registry.install_command("data"),
            ) from error
        names = ("score", "source", "page", "start", "end", "title", "headings", "text", "id")
        return pd.DataFrame([[getattr(one, name) for name in names] for one in self.passages], columns=list(names))

    def __repr__(self) -> str:
        lines = [f"{self.index}: {clean(self.question)} ({self.mode}; scores compare within this table)"]
        for number, one in enumerate(self.passages, 1):
            lines.append(f"  {number}  {one.score:.3f}  {clean(_where(one))}")
            lines.append(f"     {clean(_short(one.text))}")
        return "\n".join(lines if self.passages else [*lines, f"  {self._nothing}"])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" {_CELL}>{name}</th>' for name in _NAMES)
        body = "".join(
            f'<tr><th scope="row" {_CELL}>{number}</th><td {_CELL}>{one.score:.3f}</td>'
            f"<td {_CELL}>{escape(_where(one))}</td><td {_CELL}>{escape(_short(one.text))}</td></tr>"
            for number, one in enumerate(self.passages, 1)
        )
        caption = escape(f"{self.index}: {self.question} ({self.mode}; scores compare within this table)")
        return (
            f'<table {NO_MATH} style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
            f'<caption style="caption-side:top;text-align:left;font-weight:bold">{caption}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            + ("" if self.passages else f"<p>{escape(self._nothing[:1].upper() + self._nothing[1:])}.</p>")
        )

    @property
    def _nothing(self) -> str:
        return f"nothing was found: {clean(self.note)}" if self.note else "nothing was found"


def _where(passage: Passage) -> str:
    return place(passage.source, passage.page, passage.start, passage.end)


def _short(text: str) -> str:
    return excerpt(text, most_chars=_MOST_QUOTE_CHARS)
