"""How near what was found is to a question: whether it is worth asking a model about it.

Problem: a model that embeds sees how alike two texts are, not whether one answers the other. The price of shipping, in
a page about much else, is as far from "How much does shipping cost?" as a page that says nothing of it. Choice: the
similarity, and up to 0.3 more for the question's words, which count where one passage has all its names and numbers: a
passage on somebody else has most words too. A passage with every word of the question is always near enough. Measured
on questions with and without an answer in what is searched (tests/bench/bench_floor.py prints this rule, the one before
and each side alone): area under the ROC curve .961 where the rule before had .937; at the default of `rag.min_score`
1.1 % of the answered questions are refused wrongly where it refused 1.7 %, of those about small files that speak of
much 8.5 % where it refused 13 %; rightly 50 % where it refused 57 %. Rejected: words weighed by how rare they are,
which needs a list of words and gains little; the words of all passages together. What no rule here sees is a question
on the subject of the documents that they happen not to answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nbkit.documents import Passage
from nbkit.guards.wording import Token, tokens

_OF_WORDS = 0.3
_HOW_MUCH = re.compile(r"\bhow (?:much|many|often|long|far|old)\b", re.IGNORECASE)
"""Asks for a figure, and is no word that an answer has."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near the passages are to a question."""

    score: float
    """0 to 1: the similarity, and 0.3 times the part of the question's words that one passage has, if it has all its
    names and numbers. The similarity alone where words were not searched."""
    similarity: float
    """Of the nearest passage."""
    held: int = 0
    """Words of the question that the passage with most of them has; 0 where none has all its names and numbers."""
    asked: int = 0
    """Words of the question that say something; 0 where words were not searched."""

    def __str__(self) -> str:
        words = f", {self.held} of {self.asked} words of the question" if self.asked else ""
        return f"nearness {self.score:.2f}: similarity {self.similarity:.2f}{words}"


def nearness(question: str, passages: Sequence[Passage], similarity: float, *, has_words: bool = True) -> Nearness:
    """How near the passages are; `similarity`: of the nearest, `has_words`: whether words count.

    >>> found = [Passage("a", "Returns are free. Shipping costs 4 euros.", "policy.md")]
    >>> print(nearness("How much does shipping cost?", found, 0.18))
    nearness 0.48: similarity 0.18, 2 of 2 words of the question
    """
    similarity = max(0.0, similarity)
    said = [token for token in tokens(_HOW_MUCH.sub("", question)) if token.kind != "negation"] if has_words else []
    if not said:
        return Nearness(similarity, similarity)
    words, names = _stems(said), _stems([token for token in said if token.kind in ("name", "number")])
    known = [_stems(tokens("\n".join((*one.headings, one.whole_text)))) for one in passages]
    held = max((len(words & each) for each in known if names <= each), default=0)
    return Nearness(min(1.0, similarity + _OF_WORDS * held / len(words)), similarity, held, len(words))


def _stems(said: Sequence[Token]) -> set[str]:
    return {token.stem for token in said}
