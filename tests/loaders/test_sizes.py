"""Headings by the size of lines."""

from __future__ import annotations

import pytest

from nbkit.loaders.sizes import Line, by_size, largest

_TEXT = Line("This line is one of a longer text and has so many characters that it counts.", 10)


def headings(*pages, ratio=1.15):
    return [(one.page, one.level, one.text) for one in by_size(pages, ratio=ratio)]


def test_larger_lines_are_headings_and_the_largest_are_on_top():
    pages = [
        [Line("Kettles", 24), _TEXT, _TEXT, Line("Care", 14), _TEXT, _TEXT],
        [_TEXT, _TEXT, Line("Parts", 14), _TEXT, Line("Fans", 24), _TEXT],
    ]
    assert headings(*pages) == [(0, 1, "Kettles"), (0, 2, "Care"), (1, 2, "Parts"), (1, 1, "Fans")]


def test_sizes_that_hardly_differ_are_one_level():
    page = [Line("Care", 14), _TEXT, Line("Parts", 14.2), _TEXT, _TEXT]
    assert [level for _, level, _ in headings(page)] == [1, 1]


def test_two_lines_of_a_heading_are_one_and_more_are_a_text():
    long = [Line("In large print", 14)] * 4
    page = [Line("Care of the", 14), Line("kettle", 14), _TEXT, _TEXT, *long, _TEXT, Line("Parts", 14), _TEXT, _TEXT]
    assert [text for _, _, text in headings(page)] == ["Care of the kettle", "Parts"]


@pytest.mark.parametrize("text", ["12 34 56 total", "It ends here.", "\u2022 a point", "12", "\u2014"])
def test_what_reads_like_no_heading_is_none(text):
    assert headings([Line(text, 14), _TEXT, Line("Care", 14), _TEXT, Line("Parts", 14), _TEXT]) == [
        (0, 1, "Care"),
        (0, 1, "Parts"),
    ]


def test_what_stands_on_every_page_is_no_heading():
    pages = [[Line("ACME Inc", 14), _TEXT, Line(f"Part {'abcdef'[number]}", 12), _TEXT, _TEXT] for number in range(5)]
    assert [text for _, _, text in headings(*pages)] == [f"Part {one}" for one in "abcde"]


def test_large_print_on_the_cover_alone_is_no_heading_of_all_that_follows():
    assert headings([Line("ACME", 30), _TEXT, Line("Annual report", 20), _TEXT], *[[_TEXT] * 9] * 9) == []


def test_one_size_has_no_headings_and_no_title():
    page = [Line("The first line", 10), *[_TEXT] * 5]
    assert headings(page) == []
    assert largest(page, ratio=1.15) == ""


def test_nothing_has_none():
    assert headings() == headings([]) == []
    assert largest([], ratio=1.15) == ""
