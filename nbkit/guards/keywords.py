"""Where any of many words stands in a text, found in one pass."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

_HEAD_CHARS: Final = 3
_MOST_KNOWN: Final = 1024
_ByHead: TypeAlias = Mapping[str, Sequence[tuple[int, str]]]
"""Numbers and words by their first three characters; those of two by both."""


class Keywords:
    """Words to look for, each as it is written or in any case; those in any case are given in lower case.

    No word is shorter than two characters.

    >>> words = Keywords([("sk-", True), ("k-", True), ("token", False)])
    >>> words.find("sk-, Token, SK-")
    [(0, 0), (1, 1), (2, 5)]
    """

    def __init__(self, words: Sequence[tuple[str, bool]]) -> None:
        self.words = tuple(words)
        """Each with whether it is looked for as it is written; their numbers are their places here."""
        self._exact = _by_head((number, word) for number, (word, is_exact) in enumerate(words) if is_exact)
        self._folded = _by_head((number, word) for number, (word, is_exact) in enumerate(words) if not is_exact)
        self.longest_chars = max((len(word) for word, _ in words), default=0)
        """Length of the longest word."""

    def find(self, text: str, start: int = 0, *, exact_from: int | None = None) -> list[tuple[int, int]]:
        """The numbers of words and their places, in this order; overlaps included. Exact ones from `exact_from`."""
        exact, folded = self._patterns
        places: list[tuple[int, int]] = []
        if exact.search(text, at := start if exact_from is None else exact_from) is not None:
            places += _places(text, exact, self._exact, start=at, longest_chars=self.longest_chars)
        if folded.search(hay := lowered(text), start) is not None:
            places += _places(hay, folded, self._folded, start=start, longest_chars=self.longest_chars)
        if len(places) > 1:
            places.sort()
        return places

    def open_chars(self, text: str) -> int:
        """How many characters at the end of a text may begin a word, all words in any case.

        >>> Keywords([("sk-", True), ("token", False)]).open_chars("a Tok")
        3
        """
        heads, tails = self._ends
        hay = lowered(text[-self.longest_chars :])
        most = 0
        for chars in range(1, len(hay) + 1):
            tail = hay[-chars:]
            if tail not in tails:
                break
            if tail in heads:
                most = chars
        return most

    def is_exact(self, number: int) -> bool:
        """Whether the word of this number is looked for as it is written.

        >>> Keywords([("token", False)]).is_exact(0)
        False
        """
        return self.words[number][1]

    @functools.cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        return _compiled(self._exact), _compiled(self._folded)

    @functools.cached_property
    def _ends(self) -> tuple[frozenset[str], frozenset[str]]:
        words = [
            word.lower() for by_head in (self._exact, self._folded) for group in by_head.values() for _, word in group
        ]
        heads = frozenset(word[:chars] for word in words for chars in range(1, len(word)))
        return heads, frozenset(head[start:] for head in heads for start in range(len(head)))


def lowered(text: str) -> str:
    """In lower case, each character in its place.

    >>> len(lowered("\u0130")), lowered("ABC")
    (1, 'abc')
    """
    return text.lower() if text.isascii() else text.replace("\u0130", "I").lower()


def _by_head(words: Iterable[tuple[int, str]]) -> _ByHead:
    by_head: dict[str, list[tuple[int, str]]] = {}
    for number, word in words:
        by_head.setdefault(word[:_HEAD_CHARS], []).append((number, word))
    return by_head


def _places(
    hay: str, pattern: re.Pattern[str], by_head: _ByHead, *, start: int, longest_chars: int
) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    known: dict[str, tuple[int, ...]] = {}
    for found in pattern.finditer(hay, start):
        at = found.start()
        ahead = hay[at : at + longest_chars]
        numbers = known.get(ahead)
        if numbers is None:
            numbers = _numbers(ahead, by_head)
            if len(known) < _MOST_KNOWN:
                # A text of one word, thousands of times, must not take longer than others.
                known[ahead] = numbers
        if len(numbers) == 1:
            places.append((numbers[0], at))
        else:
            places += [(number, at) for number in numbers]
    return places


def _numbers(ahead: str, by_head: _ByHead) -> tuple[int, ...]:
    """The words with which this begins."""
    heads = dict.fromkeys((ahead[:_HEAD_CHARS], ahead[: _HEAD_CHARS - 1]))
    return tuple(number for head in heads for number, word in by_head.get(head, ()) if ahead.startswith(word))


def _compiled(by_head: _ByHead) -> re.Pattern[str]:
    """Matches the first character of every word: so the next may begin within this one."""
    by_first: dict[str, set[str]] = {}
    for group in by_head.values():
        for _, word in group:
            by_first.setdefault(word[0], set()).add(word[1:])
    return re.compile(
        "|".join(f"{re.escape(first)}(?={_tree(rest)})" for first, rest in sorted(by_first.items())) or r"\b\B"
    )


def _tree(words: set[str]) -> str:
    """A pattern that matches where one of the words begins, with what they begin alike written once."""
    if "" in words:
        return ""
    by_first: dict[str, set[str]] = {}
    for word in words:
        by_first.setdefault(word[0], set()).add(word[1:])
    branches = [re.escape(first) + _tree(rest) for first, rest in sorted(by_first.items())]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
