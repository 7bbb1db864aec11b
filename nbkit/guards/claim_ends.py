"""Where the sentences of an answer end, also while it arrives: nothing that comes later moves an end that was given.

A line that is only wrapped goes on, code is not looked into, and a full stop behind an abbreviation, an initial, a
date's day or before a small letter ends nothing. What cannot be told yet is waited for: a word, or the rest of a line.
"""

from __future__ import annotations

import re
from typing import Final

from nbkit.guards.wording import is_function_word, tokens

ITEM: Final = re.compile(r"\s*(?:>[ \t]?)*(?:#{1,6}[ \t]+)?(?:(?:[-*+]|\d{1,3}[.)])\s+)?")
"""What stands before a sentence: marks of a quotation, of a heading, of a list's item; it may be empty."""

_STEP: Final = re.compile(
    r"(?P<ticks>`+)"
    r"|(?<![.!?])(?P<stop>[.!?]++)[\"'”\u2019)*_]*(?P<marks>(?:[ \t]*[\[【][^\]】\n]{0,40}[\]】])*)(?=\s)"
    r"|[\u3002\uff01\uff1f]|(?P<line>\n)"
)
_LITERAL: Final = re.compile(
    r"[ \t]{0,40}(?:#{1,6}[ \t]|\||```|~~~|(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|={3,})(?:\n|\Z))"
)
_HEADING: Final = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+(.*)", re.DOTALL)
_CONTAINERS: Final = re.compile(r"[ \t]*((?:>[ \t]*)*)((?:[-*+]|\d{1,9}[.)])\s)?")
_FENCES: Final = ("```", "~~~")
_BLOCK: Final = re.compile(r"#{1,6}\s|\||```|~~~|[-*+]\s|---|===|1[.)]\s|(?P<quote>>)|(?P<item>\d{1,9}[.)]\s)")
_BLOCK_BEGUN: Final = re.compile(r"(?:#{1,6}|`{1,2}|~{1,2}|[-*+]|--|={1,2}|\d{1,9}[.)]?)\Z")
_ABBREVIATION: Final = re.compile(
    r"\b(?:e\.g|i\.e|z\. ?B|d\. ?h|u\. ?a|o\. ?ä|i\. ?d\. ?R|vs|approx|bzw|ca|vgl|evtl|ggf|inkl|exkl"
    r"|zzgl|sog|mind|cf|dipl|(?-i:Mr|Mrs|Ms|Dr|St|Prof|Hr|Fr|Ing|Gen|Sen|Rep))\.$",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(
    r"\b(?:no|nos|nr|fig|figs|abb|p|pp|(?-i:S)|art|abs|ch|chap|kap|sec|vol|bd|eq|tab|tel|par|ziff|jan|feb|mar|apr|jun|jul|aug"
    r"|sept?|oct|okt|nov|de[cz])\.$",
    re.IGNORECASE,
)
"""Abbreviations where a number follows."""
_AT_TIMES: Final = re.compile(
    r"(?:\b(?:inc|ltd|co|corp|bros|max|etc|usw|jr|sr)|\b(?:[^\W\d_]\.)+[^\W\d_]|(?:^|(?<!\d)[\s(])[^\W\d_])\.$",
    re.IGNORECASE,
)
"""What may also be the last of its sentence."""
_DAY: Final = re.compile(r"(?:^|[^\w.,])\d{1,2}\.$")
_MONTH: Final = re.compile(
    r"(?:jan|feb|mär|mar|apr|mai|may|jun|jul|aug|sep|okt|oct|nov|de[zc])[^\W\d_]{0,6}", re.IGNORECASE
)
_ORDINAL: Final = re.compile(
    r"\b(?:am|vom|zum|zur|bis|beim|im|der|die|das|den|dem|des|ab|seit)\s\d{1,2}\.$", re.IGNORECASE
)
_LOOK_BACK: Final = 16
_LONGEST_ITEM, _LOOK_FOR_ITEM = 12, 60
_LONGEST_MARKS: Final = 400
_LONGEST_WORD: Final = 16
_LONGEST_WRAPPED: Final = 4000
"""A longer sentence ends at the next line, whatever that is: it would be held back for too long."""
_MAY_END: Final = re.compile(r"[.!?`]")
_SOLID: Final = re.compile(r"\S")
_BLANKS: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[^\W\d_]{1,16}")
_MARKS_AFTER: Final = re.compile(r"(?:[ \t]*[\[【][^\]】\n]{0,40}[\]】])*[ \t]*")
_LONGEST_MARK: Final = 42
_SAYS: Final = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|can|must|costs?|ist|sind|war|waren|hat|haben|wird|kann|muss)\b"
    r"|[:=\u2013\u2014].*\d|[.!\u3002\uff01]\W*$",
    re.IGNORECASE,
)

_LONGEST_HEADING: Final = 300
_MOST_NAMING: Final = 2
"""Words of a heading with a number that may only name something, as in "Step 1"."""


class Sentences:
    r"""Cuts an answer into sentences, also while it arrives; code and headings are cut line by line.

    >>> Sentences().end("It opens on the 2nd\nof May. Then it rains.", 0, is_last=True)
    27
    """

    def __init__(self) -> None:
        self._fence = ""
        self._is_inside_line = False
        self._was_first = True
        self._looked = 0
        self._is_quote = False
        self._is_item = False

    def end(self, text: str, at: int, *, is_last: bool) -> int | None:
        """Where the sentence ends that starts at `at`; None while it has not."""
        if self._is_literal(text, at):
            self._looked = 0
            newline = text.find("\n", at)
            return None if newline < 0 else newline + 1
        place = at + self._looked
        self._looked = 0
        while (found := _STEP.search(text, place)) is not None:
            if found["ticks"]:
                past = past_code(text, found.start(), is_last=is_last)
                is_end: bool | None = None if past is None else False
                place = past or place
            else:
                is_end = self._is_end(text, at, found, is_last=is_last)
                # Behind the stop alone: whether a mark follows may not be known yet.
                place = found.end() if is_end or not found["stop"] else found.end("stop")
            if is_end is None:
                # What was looked at is no end, whatever comes.
                self._looked = found.start() - at
                return None
            if is_end:
                return place
        self._looked = _unsettled(text, place) - at
        return None

    def is_prose(self, sentence: str) -> bool:
        """Whether it may claim something; to be asked of each sentence once, in order."""
        stripped = sentence.strip()
        is_first, self._is_inside_line = not self._is_inside_line, bool(stripped) and not sentence.endswith("\n")
        self._was_first = is_first
        if not stripped:
            self._is_inside_line = not is_first and "\n" not in sentence
            return False
        if self._fence or (is_first and stripped.startswith(_FENCES)):
            is_mark = stripped.startswith(self._fence or _FENCES)
            self._fence = ("" if self._fence else stripped[:3]) if is_mark else self._fence
            return False
        if is_first:
            self._is_quote, self._is_item = _containers(sentence, 0)
            heading = _HEADING.match(sentence)
            if heading is not None:
                return _is_saying(ITEM.sub("", heading[1][:_LONGEST_HEADING], count=1).strip())
            return _LITERAL.match(sentence) is None
        return True

    @property
    def is_in_code(self) -> bool:
        """Whether what was asked of last is inside a fence, or closes none."""
        return bool(self._fence)

    def drop(self) -> None:
        """Says that the last sentence is not shown: what comes next begins the line where it would have."""
        self._is_inside_line = self._is_inside_line and not self._was_first

    def _is_literal(self, text: str, at: int) -> bool:
        return bool(self._fence) or (not self._is_inside_line and _LITERAL.match(text, at) is not None)

    def _is_end(self, text: str, at: int, found: re.Match[str], *, is_last: bool) -> bool | None:
        """Whether the sentence ends here; None while more has to be seen."""
        if found["line"]:
            if _SOLID.search(text, at, found.start()) is None or found.end() - at > _LONGEST_WRAPPED:
                return True
            return self._is_break(text, at, found.start(), is_last=is_last)
        if not found["stop"]:
            return True
        is_end = self._is_stop(text, at, found, is_last=is_last)
        return None if is_end and not is_last and not _is_decided(text, found.end()) else is_end

    def _is_break(self, text: str, at: int, newline: int, *, is_last: bool) -> bool | None:
        """Whether the line that begins behind it is no part of this one's paragraph."""
        start = _after_blanks(text, newline)
        if "\n" in text[newline + 1 : start]:
            return True
        if start == len(text):
            return True if is_last else None
        found = _BLOCK.match(text, start)
        if found is None:
            is_begun = not is_last and _BLOCK_BEGUN.match(text, start)
            is_hard = text[max(0, newline - 2) : newline] == "  " or text[newline - 1 : newline] == "\\"
            return None if is_begun else is_hard
        is_quote, is_item = (self._is_quote, self._is_item) if self._is_inside_line else _containers(text, at)
        return not is_quote if found["quote"] else is_item if found["item"] else True

    def _is_stop(self, text: str, at: int, found: re.Match[str], *, is_last: bool) -> bool | None:
        """Whether what looks like an end is one, and no abbreviation, initial, day, or number of a list's item."""
        end = found.start("stop") + 1
        if end - at < _LOOK_FOR_ITEM and ITEM.fullmatch(text[at:end].strip()[:_LONGEST_ITEM] + " "):
            return False
        before = text[max(at, end - _LOOK_BACK) : end]
        is_dot = found["stop"] == "."
        if is_dot and _ABBREVIATION.search(before):
            return False
        start = _after_blanks(text, found.end())
        newline = text.find("\n", found.end(), start)
        if newline >= 0:
            is_break = self._is_break(text, at, newline, is_last=is_last)
            if is_break is not False:
                return is_break
        if start == len(text):
            return True if is_last else None
        if not found["stop"].endswith(".") or found["marks"] or text[start] in "[【":
            return True
        following = text[start : start + _LONGEST_WORD]
        return _is_followed(before, following, is_dot=is_dot, is_whole=is_last or start + _LONGEST_WORD < len(text))


def past_code(text: str, at: int, *, is_last: bool) -> int | None:
    """Where the code ends that begins with the backticks at `at`: behind them where it is none, None while unknown.

    >>> past_code("`a. b` c", 0, is_last=True), past_code("`a", 0, is_last=True), past_code("`a", 0, is_last=False)
    (6, 1, None)
    """
    begun = re.compile("`+").match(text, at)
    past = begun.end() if begun else at
    newline = text.find("\n", past)
    line = len(text) if newline < 0 else newline
    if past == len(text) and not is_last:
        return None
    closed = re.compile(rf"(?<!`)`{{{past - at}}}(?!`)").search(text, past, line)
    if closed is not None and (closed.end() < len(text) or is_last):
        return closed.end()
    return None if newline < 0 and not is_last else past


def code_spans(text: str) -> list[tuple[int, int]]:
    """Where inline code stands.

    >>> code_spans("so `x[1]` is")
    [(3, 9)]
    """
    found: list[tuple[int, int]] = []
    at = text.find("`")
    while at >= 0:
        past = past_code(text, at, is_last=True) or len(text)
        if text[at:past].strip("`"):
            found.append((at, past))
        at = text.find("`", past)
    return found


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _unsettled(text: str, at: int) -> int:
    """The first place from `at` on where an end may turn out to be, in a text that has none yet."""
    found = _MAY_END.search(text, max(at, len(text) - _LONGEST_MARKS))
    return found.start() if found else len(text)


def _is_saying(heading: str) -> bool:
    """Whether a heading claims something, rather than naming what stands below it."""
    said = tokens(heading)
    is_counting = any(token.kind == "number" for token in said) and len(said) > _MOST_NAMING
    return not heading.endswith("?") and (is_counting or _SAYS.search(heading) is not None)


def _containers(text: str, at: int) -> tuple[bool, bool]:
    """Whether the line stands in a quotation, and whether in a list's item."""
    found = _CONTAINERS.match(text, at)
    return (False, False) if found is None else (bool(found[1]), bool(found[2]))


def _is_followed(before: str, following: str, *, is_dot: bool, is_whole: bool) -> bool | None:
    """Whether a sentence can end with `before` when `following` comes next."""
    first = following[0]
    if first.islower() or not is_dot:
        return not first.islower()
    if first.isdigit():
        return _NUMBERED.search(before) is None and _AT_TIMES.search(before) is None
    is_day, is_at_times = _DAY.search(before) is not None, _AT_TIMES.search(before) is not None
    word = _WORD.match(following)
    if _ORDINAL.search(before) or word is None or not (is_day or is_at_times):
        return _ORDINAL.search(before) is None
    if word.end() == len(following) and not is_whole:
        return None
    return is_function_word(word.group()) if is_at_times else _MONTH.fullmatch(word.group()) is None


def _is_decided(text: str, end: int) -> bool:
    """Whether nothing that may still come can turn out to be a citation of the sentence that ends here."""
    if text[end : end + 1] == "\n":
        return True
    match = _MARKS_AFTER.match(text, end)
    rest = text[match.end() if match else end :]
    if not rest:
        return False
    return rest[0] not in "[【" or "\n" in rest or len(rest) > _LONGEST_MARK
