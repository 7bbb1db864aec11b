"""How good a ranking is: the measures of information retrieval, each value equal to that of trec_eval to 1e-9.

Grades are whole numbers, as in trec_eval: 1 and above is relevant, 0 and below is not, a document without a grade
counts as 0. Every measure runs from 0 to 1, and is 0 for a query without a relevant document.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import c_float
from dataclasses import dataclass
from typing import TypeAlias

Grades: TypeAlias = Mapping[str, int]
"""Document id to grade, for one query."""
Measure: TypeAlias = Callable[[Sequence[str], Grades], float]

METRICS = ("ndcg@10", "recall@100", "precision@10", "success@1", "reciprocal_rank", "average_precision")
"""What `evaluate` computes unless it is told otherwise."""


def ndcg_at_k(ranked: Sequence[str], grades: Grades, *, k: int) -> float:
    """Discounted gain of the first `k` results, divided by that of the best order of all graded documents.

    `ranked`: document ids, best first. `grades`: id to grade, which is the gain; those below 0 count as 0. Gain is
    linear and the discount log2(rank + 1). A `k` beyond the list is the whole list; the best order is cut at `k` too.
    Raises `ValueError` if `k` is below 1 or an id repeats.
    Source: Järvelin & Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques"; trec_eval `ndcg_cut`.

    >>> round(ndcg_at_k(["b", "a"], {"a": 1}, k=10), 4)
    0.6309
    """
    best = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[: _checked(k)]
    found = _discounted(grades.get(name, 0) for name in _distinct(ranked)[:k])
    return found / _discounted(best) if best else 0.0


def recall_at_k(ranked: Sequence[str], grades: Grades, *, k: int) -> float:
    """Share of the relevant documents that are among the first `k` results; arguments as for `ndcg_at_k`.

    Source: trec_eval `recall`.

    >>> recall_at_k(["a", "x", "b"], {"a": 1, "b": 2}, k=2)
    0.5
    """
    relevant = _relevant(grades)
    return _hits(ranked, relevant, k) / len(relevant) if relevant else 0.0


def precision_at_k(ranked: Sequence[str], grades: Grades, *, k: int) -> float:
    """Share of the first `k` results that are relevant, divided by `k` even where fewer were found.

    Arguments as for `ndcg_at_k`. Source: trec_eval `P`.

    >>> precision_at_k(["a"], {"a": 1}, k=5)
    0.2
    """
    return _hits(ranked, _relevant(grades), k) / k


def success_at_k(ranked: Sequence[str], grades: Grades, *, k: int) -> float:
    """1.0 when one of the first `k` results is relevant, else 0.0; arguments as for `ndcg_at_k`.

    Source: trec_eval `success`.

    >>> success_at_k(["x", "a"], {"a": 1}, k=1), success_at_k(["x", "a"], {"a": 1}, k=2)
    (0.0, 1.0)
    """
    return float(_hits(ranked, _relevant(grades), k) > 0)


def reciprocal_rank(ranked: Sequence[str], grades: Grades) -> float:
    """1 divided by the rank of the first relevant result, counted from 1; 0.0 where none was found.

    Arguments as for `ndcg_at_k`, without a cut. Source: trec_eval `recip_rank`.

    >>> reciprocal_rank(["x", "a"], {"a": 1})
    0.5
    """
    relevant = _relevant(grades)
    return next((1 / rank for rank, name in enumerate(_distinct(ranked), 1) if name in relevant), 0.0)


def average_precision(ranked: Sequence[str], grades: Grades) -> float:
    """Mean over the relevant documents of the precision at the rank of each; one that was not found adds 0.

    Arguments as for `ndcg_at_k`, without a cut. Source: trec_eval `map`, for one query.

    >>> round(average_precision(["a", "x", "b"], {"a": 1, "b": 1}), 4)
    0.8333
    """
    relevant = _relevant(grades)
    ranks = [rank for rank, name in enumerate(_distinct(ranked), 1) if name in relevant]
    return sum(count / rank for count, rank in enumerate(ranks, 1)) / len(relevant) if relevant else 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of one run."""

    means: Mapping[str, float]
    """Measure to its mean over all judged queries."""
    by_query: Mapping[str, Mapping[str, float]]
    """Query id to measure to value; in the order of the judgements, so that two runs can be compared by pairs."""
    missing: tuple[str, ...] = ()
    """Judged queries that the run does not answer: each counts 0 in the means."""


def evaluate(
    run: Mapping[str, Mapping[str, float]], qrels: Mapping[str, Grades], *, metrics: Sequence[str] = METRICS
) -> Evaluation:
    """The measures of a run over every judged query, one that the run does not answer counted 0.

    `run`: query id to document id to score. `qrels`: query id to document id to grade; a query without any is not
    judged, and a query of the run without judgements is left out. `metrics`: `ndcg`, `recall`, `precision` and
    `success`, each with `@k`; `reciprocal_rank` and `average_precision`, without. As `trec_eval -c` computes it: the
    ranks are made from the scores (see `ranking`), whatever order the run has.
    Raises `ValueError` for a measure that is not there and for a score that is not a number.

    >>> evaluate({"q": {"a": 2.0, "b": 1.0}}, {"q": {"b": 1}, "r": {"a": 1}}, metrics=["reciprocal_rank"]).means
    {'reciprocal_rank': 0.25}
    """
    measures = {name: measure(name) for name in metrics}
    judged = {query: grades for query, grades in qrels.items() if grades}
    by_query = {}
    for query, grades in judged.items():
        ranked = ranking(run.get(query, {}))
        by_query[query] = {name: one(ranked, grades) for name, one in measures.items()}
    means = {
        name: math.fsum(values[name] for values in by_query.values()) / len(by_query) if by_query else 0.0
        for name in measures
    }
    return Evaluation(means, by_query, tuple(query for query in judged if not run.get(query)))


def ranking(scores: Mapping[str, float]) -> list[str]:
    """The ids, the highest score first; of those with equal scores the id that sorts last comes first.

    As in trec_eval, which keeps scores in single precision: two that differ by less are equal.
    Raises `ValueError` for a score that is not a number.

    >>> ranking({"a": 1.0, "b": 1.0 + 1e-12, "c": 3.0})
    ['c', 'b', 'a']
    """
    for name, score in scores.items():
        if math.isnan(score):
            msg = f"the score of {name!r} is not a number"
            raise ValueError(msg)
    return sorted(scores, key=lambda name: (c_float(scores[name]).value, name), reverse=True)


def measure(name: str) -> Measure:
    """The measure that a name stands for, its `k` included; raises `ValueError` where there is none.

    >>> measure("recall@2")(["a", "x", "b"], {"a": 1, "b": 2})
    0.5
    """
    cut: dict[str, Callable[..., float]] = {
        "ndcg": ndcg_at_k,
        "recall": recall_at_k,
        "precision": precision_at_k,
        "success": success_at_k,
    }
    whole: dict[str, Measure] = {"reciprocal_rank": reciprocal_rank, "average_precision": average_precision}
    base, _, depth = name.partition("@")
    if name in whole:
        return whole[name]
    if base in cut and depth.isascii() and depth.isdigit() and int(depth):
        return lambda ranked, grades: cut[base](ranked, grades, k=int(depth))
    known = ", ".join([*(f"{one}@k" for one in cut), *whole])
    msg = f"no measure named {name!r}; there are {known}, with k a whole number from 1"
    raise ValueError(msg)


def _relevant(grades: Grades) -> set[str]:
    return {name for name, grade in grades.items() if grade > 0}


def _hits(ranked: Sequence[str], relevant: set[str], k: int) -> int:
    return sum(name in relevant for name in _distinct(ranked)[: _checked(k)])


def _discounted(gains: Iterable[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1) if gain > 0)


def _checked(k: int) -> int:
    if k < 1:
        msg = f"k counts results from 1, not {k}"
        raise ValueError(msg)
    return k


def _distinct(ranked: Sequence[str]) -> Sequence[str]:
    if len(set(ranked)) < len(ranked):
        again = next(name for place, name in enumerate(ranked) if name in ranked[:place])
        msg = f"{again!r} is ranked twice"
        raise ValueError(msg)
    return ranked
