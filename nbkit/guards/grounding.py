"""How well the sources support an answer, sentence by sentence: by its words, numbers and names, without a model.

A sentence loses support for numbers, names and words that no source has, for words that no source puts near one
another, and for a negation that only one side has. The words of the question are no evidence and need none, where a
source has them; what only the question has counts as half missing. It is a test of wording, not of truth.

The weights are round numbers set by hand, not fitted. On guard/grounded the supported answers are extracts of their
context, so that a fit gives all weight to word order and fails paraphrases. They were chosen on that collection and
looked at on paraphrases of news sentences (mrpc-pairs); tests/bench/bench_guard_grounded.py prints both, and halves.
Weighing words by kind was tried: names 1.5 times and numbers twice told paraphrases worse (AUC .73 for .75).

An embedder was tried too, and is not asked: the cosine of the nearest source sentence by all-minilm-l6-v2, as a gain or
loss beside the others (the same script with --embedder). No weight brought mrpc-pairs (n = 400) from .72 past the .75
of word overlap. Of all sentences it took from guard/grounded (n = 1,487): .98 to .94 at weight 1/4, .80 at 2. Of those
with six words or more, at the best weight, that stayed at .98 and mrpc-pairs came to .74, another detail among several
sentences from .62 to .67 (n = 600), a wrong number from .65 to .64, while of supported paraphrases in several sentences
64 % were kept and not 71 %. And it costs 68 ms per KB of answer (p95 93), where all guards together may take 25.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from nbkit.guards.claims import claims
from nbkit.guards.contrary import Conflict
from nbkit.guards.facts import Facts
from nbkit.guards.opposites import unit_of
from nbkit.guards.said import Said, read
from nbkit.guards.wording import NOT, Token, tokens
from nbkit.pseudonyms import Pseudonyms

Reason: TypeAlias = Literal["number", "name", "words", "order", "negation", "opposite"]
"""What a sentence lost support for."""
ENOUGH: Final = 0.5
"""A sentence of this support or more is supported."""

_MISSING: Final = 1.0
"""Weight of the share of words that no source has."""
_ECHO: Final = 0.5
"""How much of a missing word one is that the question has."""
_APART: Final = 0.3
"""Weight of the share of neighbouring words that no source has near one another."""
_NUMBER: Final = 0.2
"""Weight of a number that no source has. With one, a sentence is never supported, however much else is there."""
_NAME: Final = 0.05
_NEGATION: Final = 0.3
_TOO_MUCH: Final = 0.6
"""What a sentence may lose and be supported: half its words, said in the sources' order."""
_STEEPNESS: Final = 5.0
_OVER: Final = 0.05
_LEAST: Final = 0.02
"""What a sentence counts for at least in the score of the whole."""
_REACH: Final = 3
"""Words that are this near are neighbours."""
_NEGATION_REACH: Final = 2
_LEAST_WORDS: Final = 2
"""A sentence with fewer words and no number claims nothing beside others, as "Sure!" does."""


_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
"""Each letter of it counts."""
_PERSONS: Final = [
    (re.compile(said, re.IGNORECASE), frozenset(token.stem for token in tokens(meant)))
    for said, meant in (
        (r"\b(?:we|our|us)\b", "company firm business organisation organization"),
        (r"\b(?:you|your)\b", "customer user client"),
    )
]
"""Whom a source means by we and you: an answer calls them by what they are."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence of an answer."""

    start: int
    end: int
    support: float
    """0 to 1."""
    reasons: tuple[Reason, ...] = ()
    """What it lost support for; a supported sentence may have some, too."""
    note: str = ""
    """What a source says otherwise, one line for the reader."""

    @property
    def is_supported(self) -> bool:
        """Whether that is enough."""
        return self.support >= ENOUGH


@dataclass(frozen=True, slots=True)
class Grounding:
    """How well the sources support an answer."""

    sentences: tuple[Judged, ...]
    """Those that claim something, in order."""
    score: float
    """0 to 1, higher is better: the geometric mean of the sentences, so that one invented sentence counts."""

    @property
    def supported(self) -> int:
        """How many sentences are supported."""
        return sum(one.is_supported for one in self.sentences)


def ground(
    answer: str, contexts: Sequence[str], *, question: str = "", replaced: Pseudonyms | None = None
) -> Grounding:
    """How well `contexts` support an answer to `question`. `replaced`: what stands in it for values of the contexts.

    An answer that claims nothing has no sentences and the score 1.0.

    >>> found = ground("The fan needs 30 W. It sings Verdi.", ["The K200 fan needs 30 W."])
    >>> [(one.is_supported, one.reasons) for one in found.sentences]
    [(True, ()), (False, ('name', 'words', 'order'))]
    """
    return Sources(contexts, question=question).ground(answer, replaced=replaced)


class Sources:
    """What answers are held against.

    >>> Sources(["The fan needs 30 W."]).support("The fan needs 40 W.")[1]
    ('number', 'words', 'order')
    """

    def __init__(self, contexts: Sequence[str], *, question: str = "") -> None:
        self._asked = {token.stem for token in tokens(question)}
        self._meant: set[str] = set()
        self._known: set[str] = set()
        self._near: set[tuple[str, str]] = set()
        self._denied: set[str] = set()
        affirmed: set[str] = set()
        units: list[Said] = []
        self._text = "\n".join(contexts).lower()
        for number, text in enumerate((*contexts, question)):
            parts = read(text, number + 1)
            units += parts if number < len(contexts) else []
            for stretch in _stretches(parts):
                for reach in range(1, _REACH + 1):
                    self._near.update(zip(stretch, stretch[reach:], strict=False))
            stems = [token.stem for part in parts for token in part.tokens]
            if number < len(contexts):
                self._known.update(stems)
                _sort_out(stems, self._denied, affirmed)
        self._denied -= affirmed
        for said, meant in _PERSONS:
            self._meant.update(meant if any(said.search(text) for text in contexts) else ())
        self._units = units
        self._has_rows = any(one.cells for one in units)

    def ground(self, answer: str, *, replaced: Pseudonyms | None = None) -> Grounding:
        """How well they support an answer."""
        undo = (replaced or Pseudonyms()).undo
        found = [place._replace(text=undo(place.text), named=undo(place.named)) for place in claims(answer)]
        places = [(place, said) for place in found if (said := tokens(place.text))]
        places = [one for one in places if _is_claim(one[1])] or places[:1]
        judged = tuple(
            Judged(place.start, place.end, *self._judge(said, place.named or place.text)) for place, said in places
        )
        if not judged:
            return Grounding((), 1.0)
        return Grounding(
            judged, math.exp(sum(math.log(_LEAST + (1 - _LEAST) * one.support) for one in judged) / len(judged))
        )

    def support(self, sentence: str) -> tuple[float, tuple[Reason, ...]]:
        """How well they support one sentence, 0 to 1, and what it lost support for."""
        return self._judge(tokens(sentence), sentence)[:2]

    def conflict(self, sentence: str) -> Conflict | None:
        """What contradicts the sentence in the source sentences that it is matched to; None where nothing does."""
        return self._facts.conflict(sentence)

    @functools.cached_property
    def _facts(self) -> Facts:
        return Facts(self._units, self._asked)

    def _judge(self, said: Sequence[Token], sentence: str) -> tuple[float, tuple[Reason, ...], str]:
        lost = self._lost(said)
        amount = sum(lost.values())
        conflict = self.conflict(sentence) if amount <= _TOO_MUCH else None
        is_unknown = any(token.is_identifier and token.stem not in self._known for token in said) or any(
            found.group().lower() not in self._text for found in _ADDRESS.finditer(sentence)
        )
        if lost["number"] or is_unknown or conflict is not None:
            amount = max(amount, _TOO_MUCH + _OVER)
        score = 1 / (1 + math.exp(_STEEPNESS * (amount - _TOO_MUCH)))
        reasons = [reason for reason, one in lost.items() if one > 0]
        if conflict is not None and conflict.kind not in reasons:
            reasons.append(conflict.kind)
        return score, tuple(reasons), conflict.note if conflict is not None else ""

    def _lost(self, said: Sequence[Token]) -> dict[Reason, float]:
        """What a sentence of these words loses for each reason."""
        wanted = [token for token in said if token.kind != "negation" and token.stem not in self._asked]
        missing = [token for token in wanted if token.stem not in self._known and token.stem not in self._meant]
        is_joined = self._has_rows and self._facts.tables.has_joined(said, self._known)
        if is_joined:
            # A row need not name the unit of its values.
            missing = [token for token in missing if not unit_of(token.stem)]
        # What was asked and no source has: an answer that only says yes to it has made it up.
        echoed = _ECHO * sum(
            token.stem in self._asked - self._known - self._meant for token in said if token.kind != "negation"
        )
        kinds = {token.kind for token in missing}
        pairs = list(pairwise(token.stem for token in said))
        apart = sum(pair not in self._near and pair[::-1] not in self._near for pair in pairs)
        return {
            "number": _NUMBER * ("number" in kinds),
            "name": _NAME * ("name" in kinds),
            "words": _MISSING * (len(missing) + echoed) / max(0.5, len(wanted) + echoed),
            "order": 0.0 if is_joined else _APART * apart / max(1, len(pairs)),
            "negation": _NEGATION * self._is_denied(said),
        }

    def _is_denied(self, said: Sequence[Token]) -> bool:
        """Whether the sentence denies what no source denies, or states what all sources deny."""
        stems = [token.stem for token in said]
        if NOT in stems:
            return NOT not in self._known and NOT not in self._asked
        return len(stems) > _LEAST_WORDS and any(stem in self._denied for stem in stems)


def _stretches(parts: Sequence[Said]) -> Iterator[list[str]]:
    """The words of sentences that stand side by side; a row is one alone."""
    found: list[str] = []
    for part in parts:
        if part.cells and found:
            yield found
            found = []
        found += [token.stem for token in part.tokens]
        if part.cells:
            yield found
            found = []
    yield found


def _sort_out(stems: Sequence[str], denied: set[str], affirmed: set[str]) -> None:
    """Adds each word to those that follow a negation, or to those that do not."""
    left = 0
    for stem in stems:
        if stem == NOT:
            left = _NEGATION_REACH
        else:
            (denied if left > 0 else affirmed).add(stem)
            left -= 1


def _is_claim(said: Sequence[Token]) -> bool:
    return len(said) >= _LEAST_WORDS or any(token.kind == "number" for token in said)
