"""The order in which the boxes of a page are read."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from nbkit.loaders.columns import Box, read


def texts(*boxes):
    return [row.text for row in read([Box(x, y, x + width, y + 10, text) for x, y, width, text in boxes])]


def column(x, name, *, rows=6, y=100):
    return [(x, y + 14 * number, 200, f"{name} line number {number} of it") for number in range(rows)]


def test_boxes_beside_each_other_are_one_row_from_left_to_right():
    assert texts((300, 0, 50, "3.20"), (0, 3, 100, "Lid"), (0, 20, 100, "Base"), (300, 19, 50, "7.00")) == [
        "Lid 3.20",
        "Base 7.00",
    ]


def test_columns_of_text_are_read_one_after_another():
    found = texts(*[one for pair in zip(column(0, "Left"), column(250, "Right"), strict=True) for one in pair])
    assert [row.split()[0] for row in found] == ["Left"] * 6 + ["Right"] * 6


def test_three_columns_are_read_one_after_another():
    found = texts(*column(0, "A"), *column(230, "B"), *column(460, "C"))
    assert [row[0] for row in found] == [*"AAAAAABBBBBBCCCCCC"]


def test_what_goes_over_both_columns_stands_between_what_is_above_and_below():
    over = [(0, 0, 450, "A title"), (0, 250, 450, "A second title")]
    found = texts(*over, *column(0, "L"), *column(250, "R"), *column(0, "l", y=300), *column(250, "r", y=300))
    assert re.sub(r"(.)\1+", r"\1", "".join(row.split()[0][0] for row in found)) == "ALRAlr"


def test_a_table_is_read_by_rows():
    rows = [((0, 14 * number, 200, f"Total of item {number}"), (300, 14 * number, 40, "12")) for number in range(9)]
    assert texts(*[one for row in rows for one in row]) == [f"Total of item {number} 12" for number in range(9)]


def test_a_wider_gap_starts_a_paragraph():
    found = read([Box(0, y, 90, y + 10, "x") for y in (0, 12, 24, 45, 57)])
    assert [row.is_apart for row in found] == [False, False, False, True, False]


@given(
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 800), st.integers(1, 400), st.integers(1, 30)), max_size=60)
)
def test_no_word_is_lost_or_said_twice(places):
    boxes = [Box(x, y, x + w, y + h, f"word{number} and some") for number, (x, y, w, h) in enumerate(places)]
    said = re.findall(r"word\d+", " ".join(row.text for row in read(boxes)))
    assert sorted(said) == sorted(f"word{number}" for number in range(len(boxes)))
