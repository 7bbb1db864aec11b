"""A thread that owns the loaded model, so that the thread that asks can be interrupted at any moment.

llama.cpp's blocking call ignores the kernel interrupt, and its callback swallows `KeyboardInterrupt`. So the call is
made here, and the asking thread waits on a queue. A stopped job ends at its next event, which is one token or one
batch of the prompt away; the next job starts when it has ended.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from nbkit.providers.llama import Body, Runtime

Load: TypeAlias = Callable[[Path], Runtime]
_POLL_S = 0.05
_LEAVE_S = 10.0


class Late(Exception):
    """The deadline passed."""


class Closed(Exception):
    """The actor was closed before the job ended."""


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing a job says."""

    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    path: Path
    body: Body
    check: Callable[[], None]
    is_stopped: threading.Event = field(default_factory=threading.Event)
    said: queue.SimpleQueue[dict[str, Any] | _End] = field(default_factory=queue.SimpleQueue)


class Actor:
    """Runs jobs one after the other on a thread of its own, on one loaded model at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current: _Job | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="nbkit-local", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether jobs are still run."""
        return self._thread.is_alive()

    def chat(
        self, path: Path, body: Body, *, check: Callable[[], None], deadline: float
    ) -> Generator[dict[str, Any], None, None]:
        """Events of the answer, as they come. Calls `check` before the file is loaded.

        Raises `Late` when `deadline` (monotonic) passes, waiting for other jobs included, `Closed`, and whatever
        loading raises. Leaving the iterator early, by an interrupt too, stops the job.
        """
        job = _Job(path, body, check)
        try:
            self._jobs.put(job)
            while True:
                event = self._next(job, deadline)
                if not isinstance(event, _End):
                    yield event
                elif event.error is None:
                    return
                else:
                    raise event.error
        finally:
            job.is_stopped.set()

    def close(self) -> None:
        """Stops the running job and frees the model; waits for both, at most 10 s."""
        with self._lock:
            self._is_closed = True
            if self._current is not None:
                self._current.is_stopped.set()
        self._jobs.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join(_LEAVE_S)

    def _next(self, job: _Job, deadline: float) -> dict[str, Any] | _End:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late
            # Short waits: where a lock's wait cannot be interrupted, the interrupt is seen between two of them.
            with contextlib.suppress(queue.Empty):
                return job.said.get(timeout=min(_POLL_S, left))
            if not self._thread.is_alive() and job.said.empty():
                raise Closed

    def _run(self) -> None:
        runtime: Runtime | None = None
        loaded: Path | None = None
        while (job := self._jobs.get()) is not None:
            with self._lock:
                if self._is_closed:
                    job.is_stopped.set()
                self._current = job
            if job.is_stopped.is_set():
                job.said.put(_End(Closed()))
                continue
            try:
                if loaded != job.path:
                    # The old one goes first: two models may not fit into memory.
                    if runtime is not None:
                        runtime.close()
                    runtime = loaded = None
                    job.check()
                    runtime, loaded = self._load(job.path), job.path
                assert runtime is not None
                _answer(runtime, job)
            except BaseException as error:  # noqa: BLE001 - it is raised again by the thread that asked
                job.said.put(_End(error))
            else:
                job.said.put(_End(Closed() if job.is_stopped.is_set() else None))
        if runtime is not None:
            runtime.close()


def _answer(runtime: Runtime, job: _Job) -> None:
    def on_piece(event: dict[str, Any]) -> bool:
        job.said.put(event)
        return job.is_stopped.is_set()

    if not job.is_stopped.is_set():
        runtime.chat(job.body, on_piece)
