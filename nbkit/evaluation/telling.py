"""How far an evaluation is, told while it runs, and in one line what it came to."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from nbkit.display.progress import Bar
from nbkit.evals.tally import Progress
from nbkit.figures import count, money


class Told:
    """Takes the progress of a run and draws it on a bar. A `with` block that an error leaves ends it as a line.

    `bar`: None draws nothing. `things`: what is counted. `is_priced`: False where no price is to be known.

    >>> with Told(None) as told:
    ...     told(Progress(1, 12))
    """

    def __init__(self, bar: Bar | None, *, things: str = "answer", is_priced: bool = True) -> None:
        self._bar = bar
        self._things = things
        self._is_priced = is_priced
        self._last: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Draws it, unless something has just been drawn."""
        self._last, bar = progress, self._bar
        if bar is None:
            return
        # What an earlier try had took no time now.
        new = (progress.done - progress.resumed) / max(1, progress.planned - progress.resumed)
        bar.show_line(progress.done / (progress.planned or 1), lambda: [*self._words(progress), bar.left(new)])

    def end(self, what: str) -> None:
        """Leaves one line of what was drawn, which says first what it was."""
        self._end(f"{what}:")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            self._draw_short(error)
        if kind is not None:
            self._end("stopped at")

    def _draw_short(self, interrupt: KeyboardInterrupt) -> None:
        """Has an interrupt drawn as three lines: it is the reader's own, and stands in none of these frames."""
        one, done = self._last, ""
        if one is not None:
            done = f" at {one.done:,} of {count(one.planned, self._things)}"
        lines = [
            f"\x1b[31mKeyboardInterrupt\x1b[39m: the evaluation was stopped{done}",
            "  why: it was interrupted; what was answered is kept",
            "  fix: run it again: it goes on where it was, and nothing is paid twice",
        ]
        interrupt._render_traceback_ = lambda: lines  # type: ignore[attr-defined]

    def _end(self, what: str) -> None:
        if self._bar is not None and self._last is not None:
            done, *more = self._words(self._last)
            self._bar.end_line([f"{what} {done}", *more])

    def _words(self, one: Progress) -> list[str]:
        of = f"{one.done:,} of " if one.done < one.planned else ""
        return [f"{of}{count(one.planned, self._things)}", figures_of(one, is_priced=self._is_priced)]


def figures_of(one: Progress, *, is_priced: bool = True) -> str:
    """What is known of a run beside how far it is.

    >>> figures_of(Progress(3, 12, failed=1, resumed=2))
    '2 from before · 1 failed · $0'
    """
    parts = (
        f"{one.resumed:,} from before" if one.resumed else "",
        f"{one.cached:,} cached" if one.cached else "",
        f"{one.failed:,} failed" if one.failed else "",
        "price not known" if is_priced and one.usd is None else "" if one.usd is None else money(one.usd),
    )
    return " · ".join(filter(None, parts))
