"""Whether the source sentence that says most of what a sentence says contradicts it in a number, name or opposite.

A sentence is matched by its words, clause by clause, to the sentences of all sources; rare words count more. What it
states has to stand in a source sentence that shares about as many of its words as any other one: a 12 elsewhere is no
evidence for twelve years of warranty.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from nbkit.guards.number_words import in_digits
from nbkit.guards.opposites import GROUP, MONTHS, bounds_as_words, measures
from nbkit.guards.said import COUNTING, Said, said
from nbkit.guards.tabled import Tables
from nbkit.guards.telling import told
from nbkit.guards.wording import NOT, Token, tokens

Kind: TypeAlias = Literal["number", "name", "negation", "opposite"]

_CLAUSE: Final = re.compile(r"[,;:()](?!\d)|\b(?:and|but|while|whereas|then)\b|\s[-\u2013\u2014]\s")
_MONTH_STEMS: Final = frozenset(one.stem for month in MONTHS for one in tokens(month))
_WORD: Final = re.compile(r"at-least|at-most|[^\W\d_]+")
_EXCEPT: Final = re.compile(r"\b(?:except|unless|excluding|non)\b", re.IGNORECASE)
_NEGATIVE: Final = re.compile(
    r"\b(?:forbid|forbidden|prohibit|ban|banned|refus|exclud|fail|lack|un|im|in(?=valid|elig|compl)|deni|disab|void|only)\w*",
    re.IGNORECASE,
)
_FROM_TO: Final = re.compile(r"\bfrom [$€£]?(\d[\d.,]{0,15}) (?:\w{1,20} )?to [$€£]?(\d[\d.,]{0,15}\d|\d)")
_NEAR: Final = 0.75
"""A source sentence with this share of the best one's weight is as good a match."""
_FAR: Final = 0.45
_UNKNOWN: Final = 0.4
_ALIKE: Final = 0.5
"""Share of a sentence's weight that the best match has to hold to contradict it."""
_MOST_PLACES: Final = 20
_STOPS: Final = ".!?;\n"
_MOST_HOLDERS: Final = 40
_SCOPE: Final = 4


@dataclass(frozen=True, slots=True)
class Conflict:
    """What a source says otherwise."""

    kind: Kind
    note: str
    """One line for the reader."""


class Facts:
    """What sources say, to be held against sentences.

    >>> from nbkit.guards.said import read
    >>> facts = Facts(read("The warranty lasts eleven years.", 1) + read("The hotline has 12 seats.", 2))
    >>> facts.conflict("The warranty lasts twelve years.").note
    'twelve: passage 1 says 11'
    """

    def __init__(self, every: Sequence[Said]) -> None:
        self._said = every
        self.tables = Tables(every)
        """Their rows."""
        self._text = "\n".join([" ".join(one.text.split()) for one in every]).lower()
        self._holders: dict[str, list[int]] = defaultdict(list)
        for at, one in enumerate(every):
            for stem in one.words:
                self._holders[stem].append(at)

    def conflict(self, sentence: str) -> Conflict | None:
        """What contradicts the sentence; None where nothing does."""
        if _is_in(" ".join(sentence.strip(" \t\n.!*_-").lower().split()), self._text):
            return None
        sentence = bounds_as_words(in_digits(sentence))
        whole = said(sentence)
        for part in _parts(sentence, whole):
            found = self._number(part, whole)
            if found is not None:
                return found
        note = self.tables.otherwise(whole)
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
            rest = whole.words - _run(name, whole)
            scores = self._scores(rest)
            best = max(scores.values(), default=0)
            if not holders or not best or best < _ALIKE * self._sum(rest):
                continue
            top = [at for at, score in scores.items() if score >= _NEAR * best]
            if any(name in self._said[at].words for at in top):
                continue
            at = max(top, key=lambda one: scores[one])
            if any(self._said[one].cells and self._said[one].source == self._said[at].source for one in holders):
                continue
            # A sentence without a name of its own may go on about the one before it.
            if self._said[at].names - whole.names:
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
        near = [self._said[at] for at, score in scores.most_common(8) if score >= 0.9 * best]
        found = [_opposite(whole, one) for one in near]
        return found[0] if all(found) else None


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
    ours = _sides(part.text)
    theirs = [_sides(text) for text, one in zip(texts, clauses, strict=True) if number in one]
    if theirs and all(any(two.get(g, sides).isdisjoint(sides) for g, sides in ours.items()) for two in theirs):
        return True
    own: set[str] = set().union(*(one for one in clauses if number in one))
    others = [one for one in clauses if number not in one and one & source.numbers]
    words = part.words - part.numbers - _MONTH_STEMS
    return bool(own) and not words & own - set().union(*others) and any(words & one - own for one in others)


def _opposite(answer: Said, source: Said) -> Conflict | None:
    where = f"passage {source.source}"
    text = bounds_as_words(source.text)
    ours, theirs = _sides(answer.text), _sides(text)
    for group, sides in ours.items():
        if len(sides) == 1 and theirs.get(group) and not sides & theirs[group]:
            return Conflict("opposite", f"{where} says the opposite")
    denied, others = _denied(answer.text), _denied(text)
    if (denied is None) != (others is None):
        scope = (denied or set()) | (others or set())
        plain = text if others is None else answer.text
        if scope & answer.words & source.words and not _NEGATIVE.search(plain):
            return Conflict("negation", f"{where} says {'so' if others is None else 'not'}")
    elif denied and others and _odd(answer.text) != _odd(text) and (others - denied) & answer.words:
        return Conflict("negation", f"{where} denies something else")
    if _is_reversed(answer, source):
        return Conflict("number", f"{where} has the numbers the other way round")
    return Conflict("name", f"{where} has the names the other way round") if _is_turned(answer, source) else None


def _sides(text: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for word in _WORD.findall(text.lower()):
        if word in GROUP:
            group, side = GROUP[word]
            found[group].add(side)
    return found


def _denied(text: str) -> set[str] | None:
    """What follows negations; None without any."""
    stems = [one.stem for one in tokens(_EXCEPT.sub(" not ", text))]
    if NOT not in stems:
        return None
    return {stem for at, stem in enumerate(stems) if NOT in stems[max(0, at - _SCOPE) : at]} - {NOT}


def _odd(text: str) -> bool:
    return sum(one.kind == "negation" for one in tokens(_EXCEPT.sub(" not ", text))) % 2 == 1


def _run(name: str, said: Said) -> set[str]:
    """The name with the names that stand beside it."""
    found: set[str] = set()
    for one in (*said.tokens, Token("", "word")):
        if one.kind == "name":
            found.add(one.stem)
        elif name in found:
            return found
        else:
            found = set()
    return {name}


def _is_reversed(answer: Said, source: Said) -> bool:
    """Whether "from 3 to 5" became "from 5 to 3"."""
    ours, theirs = (_FROM_TO.search(said.text) for said in (answer, source))
    return ours is not None and theirs is not None and ours.groups() == theirs.groups()[::-1] and ours[1] != ours[2]


def _is_turned(answer: Said, source: Said) -> bool:
    """Whether two names have changed places around the same words."""
    if source.cells or (" by " in answer.text) != (" by " in source.text):
        return False
    ours, theirs = ([one.stem for one in said.tokens] for said in (answer, source))
    names = [one.stem for one in answer.tokens if one.kind == "name" and one.stem in source.words]
    if len(set(names)) < 2:  # noqa: PLR2004
        return False
    first, last = names[0], names[-1]
    if first == last or theirs.index(first) < theirs.index(last):
        return False
    between = set(ours[ours.index(first) + 1 : ours.index(last)])
    return bool(between & set(theirs[theirs.index(last) + 1 : theirs.index(first)]) - set(names))


def _note(number: str, text: str, source: Said, others: Sequence[str]) -> str:
    said = next((one for one in re.findall(r"[^\W\d_]+", text) if [t.stem for t in tokens(one)] == [number]), number)
    if not others:
        return f"{told(said, text)}: not what passage {source.source} says it of"
    return f"{told(said, text)}: passage {source.source} says {told(others[0], source.text)}"
