"""How a line of Markdown begins: what decides whether it is code, in every renderer."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final, Literal

_SPACE: Final = re.compile(r"[^\S\n]*")
_MARKER: Final = re.compile(r"([0-9]{1,9})[.)](?=[ \t\n]|\Z)")
_MARKER_PART: Final = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)]?)\Z")
_MARKER_CHARS: Final = 10
_SIGNS: Final = ">-+*0123456789`~[:"
"""A line that begins with none of these, nor with white space, is text."""
_AFTER_MARKER: Final = ("", " ", "\t", "\n")
_RUN: Final = re.compile(r"`+|~+")
_INFO: Final = re.compile(r"(?!.*(?://|www\.))[\w+#.\-={},:;\"'/@ ]*", re.IGNORECASE)
HOLD: Final = -1
MAX_CHARS: Final = 500
"""Longest beginning that is read; no honest line has a longer one."""
_CODE_CHARS: Final = 2000
"""Longest code span that is looked through; a longer one is not trusted."""
_TICKS: Final = re.compile(r"`+")
_SHORT_CHARS: Final = 40
"""Longest line whose beginning is remembered."""
_MOST_BLANK: Final = 4
"""Of a line with more spaces than that, and nothing else, a renderer may make the last ones code."""
_BLANK: Final = re.compile(rf"(?>(?: {{0,{_MOST_BLANK}}}+\n)+)")


@dataclass(slots=True)
class Start:
    """The beginning of one line."""

    kind: Literal["blank", "text", "fence"] = "text"
    at: int = 0
    """Where the content begins, from where the line does; for a blank line and a fence, where the line ends."""
    column: int = 0
    """Column of the content, tabs counted to the next multiple of four."""
    indent: int = 0
    """Column of the first character that is not white space."""
    is_odd: bool = False
    """Whether renderers may disagree on it: unusual white space, tabs, or far too long."""
    is_quote: bool = False
    is_item: bool = False
    is_solid: bool = False
    """Whether the item has one marker and its content on the same line."""
    is_interrupting: bool = False
    """Whether the item may begin in the middle of a paragraph."""
    marker: str = ""
    """What ends the list marker."""
    is_bracket: bool = False
    """Whether the content begins with `[`, as link definitions and footnotes do."""
    is_definition: bool = False
    fence: str = ""
    """The run of backticks or tildes."""
    info: str = ""


def begins_plain(char: str) -> bool:
    """Whether a line that begins so, and not with nothing, is text whatever follows.

    >>> begins_plain("a"), begins_plain("-"), begins_plain("")
    (True, False, False)
    """
    return bool(char) and char not in _SIGNS and not char.isspace()


def blank_lines(text: str, at: int) -> int:
    r"""Where the last begins of the blank lines that begin at `at`: it says all that the others do.

    >>> blank_lines("\n  \n\na", 0), blank_lines("a", 0)
    (4, 0)
    """
    blank = _BLANK.match(text, at)
    return at if blank is None else text.rfind("\n", at, blank.end() - 1) + 1 or at


def read_start(text: str, at: int, *, is_last: bool) -> Start | None:
    r"""The beginning of the line at `at`, None when more text is needed to tell.

    >>> read_start("- ```py\n", 0, is_last=True).fence
    '```'
    """
    if begins_plain(text[at : at + 1]):
        return Start()
    end = text.find("\n", at, at + _SHORT_CHARS)
    if end >= 0:
        # A whole line says all by itself, and many are alike.
        return _whole_start(text[at : end + 1])
    start = _read_line(text, at, is_last=is_last)
    if start is not None:
        start.at -= at
    return start


@functools.lru_cache(maxsize=512)
def _whole_start(line: str) -> Start | None:
    return _read_line(line, 0, is_last=True)


def _read_line(text: str, at: int, *, is_last: bool) -> Start | None:
    start = Start()
    here = at
    while True:
        char, begin = text[here : here + 1], here
        if char.isspace() and char != "\n":
            space = _SPACE.match(text, here)
            assert space is not None
            begin = space.end()
        if begin - at > MAX_CHARS:
            return Start(at=begin, is_odd=True)
        if begin == len(text) and not is_last:
            return None
        if begin > here:
            _count_space(start, text[here:begin], is_first=here == at)
        step = _read_container(start, text, begin, is_last=is_last)
        if step is None:
            return None
        if step == begin:
            return _read_content(start, text, begin, is_last=is_last)
        start.column += step - begin
        here = step


def _count_space(start: Start, space: str, *, is_first: bool) -> None:
    if space.strip(" "):
        start.is_odd = True
        for char in space:
            start.column += 4 - start.column % 4 if char == "\t" else 1
    else:
        start.column += len(space)
    if start.is_item and len(space) > 4:  # noqa: PLR2004 - more makes an item of indented code
        start.is_solid = False
    if is_first:
        start.indent = start.column


def _read_container(start: Start, text: str, at: int, *, is_last: bool) -> int | None:
    """Past a `>` or a list marker; `at` when there is none, None when more text is needed."""
    char = text[at : at + 1]
    if char == ">":
        start.is_quote = True
        return at + 1
    if not char or char not in "-+*0123456789" or (char in "-+*" and text[at + 1 : at + 2] not in _AFTER_MARKER):
        return at
    # No marker has more than nine digits and a dot.
    if not is_last and len(text) - at <= _MARKER_CHARS and _MARKER_PART.match(text, at):
        return None
    end, first = at + 1, ""
    if char not in "-+*":
        marker = _MARKER.match(text, at)
        if marker is None:
            return at
        end, first = marker.end(), marker[1]
    start.is_solid = not start.is_item
    # A bullet, or a list that begins with 1, begins even inside a paragraph; others only go on, or follow a blank line.
    start.is_interrupting = first in ("", "1")
    start.marker = text[end - 1]
    start.is_item = True
    return end


def _read_content(start: Start, text: str, at: int, *, is_last: bool) -> Start | None:
    start.at = at
    char = text[at : at + 1]
    if char in ("", "\n"):
        # Renderers disagree on whether a line of unusual white space is blank, or one that could be indented code.
        start.kind = "text" if start.is_odd or start.column > _MOST_BLANK else "blank"
        start.is_solid = False
    elif char in "`~":
        return _read_fence(start, text, at, is_last=is_last)
    start.is_bracket = char == "["
    start.is_definition = char == ":"
    return start


def _read_fence(start: Start, text: str, at: int, *, is_last: bool) -> Start | None:
    run = _RUN.match(text, at)
    assert run is not None
    if run.end() == len(text) and not is_last:
        return None
    if len(run.group()) < 3:  # noqa: PLR2004 - the shortest fence
        return start
    end = text.find("\n", at, at + MAX_CHARS)
    if end < 0:
        if len(text) - at >= MAX_CHARS:
            start.is_odd = True
            return start
        # Some renderers see no fence in a last line without its end.
        return start if is_last else None
    info = text[run.end() : end]
    if "`" in info and run.group()[0] == "`":
        return start
    # A line with a pipe may be the head of a table, whatever it begins with; one that could hold a link must not be
    # shown before it is sure that it opens a fence.
    start.is_odd = start.is_odd or _INFO.fullmatch(info) is None
    start.kind, start.at, start.fence, start.info = "fence", end, run.group(), info
    return start


def span_end(text: str, at: int, *, run: str, is_last: bool) -> int:
    """Where the run is that closes the code span; 0 when none does on this line, -1 when more text is needed.

    >>> span_end("`a` b", 1, run="`", is_last=True)
    2
    """
    newline = text.find("\n", at, at + _CODE_CHARS)
    limit = newline if newline >= 0 else min(len(text), at + _CODE_CHARS)
    for other in _TICKS.finditer(text, at):
        if other.start() >= limit:
            break
        if other.end() == len(text) and not is_last:
            return HOLD
        if other.group() == run:
            return other.start()
    is_decided = newline >= 0 or is_last or len(text) - at >= _CODE_CHARS
    return 0 if is_decided else HOLD
