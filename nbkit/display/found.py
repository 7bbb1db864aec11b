"""What a search of an index found, as an object that draws as a table and becomes a DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import isclose
from typing import TYPE_CHECKING

from nbkit import registry
from nbkit.display.guards import said as said_by
from nbkit.documents import Passage, SearchMode, place
from nbkit.escape import NO_MATH, clean, escape, excerpt
from nbkit.types import Verdict

if TYPE_CHECKING:
    import pandas as pd

_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top;white-space:normal"'
_BELOW = f'{NO_MATH} style="margin:6px 0 0 0;font-size:12px"'
_MOST_QUOTE_CHARS = 240
_SCALE = "similarity: 1 says just what is asked, 0 nothing of it"
_ORDER = "order compares within this table"


@dataclass(frozen=True, slots=True)
class Shown:
    """Passages as they may be drawn, and what guards said of them."""

    passages: tuple[Passage | str, ...]
    """In their order; in the place of one that a guard leaves out, why."""
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """Passages, best first. What is drawn, and what `to_frame` has, passes the guards as the passages of `%%rag` do.

    The passages themselves are for code, and are what the index has: `nbkit.screen(text, stage="retrieved")` is what
    guards make of one.

    >>> found = Found("fans", "docs", "bm25", (Passage("a", "The fan needs 30 W.", "fan.md", end=19, score=1.5),))
    >>> found
    docs: fans (bm25; BM25 compares within this table)
      1  BM25 1.500  fan.md, characters 1 to 19
         The fan needs 30 W.
    >>> found[0].source, len(found)
    ('fan.md', 1)
    """

    question: str
    index: str
    mode: SearchMode
    passages: tuple[Passage, ...]
    """As they are in the index: no guard has seen them."""
    note: str = ""
    """Why nothing was found, where that is known."""
    look: Callable[[], Shown] | None = field(default=None, compare=False)
    """What has guards look at the passages, asked when they are drawn; None draws them as they are."""

    def __getitem__(self, at: int) -> Passage:
        return self.passages[at]

    def __len__(self) -> int:
        return len(self.passages)

    def __iter__(self) -> Iterator[Passage]:
        return iter(self.passages)

    def to_frame(self) -> pd.DataFrame:
        """One row for each passage: similarity, score, source, page, start, end, headings, text; needs `[data]`.

        Texts are as they are drawn, for a frame is; `left_out` says why a passage has none. `similarity` is the cosine,
        None in mode `bm25`; `score` is what they are ordered by. Raises an `NbkitError` naming the install command when
        pandas is missing.
        """
        with registry.pandas_for("to_frame()"):
            import pandas as pd
        names = ("similarity", "score", "source", "page", "start", "end", "title", "headings", "header", "text", "id")
        rows = [
            [*(getattr(_bare(one) if isinstance(said, str) else said, name) for name in names), _left_out(said)]
            for one, said in zip(self.passages, self._shown.passages, strict=True)
        ]
        return pd.DataFrame(rows, columns=[*names, "left_out"])

    def __repr__(self) -> str:
        lines = [clean(self._caption)]
        columns = self._columns()
        for number, (one, where, text) in enumerate(self._rows(), 1):
            figures = "  ".join(f"{name.lower() if name != 'BM25' else name} {said(one)}" for name, said in columns)
            lines.append(f"  {number}  {figures}  {clean(where)}")
            lines.append(f"     {clean(text)}")
        lines = lines if self.passages else [*lines, f"  {self._nothing}"]
        return "\n".join([*lines, *([clean(self._guards)] if self._guards else [])])

    def _repr_html_(self) -> str:
        columns = self._columns()
        names = ("No.", *(name for name, _ in columns), "Where", "Passage")
        head = "".join(f'<th scope="col" {_CELL}>{name}</th>' for name in names)
        body = "".join(
            f'<tr><th scope="row" {_CELL}>{number}</th>'
            + "".join(f"<td {_CELL}>{said(one)}</td>" for _, said in columns)
            + f"<td {_CELL}>{escape(where)}</td><td {_CELL}>{escape(text)}</td></tr>"
            for number, (one, where, text) in enumerate(self._rows(), 1)
        )
        return (
            f'<table {NO_MATH} style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
            f'<caption style="caption-side:top;text-align:left;font-weight:bold">{escape(self._caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            + ("" if self.passages else f"<p>{escape(self._nothing[:1].upper() + self._nothing[1:])}.</p>")
            + (f"<p {_BELOW}>{escape(self._guards)}</p>" if self._guards else "")
        )

    def _rows(self) -> Iterator[tuple[Passage, str, str]]:
        """Each passage with its place and its text as they are drawn."""
        for one, said in zip(self.passages, self._shown.passages, strict=True):
            if isinstance(said, str):
                yield one, place(one), f"left out by a guard ({said})"
            else:
                yield one, place(said), _short(said)

    @property
    def _shown(self) -> Shown:
        return Shown(self.passages) if self.look is None else self.look()

    @property
    def _guards(self) -> str:
        verdicts = self._shown.verdicts
        return said_by(verdicts) if verdicts and self.passages else ""

    def _columns(self) -> list[tuple[str, Callable[[Passage], str]]]:
        """The figures worth a column: what has a scale first, and what they are ordered by where that is another."""
        near = ("Similarity", lambda one: "–" if one.similarity is None else f"{one.similarity:.2f}")  # noqa: RUF001
        order = ("BM25" if self.mode == "bm25" else "Order", lambda one: f"{one.score:.3f}")
        if all(one.similarity is None for one in self.passages):
            return [order]
        is_same = all(one.similarity is not None and isclose(one.score, one.similarity) for one in self.passages)
        return [near] if is_same else [near, order]

    @property
    def _caption(self) -> str:
        names = [name for name, _ in self._columns()] if self.passages else []
        scales = {"Similarity": _SCALE, "Order": _ORDER, "BM25": "BM25 compares within this table"}
        return f"{self.index}: {self.question} ({'; '.join((self.mode, *(scales[name] for name in names)))})"

    @property
    def _nothing(self) -> str:
        return f"nothing was found: {clean(self.note)}" if self.note else "nothing was found"


def _bare(passage: Passage) -> Passage:
    return replace(passage, text="", title="", headings=(), header="")


def _left_out(said: Passage | str) -> str | None:
    return said if isinstance(said, str) else None


def _short(one: Passage) -> str:
    text = f"{one.header} … {one.text}" if one.header else one.text
    return excerpt(text, most_chars=_MOST_QUOTE_CHARS)
