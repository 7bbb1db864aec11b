from __future__ import annotations

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import BadResponse, ProviderUnreachable, RateLimited
from nbkit.http.clock import Clock
from nbkit.http.retry import Again, Backoff, retry_after_s, retrying

SENTENCES = {"what": "w", "why": "y", "fix": "f"}


class Time:
    """A clock that only sleeping moves."""

    def __init__(self, chance=1.0):
        self.now = 0.0
        self.slept: list[float] = []
        self.clock = Clock(monotonic=lambda: self.now, wall=lambda: self.now, sleep=self.sleep, random=lambda: chance)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def failing(times, error=ProviderUnreachable, **more):
    def call(attempt):
        if attempt <= times:
            raise Again(error(**SENTENCES, **more))
        return attempt

    return call


def test_pauses_double_up_to_the_most():
    time = Time()
    backoff = Backoff(attempts=6, base_s=1.0, most_s=5.0)
    assert retrying(failing(5), deadline=100.0, clock=time.clock, backoff=backoff) == 6
    assert time.slept == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_jitter_is_full():
    time = Time(chance=0.25)
    retrying(failing(2), deadline=100.0, clock=time.clock, backoff=Backoff(base_s=1.0))
    assert time.slept == [0.25, 0.5]


def test_server_is_never_asked_before_the_pause_it_wants():
    time = Time(chance=0.0)
    retrying(failing(2, RateLimited, retry_after_s=9.0), deadline=100.0, clock=time.clock)
    assert time.slept == [9.0, 9.0]


def test_last_error_counts_its_attempts():
    with pytest.raises(ProviderUnreachable) as raised:
        retrying(failing(99), deadline=100.0, clock=Time().clock, backoff=Backoff(attempts=3))
    assert raised.value.attempts == 3


def test_error_that_may_not_be_retried_is_raised_at_once():
    calls: list[int] = []

    def call(attempt):
        calls.append(attempt)
        raise BadResponse(**SENTENCES)

    with pytest.raises(BadResponse):
        retrying(call, deadline=100.0, clock=Time().clock)
    assert calls == [1]


@given(chance=st.floats(0, 1, exclude_max=True), deadline=st.floats(0, 60), wait=st.none() | st.floats(0, 100))
def test_no_pause_ends_past_the_deadline(chance, deadline, wait):
    time = Time(chance)
    with pytest.raises(RateLimited):
        retrying(failing(99, RateLimited, retry_after_s=wait), deadline=deadline, clock=time.clock)
    assert time.now <= deadline


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", 7.0), ("1.5", 1.5), ("0", 0.0), (" 3 ", 3.0), ("-1", None), ("nan", None), ("inf", None), ("soon", None)],
)
def test_retry_after_in_seconds(value, expected):
    assert retry_after_s({"retry-after": value}, now=0.0) == expected


@given(st.integers(0, 2_000_000_000), st.integers(-1000, 100_000))
def test_retry_after_as_a_date(now, ahead):
    date = email.utils.formatdate(max(0, now + ahead), usegmt=True)
    assert retry_after_s({"retry-after": date}, now=now) == max(0, max(0, now + ahead) - now)


def test_milliseconds_are_preferred_and_a_broken_value_is_passed_over():
    assert retry_after_s({"retry-after-ms": "250", "retry-after": "1"}, now=0.0) == 0.25
    assert retry_after_s({"retry-after-ms": "x", "retry-after": "1"}, now=0.0) == 1.0


@given(st.text(max_size=40))
def test_any_retry_after_is_read_or_left(value):
    found = retry_after_s({"retry-after": value}, now=0.0)
    assert found is None or found >= 0
