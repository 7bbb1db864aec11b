"""How far a long step has come, on stderr: one line that is rewritten on a terminal, a few lines elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Protocol, Self

_REDRAW_S = 0.1
_LINE_S = 15.0
_BAR_CHARS = 24
_MB = 1_000_000
_TEN_MB, _TENTH_MB = 10 * _MB, _MB // 10


class Writable(Protocol):
    """Where it is drawn."""

    def write(self, text: str, /) -> object:
        """Takes text."""

    def flush(self) -> None:
        """Shows it."""

    def isatty(self) -> bool:
        """Whether a line can be rewritten."""


class Progress:
    r"""A download as a bar: MB of MB, share, MB/s, time left, source. Use as a context manager.

    >>> import io
    >>> drawn = io.StringIO()
    >>> with Progress("weights", drawn) as progress:
    ...     progress.update(5_000_000, 10_000_000, "a hub")
    >>> drawn.getvalue()
    'weights: 5 of 10 MB, 50 %, from a hub\n'
    """

    def __init__(self, label: str, stream: Writable, *, now: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._stream = stream
        self._now = now
        self._is_terminal = stream.isatty()
        self._drawn_at: float | None = None
        self._drawn_chars = 0
        self._source = ""
        self._began: tuple[float, int] = (0.0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_terminal and self._drawn_chars:
            self._stream.write("\n")
            self._stream.flush()

    def update(self, done: int, total: int, source: str) -> None:
        """Draws it when it is time to: bytes so far, bytes in all, where they come from."""
        now, is_new = self._now(), source != self._source
        if is_new:
            # What was here before this source began was not fetched at its speed.
            self._source, self._began = source, (now, done)
        pause = _REDRAW_S if self._is_terminal else _LINE_S
        is_last = done >= total and self._drawn_at is not None
        if self._drawn_at is None or is_new or is_last or now - self._drawn_at >= pause:
            self._drawn_at = now
            self._draw(done, total, now)

    def _draw(self, done: int, total: int, now: float) -> None:
        share = min(1.0, done / total) if total else 1.0
        digits = 0 if total >= _TEN_MB else 1 if total >= _TENTH_MB else 3
        figures = [f"{done / _MB:,.{digits}f} of {total / _MB:,.{digits}f} MB", f"{share:.0%}".replace("%", " %")]
        began_at, began_bytes = self._began
        rate = (done - began_bytes) / (now - began_at) if now > began_at else 0.0
        if rate > 0:
            # Of a small part of a large wheel the rate would say little, and wrongly; the time left is right.
            figures += [f"{rate / _MB:,.1f} MB/s"] if rate >= _TENTH_MB else []
            if done < total:
                figures.append(f"{clock((total - done) / rate)} left")
        text = f"{self._label}: {', '.join(figures)}, from {self._source}"
        if not self._is_terminal:
            self._write(text + "\n")
            return
        full = round(share * _BAR_CHARS)
        bar = f"[{'#' * full}{'.' * (_BAR_CHARS - full)}] "
        line = (bar + text)[: shutil.get_terminal_size().columns - 1]
        self._write("\r" + line.ljust(self._drawn_chars))
        self._drawn_chars = len(line)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Steps:
    r"""A count of steps, such as cells: rewritten on a terminal, silent elsewhere but for the first.

    >>> import io
    >>> drawn = io.StringIO()
    >>> steps = Steps("cells", drawn)
    >>> steps.update(1, 3, "import this")
    >>> steps.update(2, 3, "print(1)")
    >>> drawn.getvalue()
    'cells: 3\n'
    """

    def __init__(self, label: str, stream: Writable) -> None:
        self._label = label
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._drawn_chars = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_terminal and self._drawn_chars:
            self._stream.write("\n")
            self._stream.flush()

    def update(self, number: int, of: int, line: str) -> None:
        """Says that a step begins: its number from 1, how many there are, what it is."""
        if not self._is_terminal:
            self._stream.write(f"{self._label}: {of}\n" if number == 1 else "")
        else:
            text = f"{self._label}: {number} of {of}  {line}"[: shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + text.ljust(self._drawn_chars))
            self._drawn_chars = len(text)
        self._stream.flush()


def clock(seconds: float) -> str:
    """A time left, in the form a reader waits by.

    >>> clock(42), clock(125), clock(7300)
    ('42 s', '2 min 5 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - an hour
