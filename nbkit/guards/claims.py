"""Where an answer claims something: its sentences, but for code, headings, tables and what says it does not know."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MARKS: Final = re.compile(
    r"\s{0,3}[\[【(](?:(?:source|passage|document|doc|ref)s?[\s:]{0,3})?"
    r"(?:\?|\d{1,3}(?:\s?(?:[,;\u2013-]|and|&)\s?\d{1,3}){0,20})(?:\](?!\()|[】)])",
    re.IGNORECASE,
)
"""What stands for a citation, also `(2)`, which may be a figure."""
ITEM: Final = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
"""What begins a list's item."""

_SURE_MARKS: Final = re.compile(r"[ \t]?[\[【](?:\?|\d{1,3}(?:\s?[,;\u2013-]\s?\d{1,3}){0,20})[\]】](?!\()")
_ADDRESS: Final = re.compile(r"(?<=\])\([^)\s]{0,300}\)|https?://[^\s)>\]]{1,2000}(?<![.,;:!?])")
_END: Final = re.compile(
    r"(?<![.!?])[.!?]++[\"'”\u2019)*_]*(?:[ \t]*[\[【][^\]】\n]{0,40}[\]】])*(?=\s)|[\u3002\uff01\uff1f]|\n"
)
_LITERAL: Final = re.compile(r"[ \t]{0,40}(?:#{1,6}\s|\||>|```|~~~|---|\*\*\*)")
_FENCES: Final = ("```", "~~~")
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|fig|mr|ms|mrs|dr|st|jr)|(?:^|(?<!\d)\s)[^\W\d])\.$", re.IGNORECASE
)
_LONGEST_ABBREVIATION: Final = 10
_LONGEST_ITEM: Final = 12
_SOURCE: Final = r"(?:sources?|passages?|documents?|context|texts?|excerpts?|articles?|information|materials?|pages?)"
_GIVES: Final = (
    r"(?:say|said|state|mention|specif|contain|provide|include|give|address|describe|discuss|cover|indicate|tell)"
)
_UNKNOWN: Final = re.compile(
    rf"\b{_SOURCE}\b.{{0,40}}(?:\b(?:not|no|nothing|never|without)\b|n['\u2019]t\b).{{0,40}}\b{_GIVES}"
    rf"|(?:\bnot|n['\u2019]t|\bnowhere) (?:\w+ )?{_GIVES}\w*.{{0,20}}\b{_SOURCE}\b"
    r"|\bno (?:\w+ )?(?:information|mention|details?|evidence|answer)\b"
    r"|\b(?:can ?not|could not|do not|unable to|not able to|can['\u2019]t|couldn['\u2019]t|don['\u2019]t) "
    r"(?:\w+ )?(?:know|find|determine|answer|say|tell)\b"
    r"|\bnot (?:known|clear) (?:from|in)\b|\bnot enough\b.{0,20}\binformation\b",
    re.IGNORECASE,
)


_LONGEST_UNKNOWN: Final = 400
_LONGEST_SENTENCE: Final = 4000
_MOST_SENTENCES: Final = 3000
"""Blank lines and lines of code included; an answer that no token limit stopped is not worth more time."""
_MARKS_AFTER: Final = re.compile(r"(?:[ \t]*[\[【][^\]】\n]{0,40}[\]】])*[ \t]*")
_LONGEST_MARK: Final = 42


class Place(NamedTuple):
    """One sentence of an answer, white space and the mark of a list's item left out."""

    start: int
    end: int
    text: str
    """The sentence without citation marks and addresses."""


def claims(answer: str) -> list[Place]:
    r"""The sentences of an answer that may claim something; of an answer of thousands of sentences, the first 3,000.

    >>> [place.text for place in claims("# Fans\n- It needs 30 W [1]. The sources do not say why.\n")]
    ['It needs 30 W.']
    """
    found, reader, at = [], Sentences(), 0
    for _ in range(_MOST_SENTENCES):
        if at >= len(answer):
            break
        end = reader.end(answer, at, is_last=True) or len(answer)
        sentence = answer[at:end]
        if reader.is_prose(sentence):
            item = ITEM.match(sentence)
            body = sentence[item.end() if item else 0 :]
            start = end - len(body.lstrip())
            plain = _ADDRESS.sub("", _SURE_MARKS.sub("", body.strip()[:_LONGEST_SENTENCE]))
            if not is_unknown(plain):
                found.append(Place(start, at + len(sentence.rstrip()), plain))
        at = end
    return found


def is_unknown(sentence: str) -> bool:
    """Whether a sentence says that the sources do not say.

    >>> is_unknown("The passages do not mention a price."), is_unknown("It does not mention the fan's price.")
    (True, False)
    """
    return _UNKNOWN.search(sentence, 0, _LONGEST_UNKNOWN) is not None


class Sentences:
    """Cuts an answer into sentences, also while it arrives; code and headings are cut line by line."""

    def __init__(self) -> None:
        self._fence = ""

    def end(self, text: str, at: int, *, is_last: bool) -> int | None:
        """Where the sentence ends that starts at `at`; None while it has not."""
        if self._fence or _LITERAL.match(text, at):
            newline = text.find("\n", at)
            return None if newline < 0 else newline + 1
        for found in _END.finditer(text, at):
            if found.group() == "\n" or not _is_inside(text, at, found):
                is_certain = is_last or found.group() == "\n" or _is_decided(text, found.end())
                return found.end() if is_certain else None
        return None

    def is_prose(self, sentence: str) -> bool:
        """Whether it may claim something; to be asked of each sentence once, in order."""
        stripped = sentence.strip()
        if stripped.startswith(_FENCES):
            self._fence = "" if self._fence else stripped[:3]
            return False
        return not self._fence and bool(stripped) and _LITERAL.match(sentence) is None


def _is_decided(text: str, end: int) -> bool:
    """Whether nothing that may still come can turn out to be a citation of the sentence that ends here."""
    if text[end : end + 1] == "\n":
        return True
    match = _MARKS_AFTER.match(text, end)
    rest = text[match.end() if match else end :]
    if not rest:
        return False
    return rest[0] not in "[【" or "\n" in rest or len(rest) > _LONGEST_MARK


def _is_inside(text: str, at: int, found: re.Match[str]) -> bool:
    """Whether what looks like an end is none: an abbreviation, an initial, or the number of a list's item."""
    end = found.start() + 1
    if _ABBREVIATION.search(text[max(at, end - _LONGEST_ABBREVIATION) : end]):
        return True
    return bool(ITEM.fullmatch(text[at:end].strip()[:_LONGEST_ITEM] + " "))
