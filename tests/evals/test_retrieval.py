from __future__ import annotations

import math
import os
import random
from pathlib import Path

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from nbkit.evals.collections import read_beir
from nbkit.evals.retrieval import (
    METRICS,
    average_precision,
    evaluate,
    ndcg_at_k,
    precision_at_k,
    ranking,
    recall_at_k,
    reciprocal_rank,
    success_at_k,
)

CUTS = (1, 3, 10, 100)
TREC = {"ndcg": "ndcg_cut", "recall": "recall", "precision": "P", "success": "success"}
NAMES = [f"{name}@{k}" for name in TREC for k in CUTS] + ["reciprocal_rank", "average_precision"]

ids = st.sampled_from([*"abcdefghij", "a1", "a10", "é", "\uffff", "\U0001f600"])
# trec_eval has -2 for itself (its C code crashes on one that is given): see the test of grades below 0.
grades = st.dictionaries(ids, st.integers(-1, 4), max_size=12)
# Few values, so that ties are common; neighbours of 1.0, which are equal in single precision only.
numbers = st.sampled_from([0.0, -0.0, -1.0, 1.0, 1.0 + 1e-12, 1.0 + 1e-6, 2.0, 1e39, 2e39]) | st.floats(-1e3, 1e3)
scores = st.dictionaries(ids, numbers, max_size=15)
queries = st.sampled_from(["q1", "q2", "q3"])


def trec_name(name):
    base, _, depth = name.partition("@")
    return {"reciprocal_rank": "recip_rank", "average_precision": "map"}.get(name, f"{TREC.get(base)}_{depth}")


def trec_eval(run, qrels):
    """What `trec_eval -c` gives: a judged query that the run leaves out counts 0."""
    names = {f"{base}.{','.join(map(str, CUTS))}" for base in TREC.values()} | {"recip_rank", "map"}
    judged = {query: relevant for query, relevant in qrels.items() if relevant}
    got = pytrec_eval.RelevanceEvaluator(judged, names).evaluate(run) if judged else {}
    return {
        query: {name: got.get(query, {}).get(trec_name(name), 0.0) if run.get(query) else 0.0 for name in NAMES}
        for query in judged
    }


@given(st.dictionaries(queries, scores, max_size=3), st.dictionaries(queries, grades, max_size=3))
def test_every_measure_is_equal_to_trec_evals(run, qrels):
    ours, theirs = evaluate(run, qrels, metrics=NAMES), trec_eval(run, qrels)
    assert list(ours.by_query) == list(theirs)
    for query, values in theirs.items():
        assert dict(ours.by_query[query]) == pytest.approx(values, abs=1e-9, rel=0)
    for name in NAMES:
        mean = math.fsum(values[name] for values in theirs.values()) / len(theirs) if theirs else 0.0
        assert ours.means[name] == pytest.approx(mean, abs=1e-9, rel=0)


def farthest(run, qrels):
    """The largest difference from trec_eval, over queries and measures, and over their means."""
    ours, theirs = evaluate(run, qrels, metrics=NAMES), trec_eval(run, qrels)
    assert list(ours.by_query) == list(theirs)
    means = (
        {name: math.fsum(values[name] for values in theirs.values()) / len(theirs) for name in NAMES} if theirs else {}
    )
    pairs = [(ours.by_query[query][name], value) for query, values in theirs.items() for name, value in values.items()]
    return max(
        (abs(one - other) for one, other in [*pairs, *((ours.means[name], means[name]) for name in means)]), default=0
    )


def best_of(found):
    """A run from chunks, some of one document: a document has the score of its best."""
    run = {}
    for name, score in found:
        run[name] = max(score, run.get(name, -math.inf))
    return run


def random_run(rng):
    """Judgements with grades, some below 0, and scores of few values, so that ties are common.

    There are unjudged documents, documents found several times, and queries that the run leaves out, that nobody
    judged, or that have no relevant document.
    """
    names = [f"d{number}" for number in range(rng.choice((3, 12, 40)))]
    queries = [f"q{number}" for number in range(rng.randrange(1, 5))]
    qrels = {
        query: {
            name: rng.choice((-1, 0, 0, 1, 1, 2, 3, 4)) for name in rng.sample(names, rng.randrange(len(names) + 1))
        }
        for query in queries
        if rng.random() < 0.9
    }
    levels = rng.choice((1, 3, 20))
    run = {
        query: best_of([
            (rng.choice((*names, "unjudged", "Unjudged")), rng.choice((1, 1e-9, 1e3)) * rng.randrange(levels))
            for _ in range(rng.randrange(0, 60))
        ])
        for query in [*queries, "stray"]
        if rng.random() < 0.8
    }  # fmt: skip
    return run, qrels


def test_10_000_random_runs_are_measured_as_trec_eval_measures_them():
    rng = random.Random(20260101)
    assert max(farthest(*random_run(rng)) for _ in range(10_000)) <= 1e-9


@pytest.mark.data
@pytest.mark.parametrize("name", ["cranfield", "cisi", "xquad-en"])
def test_rankings_of_collections_of_others_are_measured_as_trec_eval_measures_them(name):
    collection, rng = read_beir(Path(os.environ["NBKIT_BENCH_DATA"], name)), random.Random(3)
    documents = list(collection.documents)
    for levels in (1, 10, 10_000):
        run = {
            query: {
                one: float(rng.randrange(levels))
                for one in {*rng.sample(documents, 150), *collection.qrels.get(query, ())}
            }
            for query in collection.queries
            if rng.random() < 0.9
        }
        assert farthest(run, collection.qrels) <= 1e-9


@given(scores, grades)
def test_every_measure_is_between_0_and_1(found, relevant):
    values = evaluate({"q": found}, {"q": {"a": 1, **relevant}}, metrics=NAMES).means.values()
    assert all(0.0 <= value <= 1.0 + 1e-12 for value in values)


@given(grades, st.integers(1, 20))
def test_the_best_order_has_full_gain(relevant, k):
    best = sorted(relevant, key=lambda name: -relevant[name])
    has_any = any(grade > 0 for grade in relevant.values())
    assert ndcg_at_k(best, relevant, k=k) == pytest.approx(float(has_any))


def test_values_worked_by_hand():
    ranked, relevant = ["x", "a", "y", "b"], {"a": 3, "b": 1, "c": 2, "z": 0, "x": -1}
    gain = 3 / math.log2(3) + 1 / math.log2(5)
    best = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at_k(ranked, relevant, k=10) == pytest.approx(gain / best)
    assert recall_at_k(ranked, relevant, k=2) == pytest.approx(1 / 3)
    assert precision_at_k(ranked, relevant, k=10) == pytest.approx(2 / 10)
    assert success_at_k(ranked, relevant, k=1) == 0.0
    assert reciprocal_rank(ranked, relevant) == pytest.approx(1 / 2)
    assert average_precision(ranked, relevant) == pytest.approx((1 / 2 + 2 / 4) / 3)


@pytest.mark.parametrize("name", NAMES)
def test_grades_below_0_are_as_none(name):
    run = {"q": {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}}
    values = [
        evaluate(run, {"q": {"b": 2, "d": 1, **low}}, metrics=[name]).means[name]
        for low in ({}, {"a": -1, "c": -1}, {"a": -2, "c": -300})
    ]
    assert values == [values[0]] * 3


def test_equal_scores_put_the_id_that_sorts_last_first():
    assert ranking({"a": 1.0, "b": 1.0, "é": 1.0, "c": 2.0}) == ["c", "é", "b", "a"]


def test_scores_that_differ_beyond_single_precision_are_equal():
    assert ranking({"a": 1.0 + 1e-12, "b": 1.0}) == ["b", "a"]
    assert ranking({"a": 1.0 + 1e-6, "b": 1.0}) == ["a", "b"]


def test_a_judged_query_that_the_run_leaves_out_counts_0():
    got = evaluate({"q": {"a": 1.0}}, {"q": {"a": 1}, "r": {"a": 1}, "unjudged": {}}, metrics=["success@1"])
    assert got.means == {"success@1": 0.5}
    assert got.missing == ("r",)


def test_a_query_without_judgements_is_left_out():
    got = evaluate({"q": {"a": 1.0}, "stray": {"a": 1.0}}, {"q": {"a": 1}})
    assert list(got.by_query) == ["q"]


def test_nothing_judged_is_0_everywhere():
    assert evaluate({}, {}).means == dict.fromkeys(METRICS, 0.0)


@pytest.mark.parametrize("measure", [ndcg_at_k, recall_at_k, precision_at_k, success_at_k])
def test_a_cut_below_1_is_refused(measure):
    with pytest.raises(ValueError, match="from 1, not 0"):
        measure(["a"], {"a": 1}, k=0)


@pytest.mark.parametrize("measure", [reciprocal_rank, average_precision])
def test_an_id_that_is_ranked_twice_is_refused(measure):
    with pytest.raises(ValueError, match="'a' is ranked twice"):
        measure(["a", "b", "a"], {"a": 1})


@pytest.mark.parametrize("name", ["hit_rate", "ndcg", "ndcg@0", "ndcg@-1", "ndcg@x", "ndcg@²", "reciprocal_rank@5"])
def test_a_measure_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(ValueError, match="there are ndcg@k, recall@k"):
        evaluate({}, {}, metrics=[name])


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="the score of 'a' is not a number"):
        evaluate({"q": {"a": math.nan}}, {"q": {"a": 1}})
