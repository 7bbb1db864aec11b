"""The time that `--since` names on a line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nbkit import parse
from nbkit.errors import BadSetting
from nbkit.ledger.selection import Selection


@dataclass(frozen=True, slots=True)
class Period:
    """Which records count, and how that is said."""

    selection: Selection
    caption: str


def since_of(text: str, *, of: str, session_id: str) -> Period:
    """The calls since a time ago, of this session, or all; raises `BadSetting`, which names the option `of`.

    >>> since_of("all", of="--since", session_id="s").caption
    'all calls'
    """
    if text == "session":
        return Period(Selection(session_id=session_id), "this session")
    if text == "all":
        return Period(Selection(), "all calls")
    return Period(Selection(since=datetime.now(UTC) - time_of(text, of=of)), f"calls of the last {text}")


def time_of(text: str, *, of: str) -> timedelta:
    """A time such as 24h; raises `BadSetting`.

    >>> time_of("2h", of="--since")
    datetime.timedelta(seconds=7200)
    """
    try:
        seconds = parse.time_s(text)
    except ValueError:
        seconds = None
    if seconds is None:
        raise BadSetting(what=f"{of} cannot be {text!r}", why="it takes a time such as 30m, 24h or 7d", fix=f"{of} 7d")
    return timedelta(seconds=seconds)
