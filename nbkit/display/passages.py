"""A passage shown whole: its lines as they stand, and its tables as tables, every character of it plain text."""

from __future__ import annotations

from collections.abc import Iterator

from nbkit.display.markdown import table_rows
from nbkit.escape import escape

_RESET = "border:none;background:transparent;"
# `pre` keeps the lines also where a page takes styles away; of its own, JupyterLab breaks them inside words.
_LINES = (
    "margin:0;padding:0;font:inherit;color:inherit;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;"
    "text-align:left;" + _RESET
)
_TABLE = "border-collapse:collapse;margin:2px 0;font:inherit;text-align:left;" + _RESET
_CELL = "padding:1px 10px 1px 0;vertical-align:top;text-align:left;white-space:normal;" + _RESET
_MOST_COLUMNS = 60


def shortened(text: str, *, most_chars: int) -> str:
    r"""The text with its lines, cut after one where that leaves half of it, with an ellipsis.

    >>> shortened("one\ntwo\nthree", most_chars=10)
    'one\ntwo\n…'
    """
    whole = text.strip("\n").rstrip()
    if len(whole) <= most_chars:
        return whole
    head = whole[: most_chars - 2]
    end = head.rfind("\n")
    return f"{head[:end]}\n…" if end >= most_chars // 2 else f"{head.rstrip()} …"


def passage_html(text: str) -> str:
    r"""The text as HTML: pipe tables drawn as tables, all else line by line; reads without styles.

    >>> passage_html("a <b>\nc").rpartition('">')[2]
    'a &lt;b&gt;\nc</pre>'
    """
    return "".join(
        f'<pre style="{_LINES}">{escape(lines)}</pre>' if rows is None else _table(rows) for lines, rows in _parts(text)
    )


def _parts(text: str) -> Iterator[tuple[str, list[list[str]] | None]]:
    """Stretches of whole lines, and the rows of those that are a table."""
    plain: list[str] = []
    piped: list[str] = []
    for row in (*text.split("\n"), None):
        if row is not None and row.lstrip().startswith("|"):
            piped.append(row)
            continue
        found = table_rows("\n".join(piped[:2])) and table_rows("\n".join(piped))
        if found and len(found[0]) <= _MOST_COLUMNS:
            if any(line.strip() for line in plain):
                yield "\n".join(plain).strip("\n"), None
            yield "\n".join(piped), found
            plain = []
        else:
            plain += piped
        piped = []
        if row is not None:
            plain.append(row)
    if any(line.strip() for line in plain):
        yield "\n".join(plain).strip("\n"), None


def _table(rows: list[list[str]]) -> str:
    heads, *body = rows
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(cell)}</th>' for cell in heads)
    below = "".join(
        f'<tr style="{_RESET}">' + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in body
    )
    return (
        f'<table style="{_TABLE}"><thead style="{_RESET}"><tr style="{_RESET}">{head}</tr></thead>'
        f"<tbody>{below}</tbody></table>"
    )
