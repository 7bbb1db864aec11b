"""Which lines of a Markdown text may be code, or say where a link goes, in some renderer."""

from __future__ import annotations

import re
from typing import Final

_LINE_CHARS: Final = 1200
_QUOTE: Final = re.compile(r"(?:[ \t]{0,3}>[ ]?)+")
_QUOTED_CODE: Final = re.compile(r">[ ]{5}")
_MARKER: Final = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])([ \t]+|\Z)")
_FENCE: Final = re.compile(r"(`{3,}|~{3,})")
_DEFINITION: Final = re.compile(r"[ \t]*(?:(?:[-+*>]|[0-9]{1,9}[.)])[ \t]*)*\[(?!\^)(?:[^\]\\]|\\.)*\]:")
_HTML: Final = re.compile(r"<[A-Za-z/!?]")
_LONG_HTML: Final = re.compile(r"<(?:[!?]|(?:pre|script|style|textarea)\b)", re.IGNORECASE)
"""What begins HTML that a blank line does not end."""
_CODE_INDENT: Final = 4


class CodeLines:
    """What the lines read so far make: fenced blocks, indented code, link definitions.

    >>> lines = CodeLines()
    >>> lines.read("    x = ")
    >>> lines.is_code()
    True
    """

    def __init__(self) -> None:
        self.is_blank = True
        """Whether the line that ended last was blank."""
        self._line = ""
        self._columns: list[int] = []
        self._fence = ""
        self._fence_indent = 0
        self._fence_quotes = 0
        self._is_lost = False
        self._is_definition = False
        self._is_html = False
        self._has_bracket = False
        """Whether a line of this paragraph begins with a bracket, as a definition of several lines does."""

    @property
    def is_fenced(self) -> bool:
        """Whether a fenced block is open."""
        return bool(self._fence)

    def read(self, text: str) -> None:
        """Goes on by a stretch of the line."""
        if len(self._line) < _LINE_CHARS:
            self._line += text[: _LINE_CHARS - len(self._line)]

    def is_table(self) -> bool:
        """Whether the line looks like a row of a table."""
        return self._line.lstrip(" \t>").startswith("|")

    def is_code(self) -> bool:
        """Whether what comes next in this line is code, or a link's definition."""
        if self._fence or self._is_lost or self._is_definition or self._is_indented():
            return True
        _, _, content = self._split()
        if self._has_bracket and "]:" in self._line:
            return True
        return content.startswith("~~~") or _DEFINITION.match(self._line) is not None

    def begins_fence(self, length: int) -> bool:
        """Whether the line so far is the beginning of one and a run of so many backticks."""
        if length < 3 or self._fence:  # noqa: PLR2004 - the shortest fence
            return False
        indent, base, content = self._split()
        return indent - base < _CODE_INDENT and content.startswith("`" * length) and "`" not in content[length:]

    def end(self, *, has_open_ticks: bool) -> None:
        """Ends the line."""
        indent, base, content = self._split()
        quotes = self._quotes()
        self._is_definition = not self._fence and re.search(r"\]:[ \t]*\Z", self._line) is not None
        if self._fence:
            self._end_fence(quotes)
        elif content.strip() or quotes:
            # What is in a quotation does not go on a list before it.
            self._columns = [] if quotes else self._open_items()
            fence = _FENCE.match(content)
            is_whole = fence is not None and (
                fence[1][0] == "~" or (has_open_ticks and "`" not in content[fence.end() :])
            )
            self._is_html = self._is_html or _HTML.match(content) is not None
            # Whether a fence is one inside of HTML, and where that ends, renderers disagree.
            self._is_lost = self._is_lost or _LONG_HTML.match(content) is not None or (is_whole and self._is_html)
            if fence and is_whole and indent - base < _CODE_INDENT:
                self._fence, self._fence_quotes = fence[1], quotes
                self._fence_indent = indent
        self.is_blank = not self._unquoted().strip()
        self._is_html = self._is_html and not self.is_blank
        self._has_bracket = not self.is_blank and (self._has_bracket or content.startswith("["))
        self._line = ""

    def _end_fence(self, quotes: int) -> None:
        rest = self._unquoted()
        run = rest.strip(" \r")
        indent = len(rest) - len(rest.lstrip(" "))
        if not run:
            return
        if (self._columns and indent < self._columns[-1] <= self._fence_indent) or quotes < self._fence_quotes:
            # The block around it has ended, and the fence with it for some renderers: from here on nothing is sure.
            self._is_lost = True
        is_closing = run.startswith(self._fence) and not run.strip(self._fence[0]) and quotes == self._fence_quotes
        if is_closing and indent < self._fence_indent + _CODE_INDENT:
            self._fence = ""

    def _quotes(self) -> int:
        quote = _QUOTE.match(self._line)
        return quote.group().count(">") if quote else 0

    def _is_indented(self) -> bool:
        rest = self._unquoted()
        indent = len(rest) - len(rest.lstrip(" "))
        columns = [column for column in self._columns if column <= indent]
        # Also in the middle of what looks like a paragraph: it may be a heading, or a table, that has ended.
        if indent - (columns[-1] if columns else 0) >= _CODE_INDENT:
            return True
        while (marker := _MARKER.match(rest, indent)) is not None and marker[1]:
            if len(marker[1]) > _CODE_INDENT:
                return True
            indent = marker.end()
        return _QUOTED_CODE.match(rest, indent) is not None

    def _unquoted(self) -> str:
        line = self._line.expandtabs(4)
        quote = _QUOTE.match(line)
        return line[quote.end() :] if quote else line

    def _split(self) -> tuple[int, int, str]:
        """Column of the line's content, column of the content of the list item it is in, and the content."""
        rest = self._unquoted()
        at = len(rest) - len(rest.lstrip(" "))
        columns = [column for column in self._columns if column <= at]
        base = columns[-1] if columns else 0
        while (marker := _MARKER.match(rest, at)) is not None and marker[1]:
            at = base = marker.end()
        return at, base, rest[at:]

    def _open_items(self) -> list[int]:
        rest = self._unquoted()
        at = len(rest) - len(rest.lstrip(" "))
        columns = [column for column in self._columns if column <= at]
        while (marker := _MARKER.match(rest, at)) is not None and len(marker.group()) < len(rest) - at:
            at = marker.end()
            # Five spaces and more are one, and code behind it.
            columns.append(at if len(marker[1]) <= _CODE_INDENT else at - len(marker[1]) + 1)
        return columns
