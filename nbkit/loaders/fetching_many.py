"""Several pages from the web at once: one that hangs or fails holds up no other, and an interrupt ends them all."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nbkit.errors import DocumentError
from nbkit.loaders.faults import unreadable
from nbkit.loaders.fetching import Fetched, fetch
from nbkit.loaders.limits import Limits

if TYPE_CHECKING:
    import httpcore

    from nbkit.http.wire import Backend

_AT_ONCE = 4

Outcome: TypeAlias = Fetched | DocumentError


def fetch_many(
    urls: Sequence[str],
    folder: Path,
    *,
    limits: Limits | None = None,
    timeout_s: float = 60.0,
    network: httpcore.NetworkBackend | None = None,
) -> Iterator[tuple[str, Outcome]]:
    """Each URL with the file that it leads to, or why not, in the order given; see `fetch`.

    When the iteration is ended early, by an interrupt too, the connections are cut off and nobody is waited for.
    """
    lines = _Lines()

    def attempt(url: str) -> Outcome:
        on_open = functools.partial(lines.add, url)
        try:
            return fetch(url, folder, limits=limits, timeout_s=timeout_s, network=network, on_open=on_open)
        except DocumentError as error:
            return error

    tasks = [(url, Future[Outcome]()) for url in urls]
    waiting: queue.SimpleQueue[tuple[str, Future[Outcome]]] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    try:
        for _ in tasks[:_AT_ONCE]:
            # Not those of a pool: the process would wait for them at its end, and one may be looking up a name.
            threading.Thread(target=_work, args=(waiting, attempt), name="nbkit-fetch", daemon=True).start()
        for url, future in tasks:
            yield url, future.result()
    finally:
        lines.cut()


def _work(waiting: queue.SimpleQueue[tuple[str, Future[Outcome]]], attempt: Callable[[str], Outcome]) -> None:
    while True:
        try:
            url, future = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            future.set_result(attempt(url))
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            future.set_exception(error)


class _Lines:
    """The connections under way, to be cut off from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Backend] = []
        self._is_cut = False

    def add(self, url: str, backend: Backend) -> None:
        with self._lock:
            self._open.append(backend)
            if self._is_cut:
                raise unreadable(url.partition("?")[0], "it was given up")

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for backend in self._open:
                if backend.turn is not None:
                    # One that is still connecting has no socket to be cut off: it ends with its next step.
                    backend.turn.deadline = 0.0
                backend.shut()
