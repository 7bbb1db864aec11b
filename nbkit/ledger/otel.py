"""Records as OpenTelemetry spans and metrics, sent to the receiver that the user names.

Problem: a receiver may be slow, far away or down, and a cell must not notice. Choice: `write` only puts the record in a
queue of limited length; one thread, begun by the first record, imports the SDK, makes spans of what is queued and sends
them. Closing waits two seconds for it. What cannot be sent is lost here and is in the record store all the same; the
reader is told once. Rejected: the SDK's own processors, which wait half a minute for a receiver that is down as a
kernel ends, and take a thread each for spans and metrics.
"""

from __future__ import annotations

import atexit
import collections
import logging
import os
import threading
import weakref
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from nbkit import registry
from nbkit.protocols import SinkOptions
from nbkit.recorded import Record

_MOST_QUEUED: Final = 2_048
_AT_ONCE: Final = 512
_PAUSE_S: Final = 2.0
_METRICS_EVERY: Final = 15
"""Metrics are sent at each so-many-th pause, and at the end."""
_LONGEST_END_S: Final = 2.0


class OtelSink:
    """Sends a span for each record, and histograms of tokens and latency, to `options.endpoint` by OTLP over HTTP.

    Without an endpoint it does nothing. Prompts and answers are sent only where `options.sends_content` and
    `options.keeps_content` both say so. Needs the extra `[otel]`; without it, the reader is told once.

    >>> from pathlib import Path
    >>> sink = OtelSink(SinkOptions(Path("unused")))
    >>> sink.close()
    """

    name: ClassVar[str] = "otel"

    def __init__(self, options: SinkOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._queue: collections.deque[Record] = collections.deque(maxlen=_MOST_QUEUED)
        self._work: _Work | None = None
        self._has_told = False
        self._notice: str | None = None
        self._pid = os.getpid()

    def write(self, record: Record) -> None:
        """Queues one record; raises nothing, waits for nothing. The oldest goes where the queue is full."""
        if self._options.endpoint is None:
            return
        with self._lock:
            if self._pid != os.getpid():
                # A fork has the queue of its parent, who will send it, and no thread.
                self._queue.clear()
                self._work, self._pid = None, os.getpid()
            self._queue.append(record)
            if self._work is None:
                self._work = _Work(self._options, self._queue, tell=self._tell)

    def take_notice(self) -> str | None:
        """What the reader should know, once: that nothing could be sent."""
        notice, self._notice = self._notice, None
        return notice

    def close(self) -> None:
        """Sends what is queued, for two seconds at most; a later `write` begins anew."""
        with self._lock:
            work, self._work = self._work, None
        if work is not None and self._pid == os.getpid():
            work.end()

    def _tell(self, why: str) -> None:
        if not self._has_told:
            self._has_told, self._notice = True, f"{why}; the record store has them all the same"


class _Work:
    """The thread that sends, and how it ends."""

    def __init__(self, options: SinkOptions, queue: collections.deque[Record], *, tell: Any) -> None:  # noqa: ANN401
        self._options, self._queue, self._tell = options, queue, tell
        self._is_ending = threading.Event()
        self._pipeline: Any = None
        self._thread = threading.Thread(target=self._run, name="nbkit-otel", daemon=True)
        self._thread.start()
        own = weakref.WeakMethod(self.end)

        def at_exit() -> None:
            end = own()
            if end is not None:
                end()

        self._at_exit = at_exit
        atexit.register(self._at_exit)

    def end(self) -> None:
        """Lets the thread send what is left, and leaves it after two seconds."""
        atexit.unregister(self._at_exit)
        self._is_ending.set()
        self._thread.join(_LONGEST_END_S)
        if self._thread.is_alive() and self._pipeline is not None:
            # It waits to try again: now it will not.
            self._pipeline.abort()
            self._thread.join(_LONGEST_END_S / 4)

    def _run(self) -> None:
        try:
            from nbkit.ledger.otel_pipeline import Pipeline
        except ImportError:
            self._tell(f"records are not sent to {self._host}: {registry.install_command('otel')}")
            return
        # Without a handler Python prints warnings on stderr, which is below some cell.
        logger = logging.getLogger("opentelemetry")
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        self._pipeline = Pipeline(
            str(self._options.endpoint), sends_content=self._options.sends_content and self._options.keeps_content
        )
        turn = 0
        while not self._is_ending.wait(_PAUSE_S):
            turn += 1
            self._send(has_metrics=turn % _METRICS_EVERY == 0)
        self._send(has_metrics=True)
        self._pipeline.close()

    def _send(self, *, has_metrics: bool) -> None:
        while self._queue:
            count = min(_AT_ONCE, len(self._queue))
            if not self._pipeline.send([self._queue.popleft() for _ in range(count)]):
                self._tell(f"records could not be sent to {self._host}")
                break
        if has_metrics:
            self._pipeline.send_metrics()

    @property
    def _host(self) -> str:
        # Without what a URL may hold of a password.
        return urlsplit(str(self._options.endpoint)).netloc.rpartition("@")[2] or "that receiver"
