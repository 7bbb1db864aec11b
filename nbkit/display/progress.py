"""A line that tells how far a long command is, replaced by what came of it.

A page has one output for both. On a terminal the line is rewritten, on stderr; where outputs are printed and nobody
waits before a terminal, as in a script's log, it is left out.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbkit.display.surface import prints_only
from nbkit.escape import NO_MATH, clean, escape
from nbkit.figures import count, duration
from nbkit.rag.progress import Progress
from nbkit.secrets import SecretRegistry
from nbkit.tables import Table

_EVERY_S = 0.25
_TEN = 10


class Bar:
    """Drawn at most four times a second, on the caller's thread.

    `clock` gives seconds that only rise.
    """

    def __init__(self, secrets: SecretRegistry, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._secrets = secrets
        self._clock = clock
        self._started = self._due = clock()
        self._embedding_since: tuple[float, int] | None = None
        self._handle: Any = None  # IPython's own are untyped
        self._line_chars = 0
        """Of the line that stands on a terminal."""

    def show(self, progress: Progress) -> None:
        """Draws how far it is: files, chunks, chunks a second, what is being done, and how long it may still take."""
        now = self._clock()
        if progress.chunks and self._embedding_since is None:
            self._embedding_since = (now, progress.chunks)
        self.show_line(progress.share, lambda: self._words(progress, now))

    def show_line(self, share: float, words: Callable[[], Sequence[str]]) -> None:
        """Draws which part is done, and words for it, unless it has just been drawn."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + _EVERY_S
        said = self._secrets.redact(" · ".join(filter(None, words())))
        page = f'<meter min="0" max="1" value="{share:.3f}">{share:.0%}</meter> <span {NO_MATH}>{escape(said)}</span>'
        self._draw({"text/plain": clean(said), "text/html": page})

    def _words(self, progress: Progress, now: float) -> list[str]:
        done, total = progress.in_hand
        of = f" ({done:,} of {total:,})" if done < total else ""
        return [
            f"{progress.files_done:,} of {count(progress.files, 'file')}",
            count(progress.chunks, "chunk") if progress.chunks else "",
            self._speed(progress, now),
            f"{progress.step}{of}" if progress.step else "",
            self.left(progress.share),
        ]

    def left(self, share: float) -> str:
        """How long it has been going on, and how long it may still take."""
        elapsed = self._clock() - self._started
        rest = f" · about {duration(elapsed / share * (1 - share))} left" if 0 < share < 1 else ""
        return f"{duration(elapsed)}{rest}"

    def _speed(self, progress: Progress, now: float) -> str:
        """From the first chunks on: before them the model is loaded."""
        if self._embedding_since is None or now <= self._embedding_since[0]:
            return ""
        since, before = self._embedding_since
        speed = (progress.chunks - before) / (now - since)
        return f"{speed:,.{0 if speed >= _TEN else 1}f} chunks/s" if speed else ""

    def end(self, table: Table) -> None:
        """Puts the table in its place."""
        self.end_with({"text/plain": table.text(), "text/html": table.html()})

    def end_with(self, bundle: Mapping[str, Any]) -> None:
        """Puts a drawing in its place."""
        redact = self._secrets.redact
        self._close({mime: redact(part) if isinstance(part, str) else part for mime, part in bundle.items()})

    def end_line(self, words: Sequence[str]) -> None:
        """Puts words in its place, if it was drawn at all: what waits for nobody leaves nothing."""
        said = self._secrets.redact(" · ".join(filter(None, words)))
        if self._handle is not None:
            self._draw({"text/plain": clean(said), "text/html": f"<small {NO_MATH}>{escape(said)}</small>"})
        elif self._line_chars:
            self._rewrite(clean(said))
            sys.stderr.write("\n")

    def _close(self, bundle: dict[str, Any]) -> None:
        if self._line_chars:
            self._rewrite("")
            sys.stderr.write("\r")
        self._display(bundle)

    def _draw(self, bundle: dict[str, Any]) -> None:
        # IPython is not imported to learn that it is not there.
        if "IPython" in sys.modules and not prints_only():
            self._display(bundle)
        elif sys.stderr.isatty():
            self._rewrite(bundle["text/plain"])

    def _rewrite(self, text: str) -> None:
        said = text[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write("\r" + said.ljust(self._line_chars))
        sys.stderr.flush()
        self._line_chars = len(said)

    def _display(self, bundle: dict[str, Any]) -> None:
        from IPython.display import DisplayHandle

        if self._handle is None:
            untyped: Any = DisplayHandle
            self._handle = untyped()
            self._handle.display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)
