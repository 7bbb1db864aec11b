"""How much a file may take of the machine, and what it has taken so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nbkit.loaders.faults import too_large

_BETWEEN_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one file may take.

    >>> Limits(pages=10).pages
    10
    """

    file_bytes: int = 100 << 20
    pages: int = 5000
    text_chars: int = 10_000_000
    """Of the text that is read from it."""
    archive_entries: int = 10_000
    archive_bytes: int = 300 << 20
    """Of everything in an archive, unpacked. Office files and books are archives."""
    archive_ratio: int = 200
    """Unpacked to packed; counted once more than 10 MB are unpacked. Archives within archives are never opened."""
    depth: int = 400
    """Of elements within elements."""
    stall_s: float = 4.0
    """How long a parser may show no progress: a page, a piece of text."""
    total_s: float = 120.0
    memory_bytes: int = 1 << 30
    """Address space of the child that parses, above what it starts with; not held to on macOS and Windows."""
    scan_pages: int = 500
    """Of a file, that are read as pictures; those beyond are noted."""
    scan_page_s: float = 30.0
    """What each of these adds to `total_s`, and how long one step of it may take; it is drawn within `stall_s`."""
    scan_memory_bytes: int = 3 << 29
    """In place of `memory_bytes` once a picture is read: the engine and its weights are in it."""


class Budget:
    """What one file has taken; each method raises `DocumentError` when that is beyond a limit.

    >>> Budget("a.txt", limits=Limits(pages=1)).pages(1)
    """

    def __init__(
        self,
        name: str,
        *,
        limits: Limits | None = None,
        on_progress: Callable[[], None] = lambda: None,
        on_scan: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.limits = limits or Limits()
        self._on_progress = on_progress
        self._on_scan = on_scan
        self._chars = 0
        self._scans = 0
        self._told_at = time.monotonic()

    def chars(self, count: int) -> None:
        """Counts characters of text that was read."""
        self._chars += count
        if self._chars > self.limits.text_chars:
            raise too_large(self.name, f"it has more than {self.limits.text_chars:,} characters", limit="text_chars")
        self.progress()

    def pages(self, count: int) -> None:
        """Checks how many pages there are."""
        if count > self.limits.pages:
            raise too_large(self.name, f"it has {count:,} pages, and {self.limits.pages:,} may be read", limit="pages")

    def depth(self, count: int) -> None:
        """Checks how deep an element is."""
        if count > self.limits.depth:
            raise too_large(self.name, f"its elements are nested deeper than {self.limits.depth}", limit="depth")

    def scan(self) -> bool:
        """Tells that a page is read as a picture from now on, which takes its time; False when no more may be."""
        if self._scans >= self.limits.scan_pages:
            return False
        self._scans += 1
        self._told_at = time.monotonic()
        self._on_scan()
        return True

    def progress(self) -> None:
        """Tells that the parser is alive; cheap enough for every piece."""
        now = time.monotonic()
        if now - self._told_at > _BETWEEN_S:
            self._told_at = now
            self._on_progress()
