from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.evals.numbers import Number, is_near, numbers_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234,567.5", [1234567.5]),
        ("1'234 and 1\u202f234 and 1,23", [1234, 1234, 1]),
        ("1,2345", [1]),
        ("from 3-5 to -5 or \u22127", [3, 5, -5, -7]),
        ("- 5 apples", [5]),
        ("$ 3.50, €4", [3.5, 4]),
        (".5 or 0.5.", [0.5, 0.5]),
        ("1.5e-3", [0.0015]),
        ("K200 is v2, on 10.0.0.1", [10.0]),
        ("twelve, half", []),
        ("9" * 500, []),
        ("1e999", []),
        ("", []),
    ],
)
def test_numbers_are_read_as_they_are_written(text, found):
    assert [one.value for one in numbers_in(text)] == found


def test_percent_is_told():
    assert numbers_in("45% or 45 % or 45") == [Number(45, True), Number(45, True), Number(45)]


@given(st.floats(-1e12, 1e12).map(lambda value: round(value, 3)))
def test_a_number_with_thousands_separators_comes_back(value):
    assert [one.value for one in numbers_in(f"so {value:,.3f} it is")] == [value]


@given(st.text(max_size=60))
def test_any_text_is_read(text):
    assert all(one.value == one.value for one in numbers_in(text))


@pytest.mark.parametrize(
    ("found", "right", "relative", "absolute", "is_so"),
    [
        (101, 100, 0.01, 0, True),
        (1.01, 1.0, 0.01, 0, True),  # in binary a little more than 0.01 apart
        (101.1, 100, 0.01, 0, False),
        (-101, -100, 0.01, 0, True),
        (0.1, 0, 0.5, 0, False),  # no share of 0 is more than 0
        (0.1, 0, 0, 0.1, True),
        (100, 101, 0.0099, 0, False),  # the share is of the right number: 1 / 101 = 0.00990…
    ],
)
def test_what_is_near(found, right, relative, absolute, is_so):
    assert is_near(Number(found), Number(right), relative=relative, absolute=absolute) is is_so


def test_percent_may_be_meant_either_way_where_one_side_does_not_say():
    for right in (Number(45), Number(0.45), Number(45, is_percent=True)):
        assert is_near(Number(45, is_percent=True), right, relative=1e-9)
    assert is_near(Number(0.45), Number(45, is_percent=True), relative=1e-9)
    assert not is_near(Number(45, is_percent=True), Number(4500), relative=1e-9)
