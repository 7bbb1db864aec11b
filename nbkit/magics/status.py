"""Tables for `%nbkit status` and `%nbkit doctor`, from what the ledger and the checks say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbkit.display.totals import rows
from nbkit.figures import count
from nbkit.ledger.summary import Summary
from nbkit.tables import Table

if TYPE_CHECKING:
    from nbkit.doctor import Check

_MARKS = {"ok": "✓ ok", "absent": "- optional", "warn": "! warning", "fail": "✗ failed"}


def status_table(summary: Summary) -> Table:
    """The session's figures; what came from the cache stands apart from what a provider was asked.

    >>> status_table(Summary()).rows[0]
    ('calls', '0')
    """
    return Table("This session", ("figure", "value"), rows(summary))


def doctor_table(checks: Sequence[Check]) -> Table:
    """What the checks found, and what to do.

    >>> from nbkit.doctor import Check
    >>> print(doctor_table([Check("Python", "ok", "3.12.1")]).text())
    Checks
    check   result  found   to do
    Python  ✓ ok    3.12.1
    nothing failed
    """
    found = [(one.name, _MARKS[one.status], one.what, one.fix) for one in checks]
    failed = sum(one.status == "fail" for one in checks)
    note = f"{count(failed, 'check')} failed" if failed else "nothing failed"
    return Table("Checks", ("check", "result", "found", "to do"), found, note=note)
