from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.evals.comparing import compare
from nbkit.evals.differences import Difference
from nbkit.evals.sentences import sentence


def decided(difference, low, high, **more):
    return Difference(difference, low, high, p=0.01, p_adjusted=0.01, n=100, sd=0.4, **more)


def open_(difference, low, high, **more):
    return Difference(difference, low, high, p=0.4, p_adjusted=0.4, n=100, **{"sd": 0.4} | more)


@pytest.mark.parametrize(
    ("found", "how", "said"),
    [
        (decided(0.06, 0.01, 0.11), {}, "B is better on F1 by 0.06 [0.01, 0.11]"),
        (decided(-0.06, -0.11, -0.01), {}, "A is better on F1 by 0.06 [0.01, 0.11]"),
        (decided(0.06, 0.01, 0.11), {"names": ("old", "new")}, "new is better on F1 by 0.06 [0.01, 0.11]"),
        (
            decided(-0.213, -0.31, -0.11),
            {"is_better_high": False, "unit": "s"},
            "B is better on F1 by 0.21 s [0.11, 0.31]",
        ),
        (
            decided(0.00021, 0.00011, 0.00031),
            {"is_better_high": False, "unit": "USD"},
            "A is better on F1 by 0.00021 USD [0.00011, 0.00031]",
        ),
        (decided(0.012, 0.003, 0.021), {}, "B is better on F1 by 0.012 [0.003, 0.021]"),
        (decided(0.25, None, None), {}, "B is better on F1 by 0.25"),
        (
            open_(-0.3, -0.9, 0.3, sd=3.0),
            {"is_better_high": False, "unit": "s"},
            "not decisive on F1 (-0.30 s [-0.90, 0.30]): about 690 more cases would be",
        ),
        (open_(0.0, -0.07, 0.07), {}, "not decisive on F1 (0.00 [-0.07, 0.07]): the means are the same here"),
        (
            open_(0.0, None, None),
            {},
            "not decisive on F1: the same mean over 100 cases, which do not say how sure that is",
        ),
        (
            open_(0.0001, -0.07, 0.07),
            {},
            "not decisive on F1 (+0.0001 [-0.0700, 0.0700]): more than 100,000 more cases would be needed",
        ),
        (
            open_(0.5, None, None, sd=0.0),
            {},
            "not decisive on F1 (+0.50): the cases do not say how sure that is",
        ),
        (Difference(), {}, "nothing to compare on F1: no case has a value in both runs"),
    ],
)
def test_the_sentence_says(found, how, said):
    assert sentence(found, "F1", **how) == said


def test_what_holm_undecided_says_beside_how_many():
    found = Difference(0.1, 0.01, 0.19, p=0.03, p_adjusted=0.09, n=40, sd=0.3, compared=3)
    assert sentence(found, "F1").startswith("not decisive on F1 beside 2 more metrics (+0.10 [0.01, 0.19]): about ")
    one = Difference(0.1, 0.01, 0.19, p=0.03, p_adjusted=0.06, n=40, sd=0.3, compared=2)
    assert "beside 1 more metric (" in sentence(one, "F1")


def test_one_case_more_is_a_case():
    assert "about 1 more case would" in sentence(open_(0.4, -0.1, 0.9), "F1")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20),
    st.booleans(),
    st.sampled_from(["", "s"]),
)
def test_every_comparison_has_a_sentence_and_never_claims_what_is_not_decided(pairs, is_better_high, unit):
    a, b = ({str(place): value for place, value in enumerate(side)} for side in zip(*pairs, strict=True))
    found = compare(a, b, is_bounded=not unit)
    said = sentence(found, "it", is_better_high=is_better_high, unit=unit)
    assert ("is better" in said) == found.is_decisive
    assert "nan" not in said
    assert "None" not in said
    assert not re.search(r"-0\.0*\b(?!\d)", said)
    if found.is_decisive:
        assert said.startswith("B" if (found.difference > 0) == is_better_high else "A")
