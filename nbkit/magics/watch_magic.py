"""`%nbkit watch`: what has changed of late."""

from __future__ import annotations

from datetime import timedelta

from nbkit import parse
from nbkit.errors import BadSetting
from nbkit.magics.args import words_of
from nbkit.monitor.watching import watch
from nbkit.session import Session
from nbkit.tables import Table

_USUAL = "24h"


def watched(session: Session, rest: str) -> Table:
    """The table that `%nbkit watch [--last 24h]` draws; raises `BadSetting` for words it does not know."""
    said = _last(words_of(rest, magic="%nbkit"))
    try:
        seconds = parse.time_s(said)
    except ValueError:
        seconds = None
    if seconds is None:
        raise BadSetting(
            what=f"--last cannot be {said!r}",
            why="it takes a time such as 30m, 24h or 7d",
            fix="%nbkit watch --last 24h",
        )
    return watch(session, timedelta(seconds=seconds), said=said).table()


def _last(words: list[str]) -> str:
    match words:
        case []:
            return _USUAL
        case ["--last", said]:
            return said
        case [one] if one.startswith("--last="):
            return one.removeprefix("--last=")
    raise BadSetting(
        what="%nbkit watch cannot read its options",
        why=f"it takes --last and a time; there are {len(words)} words",
        fix="%nbkit watch --last 24h",
    )
