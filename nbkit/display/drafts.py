"""Drafted questions as a table to strike from: as HTML, and as the Markdown of a `%%evaluate --table` cell."""

from __future__ import annotations

from nbkit.escape import NO_MATH, clean, escape, excerpt
from nbkit.evals.cases import Case
from nbkit.evals.drafting import Drafted
from nbkit.figures import count
from nbkit.tables import Table

_SHOWN_CHARS = 200
_COLUMNS = ("id", "question", "answer", "source")


def drafts_bundle(found: Drafted) -> dict[str, str]:
    """The drafts with the passages that they are from, and below them the cell that keeps those which stay."""
    rows = [
        (*_row(one), excerpt(one.contexts[0], most_chars=_SHOWN_CHARS) if one.contexts else "")
        for one in found.data.cases
    ]
    reasons = ((found.failed, "gave no question"), (found.repeated, "repeated one"))
    left = ", ".join(f"{number:,} {what}" for number, what in reasons if number)
    table = Table(
        f"{count(len(rows), 'draft')}: strike what is wrong, easy or vague",
        (*_COLUMNS, "passage"),
        rows,
        note=f"{count(found.asked, 'passage')} asked about" + (f": {left}" if left else ""),
    )
    cell = drafts_cell(found)
    html = (
        f"{table.html()}<details><summary>As a cell</summary>"
        f'<pre {NO_MATH} style="white-space:pre-wrap;word-break:normal">{escape(cell)}</pre></details>'
    )
    return {"text/html": html, "text/plain": clean(f"{table.text()}\n\n{cell}")}


def drafts_cell(found: Drafted) -> str:
    """The drafts as a cell that makes a data set of the rows that are left in it."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_row, found.data.cases)]
    table = [f"| {' | '.join(' '.join(part.split()).replace('|', chr(92) + '|') for part in row)} |" for row in rows]
    return "\n".join(["%%evaluate --table questions", *table])


def _row(case: Case) -> tuple[str, ...]:
    return case.id, case.input, "; ".join(case.acceptable), str(case.metadata.get("source", ""))
