"""Whether one sentence says the contrary of another: by its opposites, its negations, or who does what to whom."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from nbkit.guards.opposites import GROUP, bounds_as_words
from nbkit.guards.said import Said
from nbkit.guards.swapped import is_reversed, is_turned
from nbkit.guards.wording import NOT, tokens

Kind: TypeAlias = Literal["number", "name", "negation", "opposite"]

_WORD: Final = re.compile(r"at-least|at-most|per-[a-z]+|[^\W\d_]+")
_WITHOUT: Final = re.compile(r"\bwithout ((?:[^\W\d_]+ ){0,2}[^\W\d_]+)", re.IGNORECASE)
_ONLY: Final = re.compile(r"\bonly (?:when|if|with|after|where|once|upon)\b(.{1,120})", re.IGNORECASE)
_EXCEPT: Final = re.compile(r"\b(?:except|unless|excluding|non)\b", re.IGNORECASE)
_SCOPE: Final = 4
_NEGATIVE: Final = re.compile(
    r"\b(?:forbid|forbidden|prohibit|ban|banned|refus|exclud|fail|lack|un|im|in(?=valid|elig|compl)|deni|disab|void|only)\w*",
    re.IGNORECASE,
)
_BEGINNING: Final = 6
"""Letters in which two forms of a word are alike."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """What a source says otherwise."""

    kind: Kind
    note: str
    """One line for the reader."""


def opposite(answer: Said, source: Said) -> Conflict | None:
    """What the source says otherwise; None where nothing."""
    where = f"passage {source.source}"
    text = bounds_as_words(_spoken_of(answer, source))
    ours, theirs = sides_of(answer.text), sides_of(text)
    for group, sides in ours.items():
        if len(sides) == 1 and theirs.get(group) and not sides & theirs[group]:
            return Conflict("opposite", f"{where} says the opposite")
    denied, others = _denied(answer.text), _denied(text)
    if _is_done_without(answer.text, text) or _is_done_without(text, answer.text):
        return Conflict("negation", f"{where} says only with it")
    if (denied is None) != (others is None):
        scope = (denied or set()) | (others or set())
        plain = text if others is None else answer.text
        if scope & answer.words & source.words and not _NEGATIVE.search(plain):
            return Conflict("negation", f"{where} says {'so' if others is None else 'not'}")
    elif denied and others and _odd(answer.text) != _odd(text) and (others - denied) & answer.words:
        return Conflict("negation", f"{where} denies something else")
    if is_reversed(answer, source):
        return Conflict("number", f"{where} has the numbers the other way round")
    return Conflict("name", f"{where} has the names the other way round") if is_turned(answer, source) else None


def _spoken_of(answer: Said, source: Said) -> str:
    """Of a row the cells that the answer speaks of; of a sentence all."""
    if not source.cells:
        return source.text
    said = [one for one in source.cells if answer.words & {t.stem for t in tokens(f"{one.column} {one.value}")}]
    return "; ".join([f"{one.column}: {one.value}" if one.column else one.value for one in said])


def _is_done_without(one: str, other: str) -> bool:
    """Whether one does without what the other does only with."""
    without, only = _WITHOUT.search(one), _ONLY.search(other)
    if without is None or only is None:
        return False
    # Approval and approved are one word here.
    first, then = ({t.stem[:_BEGINNING] for t in tokens(found[1])} for found in (without, only))
    return bool(first & then)


def sides_of(text: str) -> dict[int, set[int]]:
    """The opposites that a text holds, by group."""
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
