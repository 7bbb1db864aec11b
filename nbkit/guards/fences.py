"""What stands behind the marks of a code fence: a name that renderers look up, and may act on."""

from __future__ import annotations

import re
from typing import Final, Literal

from nbkit.guards.lines import MAX_CHARS

# JupyterLab writes the words into an attribute as they are, and mathematics into them after that: no quotes, dollars
# or backslashes. Nothing that is broken elsewhere may stand there either, or a second look would see other words.
_PLAIN: Final = re.compile(r"""(?!.*(?://|www\.))[^"'$\\{}<>&\[\]\n]*""", re.IGNORECASE)
FENCE_CHARS: Final = 3
"""Marks of the shortest fence."""
_NAME: Final = re.compile(r"[\w+#.\-]*")
DRAWN: Final = re.compile(r"[^\S\n]*mermaid", re.IGNORECASE)
"""A name whose block is not shown but run: a diagram may name pictures and styles, which are fetched."""
SHOWN: Final = "text "
"""Stands before such a name: the block is then shown."""


def inert_info(info: str) -> str:
    """The words behind a fence with nothing that a renderer acts on; the same when there is nothing.

    >>> inert_info("python"), inert_info('python title="a"'), inert_info("mermaid")
    ('python', 'python', 'text mermaid')
    """
    kept = info if _PLAIN.fullmatch(info) else info[: _first_word(info)]
    return SHOWN + kept.lstrip() if DRAWN.match(kept) else kept


def read_info(text: str, at: int, *, run: str, is_last: bool) -> Literal["plain", "drawn", "odd"] | None:
    """What the rest of the line would be if it stood behind the marks `run`; None when more text is needed.

    >>> read_info('x" onfocus="', 0, run="~~~", is_last=True)
    'odd'
    """
    if len(run) < FENCE_CHARS:
        return "plain"
    at += len(SHOWN) * text.startswith(SHOWN, at)
    end = text.find("\n", at, at + MAX_CHARS)
    is_long = end < 0 and len(text) - at >= MAX_CHARS
    if end < 0 and not is_long and not is_last:
        return None
    info = text[at : at + MAX_CHARS if is_long else end if end >= 0 else len(text)]
    if run[0] == "`" and "`" in info:
        return "plain"
    if is_long or not _PLAIN.fullmatch(info):
        return "odd"
    return "drawn" if DRAWN.match(info) else "plain"


def _first_word(info: str) -> int:
    start = len(info) - len(info.lstrip())
    word = _NAME.match(info, start)
    assert word is not None
    return word.end()
