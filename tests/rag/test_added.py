"""What came of an `add`, in a line and the rows that are worth a look."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.rag.added import Added, FileRow

STATUSES = ("new", "changed", "unchanged", "removed", "failed")
ROWS = st.lists(
    st.builds(
        FileRow,
        source=st.text(max_size=8),
        status=st.sampled_from(STATUSES),
        chunks=st.integers(0, 9),
        reason=st.sampled_from(["", "a", "b"]),
    ),
    max_size=40,
)


def added(*rows, embedded=0, duration_s=1.0, is_whole=True):
    return Added(tuple(rows), embedded=embedded, duration_s=duration_s, is_whole=is_whole)


def failed(count, reason):
    return [FileRow(f"{reason}-{number}", "failed", reason=reason) for number in range(count)]


def test_the_line_counts_each_kind():
    rows = [FileRow(status, status) for status in STATUSES for _ in range(STATUSES.index(status) + 1)]
    said = str(added(*rows, embedded=1234, duration_s=2.0))
    assert said == (
        "15 files: 1 new, 2 changed, 3 unchanged, 4 removed, 5 failed · 1,234 chunks embedded (617 a second) · 2.00 s"
    )


def test_one_is_one_and_nothing_has_no_speed():
    assert str(added(FileRow("a", "new"), embedded=1)) == (
        "1 file: 1 new, 0 changed, 0 unchanged, 0 removed, 0 failed · 1 chunk embedded (1.0 a second) · 1.00 s"
    )
    assert "a second" not in str(added())


def test_no_time_at_all_has_no_speed():
    found = added(FileRow("a", "new"), embedded=3, duration_s=0.0)
    assert found.chunks_per_s == 0.0
    assert "a second" not in str(found)


def test_an_interrupt_is_said():
    assert str(added(is_whole=False)).endswith("· interrupted: what was done is kept")


def test_failed_files_come_first_and_unchanged_ones_not_at_all():
    rows = [FileRow(status, status) for status in ("new", "unchanged", "changed", "removed", "failed")]
    shown, left = added(*rows).worth_showing()
    assert [row.status for row in shown] == ["failed", "removed", "changed", "new"]
    assert left == 0


@pytest.mark.parametrize(("count", "sources"), [(3, ["x-0", "x-1", "x-2"]), (4, ["4 files such as x-0"])])
def test_files_that_failed_alike_are_one_row_from_four_on(count, sources):
    shown, left = added(*failed(count, "x")).worth_showing()
    assert [row.source for row in shown] == sources
    assert {row.reason for row in shown} == {"x"}
    assert left == 0


def test_files_that_failed_otherwise_stand_alone():
    shown, _ = added(*failed(5, "x"), *failed(2, "y")).worth_showing()
    assert [row.source for row in shown] == ["5 files such as x-0", "y-0", "y-1"]


def test_what_is_left_out_is_counted_in_files():
    found = added(*failed(1, "x"), *failed(7, "y"), *[FileRow(f"{number}", "new") for number in range(30)])
    shown, left = found.worth_showing(most=1)
    assert ([row.source for row in shown], left) == (["x-0"], 37)
    assert "… and 12 more" in repr(found)


@given(ROWS, st.integers(1, 30))
def test_every_file_that_something_happened_to_is_shown_or_counted(rows, most):
    shown, left = added(*rows).worth_showing(most)
    assert len(shown) <= most
    stand_for = [int(row.source.split()[0]) if " files such as " in row.source else 1 for row in shown]
    assert sum(stand_for) + left == sum(row.status != "unchanged" for row in rows)


@given(ROWS)
def test_a_row_is_one_line_whatever_is_in_it(rows):
    shown, left = added(*rows).worth_showing()
    assert len(repr(added(*rows)).splitlines()) == 1 + len(shown) + (left > 0)


def test_the_lines_say_why():
    said = repr(added(FileRow("a.pdf", "failed", reason="it is\nencrypted"), FileRow("b.md", "new", 3)))
    assert [one.strip() for one in said.splitlines()[1:]] == ["failed a.pdf: it is encrypted", "new b.md"]
