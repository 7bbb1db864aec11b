"""Money that may be spent: reserved before a call, in one transaction, and settled by its record.

Problem: several kernels spend from one budget, and what a call costs is known when it is over. Choice: before the
provider is asked, the most that the call can cost is reserved, if what was spent and all that is reserved leave room
for it. The reservation has the record's id; the database itself takes it away as it adds the record's cost to what was
spent, so that nothing is counted twice and nothing is lost between the two. A call that never came back (its process
was killed) stays reserved: it may have been paid. `%cost budgets release` frees those.
Rejected: counters in a file of their own, which would differ from the records one day; sums over records at each call,
which take longer the more there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from nbkit.ledger.rows import HOUR_US, storable, to_pusd, to_us, to_usd
from nbkit.store.database import Database

Scope: TypeAlias = Literal["notebook", "session", "day", "project"]
SCOPES: Final[Mapping[Scope, str]] = MappingProxyType(
    {"notebook": "notebook = ?", "session": "session = ?", "project": "project = ?", "day": "made_us >= ?"}
)
"""Which reservations belong to a scope, as SQL."""


@dataclass(frozen=True, slots=True)
class Spender:
    """For whom money is spent."""

    session: str
    project: str | None = None
    notebook: str | None = None
    """Where it is not known, the notebook is the session."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands."""

    scope: Scope
    limit_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    """By calls that are under way, or that never came back."""

    @property
    def left_usd(self) -> Decimal:
        """What a call may still cost; 0 when all is spent."""
        return max(Decimal(0), self.limit_usd - self.spent_usd - self.reserved_usd)


class Budgets:
    """Reservations in the record store.

    >>> import tempfile
    >>> from datetime import UTC
    >>> from pathlib import Path
    >>> from nbkit.ledger.sqlite import SqliteSink
    >>> from nbkit.protocols import SinkOptions
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sink = SqliteSink(SinkOptions(Path(folder)))
    ...     limits, who = {"day": Decimal("0.10")}, Spender("s1")
    ...     print(sink.budgets.reserve("call 1", Decimal("0.08"), limits, of=who, at=datetime.now(UTC)))
    ...     print(sink.budgets.reserve("call 2", Decimal("0.08"), limits, of=who, at=datetime.now(UTC)).left_usd)
    ...     sink.close()
    None
    0.02
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(
        self, record_id: str, most_usd: Decimal, limits: Mapping[Scope, Decimal], *, of: Spender, at: datetime
    ) -> Standing | None:
        """None when the amount is reserved; else how the first budget stands that has no room for it.

        What the same record has reserved before is replaced. Days are those of the time zone of `at`.
        Raises `StoreError`.
        """

        def perform() -> Standing | None:
            for scope, limit in limits.items():
                found = self._standing(scope, limit, of, at, without=record_id)
                if most_usd > found.limit_usd - found.spent_usd - found.reserved_usd:
                    return found
            row = (storable(record_id), to_us(at), to_pusd(most_usd), *_names(of))
            self._database.execute("INSERT OR REPLACE INTO reservation VALUES (?, ?, ?, ?, ?, ?)", row)
            return None

        return self._database.whole(perform)

    def standings(self, limits: Mapping[Scope, Decimal], *, of: Spender, at: datetime) -> list[Standing]:
        """How each of the budgets stands. Raises `StoreError`."""
        return [self._standing(scope, limit, of, at) for scope, limit in limits.items()]

    def release(self, *, before: datetime) -> Decimal:
        """Frees what calls reserved that were begun before a moment and never came back; the amount. `StoreError`."""

        def perform() -> int:
            moment = (to_us(before),)
            ((held,),) = self._database.execute("SELECT SUM(pusd) FROM reservation WHERE made_us < ?", moment)
            self._database.execute("DELETE FROM reservation WHERE made_us < ?", moment)
            return int(held or 0)

        return to_usd(self._database.whole(perform))

    def _standing(
        self, scope: Scope, limit: Decimal, of: Spender, at: datetime, *, without: str | None = None
    ) -> Standing:
        midnight = to_us(at.replace(hour=0, minute=0, second=0, microsecond=0))
        session, notebook, project = _names(of)
        name: object = {"session": session, "notebook": notebook, "project": project, "day": midnight}[scope]
        spent = self._spent_since(midnight) if scope == "day" else self._spent(scope, name)
        sql = f"SELECT SUM(pusd) FROM reservation WHERE {SCOPES[scope]} AND record_id IS NOT ?"  # noqa: S608 - constants
        ((reserved,),) = self._database.execute(sql, (name, None if without is None else storable(without)))
        return Standing(scope, limit, to_usd(spent), to_usd(int(reserved or 0)))

    def _spent(self, scope: Scope, name: object) -> int:
        found = self._database.execute("SELECT pusd FROM spent WHERE scope = ? AND name IS ?", (scope, name))
        return int(found[0][0]) if found else 0

    def _spent_since(self, midnight: int) -> int:
        """From the hourly sums; where the day begins within an hour, from that hour's records."""
        first = -(-midnight // HOUR_US)
        ((whole,),) = self._database.execute("SELECT SUM(cost_pusd) FROM hour WHERE hour >= ?", (first,))
        sql = "SELECT SUM(cost_pusd) FROM record WHERE started_us >= ? AND started_us < ?"
        ((cut,),) = self._database.execute(sql, (midnight, first * HOUR_US)) if midnight % HOUR_US else ((0,),)
        return int(whole or 0) + int(cut or 0)


def _names(of: Spender) -> Sequence[str | None]:
    """Session, notebook and project, as rows name them."""
    names = (of.session, of.notebook or of.session, of.project)
    return tuple(None if name is None else storable(name) for name in names)
