"""One output at the end of a cell for all its calls that drew nothing of their own: those of Python code, quiet ones.

A loop may make hundreds of calls, and in threads, which must not print. So each call leaves its records with the
session, and the shell is asked to say when the cell has ended, however it ended: then one folded line is drawn that
carries them all, and the saved notebook can be reported and run again like one of prompt cells. What a thread ends
later goes with the next cell.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from nbkit.display.card import tiles_html
from nbkit.display.rows import carried
from nbkit.display.surface import prints_only
from nbkit.display.tiles import Tile, tiles
from nbkit.errors import NbkitError
from nbkit.escape import NO_MATH, escape
from nbkit.figures import count
from nbkit.recorded import RECORD_MIME, Outcome, Record
from nbkit.session import current, has_current
from nbkit.session.unshown import Unshown

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbkit.setting import Settings

_ENDED: Final = "post_run_cell"
MOST_WITH_TEXTS: Final = 1_000
"""Calls of one cell whose texts a notebook carries; of more it carries the figures, and cannot be replayed there."""
_BOX: Final = "margin:4px 0;line-height:1.4;font-size:13px;max-width:60em"


def keep_unshown(outcomes: Sequence[Outcome], settings: Settings) -> None:
    """Lets the running cell carry the records of a call that draws nothing; outside of a notebook, does nothing."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None or prints_only():
        return
    events: Any = shell.events  # its types leave out `register`'s arguments
    events.register(_ENDED, draw_unshown)  # once, however often it is asked
    current().unshown.add(
        Unshown(one.record, keeps_content=settings.records_content, is_quiet=settings.quiet) for one in outcomes
    )


def draw_unshown(*_: object) -> None:
    """Draws what has gathered, if anything; called by the shell when a cell has ended."""
    found = current().unshown.take() if has_current() else []
    if not found:
        return
    from IPython.display import publish_display_data

    try:
        is_text = current().config().settings.ui == "text"
    except NbkitError:  # settings that cannot be, which the next call says
        is_text = False
    publish_display_data(unshown_bundle(found, is_text=is_text), metadata={})  # type: ignore[no-untyped-call]


def leave(shell: InteractiveShell) -> None:
    """Asks the shell no more."""
    events: Any = shell.events
    if draw_unshown in events.callbacks[_ENDED]:
        events.unregister(_ENDED, draw_unshown)


def unshown_bundle(found: Sequence[Unshown], *, is_text: bool = False) -> dict[str, Any]:
    """Records as a MIME bundle: what carries them, and a line in sight unless all were to be quiet.

    >>> unshown_bundle([])
    {'application/vnd.nbkit.record+json': []}
    """
    found = list({one.record.id: one for one in found}.values())
    # Of a thousand calls and more the texts would make a file that nobody can open; their figures stay.
    is_many = len(found) > MOST_WITH_TEXTS
    rows = [row for one in found for row in carried([one.record], keeps_content=one.keeps_content and not is_many)]
    bundle: dict[str, Any] = {RECORD_MIME: rows}
    if all(one.is_quiet for one in found):
        return bundle
    records = [one.record for one in found]
    figures = tiles(records)
    line = _line(records, figures)
    bundle["text/plain"] = line
    if not is_text:
        bundle["text/html"] = (
            f'<details {NO_MATH} style="{_BOX}"><summary>{escape(line)}</summary>{tiles_html("", figures)}</details>'
        )
    return bundle


def _line(records: Sequence[Record], figures: Sequence[Tile]) -> str:
    hits = sum(record.cache.status == "hit" for record in records)
    parts = ["nbkit", count(len(records), "call"), figures[0].value]
    parts += [count(hits, "hit")] if hits else []
    for status, word in (("error", "failed"), ("blocked", "blocked"), ("interrupted", "interrupted")):
        n = sum(record.status == status for record in records)
        parts += [f"{n:,} {word}"] if n else []
    return " · ".join(parts)
