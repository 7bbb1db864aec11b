"""What embedding calls took: each thread's own, failed and stopped ones included."""

from __future__ import annotations

import contextlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.embed.spending import Tally, counting, plus
from nbkit.errors import EmbedError, ProviderUnreachable
from nbkit.testing import EmbedderContract, FakeEmbedder
from nbkit.types import Spent, Usage

SPENT = st.builds(
    Spent,
    calls=st.integers(0, 9),
    texts=st.integers(0, 99),
    attempts=st.integers(0, 9),
    duration_s=st.integers(0, 9).map(float),
    usage=st.builds(Usage, st.integers(0, 99), st.just(0), source=st.sampled_from(["provider", "estimate"])),
    model=st.sampled_from([None, "m-1", "m-2"]),
)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def words(text):
    return text.split()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tally(clock):
    return Tally(clock)


class TestCountedIsAnEmbedder(EmbedderContract):
    def embedder(self):
        return counting(FakeEmbedder())


@given(SPENT, SPENT, SPENT)
def test_sums_do_not_depend_on_their_order_but_for_the_last_model(one, two, three):
    assert plus(plus(one, two), three) == plus(one, plus(two, three))
    whole = plus(one, two)
    assert whole.usage.input_tokens == one.usage.input_tokens + two.usage.input_tokens
    assert whole.model == (two.model or one.model)


@given(SPENT)
def test_nothing_spent_changes_no_figure(spent):
    assert plus(Spent(), spent) == plus(spent, Spent())
    assert plus(Spent(), spent).usage.input_tokens == spent.usage.input_tokens


@pytest.mark.parametrize(
    ("one", "other", "source"),
    [
        (Usage(3, 0), Usage(4, 0), "provider"),
        (Usage(3, 0), Usage(4, 0, source="estimate"), "estimate"),
        (Usage(3, 0), Usage(0, 0, source="estimate"), "provider"),
        (Usage(3, 0, source="estimate"), Usage(0, 0), "estimate"),
    ],
)
def test_a_sum_is_an_estimate_when_a_part_of_it_is(one, other, source):
    assert plus(Spent(usage=one), Spent(usage=other)).usage.source == source


def test_a_call_that_was_answered_is_what_the_service_counted(tally, clock):
    with tally.call(["one two", "three"], words) as call:
        clock.now += 2.0
        call.attempt(lambda: None)
        call.answer(tokens=7, model="m-1")
    assert tally.take() == Spent(1, 2, 1, 2.0, Usage(7, 0), "m-1")
    assert tally.take() == Spent()


def test_a_call_whose_tokens_nobody_counted_is_an_estimate(tally):
    with tally.call(["one two", "three"], words) as call:
        call.attempt(lambda: None)
        call.answer(tokens=None, model=None)
    assert tally.take() == Spent(1, 2, 1, 0.0, Usage(3, 0, source="estimate"))


def test_a_call_that_failed_costs_attempts_and_no_tokens(tally):
    def refuse():
        raise EmbedError(what="no", why="no", fix="no")

    with contextlib.suppress(EmbedError), tally.call(["one two"], words) as call:
        for _ in range(2):
            with pytest.raises(EmbedError):
                call.attempt(refuse)
        call.attempt(refuse)
    assert tally.take() == Spent(attempts=3)


def test_a_call_that_succeeds_after_one_that_failed_is_one_call(tally):
    with tally.call(["one two"], words) as call:
        with pytest.raises(ZeroDivisionError):
            call.attempt(lambda: 1 / 0)
        assert call.attempt(lambda: "fine") == "fine"
        call.answer(tokens=2, model=None)
    assert tally.take() == Spent(1, 1, 2, 0.0, Usage(2, 0))


def test_a_call_that_was_stopped_on_its_way_counts_as_sent(tally):
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), tally.call(["one two"], words) as call:
        call.attempt(stopped)
    assert tally.take() == Spent(attempts=1, usage=Usage(2, 0, source="estimate"))


def test_a_call_that_was_stopped_between_attempts_costs_nothing(tally):
    with contextlib.suppress(KeyboardInterrupt), tally.call(["one two"], words) as call:
        with pytest.raises(ZeroDivisionError):
            call.attempt(lambda: 1 / 0)
        raise KeyboardInterrupt
    assert tally.take() == Spent(attempts=1)


def test_calls_of_one_thread_add_up_and_those_of_two_do_not(tally):
    def spend(times, found):
        for _ in range(times):
            with tally.call(["one"], words) as call:
                call.attempt(lambda: both.wait(5))
                call.answer(tokens=1, model=None)
        found.append(tally.take().usage.input_tokens)

    both, first, second = threading.Barrier(2), [], []
    pair = [threading.Thread(target=spend, args=(3, found)) for found in (first, second)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join(10)
    assert (first, second) == ([3], [3])
    assert tally.take() == Spent()


def test_an_embedder_that_counts_is_left_as_it_is():
    class Counts(FakeEmbedder):
        def take_spent(self):
            return Spent(calls=5)

    made = Counts()
    assert counting(made) is made


def test_one_that_does_not_count_is_counted_by_its_own_tokens():
    made = counting(FakeEmbedder())
    made.embed(["one two", "three"])
    made.embed(["four"], is_query=True)
    spent = made.take_spent()
    assert (spent.calls, spent.texts, spent.attempts, spent.model) == (2, 3, 2, None)
    assert spent.usage == Usage(4, 0, source="estimate")
    assert made.take_spent() == Spent()


def test_what_else_an_embedder_has_is_still_there():
    inner = FakeEmbedder()
    inner.batches = lambda texts: [(0, len(texts))]
    made = counting(inner)
    assert (made.id, made.dimensions, made.batches(["one"])) == (inner.id, inner.dimensions, [(0, 1)])
    assert not hasattr(counting(FakeEmbedder()), "batches")


def test_attempts_of_one_that_does_not_count_are_those_of_its_error():
    class Down(FakeEmbedder):
        def embed(self, texts, *, is_query=False):
            raise ProviderUnreachable(what="no", why="no", fix="no", attempts=4)

    made = counting(Down())
    with pytest.raises(ProviderUnreachable):
        made.embed(["one"])
    assert made.take_spent() == Spent(attempts=4, duration_s=pytest.approx(0, abs=5))
