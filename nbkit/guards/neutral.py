r"""Markdown in which nothing can be clicked or fetched but what is allowed, made while the text arrives.

Problem: renderers disagree on what is code, so a parser of ours that takes a stretch for code hides a live link in
another. Choice: every link, image, tag and definition is broken where it is written, by a change of one or two
characters that no renderer undoes, except in code that is code in all of them; where they may disagree, that stretch,
or all that follows, is treated as text. The cost is an altered character in odd code, never a hole.
Rejected: parsing and printing (needs the whole answer, and believes one renderer); HTML sanitising (each front end
does it, and keeps links and images).

`](` becomes `] (`, `]:` of a definition `] :`, `://` `[:]//`, `www.` `www[.]`, `<` of a tag `&lt;` (`< ` in mathematics
and in code that was not trusted), `\href` `\\href`; a fence's `mermaid` `text mermaid`, what else acts behind it goes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

from nbkit.guards.blocks import LIVE_TEX, Blocks
from nbkit.guards.controls import CONTROL, without_controls
from nbkit.guards.fences import DRAWN, FENCE_CHARS, SHOWN, inert_info, read_info
from nbkit.guards.findings import Findings
from nbkit.guards.hosts import Hosts
from nbkit.guards.lines import HOLD, MAX_CHARS, begins_plain, blank_lines, read_start, span_end

_QUICK: Final = re.compile(rf"[\n`<\[\]\\$:wW*_~{CONTROL}]")
_SPECIAL: Final = re.compile(r"[\n`<\[\]\\$]|:(?=//|/?\Z)|[wW](?=[wW][wW]\.|[wW]{0,2}\Z)|~(?=~~|~?\Z)")
_MARKS: Final = re.compile(r"`+|~+|\$+")
_COMMAND: Final = re.compile(r"(\\+)([A-Za-z]{0,40})")
_FENCE_LINE: Final = re.compile(r"([^\S\n]*)((?:[`~]|[^\S\n])*)")


class Neutraliser:
    """One text on its way, in pieces; what `feed` and `finish` give, joined, does not depend on the pieces."""

    def __init__(self, hosts: Hosts) -> None:
        self.findings = Findings()
        """By their places in the text as it came."""
        self._hosts = hosts
        self._blocks = Blocks()
        self._buffer = self._before = ""
        self._mode = "start"
        self._done_chars = 0
        self._removed: list[int] = []
        self._out: list[str] = []
        self._steps = {
            "start": self._step_start,
            "text": self._step_text,
            "line": self._step_line,
            "fence": self._step_line,
            "fence start": self._step_fence_start,
        }
        self._specials = {
            "\n": self._on_newline,
            "`": self._on_ticks,
            "~": self._on_ticks,
            "<": self._on_tag,
            "[": self._on_open,
            "]": self._on_close,
            "\\": self._on_backslash,
            "$": self._on_dollar,
            ":": self._on_colon,
            "w": self._on_www,
            "W": self._on_www,
        }

    def feed(self, text: str) -> str:
        """What is decided of the text so far."""
        if not self._buffer and self._mode == "text" and _QUICK.search(text) is None:
            self._done_chars += len(text)
            self._before = (self._before + text)[-8:]
            return text
        return self._run(text, is_last=False)

    def finish(self) -> str:
        """The rest."""
        return self._run("", is_last=True)

    def _run(self, text: str, *, is_last: bool) -> str:
        self._buffer = buffer = self._buffer + self._strip(text)
        at = 0
        while at < len(buffer):
            if (step := self._steps[self._mode](at, is_last)) == HOLD:
                break
            at = step
        self._before = (self._before + buffer[:at])[-8:]
        self._done_chars += at
        self._buffer = buffer[at:]
        shown, self._out = "".join(self._out), []
        return shown

    def _strip(self, text: str) -> str:
        kept, places = without_controls(text)
        start = self._done_chars + len(self._buffer)
        self.findings.add_controls(places, start + len(self._removed))
        self._removed += [start + at - index for index, at in enumerate(places)]
        return kept

    def _emit(self, at: int, end: int) -> int:
        self._out.append(self._buffer[at:end])
        return end

    def _break(self, kind: str, at: int, end: int, text: str) -> int:
        start, stop = self._done_chars + at, self._done_chars + end
        if removed := self._removed:
            start, stop = start + bisect_right(removed, start), stop + bisect_right(removed, stop - 1)
        self.findings.add(kind, start, stop)
        self._out.append(text)
        return end

    def _run_end(self, at: int) -> int:
        run = _MARKS.match(self._buffer, at) if self._buffer[at + 1 : at + 2] == self._buffer[at] else None
        return at + 1 if run is None else run.end()

    def _previous(self, at: int) -> str:
        return self._buffer[at - 1] if at else self._before[-1:]

    def _step_start(self, at: int, is_last: bool) -> int:  # noqa: FBT001 - the steps are called alike
        if self._buffer[at] in " \n" and (last := blank_lines(self._buffer, at)) > at:
            return self._emit(at, last)
        start = read_start(self._buffer, at, is_last=is_last)
        if start is None:
            return HOLD
        self._mode, end = self._blocks.begin(start), at + start.at
        if start.kind == "fence" and self._mode == "fence":
            # `{image}` and `mermaid` make a renderer fetch what the block names.
            shown = inert_info(start.info) if start.info else ""
            if shown == start.info:
                return self._emit(at, end)
            info = self._emit(at, end - len(start.info))
            return self._break("directive", info, end, shown)
        if start.kind == "fence":
            # Not trusted as a fence: its run of backticks and all behind it is read as text.
            space = _FENCE_LINE.match(self._buffer, at)
            assert space is not None
            end = space.end(1)
        return self._emit(at, end) if end > at else at

    def _step_fence_start(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        line = _FENCE_LINE.match(self._buffer, at)
        assert line is not None
        end = line.end()
        if end - at > MAX_CHARS:
            self._blocks.distrust()
        elif end == len(self._buffer) and not is_last:
            return HOLD
        is_whole = self._buffer[end : end + 1] in ("", "\n")
        self._mode = self._blocks.continue_fence(line[1], line[2], is_whole=is_whole)
        return at if self._mode == "start" else self._emit(at, end)

    def _step_line(self, at: int, is_last: bool) -> int:  # noqa: ARG002, FBT001
        end = self._buffer.find("\n", at)
        stop = len(self._buffer) if end < 0 else end
        mark = self._blocks.read_code(self._buffer, at, stop)
        if mark is not None:
            # Mathematics that began outside may end here, and with it the code: what follows is read as text.
            self._mode = "text"
            return self._emit(at, mark)
        if end < 0:
            return self._emit(at, stop)
        self._mode = "fence start" if self._mode == "fence" else "start"
        return self._emit(at, end + 1)

    def _step_text(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        buffer, specials, out, first = self._buffer, self._specials, self._out, at
        while (special := _SPECIAL.search(buffer, at)) is not None:
            here = special.start()
            if here > at:
                plain = buffer[at:here]
                if "*" in plain or "_" in plain or "~" in plain:
                    self._blocks.read_marks(buffer, at, here)
                out.append(plain)
            at = specials[special[0]](here, is_last)
            if at == HOLD or self._mode != "text":
                return here if at == HOLD and here > first else at
        self._blocks.read_marks(buffer, at, len(buffer))
        return self._emit(at, len(buffer))

    def _on_newline(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        self._out.append("\n")
        first = self._buffer[at + 1 : at + 2]
        self._mode = self._blocks.begin_plain() if begins_plain(first) else "start"
        begun = self._step_start(at + 1, is_last) if first and self._mode == "start" else HOLD
        return at + 1 if begun == HOLD else begun

    def _on_ticks(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        end = self._run_end(at)
        if end == len(self._buffer) and not is_last:
            return HOLD
        run = self._buffer[at:end]
        if run[0] == "~":
            self._blocks.read_marks(self._buffer, at, end)
            return self._on_marks(at, end, is_last=is_last)
        if self._previous(at) in ("\\", "~"):
            self._blocks.leave_spans()
        has_spans = self._blocks.has_spans
        if not has_spans and end - at < FENCE_CHARS:
            return self._emit(at, end)
        if has_spans:
            close = span_end(self._buffer, end, run=run, is_last=is_last)
            if close == HOLD:
                return HOLD
            self._blocks.read_run(len(run))
            if close and self._blocks.is_span(self._buffer[end:close]):
                return self._emit(at, close + len(run))
        return self._on_marks(at, end, is_last=is_last)

    def _on_marks(self, at: int, end: int, *, is_last: bool) -> int:
        """A run of marks in text, where some renderer may begin a code block with them."""
        run = self._buffer[at:end]
        is_short = end - at < FENCE_CHARS
        info = "plain" if is_short else read_info(self._buffer, end, run=run, is_last=is_last)
        if info is None:
            return HOLD
        if run[0] == "`":
            self._blocks.leave_spans()
        if info == "odd":
            return self._break("directive", at, end, run[:2])
        self._emit(at, end)
        name = DRAWN.match(self._buffer, end) if info == "drawn" else None
        return end if name is None else self._break("directive", end, name.end(), SHOWN + name.group().lstrip())

    def _on_tag(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        following = self._buffer[at + 1 : at + 2]
        if not following and not is_last:
            return HOLD
        if following and (following.isalpha() or following in "/!?"):
            return self._break("HTML tag", at, at + 1, "&lt;" if self._blocks.reads_entities else "< ")
        self._blocks.is_plain = False
        return self._emit(at, at + 1)

    def _on_open(self, at: int, is_last: bool) -> int:  # noqa: ARG002, FBT001
        blocks = self._blocks
        blocks.brackets.append(self._previous(at) == "!")
        blocks.is_plain = False
        self._out.append("[")
        return at + 1

    def _on_close(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        following = self._buffer[at + 1 : at + 2]
        if not following and not is_last:
            return HOLD
        brackets = self._blocks.brackets
        is_definition = following == ":" and self._blocks.has_definition
        if following != "(" and not is_definition:
            # A reference is followed only to a host that is allowed.
            is_odd = following == "[" and brackets[-1:] == [True] and self._blocks.has_marks and self._hosts.is_any
            del brackets[-1:]
            return self._break("image", at, at + 1, "] ") if is_odd else self._emit(at, at + 1)
        end = self._hosts.target_end(self._buffer, at + 2, is_definition=is_definition, is_last=is_last)
        if end == HOLD:
            return HOLD
        is_image = bool(brackets and brackets.pop())
        if end and not (is_image and (self._blocks.has_marks or self._buffer[at + 2 : at + 3] == "#")):
            return self._emit(at, at + 2 if is_definition else end)
        return self._break("image" if is_image else "link", at, at + 1, "] ")

    def _on_colon(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        if not self._buffer.startswith("://", at):
            return HOLD if len(self._buffer) - at < 3 and not is_last else self._emit(at, at + 1)  # noqa: PLR2004
        previous = self._previous(at)
        if not (previous.isascii() and (previous.isalnum() or previous in tuple("+.-"))):
            return self._emit(at, at + 1)
        scheme = self._before + self._buffer[max(0, at - 8) : at]
        end = self._hosts.address_end(self._buffer, at + 3, scheme=scheme, is_last=is_last)
        if end == HOLD:
            return HOLD
        return self._emit(at, end) if end else self._break("address", at, at + 3, "[:]//")

    def _on_www(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        rest = self._buffer[at : at + 5]
        if len(rest) < 5 and not is_last:  # noqa: PLR2004 - `www.` and one more
            return HOLD
        if rest[:4].lower() != "www." or not (rest[4:].isalnum() or rest[4:] in ("-", "_")):
            return self._emit(at, at + 1)
        end = self._hosts.address_end(self._buffer, at, scheme="http", is_last=is_last)
        if end == HOLD:
            return HOLD
        return self._emit(at, end) if end else self._break("address", at, at + 4, rest[:3] + "[.]")

    def _on_dollar(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        end = self._run_end(at)
        if end == len(self._buffer) and not is_last:
            return HOLD
        self._blocks.read_dollars(end - at, is_escaped=self._previous(at) == "\\")
        return self._emit(at, end)

    def _on_backslash(self, at: int, is_last: bool) -> int:  # noqa: FBT001
        command = _COMMAND.match(self._buffer, at)
        assert command is not None
        end = command.end()
        if end == len(self._buffer) and not is_last:
            return HOLD
        slashes, name = command[1], command[2]
        self._blocks.read_tex(slashes, name, self._buffer[end : end + 1])
        if name and len(slashes) % 2 and LIVE_TEX.match(name):
            return self._break("TeX link", at, end, "\\" + command.group())
        return self._emit(at, command.end(1))
