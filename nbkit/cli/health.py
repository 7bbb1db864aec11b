"""`nbkit doctor`: the checks as lines."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from nbkit.doctor import Check, check, is_healthy, to_json
from nbkit.session import Session

_MARKS = {"ok": "ok  ", "absent": "-   ", "warn": "warn", "fail": "FAIL"}


def print_checks(*, is_json: bool) -> int:
    """Prints what was found; 0 unless a check failed."""
    with contextlib.closing(Session()) as session:
        checks = check(session)
        text = session.secrets.redact(to_json(checks) if is_json else lines(checks))
    print(text)
    sys.stdout.flush()
    return 0 if is_healthy(checks) else 1


def lines(checks: Sequence[Check]) -> str:
    """One line for each check, what to do below it, and a sum.

    >>> print(lines([Check("Python", "ok", "3.12"), Check("cache", "fail", "damaged", "remove it")]))
    ok    Python  3.12
    FAIL  cache   damaged
                  fix: remove it
    1 of 2 in order, 0 to look at, 1 failed
    """
    wide = max((len(one.name) for one in checks), default=0)
    said = []
    for one in checks:
        said.append(f"{_MARKS[one.status]}  {one.name:<{wide}}  {one.what}")
        if one.fix:
            said.append(f"{'':<6}{'':<{wide}}  fix: {one.fix}")
    count = {status: sum(one.status == status for one in checks) for status in _MARKS}
    looked = len(checks) - count["absent"]
    without = f", {count['absent']} optional not installed" if count["absent"] else ""
    said.append(f"{count['ok']} of {looked} in order{without}, {count['warn']} to look at, {count['fail']} failed")
    return "\n".join(said)
