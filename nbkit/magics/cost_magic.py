"""`%cost`: what calls cost, took and saved; what a person says of an answer."""

from __future__ import annotations

import dataclasses
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from nbkit import parse
from nbkit.accounts import summarised
from nbkit.display.origin import origin
from nbkit.errors import BadSetting, UnknownSetting
from nbkit.figures import count, money
from nbkit.ledger.selection import Selection
from nbkit.magics.period import since_of, time_of
from nbkit.magics.tables import draw, draw_text
from nbkit.pricing.own import ProjectPrices
from nbkit.registry import nearest
from nbkit.session import Session, current
from nbkit.tables import Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MANUAL = """What calls cost, took and saved, from the records.

    %cost                         the last 24 hours
    %cost --since 7d              since then; `session` is this kernel's, `all` is all that was ever recorded
    %cost --by model              one row for each: model, tag, notebook, cell, prompt, session, hour, day, guard
    %cost --model M --tag T       only calls that have these
    %cost budgets                 the budgets in force: spent, reserved, left
    %cost budgets release         frees what calls reserved that never came back, an hour old or more
    %cost rate 👍|👎|0..1 [NOTE]  what you think of the last answer; kept beside its record
    %cost prune 90d               deletes records that are older, without asking; what they cost stays in the sums

In Python: nbkit.summary(last_n_hours=24, by="model"), nbkit.records(). Costs are in USD, by the price table of the
day of the call; `?` is a price that is not known. What the cache saved is never subtracted from the cost.
"""
_DEFAULT_SINCE: Final = "24h"
_OPTIONS: Final = ("--since", "--by", "--model", "--tag")
_LOST: Final = timedelta(hours=1)
"""What was reserved longer ago belongs to no call that is still going on."""
_PROJECTS_PRICES: Final = "Now by prices of this project's pyproject.toml: {}."
_UNNAMED: Final = (
    "This notebook has no name, so that its budget refuses paid calls: nbkit run NOTEBOOK, or "
    "JPY_SESSION_NAME=/path/NOTEBOOK.ipynb."
)
_THUMBS: Final = {"👍": 1.0, "👎": 0.0}


def run(shell: InteractiveShell, line: str) -> None:
    """Draws what the line asks for; raises `UnknownSetting` and `BadSetting` for one that cannot be read."""
    word, _, rest = line.strip().partition(" ")
    if word == "rate":
        _rate(shell, current(), rest)
    elif word == "budgets":
        _budgets(shell, current(), rest.strip())
    elif word == "prune":
        _prune(shell, current(), rest.strip())
    else:
        _show(shell, current(), line)


def _show(shell: InteractiveShell, session: Session, line: str) -> None:
    given = _options(line)
    period = since_of(given.get("--since", _DEFAULT_SINCE), of="--since", session_id=session.id)
    chosen = dataclasses.replace(period.selection, model=given.get("--model"), tag=given.get("--tag"))
    caption = (
        period.caption[:1].upper()
        + period.caption[1:]
        + "".join(f", {name[2:]} {given[name]}" for name in ("--model", "--tag") if name in given)
    )
    found = summarised(session, chosen, by=given.get("--by"), caption=caption)  # type: ignore[arg-type] # refused there
    prices = session.config().settings.price
    said = _PROJECTS_PRICES.format(", ".join(prices)) if isinstance(prices, ProjectPrices) and prices else ""
    table = found.table()
    draw(shell, session.secrets, dataclasses.replace(table, note=" ".join(filter(None, (table.note, said)))))


def _budgets(shell: InteractiveShell, session: Session, rest: str) -> None:
    if rest not in ("", "release"):
        raise UnknownSetting(
            what=f"%cost budgets does not know {rest!r}",
            why="it takes nothing, or the word release",
            fix="%cost budgets release",
        )
    if rest:
        freed = session.ledger.budgets.release(before=datetime.now(UTC) - _LOST)
        draw_text(shell, session.secrets, f"{money(freed)} is free again")
    settings, notebook = session.config().settings, origin(shell).notebook
    rows: list[tuple[str, ...]] = [
        (one.scope, money(one.limit_usd), money(one.spent_usd), money(one.reserved_usd), money(one.left_usd))
        for one in session.standings(settings, notebook=notebook)
    ]
    if settings.budget_cell is not None:
        rows.insert(0, ("cell", money(settings.budget_cell), "—", "—", money(settings.budget_cell)))
    unknown = session.ledger.summary(Selection(session_id=session.id)).unknown_prices
    note = f"Not in it: {count(unknown, 'answer')} of this session, whose price is not known." if unknown else ""
    note = note if rows else "No budget is in force: %config NbKit.budget_day = 1 sets one for a day, in USD."
    if settings.budget_notebook is not None and notebook is None:
        note = f"{note} {_UNNAMED}".strip()
    draw(shell, session.secrets, Table("Budgets", ("budget", "limit", "spent", "reserved", "left"), rows, note=note))


def _rate(shell: InteractiveShell, session: Session, rest: str) -> None:
    from nbkit.display.result import Result

    said, _, note = rest.strip().partition(" ")
    score = _score(said)
    result = shell.user_ns.get("_llm")
    if not isinstance(result, Result):
        raise BadSetting(
            what="%cost rate has no answer to rate",
            why="no %%llm, %%rag or %llm has run in this notebook, or _llm was overwritten",
            fix="run a prompt first, then %cost rate 👍",
        )
    session.ledger.rate(result.record.id, score, note=_kept_note(session, note.strip()), at=datetime.now(UTC))
    draw_text(
        shell, session.secrets, f"rated {score:g} of 1: the answer of {result.record.started_at:%Y-%m-%d %H:%M:%S} UTC"
    )


def _kept_note(session: Session, note: str) -> str:
    """A note as the record store may hold it: what guards keep from a prompt, they keep from there."""
    if not note:
        return ""
    settings = session.config().settings
    (found,) = session.screen([note], settings=settings, stage="input", contexts=(), question="")
    if found.action == "block":
        blocked = next(one for one in found.verdicts if one.action == "block")
        raise BadSetting(
            what="the note cannot be kept",
            why=blocked.reason or f"the guard {blocked.guard!r} blocks it",
            fix="say it without that; the answer was not rated",
        )
    return session.secrets.redact(found.text)


def _score(said: str) -> float:
    # A thumb may carry a colour of skin or a selector of its picture.
    if said[:1] in _THUMBS:
        return _THUMBS[said[:1]]
    try:
        return parse.number(0, 1)(said)
    except ValueError:
        raise BadSetting(
            what=f"{said!r} is no rating" if said else "%cost rate takes a rating",
            why="it is 👍, 👎, or a number from 0 to 1",
            fix="%cost rate 👍 clear and short",
        ) from None


def _prune(shell: InteractiveShell, session: Session, rest: str) -> None:
    age = time_of(rest, of="%cost prune")
    dropped = session.ledger.drop_before(datetime.now(UTC) - age)
    draw_text(shell, session.secrets, f"{count(dropped, 'record')} deleted; what they cost stays in the sums")


def _options(line: str) -> dict[str, str]:
    try:
        words = shlex.split(line)
    except ValueError:
        raise BadSetting(
            what="a quotation mark on the %cost line is left open", why="shell rules split it", fix="close it"
        ) from None
    given: dict[str, str] = {}
    while words:
        word = words.pop(0)
        name, has_value, value = word.partition("=")
        if name not in _OPTIONS:
            near = nearest(name, [*_OPTIONS, "budgets", "rate", "prune"])
            raise UnknownSetting(
                what=f"%cost does not know {name!r}",
                why=f"it takes {', '.join(_OPTIONS)}, budgets, rate and prune",
                fix=f"use {near}" if near else "%cost? says what each does",
            )
        if not has_value and not words:
            raise BadSetting(what=f"{name} has no value", why="the line ends after it", fix=f"%cost {name} …")
        given[name] = value if has_value else words.pop(0)
    return given
