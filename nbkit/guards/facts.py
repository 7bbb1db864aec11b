"""Whether the source sentence that says most of what a sentence says contradicts it in a number, name or opposite.

A sentence is matched by its words, clause by clause, to the sentences of all sources; rare words count more. What it
states has to stand in a source sentence that shares about as many of its words as any other one: a 12 elsewhere is no
evidence for twelve years of warranty.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from nbkit.guards.contrary import Conflict, opposite, sides_of
from nbkit.guards.number_words import in_digits
from nbkit.guards.opposites import MONTHS, bounds_as_words, measures
from nbkit.guards.said import COUNTING, Said, said
from nbkit.guards.swapped import head_of_another, is_name_for_another, run_of
from nbkit.guards.tabled import Tables
from nbkit.guards.telling import told
from nbkit.guards.wording import tokens

_CLAUSE: Final = re.compile(r"[,;:()](?!\d)|\b(?:and|but|while|whereas|then)\b|\s[-\u2013\u2014]\s")
_MONTH_STEMS: Final = frozenset(one.stem for month in MONTHS for one in tokens(month))
_NEAR: Final = 0.75
"""A source sentence with this share of the best one's weight is as good a match."""
_FAR: Final = 0.45
_GOES_ON: Final = re.compile(r"\b(?:it|them|this|that|these)\b", re.IGNORECASE)
_UNKNOWN: Final = 0.4
_ALIKE: Final = 0.5
"""Share of a sentence's weight that the best match has to hold to contradict it."""
_MOST_PLACES: Final = 20
_STOPS: Final = ".!?;\n"
_MOST_HOLDERS: Final = 40
_LONGEST_TITLE: Final = 6
_BEFORE, _FURTHEST = 2, 12
"""Sentences that one may go on about, and how far its heading is."""


class Facts:
    """What sources say, to be held against sentences.

    >>> from nbkit.guards.said import read
    >>> facts = Facts(read("The warranty lasts eleven years.", 1) + read("The hotline has 12 seats.", 2))
    >>> facts.conflict("The warranty lasts twelve years.").note
    'twelve: passage 1 says 11'
    """

    def __init__(self, every: Sequence[Said], asked: Collection[str] = ()) -> None:
        self._said = every
        self._asked = asked
        self.tables = Tables(every)
        """Their rows."""
        self._text = "\n".join([" ".join(one.text.split()) for one in every]).lower()
        self._holders: dict[str, list[int]] = defaultdict(list)
        for at, one in enumerate(every):
            for stem in one.words:
                self._holders[stem].append(at)

    def conflict(self, sentence: str, *, named: str = "") -> Conflict | None:
        """What contradicts the sentence; None where nothing does. `named`: of a row, its cells behind their columns."""
        if _is_in(" ".join(sentence.strip(" \t\n.!*_-").lower().split()), self._text):
            return None
        sentence = bounds_as_words(in_digits(sentence))
        whole = said(sentence)
        for part in () if self.tables.has_numbers(whole) else _parts(sentence, whole):
            found = self._number(part, whole)
            if found is not None:
                return found
        note = self.tables.otherwise(said(bounds_as_words(in_digits(named))) if named else whole)
        return self._name(whole) or (Conflict("name", note) if note else None) or self._otherwise(whole)

    def _scores(self, stems: Iterable[str]) -> Counter[int]:
        scores: Counter[int] = Counter()
        for stem in stems:
            held = self._holders.get(stem, ())
            if len(held) <= _MOST_HOLDERS:
                weight = round(100 * self._weight(stem))
                for at in held:
                    scores[at] += weight
        return scores

    def _weight(self, stem: str) -> float:
        return math.log(1 + (1 + len(self._said)) / max(1, len(self._holders.get(stem, ()))))

    def _sum(self, stems: Iterable[str]) -> float:
        """The weight of all these words; one that no source has may be another word for what they say."""
        return 100 * sum(self._weight(stem) * (1 if stem in self._holders else _UNKNOWN) for stem in stems)

    def _number(self, part: Said, whole: Said) -> Conflict | None:
        for number in sorted(part.numbers):
            scores = self._scores(part.words - {number})
            best = max(scores.values(), default=0)
            if not best:
                continue
            holders = self._holders.get(number, ())
            held = max((scores[at] for at in holders), default=0)
            top = [self._said[at] for at, score in scores.items() if score == best]
            if number in self._asked and any(self._is_title(at, top[0].source) for at in holders):
                # Of what was asked, such as a year, a title says it for all that follows.
                continue
            others = sorted(top[0].numbers - whole.numbers)
            is_contradicted = held < _NEAR * best and bool(others) and not any(number in one.numbers for one in top)
            if holders and (is_contradicted or held < _FAR * best):
                return Conflict("number", _note(number, whole.text, top[0], others))
            if not holders and others:
                return Conflict("number", _note(number, whole.text, top[0], others))
            near = [self._said[at] for at in holders if scores[at] >= _NEAR * best]
            if near and all(_is_of_another(number, part, one) for one in near):
                return Conflict(
                    "number", f"{told(number, whole.text)}: passage {near[0].source} says it of something else"
                )
            units = {unit for n, unit in measures(part.text) if n == number}
            theirs = {unit for one in near for n, unit in measures(bounds_as_words(in_digits(one.text))) if n == number}
            if units and theirs and not units & theirs:
                return Conflict("number", f"{told(number, whole.text)}: passage {near[0].source} has another unit")
        return None

    def _name(self, whole: Said) -> Conflict | None:
        for name in sorted(whole.names):
            holders = self._holders.get(name, ())
            rest = whole.words - run_of(name, whole.tokens)
            scores = self._scores(rest)
            best = max(scores.values(), default=0)
            if not best or best < _ALIKE * self._sum(rest):
                continue
            top = [at for at, score in scores.items() if score >= _NEAR * best]
            if any(name in self._said[at].words for at in top):
                continue
            if name in self._asked and any(self._is_title(one, self._said[top[0]].source) for one in holders):
                continue
            at = max(top, key=lambda one: scores[one])
            if not holders and not is_name_for_another(name, whole, self._said[at]):
                continue
            if any(self._said[one].cells and self._said[one].source == self._said[at].source for one in holders):
                continue
            # A sentence without a name of its own may go on about the one before it, and one that follows about it.
            after = self._said[at + 1] if at + 1 < len(self._said) else None
            goes_on = after is not None and len(after.tokens) <= _LONGEST_TITLE and _GOES_ON.search(after.text)
            if self._said[at].names - whole.names and not (goes_on and after and name in after.names):
                return Conflict("name", f"a name: passage {self._said[at].source} names another")
        return None

    def _otherwise(self, whole: Said) -> Conflict | None:
        if len(whole.words) < 2 or whole.words <= whole.names:  # noqa: PLR2004 - a name alone states nothing
            return None
        # What a row denies is denied in one of its sentences.
        scores = Counter({at: one for at, one in self._scores(whole.words).items() if not self._said[at].has_prose})
        best = max(scores.values(), default=0)
        if not best or best < _ALIKE * self._sum(whole.words):
            return None
        near = [at for at, score in scores.most_common(8) if score >= 0.9 * best]
        found = [opposite(whole, self._said[at]) or self._of_another(whole, at) for at in near]
        return found[0] if all(found) else None

    def _of_another(self, whole: Said, at: int) -> Conflict | None:
        """Whether the sentence says of something else what this one says, which only other sentences speak of."""
        source = self._said[at]
        # A name may come back as "the device"; a tenant does not come back as a landlord.
        before = set().union(*(one.words if _is_heading(one) else one.names for one in self._before(at)))
        said = head_of_another(whole, source, before)
        is_known = all(stem in self._holders for stem in said)
        # What no source names may be another word for it; of a figure that is too much to believe.
        if not said or not (is_known or source.numbers & whole.numbers):
            return None
        return Conflict("name", f"passage {source.source} says it of something else")

    def _is_title(self, at: int, source: int) -> bool:
        one = self._said[at]
        return one.source == source and len(one.tokens) <= _LONGEST_TITLE and one.text.rstrip()[-1] not in _STOPS

    def _before(self, at: int) -> list[Said]:
        """What a sentence may go on about: what stands before it, and its heading."""
        own = [one for one in self._said[max(0, at - _FURTHEST) : at] if one.source == self._said[at].source]
        heading = [one for one in own if _is_heading(one)]
        return own[-_BEFORE:] + heading[-1:]


def _is_heading(one: Said) -> bool:
    return one.text.lstrip().startswith("#")


def _parts(sentence: str, whole: Said) -> list[Said]:
    """The clauses of a sentence that have words enough to be matched alone; else the sentence."""
    if len(whole.numbers) < 2:  # noqa: PLR2004 - one number belongs to the whole
        return [whole]
    rest = [one for one in whole.tokens if one.kind not in COUNTING]
    found = [one for text in _CLAUSE.split(sentence) if (one := said(text)).numbers]
    return [one if len(one.words - one.numbers) >= 2 else said(one.text, 0, rest) for one in found]  # noqa: PLR2004


def _is_in(sentence: str, text: str) -> bool:
    """Whether it stands there as a whole sentence, word for word."""
    at = text.find(sentence) if sentence else -1
    for _ in range(_MOST_PLACES):
        if at < 0:
            return False
        before, after = text[max(0, at - 3) : at], text[at + len(sentence) : at + len(sentence) + 1]
        if (not before.strip() or "\n" in before or before.rstrip()[-1] in _STOPS) and after in _STOPS:
            return True
        at = text.find(sentence, at + 1)
    return False


def _is_of_another(number: str, part: Said, source: Said) -> bool:
    """Whether the source sentence says the number of something else than this clause does."""
    if len(source.numbers) < 2 or source.cells:  # noqa: PLR2004
        return False
    texts = _CLAUSE.split(source.text)
    clauses = [{one.stem for one in tokens(text)} for text in texts]
    ours = sides_of(part.text)
    theirs = [sides_of(text) for text, one in zip(texts, clauses, strict=True) if number in one]
    if theirs and all(any(two.get(g, sides).isdisjoint(sides) for g, sides in ours.items()) for two in theirs):
        return True
    own: set[str] = set().union(*(one for one in clauses if number in one))
    others = [one for one in clauses if number not in one and one & source.numbers]
    words = part.words - part.numbers - _MONTH_STEMS
    # "Of which you have 45" says nothing of what.
    return (
        bool(own - source.numbers)
        and not words & own - set().union(*others)
        and any(words & one - own for one in others)
    )


def _note(number: str, text: str, source: Said, others: Sequence[str]) -> str:
    said = next((one for one in re.findall(r"[^\W\d_]+", text) if [t.stem for t in tokens(one)] == [number]), number)
    if not others:
        return f"{told(said, text)}: not what passage {source.source} says it of"
    return f"{told(said, text)}: passage {source.source} says {told(others[0], source.text)}"
