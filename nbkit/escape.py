"""Text from outside, made safe to stand on a page.

Model names, notes, errors and answers are hostile input: a page shows their characters and obeys none of them.
"""

from __future__ import annotations

import html
import re

# C0 (but tab and newline), DEL and C1, bidirectional controls, line separators, lone surrogates, tag characters.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


NO_MATH = 'class="mathjax_ignore tex2jax_ignore"'
"""Attribute of an element in which nothing is mathematics: JupyterLab draws it in any HTML, with the links in it."""


def clean(text: str, *, most_chars: int | None = None) -> str:
    r"""The text without characters that act instead of showing; cut to `most_chars` with an ellipsis when given.

    >>> clean("a\x1b[31mb\r\nc")
    'a[31mb\nc'
    >>> clean("abcdef", most_chars=4)
    'abc…'
    """
    if most_chars is not None and len(text) > most_chars:
        text = text[: most_chars - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def line(text: str, *, most_chars: int = 300) -> str:
    r"""The text as one clean line.

    >>> line("two\n  lines")
    'two lines'
    """
    if text.isascii() and text.isalnum() and len(text) <= most_chars:
        return text
    return clean(" ".join(text[: most_chars * 4].split()), most_chars=most_chars)


def excerpt(text: str, *, most_chars: int) -> str:
    """The text on one line; cut after a word, where there is one in its second half, with an ellipsis.

    >>> excerpt("The fan needs  30 W of power.", most_chars=20)
    'The fan needs 30 …'
    """
    whole = " ".join(text.split())
    if len(whole) <= most_chars:
        return whole
    head = whole[: most_chars - 2]
    # Some scripts have no blanks between words.
    end = max(head.rfind(" "), len(head) // 2)
    kept = head[: end if head[end] == " " else len(head)]
    return f"{kept.rstrip(' …')} …"


def escape(text: str) -> str:
    """The clean text as HTML, for element content and for quoted attributes.

    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    # Most of a card is words and empty cells: a hundred of them.
    return text if text.isascii() and (text.isalnum() or not text) else html.escape(clean(text), quote=True)
