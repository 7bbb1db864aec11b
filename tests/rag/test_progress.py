"""How far an `add` is, as it is told."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nbkit.rag.progress import Progress, Tracker


def tracked(files=0):
    told: list[Progress] = []
    return Tracker(told.append, files=files), told


def test_the_share_is_by_size_and_within_a_file_by_chunks():
    tracker, told = tracked(files=3)
    tracker.settled("unchanged.md")
    tracker.begin({"a.md": 300, "b.md": 100})
    tracker.embedding(["a.md"], chunks=4)
    shares = []
    for _ in range(4):
        tracker.embedded(1)
        shares.append(told[-1].share)
    assert shares == [0.1875, 0.375, 0.5625, 0.75]
    tracker.settled("a.md")
    assert (told[-1].share, told[-1].files_done) == (0.75, 2)
    tracker.settled("b.md")
    assert (told[-1].share, told[-1].files_done, told[-1].files) == (1.0, 3, 3)


def test_a_file_that_failed_counts_as_done():
    tracker, told = tracked(files=2)
    tracker.begin({"bad.pdf": 900, "a.md": 100})
    tracker.settled("bad.pdf")
    assert told[-1].share == 0.9


def test_empty_files_are_work_too_and_none_is_none():
    tracker, told = tracked(files=2)
    tracker.begin({})
    tracker.step("looking")
    assert told[-1].share == 0.0
    tracker.begin({"a.md": 0, "b.md": 0})
    tracker.settled("a.md")
    assert told[-1].share == 0.5


def test_the_step_names_the_first_of_several():
    tracker, told = tracked(files=1)
    tracker.embedding(["a.md"], chunks=1)
    assert told[-1].step == "embedding a.md"
    tracker.embedding([f"{number}.md" for number in range(1201)], chunks=9)
    assert told[-1].step == "embedding 0.md and 1,200 more"
    tracker.step("reading b.md")
    assert told[-1].step == "reading b.md"


def test_chunks_in_hand_begin_anew_with_each_group():
    tracker, told = tracked(files=2)
    tracker.embedding(["a.md"], chunks=2)
    tracker.embedded(2)
    tracker.embedding(["b.md"], chunks=5)
    tracker.embedded(3)
    assert (told[-1].in_hand, told[-1].chunks) == ((3, 5), 5)


def test_nobody_needs_to_listen():
    Tracker().embedding(["a.md"], chunks=1)


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 30)), min_size=1, max_size=8), st.integers(1, 5), st.data()
)
def test_the_share_only_rises_and_ends_whole(files, together, data):
    names = {f"{number}.md": size for number, (size, _) in enumerate(files)}
    chunks = {f"{number}.md": count for number, (_, count) in enumerate(files)}
    tracker, told = tracked(files=len(names))
    tracker.begin(names)
    waiting = list(names)
    while waiting:
        group, waiting = waiting[:together], waiting[together:]
        left = sum(chunks[name] for name in group)
        tracker.embedding(group, chunks=left)
        while left:
            some = data.draw(st.integers(1, left))
            tracker.embedded(some)
            left -= some
        for name in group:
            tracker.settled(name)
    shares = [one.share for one in told]
    # Sums of floats: equal but for the last digit.
    assert all(after >= before - 1e-9 for before, after in pairwise(shares))
    assert all(0 <= share <= 1 + 1e-9 for share in shares)
    assert shares[-1] == 1.0
    assert (told[-1].files_done, told[-1].chunks) == (len(names), sum(chunks.values()))
