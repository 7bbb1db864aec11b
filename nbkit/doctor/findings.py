"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Health: TypeAlias = Literal["ok", "absent", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    >>> Check("Python", "ok", "3.12.1").fix
    ''
    """

    name: str
    status: Health
    """`absent` is something that is not there and need not be, `warn` something you may want to change, `fail`
    something that does not work."""
    what: str
    """What was found, in one line."""
    fix: str = ""
    """What to do; empty when there is nothing to do."""
