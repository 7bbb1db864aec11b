from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from nbkit.evals.agreement import cohen_kappa, krippendorff_alpha, self_agreement
from nbkit.evals.proportions import wilson

GRADES = [1, 2, 3, 4]
pairs = st.lists(st.tuples(st.sampled_from(GRADES), st.sampled_from(GRADES)), min_size=2, max_size=60)
# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": four observers, twelve units.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [*zip(*OBSERVERS, strict=True)]


@given(pairs, st.sampled_from(["none", "linear", "quadratic"]))
def test_kappa_is_scikit_learns(drawn, weights):
    first, second = zip(*drawn, strict=True)
    found = cohen_kappa(first, second, weights=weights, categories=GRADES)
    if found.value is None:
        assert len({*first, *second}) == 1
        return
    theirs = cohen_kappa_score(first, second, labels=GRADES, weights=None if weights == "none" else weights)
    assert found.value == pytest.approx(theirs, abs=1e-9)
    assert found.n == len(drawn)
    if found.low is None:
        # One of them always says the same: chance explains what there is.
        assert min(len({*first}), len({*second})) == 1
        return
    assert -1 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


@pytest.mark.parametrize(("weights", "theirs"), [("none", None), ("linear", "linear"), ("quadratic", "quadratic")])
def test_the_standard_error_of_kappa_is_statsmodels(weights, theirs):
    raters = pytest.importorskip("statsmodels.stats.inter_rater")
    generator = np.random.default_rng(1)
    first = generator.integers(0, 4, 200)
    second = np.where(generator.random(200) < 0.6, first, generator.integers(0, 4, 200))
    table = np.zeros((4, 4))
    np.add.at(table, (first, second), 1)
    expected = raters.cohens_kappa(table, wt=theirs)
    found = cohen_kappa(first.tolist(), second.tolist(), weights=weights)
    assert found.value == pytest.approx(expected.kappa, abs=1e-9)
    assert found.std_error == pytest.approx(expected.std_kappa, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((expected.kappa_low, expected.kappa_upp), abs=1e-9)


def test_the_standard_error_of_kappa_is_that_of_many_samples():
    generator = np.random.default_rng(2)
    shares = np.array([[0.4, 0.1], [0.1, 0.4]]).ravel()
    drawn = []
    for _ in range(3000):
        chosen = generator.choice(4, 100, p=shares)
        drawn.append(cohen_kappa((chosen // 2).tolist(), (chosen % 2).tolist()).value)
    first, second = ([side] * 50 for side in (0, 1))
    expected = cohen_kappa(first + second, [0] * 40 + [1] * 10 + [0] * 10 + [1] * 40)
    assert expected.value == pytest.approx(0.6)
    assert np.std(drawn) == pytest.approx(expected.std_error, rel=0.05)


def test_perfect_agreement_is_as_sure_as_the_cases_are_many():
    few, many = (cohen_kappa(["yes", "no"] * n, ["yes", "no"] * n) for n in (5, 100))
    assert (few.value, few.high, few.std_error) == (1.0, 1.0, 0.0)
    assert few.low == pytest.approx((wilson(1, 10)[0] - 0.5) / 0.5)
    assert few.low < many.low < 1


def test_a_kappa_that_chance_explains_is_none():
    assert cohen_kappa(["yes"] * 9, ["yes"] * 9).value is None
    assert cohen_kappa([], []).n == 0


def test_weights_go_by_the_distance_of_numbers_and_by_the_order_of_names():
    by_number = cohen_kappa([1, 2, 4, 4], [1, 4, 2, 4], weights="linear")
    assert by_number.value == pytest.approx(
        cohen_kappa([1, 2, 4, 4], [1, 4, 2, 4], weights="linear", categories=GRADES).value
    )
    names = dict(zip(GRADES, ["bad", "weak", "fair", "good"], strict=True))
    first, second = [1, 2, 3, 4, 4], [2, 2, 3, 3, 4]
    named = cohen_kappa(
        [names[one] for one in first], [names[one] for one in second], weights="linear", categories=[*names.values()]
    )
    assert named == cohen_kappa(first, second, weights="linear")


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="'maybe' is none"):
        cohen_kappa(["yes"], ["maybe"], categories=["yes", "no"])
    with pytest.raises(ValueError, match="zip"):
        cohen_kappa(["yes"], ["yes", "no"])


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_krippendorffs_example(level, alpha):
    found = krippendorff_alpha(UNITS, level=level)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert found.n == 11
    assert found.low < found.value < found.high + 1e-12
    assert krippendorff_alpha(UNITS, level=level) == found


def alpha_by_pairs(units, apart):
    """Alpha from its definition: over pairs within units, and over pairs of all labels."""
    kept = [[one for one in unit if one is not None] for unit in units]
    kept = [unit for unit in kept if len(unit) > 1]
    everything = [one for unit in kept for one in unit]
    seen = sum(sum(apart(*pair) for pair in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in kept)
    chance = sum(apart(*pair) for pair in itertools.permutations(everything, 2)) / (len(everything) - 1)
    return 1 - seen / chance if chance else None


ratings = st.lists(st.lists(st.sampled_from([*GRADES, None]), min_size=2, max_size=4), min_size=1, max_size=12)


@settings(deadline=None)
@given(ratings)
def test_alpha_is_that_of_its_definition(units):
    for level, apart in (("nominal", lambda x, y: x != y), ("interval", lambda x, y: (x - y) ** 2)):
        found, expected = krippendorff_alpha(units, level=level, draws=20), alpha_by_pairs(units, apart)
        assert (found.value is None) == (expected is None)
        if expected is not None:
            assert found.value == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(ratings)
def test_ordinal_alpha_of_two_labels_is_nominal(units):
    two = [[None if one is None else one > 2 for one in unit] for unit in units]
    nominal, ordinal = (krippendorff_alpha(two, level=level, draws=20) for level in ("nominal", "ordinal"))
    assert (nominal.value is None) == (ordinal.value is None)
    if nominal.value is not None:
        assert ordinal.value == pytest.approx(nominal.value)


def test_perfect_alpha_is_as_sure_as_the_cases_are_many():
    few, many = (krippendorff_alpha([[0, 0], [1, 1]] * n) for n in (5, 100))
    assert (few.value, few.high) == (1.0, 1.0)
    assert few.low < many.low < 1


def test_the_order_of_names_is_that_of_the_categories():
    order = ["low", "middle", "high"]
    units = [["low", "middle"], ["high", "high"], ["middle", "middle"], ["low", "low"], ["low", "high"]]
    found = krippendorff_alpha(units, level="ordinal", categories=order)
    numbered = [[order.index(one) for one in unit] for unit in units]
    assert found == krippendorff_alpha(numbered, level="ordinal")


def test_names_are_no_interval():
    with pytest.raises(ValueError, match="numbers"):
        krippendorff_alpha([["a", "b"]], level="interval")


def test_alpha_without_two_labels_is_none():
    assert krippendorff_alpha([[1, 1], [1, None]]).value is None
    assert krippendorff_alpha([[1, None], [2, None]]).n == 0
    assert krippendorff_alpha([]).value is None


def test_self_agreement_is_the_share_of_pairs_that_agree():
    found = self_agreement([["a", "a", "b"], ["c", "c", "c"], ["a", "b"], ["a"]])
    assert found.mean == pytest.approx((1 / 3 + 1 + 0) / 3)
    assert found.n == 3
    assert self_agreement([["a", "a"]] * 20).low == pytest.approx(wilson(1, 20)[0])
    assert self_agreement([["a"], []]).mean is None


def test_self_agreement_knows_of_clusters():
    found = self_agreement([["a", "a"], ["a"], ["a", "b"], ["b", "b"]], clusters=["x", "y", "x", "z"])
    assert (found.n, found.clusters) == (3, 2)


def hard_questions(generator):
    """What people and a judge say of 30 questions' four answers each, where a judge that errs does so by question."""
    people = generator.random((30, 4)) < 0.5
    is_hard = generator.random((30, 1)) < 0.25
    errs = generator.random((30, 4)) < np.where(is_hard, 0.8, 0.05)
    return people.ravel().tolist(), (people ^ errs).ravel().tolist(), np.repeat(np.arange(30), 4).tolist()


def test_kappa_over_clusters_covers_where_labels_taken_as_independent_do_not():
    # It errs in .25 * .8 + .75 * .05 = .2375 of labels, evenly: kappa is 1 - 2 * .2375.
    generator, true, covered = np.random.default_rng(3), 0.525, [0, 0]
    for _ in range(600):
        people, judge, clusters = hard_questions(generator)
        for at, shared in enumerate((None, clusters)):
            found = cohen_kappa(people, judge, clusters=shared)
            covered[at] += found.low <= true <= found.high
    assert covered[0] / 600 < 0.8
    assert 0.91 <= covered[1] / 600 <= 0.97


def test_kappa_over_clusters_of_one_is_nearly_that_of_labels_alone_and_of_one_cluster_has_no_interval():
    people, judge, clusters = hard_questions(np.random.default_rng(4))
    alone, each = cohen_kappa(people, judge), cohen_kappa(people, judge, clusters=range(120))
    assert each == alone
    assert cohen_kappa(people, judge, clusters=[1] * 120).low is None
    perfect = cohen_kappa([0, 1] * 20, [0, 1] * 20, clusters=clusters[:40])
    assert perfect.low == pytest.approx((wilson(1, 10)[0] - 0.5) / 0.5)


def test_alpha_draws_whole_clusters():
    people, judge, clusters = hard_questions(np.random.default_rng(5))
    units = [*zip(people, judge, strict=True)]
    alone, shared = krippendorff_alpha(units), krippendorff_alpha(units, clusters=clusters)
    assert shared.value == alone.value
    assert shared.std_error > 1.2 * alone.std_error
    means = []
    generator = np.random.default_rng(6)
    for _ in range(300):
        chosen = generator.integers(0, 30, 30)
        means.append(krippendorff_alpha([units[4 * one + at] for one in chosen for at in range(4)], draws=2).value)
    assert shared.std_error == pytest.approx(np.std(means), rel=0.15)
    assert krippendorff_alpha(units, clusters=[1] * 120).low is None
