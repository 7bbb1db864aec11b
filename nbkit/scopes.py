r"""Which places of a Markdown text are prose: neither code, nor an address, a tag or an image; told while it arrives.

Problem: where code or a link ends is known late, and renderers disagree on it. Choice: what may be code, an address or
an image in some renderer is taken for it, from where it may begin to where it has ended for all of them, which is the
end of the paragraph at the latest (of a fenced block: its end). No look-ahead is needed, and what is kept is bounded.
The cost is prose that is not called prose, such as the words behind a backtick that nothing closes.
Rejected: the guards' view of code, which leans to the other side (code only where all renderers agree).
"""

from __future__ import annotations

import re
from typing import Final

from nbkit.codelines import CodeLines

_SPECIAL: Final = re.compile(r"[\n\\`<>\[\]()!\"'|]")
_SPACES: Final = " \t\n\r\f\v<>"
_ADDRESS: Final = re.compile(
    r"//|\\\\|www\.|\b(?:mailto|tel|sms|data|file|javascript|vbscript|blob|cid|xmpp|geo|magnet|urn):"
    r"|[\w-]\.[^\W\d_]{2,24}(?::[0-9]{1,5})?[/?#]",
    re.IGNORECASE,
)
"""What makes an address of all that follows up to white space."""
_ADDRESS_END: Final = re.compile(r"[/\\.:?#]")
_TAIL_CHARS: Final = 40


class Scopes:
    """What the text read so far is in the middle of.

    >>> scopes = Scopes()
    >>> scopes.read("see `x")
    >>> scopes.is_prose("y")
    False
    >>> scopes.read("` and ")
    >>> scopes.is_prose("y")
    True
    """

    def __init__(self) -> None:
        self._lines = CodeLines()
        self._previous = ""
        self._is_escape = False
        self._run: list[int] = []
        """Length of the run of backticks that is being read, if one is."""
        self._ticks = 0
        """Length of the run that opened a code span."""
        self._is_doubtful = False
        self._image = 0
        self._target = 0
        self._is_angled = False
        self._is_tag = False
        self._quote = ""
        self._tail = ""
        self._is_address = False

    def read(self, text: str) -> None:
        """Goes on by `text`."""
        at = 0
        for special in _SPECIAL.finditer(text):
            if special.start() > at:
                self._read_plain(text[at : special.start()])
            self._read_special(special.group())
            at = special.end()
        if at < len(text):
            self._read_plain(text[at:])

    def is_prose(self, following: str) -> bool:
        """Whether what comes next, of which `following` is the first character, is prose."""
        self._end_run()
        before = self._previous
        if self._ticks or self._is_doubtful or self._image or self._target or self._is_tag or self._is_address:
            return False
        if (before == "<" and (following.isalpha() or following in "/!?")) or (
            before in ("!", "image]") and following == "["
        ):
            return False
        return not self._lines.is_code()

    def _read_plain(self, text: str) -> None:
        self._end_run()
        if self._previous == "<" and not self._ticks and (text[0].isalpha() or text[0] in "/?"):
            self._is_tag = True
        if self._target == 1 and self._previous == "(" and not text.isspace():
            self._previous = ""
        self._lines.read(text)
        self._read_address(text)
        if not (self._target and self._previous == "(" and text.isspace()):
            self._previous = text[-1]
        self._is_escape = False

    def _read_address(self, text: str) -> None:
        last = max(map(text.rfind, _SPACES))
        if last >= 0:
            self._tail, self._is_address = "", False
            text = text[last + 1 :]
        if not self._is_address:
            whole = self._tail + text
            if _ADDRESS_END.search(text):
                self._is_address = _ADDRESS.search(whole) is not None
            self._tail = whole[-_TAIL_CHARS:]

    def _read_special(self, char: str) -> None:
        if char == "`" and not self._is_escape:
            self._run = [self._run[0] + 1 if self._run else 1]
            self._lines.read(char)
            return
        self._end_run()
        if char == "\n":
            self._end_line()
            return
        if self._is_escape:
            # Renderers disagree on which backticks pair behind an escaped one.
            self._is_doubtful = self._is_doubtful or char == "`"
            self._is_escape = False
            self._keep(char, previous="")
            return
        had_image = self._image > 0
        if self._ticks:
            self._is_doubtful = self._is_doubtful or (char == "|" and self._lines.is_table())
        elif char == "\\":
            self._is_escape = True
        elif self._is_tag:
            self._read_in_tag(char)
        elif self._target:
            self._read_in_target(char)
        else:
            self._read_in_text(char)
        is_image_end = had_image and not self._image
        self._keep(char, previous="image]" if is_image_end else char)

    def _keep(self, char: str, *, previous: str) -> None:
        self._previous = previous
        self._lines.read(char)
        if char in "<>\\":
            self._read_address(char)
        else:
            self._tail = (self._tail + char)[-_TAIL_CHARS:]

    def _read_in_tag(self, char: str) -> None:
        if self._quote:
            self._quote = "" if char == self._quote else self._quote
        elif char in "\"'" and self._previous == "=":
            self._quote = char
        elif char == ">":
            self._is_tag = False

    def _read_in_target(self, char: str) -> None:
        if self._is_angled:
            self._is_angled = char != ">"
        elif char == "<" and self._previous == "(":
            self._is_angled = True
        elif char == "(":
            self._target += 1
        elif char == ")":
            self._target -= 1

    def _read_in_text(self, char: str) -> None:
        if char == "!" and self._previous == "<":
            self._is_tag = True
        elif char == "(" and self._previous in ("]", "image]"):
            self._target = 1
        elif char == "[" and (self._image or self._previous in ("!", "image]")):
            self._image += 1
        elif char == "]" and self._image:
            self._image -= 1

    def _end_run(self) -> None:
        """Says what the run of backticks that was just read means."""
        if not self._run:
            return
        length = self._run[0]
        self._run = []
        self._previous = "`"
        if self._lines.is_fenced:
            return
        if self._lines.begins_fence(length):
            self._ticks, self._is_doubtful = length, False
        elif not self._ticks:
            self._ticks = length
        elif self._ticks == length:
            self._ticks = 0

    def _end_line(self) -> None:
        was_fenced = self._lines.is_fenced
        self._lines.end(has_open_ticks=self._ticks > 0)
        if self._lines.is_blank or was_fenced or self._lines.is_fenced:
            self._ticks = self._image = self._target = 0
            self._is_tag = self._is_angled = self._is_doubtful = False
            self._quote = ""
        # A span that goes on into the next line ends with this one where that line begins a block.
        self._is_doubtful = self._is_doubtful or self._ticks > 0
        self._previous, self._tail = "", ""
        self._is_escape = self._is_address = False
