"""What has changed of late: the last hours beside as many before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from nbkit.canonical import to_plain
from nbkit.figures import count, duration, money
from nbkit.ledger.compared import Change, Limits, compare
from nbkit.ledger.selection import Selection
from nbkit.session import Session
from nbkit.tables import Table

_COLUMNS = ("measure", "before", "now", "n", "verdict", "most of it by")


@dataclass(frozen=True, slots=True)
class Watched:
    """The measures of two times of the same length, one after the other."""

    said: str
    """How long each of them is, as it was asked for."""
    since: datetime
    """Where the second begins."""
    changes: Sequence[Change]
    limits: Limits

    @property
    def has_changed(self) -> bool:
        """Whether any measure has changed."""
        return any(one.verdict == "changed" for one in self.changes)

    def table(self) -> Table:
        """The measures in words, and what they were held against."""
        changed = sum(one.verdict == "changed" for one in self.changes)
        is_compared = any(one.verdict != "too few calls" for one in self.changes)
        nothing = "Nothing has changed. " if is_compared else "Nothing can be compared yet. "
        limits = self.limits
        note = (f"{count(changed, 'measure')} changed. " if changed else nothing) + (
            f"A change is beyond {limits.cost:.0%} of cost, {limits.latency:.0%} of latency or {limits.rate * 100:g} "
            f"points of a rate, over {limits.least_calls} calls in each time, and rarer by chance than 1 in 600."
        )
        caption = f"The last {self.said} beside the {self.said} before"
        return Table(caption, _COLUMNS, [_row(one) for one in self.changes], note=note)

    def to_json(self) -> str:
        """The same as a JSON object: `changed`, `last`, `since`, and `measures` with their figures."""
        found = {
            "changed": self.has_changed,
            "last": self.said,
            "since": self.since.isoformat(),
            "limits": to_plain(self.limits),
            "measures": to_plain(list(self.changes)),
        }
        return json.dumps(found, ensure_ascii=False)


def watch(session: Session, last: timedelta, *, said: str, at: datetime | None = None) -> Watched:
    """The calls of the time `last` beside those of as long before; `said` is how a reader calls it.

    Makes no home where there is none. `at`: when the second time ends, now when left out. Raises `StoreError`.

    >>> import tempfile
    >>> from pathlib import Path
    >>> session = Session(home=Path(tempfile.mkdtemp(), "none"), environment={})
    >>> watch(session, timedelta(hours=1), said="1h").has_changed
    False
    """
    end = at or datetime.now(UTC)
    begin = end - last
    settings = session.config().settings
    limits = Limits(settings.watch_least_calls, settings.watch_cost, settings.watch_latency, settings.watch_rate)
    ledger = session.ledger
    if not ledger.path.exists():
        return Watched(said, begin, compare([], [], limits), limits)
    before = ledger.calls(Selection(since=begin - last, until=begin))
    return Watched(said, begin, compare(before, ledger.calls(Selection(since=begin, until=end)), limits), limits)


def _row(one: Change) -> tuple[str, ...]:
    verdict: str = one.verdict
    if one.verdict == "changed":
        verdict = "✗ worse" if one.is_worse else "✓ better"
    causes = ", ".join(f"{cause.kind} {cause.name} ({cause.share:.0%})" for cause in one.causes)
    n = f"{one.n_before:,} → {one.n_now:,}"
    return one.measure, _said(one.measure, one.before), _said(one.measure, one.now), n, verdict, causes


def _said(measure: str, figure: float | None) -> str:
    if figure is None:
        return "—"
    if measure.startswith("cost"):
        return money(Decimal(str(figure)))
    return duration(figure) if measure.startswith("latency") else f"{figure:.1%}"
