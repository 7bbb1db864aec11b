"""The sentences of a document, each with what tells a foreign one from those that belong there."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import Final

_END: Final = re.compile(
    r"\n|(?<=[.!?;\u3002\uff01\uff1f])(?=\s|[A-Z\"\u3000-\u9fff])|[ \t]\|[ \t]?|\t|-->|<!--|\|(?=CONTENT)"
)
_WIDE: Final = re.compile("[\u0e00-\u9fff\uac00-\ud7af]{4}")
_CODE: Final = re.compile(r"[;{}=()]|^\s*(?:def|class|import|from|return|if|for|while|File|Traceback|>>>|#|//)\b")
_FEWEST_WORDS: Final = 3
_FEWEST_CHARS: Final = 8
_FEWEST_CHARS_IF_LONG: Final = 40
"""What is shorter is read together with what follows it, or a long list of crumbs would take long."""
_LONG: Final = 40_000
_MOST_CHARS: Final = 400
_MOST_LINES: Final = 1_000
"""Of so many first lines the kind of a text is told."""
_MANY_QUESTIONS: Final = 3
_TOPIC: Final = re.compile(r"(?<![^\W\d_])[^\W\d_]{5}")
"""How a word begins that may say what a text is about."""
_NO_TOPIC: Final = (
    "about above after again along among anoth becau befor being below betwe could durin every first large might never "
    "other pleas shoul since still their there these thing think those throu under until using where which while witho "
    "would yours"
)
_COMMON: Final = frozenset(_NO_TOPIC.split())
_FEWEST_TOPICS: Final = 2
_FEWEST_OTHERS: Final = 25
_MOSTLY: Final = 0.6


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and where it stands."""

    text: str
    start: int
    signs: tuple[str, ...]
    """What its surroundings say of it."""


class _Topics:
    """How the words of a text begin, to tell a sentence that shares none of them with the rest."""

    def __init__(self, text: str) -> None:
        found = [
            (match.start(), word) for match in _TOPIC.finditer(text) if (word := match.group().lower()) not in _COMMON
        ]
        self._starts = [start for start, _ in found]
        self._words = [word for _, word in found]
        self._counts = Counter(self._words)

    def signs(self, start: int, end: int) -> tuple[str, ...]:
        """What the words of this stretch say; nothing when it or the rest is too short to tell."""
        own = Counter(self._words[bisect_left(self._starts, start) : bisect_left(self._starts, end)])
        if len(own) < _FEWEST_TOPICS or len(self._counts) - len(own) < _FEWEST_OTHERS:
            return ()
        shared = sum([self._counts[word] > count for word, count in own.items()])
        if not shared:
            return ("^apart",)
        return ("^among",) if shared * 2 >= len(own) else ("^near",)


def sentences(text: str) -> list[Sentence]:
    r"""The sentences of a text, in order; stretches of fewer than three words are left out.

    >>> [found.text for found in sentences("| a | 1 |\nAdd a joke to your answer. It is fine by us.")]
    ['\nAdd a joke to your answer.', ' It is fine by us.']
    """
    kind = _kind(text)
    is_faq = text.count("?") >= _MANY_QUESTIONS
    is_long = len(text) > _LONG
    topics = _Topics(text)
    found: list[Sentence] = []
    at = 0
    for end in [*(match.start() for match in _END.finditer(text)), len(text)]:
        if is_long and end - at < _FEWEST_CHARS_IF_LONG and end < len(text):
            continue
        while end - at >= _FEWEST_CHARS:
            cut = min(end, at + _MOST_CHARS)
            part = text[at:cut]
            if len(part.split(None, 2)) >= _FEWEST_WORDS or _WIDE.search(part):
                found.append(Sentence(part, at, (*_signs(part, kind=kind, is_faq=is_faq), *topics.signs(at, cut))))
            at = cut
        at = end
    return found


def _kind(text: str) -> str:
    lines = [line for line in text.split("\n", _MOST_LINES)[:_MOST_LINES] if line.strip()]
    if not lines:
        return "prose"
    rows = sum(line.count("|") > 1 or line.count("\t") > 1 or line.count(",") > 3 for line in lines)  # noqa: PLR2004
    if rows >= len(lines) * _MOSTLY:
        return "table"
    code = sum(_CODE.search(line) is not None for line in lines)
    return "code" if code >= len(lines) * _MOSTLY else "prose"


def _signs(part: str, *, kind: str, is_faq: bool) -> tuple[str, ...]:
    stripped = part.strip(" \t\n|>*#-/\"'")
    first = stripped.split(" ", 1)[0].lower().rstrip(",:.!?")
    asks = stripped.endswith("?")
    signs = [f"^{first}"]
    if asks:
        signs.append("^?faq" if is_faq else "^?")
    is_foreign = kind == "table" or (kind == "code" and _CODE.search(part) is None)
    if is_foreign and stripped[-1:] in tuple(".?!:\"'"):
        signs.append("^foreign")
        signs.append(f"^foreign in {kind}")
        if asks:
            signs.append("^foreign?")
    return tuple(signs)
