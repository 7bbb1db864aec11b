"""Passages in the order of a model that reads each together with the question."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from nbkit.protocols import Reranker
from nbkit.rag.index import Match

_AT_LEAST: Final = 20
_PER_PASSAGE: Final = 4
"""So many passages are read for each that is wanted, to choose from."""


def wanted_for(k: int) -> int:
    """How many passages are read again, so that `k` of them are the best.

    >>> wanted_for(5)
    20
    """
    return max(_AT_LEAST, _PER_PASSAGE * k)


def reranked(question: str, found: Sequence[Match], reranker: Reranker) -> list[Match]:
    """The matches in the order of the reranker's scores, which they carry; equal ones as they were."""
    scores = reranker.score(question, [match.passage.embedded_text for match in found])
    scored = [
        dataclasses.replace(match, passage=dataclasses.replace(match.passage, score=float(score)))
        for match, score in zip(found, scores, strict=True)
    ]
    return sorted(scored, key=lambda match: -match.passage.score)
