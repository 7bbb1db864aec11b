"""Several pages from the web at once: one that hangs or fails holds up no other, and an interrupt ends them all."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from nbkit.errors import DocumentError
from nbkit.loaders.faults import unreadable
from nbkit.loaders.fetching import Fetched, fetch
from nbkit.loaders.limits import Limits

if TYPE_CHECKING:
    import httpcore

    from nbkit.http.wire import Backend

_AT_ONCE = 4


def fetch_many(
    urls: Sequence[str],
    folder: Path,
    *,
    limits: Limits | None = None,
    timeout_s: float = 60.0,
    network: httpcore.NetworkBackend | None = None,
) -> Iterator[tuple[str, Fetched | DocumentError]]:
    """Each URL with the file that it leads to, or why not, in the order given; see `fetch`.

    When the iteration is ended early, by an interrupt too, the connections are cut off and nobody is waited for.
    """
    lines = _Lines()

    def attempt(url: str) -> Fetched | DocumentError:
        on_open = functools.partial(lines.add, url)
        try:
            return fetch(url, folder, limits=limits, timeout_s=timeout_s, network=network, on_open=on_open)
        except DocumentError as error:
            return error

    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="nbkit-fetch")
    is_whole = False
    try:
        for url, future in [(url, pool.submit(attempt, url)) for url in urls]:
            yield url, future.result()
        is_whole = True
    finally:
        if not is_whole:
            lines.cut()
        pool.shutdown(wait=is_whole, cancel_futures=True)


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
                backend.shut()
