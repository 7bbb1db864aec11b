"""The clocks, the sleep and the dice of calls over a network, in one value that tests can replace."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time and chance come from.

    >>> Clock(monotonic=lambda: 5.0).monotonic()
    5.0
    """

    monotonic: Callable[[], float] = time.monotonic
    """Seconds that never run backwards: deadlines are measured with it."""
    wall: Callable[[], float] = time.time
    """Seconds since 1970: dates sent by servers are compared with it."""
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    """A number from 0 up to 1, for jitter."""
