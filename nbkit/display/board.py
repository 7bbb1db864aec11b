"""The figures of a dashboard, as numbers: what was chosen, what it adds up to, by hour and by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from nbkit import parse
from nbkit.escape import line
from nbkit.ledger import spread
from nbkit.ledger.rows import bin_of_us
from nbkit.ledger.selection import By, Selection
from nbkit.ledger.spread import Cell, Sums
from nbkit.ledger.summary import Latency, exact_latency
from nbkit.session.layers import project_of

if TYPE_CHECKING:
    from nbkit.ledger.budgets import Standing
    from nbkit.session import Session

PERIODS: Final = ("24h", "7d", "session", "project", "all")
_WORDS: Final = {"session": "this session", "project": "this project", "all": "all calls"}
_HOURLY: Final = timedelta(days=8)
"""What is shown by the hour; of more time, days are enough."""
NOTHING: Final = "(none)"
"""The group of calls that have no such thing as what they are grouped by."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a dashboard shows.

    >>> Choice("7d", by="model", tag="draft").title()
    'last 7d · by model · tag draft'
    """

    period: str = "24h"
    """A time to look back such as `30m` or `7d`, `session`, `project`, or `all`."""
    by: By | None = None
    model: str | None = None
    tag: str | None = None

    def selection(self, session: Session, *, now: datetime) -> Selection:
        """The records it means."""
        since = None if self.period in _WORDS else now - timedelta(seconds=parse.time_s(self.period) or 0)
        return Selection(
            since=since,
            session_id=session.id if self.period == "session" else None,
            project=project_of(session.folder.absolute()) if self.period == "project" else None,
            model=self.model,
            tag=self.tag,
        )

    def title(self) -> str:
        """It in words."""
        parts = [
            period_words(self.period),
            *(f"{name} {value}" for name, value in (("model", self.model), ("tag", self.tag)) if value),
        ]
        if self.by is not None:
            parts.insert(1, f"by {self.by}")
        return " · ".join(parts)


def period_words(period: str) -> str:
    """A period as a reader would say it.

    >>> period_words("7d"), period_words("project")
    ('last 7d', 'this project')
    """
    return _WORDS.get(period, f"last {period}")


@dataclass(frozen=True, slots=True)
class Group:
    """One group of calls."""

    name: str
    sums: Sums
    hours: Mapping[datetime, Sums]
    live: Latency = field(default_factory=Latency)


@dataclass(frozen=True, slots=True)
class Board:
    """The numbers of a dashboard; names in it are clean and hold no secret."""

    title: str
    drawn_at: datetime
    begins_at: datetime
    """The hour in which the time shown begins, in UTC."""
    is_by_day: bool = False
    """Whether so much time is shown that days are enough: `hours` may then hold days."""
    by: By | None = None
    sums: Sums = field(default_factory=Sums)
    hours: Mapping[datetime, Sums] = field(default_factory=dict)
    """Hours, or days, that have calls, in order."""
    groups: tuple[Group, ...] = ()
    """The dearest first; hours and days in order."""
    live: Latency = field(default_factory=Latency)
    bins: Mapping[int, int] = field(default_factory=dict)
    """How many live answers took how long, by `ledger.summary.bin_of`."""
    blocked: Mapping[str, int] = field(default_factory=dict)
    """Blocked calls by guard, the most first."""
    standings: tuple[Standing, ...] = ()
    is_filtered: bool = False
    """Whether only calls of one model or tag count."""


@dataclass(frozen=True, slots=True)
class _Found:
    cells: Sequence[Cell]
    live: Latency
    bins: Mapping[int, int]
    blocked: Mapping[str | None, int]
    seconds: Mapping[str | None, Sequence[float]] = field(default_factory=dict)


def board(session: Session, choice: Choice, *, notebook: str | None = None) -> Board:
    """The numbers of the chosen calls as they are now. Raises `StoreError` and `ConfigError`.

    >>> from nbkit.session import current
    >>> board(current(), Choice("session")).sums.calls
    0
    """
    now = datetime.now(UTC)
    selection = choice.selection(session, now=now)
    if choice.by is None and selection.is_period:
        found = _of_sums(session, selection)
        begins = selection.since or min((cell.hour for cell in found.cells), default=now)
    else:
        begins = selection.since or session.ledger.ask(lambda file: spread.first_moment(file, selection)) or now
        found = _of_records(session, choice.by, selection, is_by_day=_is_long(begins, now))
    hours = _added((cell.hour, cell.sums) for cell in found.cells)

    def clean(name: str | None) -> str:
        return NOTHING if name is None else session.secrets.redact(line(name, most_chars=60))

    return Board(
        title=session.secrets.redact(line(choice.title())),
        drawn_at=now,
        begins_at=begins.replace(minute=0, second=0, microsecond=0),
        is_by_day=_is_long(begins, now),
        by=choice.by,
        sums=total(hours.values()),
        hours=hours,
        groups=() if choice.by is None else tuple(_groups(found, choice.by, clean)),
        live=found.live,
        bins=found.bins,
        blocked=_ranked({clean(name): n for name, n in found.blocked.items()}),
        standings=tuple(session.standings(session.config().settings, notebook=notebook)),
        is_filtered=choice.model is not None or choice.tag is not None,
    )


def total(parts: Iterable[Sums]) -> Sums:
    """The sum of sums.

    >>> total([Sums(calls=1), Sums(calls=2)]).calls
    3
    """
    found = Sums()
    for one in parts:
        found = found.plus(one)
    return found


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _is_long(begins: datetime, now: datetime) -> bool:
    return now - begins > _HOURLY


def _of_sums(session: Session, selection: Selection) -> _Found:
    """Over a time alone: from the hourly sums, however many records there are."""
    ledger, since = session.ledger, selection.since
    return _Found(
        cells=ledger.ask(lambda file: spread.hour_cells(file, since)),
        live=ledger.summary(selection).latency_live,
        bins=ledger.ask(lambda file: spread.live_bins(file, since)),
        blocked=ledger.ask(lambda file: spread.blocked_by(file, selection)),
    )


def _of_records(session: Session, by: By | None, selection: Selection, *, is_by_day: bool) -> _Found:
    """From the records, in two passes side by side: SQLite leaves the interpreter free while it reads."""
    ledger = session.ledger
    with ThreadPoolExecutor(1, thread_name_prefix="nbkit-dashboard") as beside:
        latencies = beside.submit(ledger.ask, lambda file: spread.live_seconds(file, by, selection))
        cells = ledger.ask(lambda file: spread.cells(file, by, selection, is_by_day=is_by_day))
        seconds = latencies.result()
    together = [one for own in seconds.values() for one in own]
    bins = Counter(bin_of_us(round(one * 1e6)) for one in together)
    blocked: dict[str | None, int] = {}
    for cell in cells:
        if cell.sums.blocked:
            blocked[cell.blocked_by] = blocked.get(cell.blocked_by, 0) + cell.sums.blocked
    return _Found(cells, exact_latency(together), bins, blocked, seconds)


def _groups(found: _Found, by: By, clean: Callable[[str | None], str]) -> list[Group]:
    cells: dict[str | None, list[Cell]] = {}
    for cell in found.cells:
        cells.setdefault(cell.own, []).append(cell)
    groups = [
        Group(
            clean(own),
            total(cell.sums for cell in own_cells),
            _added((cell.hour, cell.sums) for cell in own_cells),
            exact_latency(found.seconds.get(own, [])),
        )
        for own, own_cells in cells.items()
    ]
    if by in ("hour", "day"):
        return sorted(groups, key=lambda one: one.name)
    return sorted(groups, key=lambda one: (-one.sums.cost_pusd, -one.sums.calls, one.name))


def _added(parts: Iterable[tuple[datetime, Sums]]) -> dict[datetime, Sums]:
    found: dict[datetime, Sums] = {}
    for hour, sums in parts:
        found[hour] = found[hour].plus(sums) if hour in found else sums
    return dict(sorted(found.items()))
