"""Which stretches of a Markdown text are code in every renderer: the state that decides it, line by line.

Once two renderers may disagree (a fence whose list item ended before it did, a closing fence of mixed characters,
dollars on both sides of a code block), nothing that follows is taken for code.
"""

from __future__ import annotations

import re
from typing import Final

from nbkit.guards.lines import Start

_MARK: Final = re.compile(r"[$\\]")
_TEX: Final = re.compile(r"\\(?:begin|end)\{|\\\\[()\[\]]")
LIVE_TEX: Final = re.compile(
    r"(?:href|url|includegraphics|html\w*|cssId|style|class|csname|require|data|mmlToken|bbox)\Z"
)
"""Commands of mathematics that reach out of it."""
_LIVE_IN_CELL: Final = re.compile(r"\]\s*[(:\[]|<[^|]*>|:|www\.", re.IGNORECASE)
_EMPHASIS: Final = re.compile(r"[*_~]")
_TOP_INDENT: Final = 3
"""Deeper than this is indented code, or belongs to a list item."""


class Blocks:
    """What has been read so far, as far as it decides what is code."""

    def __init__(self) -> None:
        self.brackets: list[bool] = []
        """Open brackets of this paragraph, and whether each began an image."""
        self.is_plain = True
        """Whether this paragraph has, but for emphasis and simple code spans, nothing that begins and ends."""
        self.has_definition = False
        """Whether a line of this paragraph began with a bracket, as a link definition does."""
        self._is_trusting = True
        self._has_spans = True
        self._has_piped = False
        self._is_after_blank = False
        self._was_code = False
        self._in_list = False
        self._in_definition = False
        self._items: list[tuple[int, int, str]] = []
        self._fence = ""
        self._fence_indent = 0
        self._fence_is_nested = False
        # Marks of mathematics since the last blank line, in text and in code, and what is open across blank lines.
        self._emphasis: set[str] = set()
        self._text_marks: set[str] = set()
        self._code_marks: set[str] = set()
        self._earlier_marks: set[str] = set()
        self._is_display = False
        self._is_inline = False
        self._tex_depth = 0

    @property
    def has_spans(self) -> bool:
        """Whether backticks are believed here."""
        return self._is_trusting and self._has_spans

    @property
    def has_marks(self) -> bool:
        """Whether mathematics may reach to here: some renderers put it back into attributes as it was written."""
        return bool(self._text_marks or self._code_marks or self._earlier_marks or self._is_display or self._tex_depth)

    @property
    def reads_entities(self) -> bool:
        """Whether `&lt;` will be drawn as `<` here."""
        return self._is_trusting and not (self._is_display or self._is_inline or self._tex_depth)

    def distrust(self) -> None:
        """From here on nothing is taken for code."""
        self._is_trusting = False
        self._fence = ""

    def leave_spans(self) -> None:
        """Until the next blank line no backticks are believed: one is open, or may be."""
        self._has_spans = False

    def begin(self, start: Start) -> str:
        """How the line is to be read: `start` (nothing more in it), `text`, `line` (code) or `fence`."""
        is_after_blank, self._is_after_blank = self._is_after_blank, False
        was_code, self._was_code = self._was_code, False
        self._has_piped = False
        if start.kind == "blank" and not (start.is_quote or start.is_item):
            self._end_run()
            self._is_after_blank = True
            self._was_code = was_code
            # The newline is left to the text step, which comes back here for the next line.
            return "text"
        can_be_code = (is_after_blank or was_code) and not self._in_list and not start.is_quote and not start.is_item
        self._enter(start, is_after_blank=is_after_blank)
        in_tex = self._is_display or self._tex_depth > 0
        is_code = can_be_code and self._is_trusting and not in_tex and not start.is_odd and start.indent > _TOP_INDENT
        if not (is_code and was_code):
            # Code that ended may have begun mathematics that ends in the next.
            self._earlier_marks |= self._code_marks
        if is_code:
            self._was_code = True
            return "line"
        if is_after_blank and start.indent < 2 and not (start.is_item or start.is_odd):  # noqa: PLR2004
            # No item's content begins before; but a line of unusual white space may be a blank one within an item.
            self._in_list = False
        self._in_definition = self._in_definition and not (is_after_blank and start.indent == 0 and not start.is_odd)
        if start.kind == "fence" and self._is_trusting:
            # Mathematics may reach over the fence, and a definition end before it does: then it was none.
            if not in_tex and not self._in_definition and self._opens(start, is_after_blank=is_after_blank):
                return "fence"
            self.distrust()
        self._note(start)
        return "text"

    def begin_plain(self) -> str:
        """How a line is to be read that begins at the margin with no mark, as `begin` would say: `text`."""
        is_after_blank, self._is_after_blank = self._is_after_blank, False
        self._was_code = self._has_piped = False
        self._items.clear()
        self._earlier_marks |= self._code_marks
        if is_after_blank:
            self._in_list = self._in_definition = False
        return "text"

    def _enter(self, start: Start, *, is_after_blank: bool) -> None:
        """Keeps the list items that are open for sure: those in which every line since has been."""
        if not (self._items or start.is_item):
            return
        items = self._items
        left = []
        while items and items[-1][1] > start.indent:  # each begins further in than the one before
            left.append(items.pop())
        if not start.is_item:
            return
        outer = items[-1][1] if items else 0
        if (
            start.is_solid
            and not start.is_odd
            and not start.is_quote
            and start.indent - outer <= _TOP_INDENT
            and (
                start.is_interrupting
                or is_after_blank
                or any((indent, marker) == (start.indent, start.marker) for indent, _, marker in left)
            )
        ):
            self._items.append((start.indent, start.column, start.marker))
        else:
            self._items.clear()

    def _note(self, start: Start) -> None:
        if start.is_item:
            self._in_list = True
        if start.is_bracket:
            self.has_definition = True
        # Footnotes and definition lists have indented content, too.
        self._in_list = self._in_list or start.is_bracket or start.is_definition
        self._in_definition = self._in_definition or start.is_definition

    def _opens(self, start: Start, *, is_after_blank: bool) -> bool:
        """Whether every renderer begins a code block with this fence, and agrees where it may end."""
        if start.is_odd or start.is_quote:
            return False
        column = start.column
        item = self._items[-1][1] if self._items else None
        if start.is_item or (column > _TOP_INDENT and not is_after_blank):
            is_sure = item is not None and column - item <= _TOP_INDENT
        else:
            is_sure = column <= _TOP_INDENT or self._in_list
        if not is_sure:
            return False
        self._in_list = self._in_list or start.is_item
        self._fence = start.fence
        self._fence_indent = column
        self._fence_is_nested = column > 1 and self._in_list
        self._end_paragraph()
        return True

    def continue_fence(self, space: str, run: str, *, is_whole: bool) -> str:
        """How a line inside the fence is to be read, from its white space and the run of fence characters behind it.

        `fence`: as code; `text`: it closed the fence; `start`: it may have, so that it is read again as text.
        """
        if not self._fence:
            return "start"
        # Other white space is text to most renderers, and text in front of the item's content ends the item.
        plain = space[: len(space) - len(space.lstrip(" \t"))]
        if is_whole and not run and plain == space:
            self._end_run()
            return "fence"
        indent = len(plain.expandtabs(4))
        if self._fence_is_nested and indent < self._fence_indent:
            self.distrust()
            return "start"
        if not (is_whole and run.startswith(self._fence)):
            return "fence"
        is_plain = not space.strip(" ") and not run.rstrip(" \t").strip(self._fence[0])
        is_placed = indent == self._fence_indent if self._fence_is_nested else indent <= _TOP_INDENT
        if not (is_plain and is_placed):
            self.distrust()
            return "start"
        self._fence = ""
        return "text"

    def read_code(self, text: str, at: int, end: int) -> int | None:
        """Notes what code holds; gives the place from which it may not be code, None when all of it is."""
        for mark in _MARK.finditer(text, at, end):
            if (
                mark.group() in self._text_marks
                or mark.group() in self._earlier_marks
                or self._is_display
                or self._tex_depth
            ):
                self.distrust()
                return mark.start()
            self._code_marks.add(mark.group())
        return None

    def is_span(self, code: str) -> bool:
        """Whether the code of a code span is code in every renderer."""
        has_tex = _TEX.search(code) is not None
        has_dollar = "$" in code
        if (has_dollar and "$" in self._text_marks) or (has_tex and "\\" in self._text_marks | self._code_marks):
            return False
        if (self._is_display or self._tex_depth) and (has_tex or has_dollar):
            return False
        if self.brackets and "]" in code:
            return False
        # Some renderers look for emphasis first, and see only simple code spans then; for struck text, none.
        crossing = self._emphasis if not self.is_plain or "`" in code or "\\" in code else self._emphasis & {"~"}
        if any(mark in code for mark in crossing):
            return False
        # A table splits its cells before it looks for code, and pairs the backticks of each cell anew.
        self._has_piped = self._has_piped or "|" in code
        # Mathematics that begins in a code span may end behind it, and take its end along.
        if (self._has_piped or has_tex) and _LIVE_IN_CELL.search(code):
            return False
        if has_tex:
            self._code_marks.add("\\")
        return True

    def read_marks(self, text: str, at: int, end: int) -> None:
        """Notes marks of emphasis in text."""
        if _EMPHASIS.search(text, at, end) is not None:
            self._emphasis.update(_EMPHASIS.findall(text, at, end))

    def read_run(self, length: int) -> None:
        """Notes a run of backticks in text."""
        self.is_plain = self.is_plain and length == 1

    def read_dollars(self, length: int, *, is_escaped: bool) -> None:
        """Notes a run of dollars in text."""
        self._note_mark("$")
        if length > 2 or (length > 1 and is_escaped):  # noqa: PLR2004 - what `$$$` opens or closes is anyone's guess
            self.distrust()
        elif length > 1:
            self._is_display = not self._is_display
        else:
            self._is_inline = not self._is_inline

    def read_tex(self, slashes: str, name: str, following: str) -> None:
        """Notes backslashes in text, the command behind them, and the character behind that."""
        self._note_mark("\\")
        if len(slashes) % 2 == 0:
            opens, closes = not name and following in tuple("(["), not name and following in tuple(")]")
        else:
            opens, closes = name == "begin", name == "end"
        self._tex_depth = max(0, self._tex_depth + opens - closes)

    def _note_mark(self, mark: str) -> None:
        if mark in self._code_marks:
            self.distrust()
        self._text_marks.add(mark)

    def _end_paragraph(self) -> None:
        self.brackets.clear()
        self._emphasis.clear()
        self.is_plain = True
        self.has_definition = False
        self._has_spans = True
        self._is_inline = False

    def _end_run(self) -> None:
        self._end_paragraph()
        self._text_marks.clear()
        self._code_marks.clear()
        self._earlier_marks.clear()
