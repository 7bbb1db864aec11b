"""What was recorded, for Python code: every call as a row, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args, overload

from nbkit import registry, session
from nbkit.display.rows import record_row
from nbkit.display.totals import Totals, TotalsBy
from nbkit.errors import BadSetting
from nbkit.ledger.selection import By, Selection

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_H = 24 * 365 * 1000
"""Before the first year there are no records either."""


def records(
    *,
    id: str | None = None,  # noqa: A002 - the name of the column
    last_n_hours: float | None = None,
    this_session: bool = False,
) -> pd.DataFrame:
    """One row for each call that was recorded, newest last; columns are named after the record's fields, with units.

    `id`: the record whose id begins so. `rating` and `rating_note` hold what was said of the answer by `%cost rate`.
    Needs the extra `[data]`; raises an `NbkitError` naming the install command without it.
    """
    with registry.pandas_for("records()"):
        import pandas as pd
    here = session.current()
    chosen = Selection(id=id, session_id=here.id if this_session else None, since=_since(last_n_hours))
    ratings = here.ledger.ratings()
    rows: list[dict[str, Any]] = []
    for record in here.ledger.read(chosen):
        rating = ratings.get(record.id)
        said = {"rating": rating and rating.score, "rating_note": rating and rating.note}
        rows.append(dict(record_row(record)) | said)
    return pd.DataFrame(rows)


@overload
def summary(
    *,
    last_n_hours: float | None = 24,
    by: None = None,
    model: str | None = None,
    tag: str | None = None,
    notebook: str | None = None,
    this_session: bool = False,
) -> Totals: ...


@overload
def summary(
    *,
    last_n_hours: float | None = 24,
    by: By,
    model: str | None = None,
    tag: str | None = None,
    notebook: str | None = None,
    this_session: bool = False,
) -> TotalsBy: ...


def summary(
    *,
    last_n_hours: float | None = 24,
    by: By | None = None,
    model: str | None = None,
    tag: str | None = None,
    notebook: str | None = None,
    this_session: bool = False,
) -> Totals | TotalsBy:
    """What the calls of the last hours add up to: a mapping from names of figures, which draws as a table.

    With `by` (`model tag notebook cell prompt session hour day guard`) a mapping from groups to such figures, the
    dearest first. `last_n_hours=None` takes all that was ever recorded. Quantiles are of live answers, hits apart; over
    a time alone they are read from a histogram and within 0.6 % (`["latency_is_exact"]` is False), else exact.
    Raises `BadSetting` for a `by` or a number of hours that cannot be, `StoreError` where records cannot be read.

    >>> summary(this_session=True)["total_calls"]
    0
    """
    here = session.current()
    since = _since(last_n_hours)
    own_id = here.id if this_session else None
    chosen = Selection(since=since, session_id=own_id, notebook=notebook, model=model, tag=tag)
    return summarised(here, chosen, by=by, caption=_caption(last_n_hours, this_session=this_session))


def summarised(here: session.Session, chosen: Selection, *, by: By | None, caption: str) -> Totals | TotalsBy:
    """The figures of what is selected; `nbkit.summary` and `%cost`."""
    if by is None:
        return Totals(here.ledger.summary(chosen), here.ledger.cost_by_hour(chosen), caption=caption)
    if by not in get_args(By):
        known = list(get_args(By))
        near = registry.nearest(by, known)
        raise BadSetting(
            what=f"calls cannot be grouped by {by!r}",
            why=f"they can be by {', '.join(known)}",
            fix=f"use {near!r}" if near else f"use {known[0]!r}",
        )
    hours: Mapping[str | None, Any] = here.ledger.cost_by_hour_of(by, chosen)
    return TotalsBy(by, here.ledger.summary_by(by, chosen), hours, caption=caption)


def _since(last_n_hours: float | None) -> datetime | None:
    if last_n_hours is None:
        return None
    if not last_n_hours > 0:
        raise BadSetting(
            what=f"{last_n_hours!r} hours are no time to look back", why="it has to be above 0", fix="last_n_hours=24"
        )
    return datetime.now(UTC) - timedelta(hours=min(last_n_hours, _LONGEST_H))


def _caption(last_n_hours: float | None, *, this_session: bool) -> str:
    period = "All calls" if last_n_hours is None else f"Calls of the last {last_n_hours:g} h"
    return f"{period} in this session" if this_session else period
