"""A picture with all that it says as words: a title, a sentence, an alternative text, a key and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nbkit.display.board import Board, total
from nbkit.escape import escape
from nbkit.ledger.spread import Sums
from nbkit.tables import Table

_DAYS_DAILY, _DAYS_WEEKLY = 190, 1400
_MOST_ROWS: Final = 60
_MOST_TICKS: Final = 7
_MOST_HOURS_NAMED: Final = 60
"""Above that many hours, days are named."""
_SWATCH = "display:inline-block;margin:0 5px 0 0;border-radius:2px;border:4px solid {colour}"
"""A border, because on paper browsers leave backgrounds out."""
_FRAME = "flex:1 1 30em;min-width:17em;margin:0;box-sizing:border-box"
_IMAGE = "display:block;width:100%;max-width:640px;height:auto;margin:2px 0;border:none;background:transparent"
_SMALL = "font-size:12px;line-height:1.45"


@dataclass(frozen=True, slots=True)
class Key:
    """What a colour stands for, and how much of it there is."""

    colour: str
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure of a dashboard."""

    title: str
    says: str
    """A sentence with the numbers that matter, their units and n."""
    table: Table
    address: str = ""
    """Of the image; empty where there is nothing to draw."""
    alt: str = ""
    keys: tuple[Key, ...] = ()

    def html(self) -> str:
        """The picture, its words and its table, with inline styles only."""
        keys = " ".join(
            f'<span style="display:inline-block;margin:0 14px 0 0"><span style="{_SWATCH.format(colour=key.colour)}">'
            f"</span>{escape(key.words)}</span>"
            for key in self.keys
        )
        image = f'<img src="{self.address}" alt="{escape(self.alt)}" style="{_IMAGE}">' if self.address else ""
        details = (
            f'<details style="margin:2px 0 0 0;{_SMALL}"><summary>The same as a table</summary>'
            f'<div style="max-height:22em;overflow:auto">{self.table.html()}</div></details>'
        )
        return (
            f'<div style="{_FRAME}"><p style="margin:0"><b>{escape(self.title)}</b></p>{image}'
            + (f'<p style="margin:0;{_SMALL}">{keys}</p>' if keys else "")
            + f'<p style="margin:2px 0 0 0;{_SMALL}">{escape(self.says)}</p>'
            + (details if self.table.rows else "")
            + "</div>"
        )

    def text(self) -> str:
        """The same as lines."""
        has_own_title = bool(self.table.rows) and self.table.caption == self.title
        lines = [*([] if has_own_title else [self.title]), *([self.table.text()] if self.table.rows else [])]
        return "\n".join([*lines, self.says])


@dataclass(frozen=True, slots=True)
class Steps:
    """The time that is shown, cut into equal steps: hours, days, weeks, or thirty days at a time."""

    starts: tuple[datetime, ...]
    hours: int
    """Length of a step."""

    @property
    def unit(self) -> str:
        """A step in words.

        >>> Steps((), 24).unit
        'day'
        """
        return {1: "hour", 24: "day", 168: "week"}.get(self.hours, "30 days")

    def of(self, hours: Mapping[datetime, Sums]) -> list[Sums]:
        """The sums of each step."""
        found: list[list[Sums]] = [[] for _ in self.starts]
        size = timedelta(hours=self.hours)
        for hour, sums in hours.items():
            found[min(len(found) - 1, max(0, (hour - self.starts[0]) // size))].append(sums)
        return [total(parts) for parts in found]

    def ticks(self) -> list[tuple[int, str]]:
        """Where on the axis a round hour or a day is named, in UTC: few enough to be read.

        >>> from datetime import UTC
        >>> hours = [datetime(2026, 1, 2, tzinfo=UTC) + timedelta(hours=number) for number in range(20)]
        >>> Steps(tuple(hours), 1).ticks()[:2]
        [(0, '2 Jan'), (3, '03:00')]
        """
        count = len(self.starts)
        if self.hours > 1 or count > _MOST_HOURS_NAMED:
            days = [at for at, start in enumerate(self.starts) if not start.hour]
            shown = days[:: max(1, -(-len(days) // _MOST_TICKS))]
        else:
            every = next(size for size in (1, 2, 3, 4, 6, 12) if count <= size * _MOST_TICKS)
            shown = [at for at, start in enumerate(self.starts) if start.hour % every == 0]
        return [(at, _named(self.starts[at])) for at in shown]

    def full_names(self) -> list[str]:
        """The same for a table."""
        return [f"{start:%Y-%m-%d %H:%M}" if self.hours == 1 else f"{start:%Y-%m-%d}" for start in self.starts]

    def rows(self, columns: Sequence[Sequence[str]], is_empty: Sequence[bool]) -> tuple[list[tuple[str, ...]], str]:
        """Rows of the steps in which something happened, the newest so many, and a note where there are more."""
        whole = [
            (name, *cells)
            for name, *cells, empty in zip(self.full_names(), *columns, is_empty, strict=True)
            if not empty
        ]
        more = len(whole) - _MOST_ROWS
        note = f"{more:,} older rows are left out; nbkit.summary(by='{self.unit}') has them." if more > 0 else ""
        return whole[-_MOST_ROWS:], note


def _named(start: datetime) -> str:
    return f"{start:%H:%M}" if start.hour else f"{start.day} {start:%b}"


def steps_of(board: Board) -> Steps:
    """Steps so long that there are few enough to see.

    >>> from datetime import UTC
    >>> steps = steps_of(Board("", datetime(2026, 1, 2, 9, 5, tzinfo=UTC), datetime(2026, 1, 2, 7, tzinfo=UTC)))
    >>> len(steps.starts), steps.unit
    (3, 'hour')
    """
    last = max([board.drawn_at.replace(minute=0, second=0, microsecond=0), *board.hours])
    span = last - board.begins_at
    hours = next((size for days, size in ((_DAYS_DAILY, 24), (_DAYS_WEEKLY, 168)) if span <= timedelta(days=days)), 720)
    hours = hours if board.is_by_day else 1
    first = board.begins_at if hours == 1 else board.begins_at.replace(hour=0)
    count = (last - first) // timedelta(hours=hours) + 1
    return Steps(tuple(first + number * timedelta(hours=hours) for number in range(count)), hours)
