"""`%nbkit dashboard`: what was recorded, as figures."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from nbkit import parse
from nbkit.display.origin import origin
from nbkit.errors import BadSetting, UnknownSetting
from nbkit.ledger.selection import By
from nbkit.registry import nearest

if TYPE_CHECKING:
    from nbkit.display.board import Choice
    from nbkit.magics.extension import Extension
    from nbkit.session import Session

OPTIONS: Final = ("--since", "--by", "--model", "--tag", "--static")
_FLAGS: Final = ("--static",)
_PERIODS: Final = ("session", "project", "all")
STATIC_UI: Final = ("text",)
"""Values of `NbKit.ui` in which there are no controls."""


def run(extension: Extension, session: Session, line: str) -> None:
    """Draws the dashboard; raises `UnknownSetting` and `BadSetting` for a line that cannot be read, `StoreError`."""
    from nbkit.display.controls import Dashboard

    given = _options(line)
    ui = session.config().settings.ui
    where = origin(extension.shell)
    made = Dashboard(session, choice_of(given), notebook=where.notebook)
    extension.hold(f"dashboard {where.cell_id or where.execution_count}", made)
    made.show(has_controls=draws_widgets(ui) and "--static" not in given, is_text=ui == "text")


def draws_widgets(ui: str) -> bool:
    """Whether there may be somebody to draw a widget.

    >>> draws_widgets("text")
    False
    """
    from nbkit.display.surface import prints_only

    return ui not in STATIC_UI and not prints_only()


def choice_of(given: dict[str, Any]) -> Choice:
    """What the options choose."""
    from nbkit.display.board import Choice

    period, by = given.get("--since", "24h"), given.get("--by")
    if period not in _PERIODS and not _is_time(period):
        raise BadSetting(
            what=f"--since cannot be {period!r}",
            why="it takes a time such as 24h or 7d, session, project, or all",
            fix="%nbkit dashboard --since 7d",
        )
    if by is not None and by not in get_args(By):
        known = list(get_args(By))
        raise BadSetting(
            what=f"calls cannot be grouped by {by!r}",
            why=f"they can be by {', '.join(known)}",
            fix=f"--by {nearest(by, known) or 'model'}",
        )
    return Choice(period, cast("By | None", by), given.get("--model"), given.get("--tag"))


def _is_time(text: str) -> bool:
    try:
        return bool(parse.time_s(text))
    except ValueError:
        return False


def _options(line: str) -> dict[str, str]:
    try:
        words = shlex.split(line)
    except ValueError:
        raise BadSetting(
            what="a quotation mark on the %nbkit dashboard line is left open",
            why="shell rules split it",
            fix="close it",
        ) from None
    given: dict[str, str] = {}
    while words:
        name, has_value, value = words.pop(0).partition("=")
        if name not in OPTIONS or (name in _FLAGS and has_value):
            near = nearest(name, list(OPTIONS))
            raise UnknownSetting(
                what=f"%nbkit dashboard does not know {name!r}",
                why=f"it takes {', '.join(OPTIONS)}",
                fix=f"use {near}" if near else "%nbkit? says what it does",
            )
        if name not in _FLAGS and not has_value and not words:
            raise BadSetting(
                what=f"{name} has no value", why="the line ends after it", fix=f"%nbkit dashboard {name} …"
            )
        given[name] = "" if name in _FLAGS else value if has_value else words.pop(0)
    return given
