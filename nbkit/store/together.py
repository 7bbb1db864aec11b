"""Writes of several threads in one transaction: who has the turn writes for all that wait.

SQLite lets one connection write at a time, and has the others ask again after pauses that grow to 100 ms. Threads of
one process need not ask: they queue here, and whoever comes next takes the whole queue into its transaction.
tests/bench/bench_threads.py measures what 64 threads make of it.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

C = TypeVar("C")
T = TypeVar("T")

_MOST = 64
"""Most writes in one transaction: the first of them waits for the last."""


class Together(Generic[C]):
    """Runs writes so that those which wait share a transaction.

    `in_one` runs what it is given in a transaction, with whatever the writes need; it may run it again when the first
    try came to nothing.

    >>> together = Together[list[str]](lambda perform: perform([]))
    >>> together.run(lambda kept: kept.append("row") or len(kept))
    1
    """

    def __init__(self, in_one: Callable[[Callable[[C], None]], None]) -> None:
        self._in_one = in_one
        self._lock = threading.Lock()
        self._waiting: deque[_Write[C]] = deque()
        self._pid = os.getpid()

    def run(self, action: Callable[[C], T]) -> T:
        """What `action` gives, once its transaction is committed; raises what it or the transaction raises.

        Another thread may run `action`. One that fails does not keep the others of its transaction from being kept.
        """
        if self._pid != os.getpid():
            # After a fork the thread that holds the lock may not be there to release it.
            self._pid, self._lock, self._waiting = os.getpid(), threading.Lock(), deque()
        write = _Write(action)
        self._waiting.append(write)
        try:
            with self._lock:
                if not write.is_done:
                    self._lead(write)
        finally:
            # Whoever gave up waiting, because of an interrupt, is not written for any more.
            write.is_done = True
        return cast("T", write.result)

    def _lead(self, own: _Write[C]) -> None:
        others: list[_Write[C]] = []
        while self._waiting and len(others) < _MOST:
            write = self._waiting.popleft()
            if write is not own and not write.is_done:
                others.append(write)
        try:
            self._keep([own, *others])
        except Exception:
            if not others:
                raise
            # One of them is at fault; each is tried alone, the others by their own threads when their turns come.
            self._keep([own])

    def _keep(self, writes: list[_Write[C]]) -> None:
        def perform(context: C) -> None:
            for write in writes:
                write.result = write.action(context)

        self._in_one(perform)
        for write in writes:
            write.is_done = True


class _Write(Generic[C]):
    __slots__ = ("action", "is_done", "result")

    def __init__(self, action: Callable[[C], object]) -> None:
        self.action = action
        self.is_done = False
        self.result: Any = None
