"""Numbers in words are read as digits."""

import pytest

from nbkit.guards.number_words import in_digits


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("twelve fans", "twelve fans"),
        ("Thirteen fans", "13 fans"),
        ("ninety-nine", "99"),
        ("two hundred and five", "205"),
        ("one thousand two hundred", "1200"),
        ("a hundred", "100"),
        ("nineteen twenty", "nineteen twenty"),
        ("the thirteenth", "the thirteenth"),
    ],
)
def test_number_is_read(text, read):
    assert in_digits(text) == read
