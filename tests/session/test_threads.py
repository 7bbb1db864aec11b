"""Conversations are a function of the cells."""

from hypothesis import given
from hypothesis import strategies as st

from nbkit.recorded import Origin
from nbkit.session.threads import Threads, Turn


def say(threads, text, origin, *, is_heard=True):
    """The prompts that the call followed."""
    place = threads.place("t", origin)
    before = [message.content for message in threads.before("t", place) if message.role == "user"]
    threads.write("t", place, Turn(text, text.upper()) if is_heard else None)
    return before


def test_cell_run_again_rewrites_its_turn_where_it_was():
    threads = Threads()
    for count, cell in enumerate("abc"):
        say(threads, cell, Origin(cell_id=cell, execution_count=count))
    assert say(threads, "B", Origin(cell_id="b", execution_count=3)) == ["a"]
    assert say(threads, "c", Origin(cell_id="c", execution_count=4)) == ["a", "B"]


def test_cell_that_failed_keeps_its_place_and_says_nothing():
    threads = Threads()
    for count, cell in enumerate("abc"):
        say(threads, cell, Origin(cell_id=cell, execution_count=count))
    say(threads, "a", Origin(cell_id="a", execution_count=3), is_heard=False)
    assert say(threads, "c", Origin(cell_id="c", execution_count=4)) == ["b"]
    assert say(threads, "a", Origin(cell_id="a", execution_count=5)) == []


def test_calls_of_one_execution_follow_one_another_and_a_new_execution_begins_again():
    threads = Threads()
    first = [say(threads, "go on", Origin(cell_id="a", execution_count=1)) for _ in range(3)]
    assert first == [[], ["go on"], ["go on", "go on"]]
    again = [say(threads, "more", Origin(cell_id="a", execution_count=2)) for _ in range(2)]
    assert again == [[], ["more"]]
    assert say(threads, "end", Origin(cell_id="b", execution_count=3)) == ["more", "more"]


def test_without_cell_ids_each_execution_is_a_turn():
    threads = Threads()
    said = [say(threads, "go on", Origin(execution_count=count)) for count in (1, 2, 3)]
    assert said == [[], ["go on"], ["go on", "go on"]]


def test_without_any_cell_each_call_is_a_turn():
    threads = Threads()
    assert [len(say(threads, "go on", Origin())) for _ in range(3)] == [0, 1, 2]


def test_looking_moves_nothing():
    threads = Threads()
    here = Origin(cell_id="a", execution_count=1)
    assert threads.place("t", here, is_look=True) == threads.place("t", here, is_look=True) == "a#0"
    assert threads.names() == []
    assert threads.place("t", here) == "a#0"


@given(st.lists(st.sampled_from("abcd"), max_size=12))
def test_conversation_is_that_of_the_cells_in_the_order_they_first_ran(runs):
    threads = Threads()
    latest = {}
    for count, cell in enumerate(runs):
        known = list(latest)
        expected = [latest[other] for other in (known[: known.index(cell)] if cell in latest else known)]
        assert say(threads, f"{cell}{count}", Origin(cell_id=cell, execution_count=count)) == expected
        latest[cell] = f"{cell}{count}"
