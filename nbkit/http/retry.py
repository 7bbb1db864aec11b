"""When a failed call is made again.

Never after the first piece of the answer arrived: the provider bills each attempt, and the reader has seen text that a
second attempt would contradict. Who makes the call raises `Again` only while nothing has arrived.
"""

from __future__ import annotations

import email.utils
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from nbkit.errors import ProviderError
from nbkit.http.clock import Clock

T = TypeVar("T")


class Again(Exception):
    """A failure after which the same call may succeed; `error` is what the reader gets when there is no time left."""

    def __init__(self, error: ProviderError) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how long: before attempt n + 1 a random time up to `base_s` * 2**n, at most `most_s`."""

    attempts: int = 5
    base_s: float = 0.5
    most_s: float = 20.0


def retrying(call: Callable[[int], T], *, deadline: float, clock: Clock, backoff: Backoff | None = None) -> T:
    """What `call` returns, called with 1, 2, ... until it does not raise `Again`.

    A pause that the server asked for is kept whole, with jitter on top; one that ends past the `deadline` (on the
    monotonic clock) is not begun. Raises the `ProviderError` of the last attempt, with the number of attempts in it.

    >>> retrying(lambda attempt: attempt, deadline=1.0, clock=Clock(monotonic=lambda: 0.0))
    1
    """
    backoff = backoff or Backoff()
    attempt = 1
    while True:
        try:
            return call(attempt)
        except Again as again:
            error = again.error
            error.attempts = attempt
            cause = again.__cause__
            pause = clock.random() * min(backoff.most_s, backoff.base_s * 2 ** (attempt - 1))
            if error.retry_after_s is not None:
                pause = error.retry_after_s + clock.random() * backoff.base_s
            if attempt >= backoff.attempts or clock.monotonic() + pause >= deadline:
                raise error from cause
        except ProviderError as error:
            error.attempts = attempt
            raise
        clock.sleep(pause)
        attempt += 1


def retry_after_s(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds that a server asks to wait, None when it does not say; a date is compared with `now`, seconds since 1970.

    >>> retry_after_s({"retry-after": "2"}, now=0.0)
    2.0
    >>> retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=50.0)
    10.0
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, date.timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
