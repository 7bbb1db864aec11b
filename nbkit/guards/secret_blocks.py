"""Private keys in armour: from the line that begins one to the line that ends it, or as far as it goes."""

from __future__ import annotations

import re
from typing import Final

BEGIN: Final = "-----BEGIN"
_NEWLINE: Final = r"(?:\\r|\\n|[ \t\r\n\"'`>#*+,;|])"
# Atomic groups, not possessive quantifiers: on groups those match wrongly before Python 3.11.5 (gh-106052).
_NEWLINES, _MAYBE = rf"(?>{_NEWLINE}{{1,40}})", rf"(?>{_NEWLINE}{{0,40}})"
_HEADER: Final = r"-----BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?-----"
_FIELD: Final = rf"(?:{_NEWLINES}[A-Za-z][A-Za-z\-]{{2,24}}: [^\n\\]{{0,120}}+(?=\n|\\n|\r))"
# A first line of a key is long; a word of prose behind the header is not.
_START: Final = re.compile(rf"{_HEADER}(?>{_FIELD}{{0,8}}){_NEWLINES}[A-Za-z0-9+/=]{{40}}", re.ASCII)
_BODY: Final = re.compile(rf"[A-Za-z0-9+/=]{{0,}}+(?>(?:{_NEWLINES}[A-Za-z0-9+/=]{{16,}}+)*)", re.ASCII)
_SHORT: Final = re.compile(rf"{_NEWLINES}[A-Za-z0-9+/=]{{1,15}}+", re.ASCII)
_END: Final = re.compile(rf"{_MAYBE}-----END [A-Z0-9 ]{{0,40}}?KEY(?: BLOCK)?-----", re.ASCII)
_UNDECIDED: Final = re.compile(
    r"-----BEGIN(?: [A-Z0-9 ]{0,60}+-{0,5}+)?"
    rf"|{_HEADER}(?>{_FIELD}{{0,8}})(?:{_NEWLINES}[A-Za-z][A-Za-z\-]{{2,24}}:(?: [^\n\\]{{0,120}}+)?"
    rf"|{_MAYBE}\\?[A-Za-z0-9+/=\-]{{0,40}}+)",
    re.ASCII,
)
_TAIL: Final = re.compile(
    rf"(?:{_NEWLINES}[A-Za-z0-9+/=]{{1,15}}+)?{_MAYBE}\\?"
    r"(?:-{1,5}(?:E(?:N(?:D(?: [A-Z0-9 ]{0,50}-{0,5})?)?)?)?)?",
    re.ASCII,
)
GROWS: Final = re.compile(r"[^A-Za-z0-9+/=\s]", re.ASCII)
"""What may end a key that has begun; without it the key goes on."""


def read_block(text: str, at: int, *, is_last: bool) -> tuple[int | None, bool]:
    """Where the private key that begins at `at` ends, None if it is none; and whether more text may change that.

    >>> read_block("-----BEGIN PRIVATE KEY----- is how it starts", 0, is_last=True)
    (None, False)
    """
    start = _START.match(text, at)
    if start is None:
        return None, not is_last and _UNDECIDED.fullmatch(text, at) is not None
    body = _BODY.match(text, start.end())
    assert body is not None
    end = body.end()
    short = _SHORT.match(text, end)
    closing = _END.match(text, short.end()) if short else None
    closing = closing or _END.match(text, end)
    if closing:
        return closing.end(), False
    if not is_last and (end == len(text) or _TAIL.fullmatch(text, end) is not None):
        return end, True
    # The last line of a key is shorter than the others, and the closing line may be missing.
    return (short.end() if short else end), False
