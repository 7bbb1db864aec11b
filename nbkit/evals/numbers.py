"""The numbers that an answer names, and whether one is near enough to the right one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = re.compile(
    r"(?<![\w.,])(?P<sign>[-+\u2212]?)(?:[$€£¥]\s?)?"
    r"(?P<whole>\d{1,3}(?:[,'\u2019\u00a0\u2009\u202f]\d{3})+(?!\d)|\d{1,400}|(?=\.\d))"
    r"(?P<part>\.\d{1,400})?(?P<power>[eE][-+]?\d{1,4})?(?P<percent>\s?%)?"
)
_PARTING: Final = re.compile(r"[,'\u2019\u00a0\u2009\u202f]")
_HUNDRED: Final = 100.0


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text."""

    value: float
    """As written: that of `45 %` is 45."""
    is_percent: bool = False


def numbers_in(text: str) -> list[Number]:
    """The numbers of a text, in order: a point is decimal; a comma, apostrophe or narrow blank parts thousands.

    A sign counts where it does not stand between two words or numbers. Numbers as words are none.

    >>> [(one.value, one.is_percent) for one in numbers_in("It fell from 1,234.50 to $2'000, by 62 %, not -3e2")]
    [(1234.5, False), (2000.0, False), (62.0, True), (-300.0, False)]
    """
    return [one for found in _NUMBER.finditer(text) if math.isfinite((one := _read(found)).value)]


def is_near(found: Number, right: Number, *, relative: float, absolute: float = 0.0) -> bool:
    """Whether a number is the right one, within `relative` times the right one or within `absolute`.

    Where only one of both is in percent it may be meant either way: `45 %` is near both 45 and 0.45.

    >>> is_near(Number(101), Number(100), relative=0.01), is_near(Number(45, is_percent=True), Number(0.45), relative=0)
    (True, True)
    """
    pairs = [(found.value, right.value)]
    if found.is_percent and not right.is_percent:
        pairs.append((found.value / _HUNDRED, right.value))
    if right.is_percent and not found.is_percent:
        pairs.append((found.value, right.value / _HUNDRED))
    return any(_is_within(one, wanted, max(relative * abs(wanted), absolute)) for one, wanted in pairs)


def _is_within(one: float, wanted: float, most: float) -> bool:
    # What is written exactly at the edge is within it: 1.01 is 0.01 from 1, and a little more in binary.
    return abs(one - wanted) <= most or math.isclose(abs(one - wanted), most, rel_tol=1e-9)


def _read(found: re.Match[str]) -> Number:
    whole = _PARTING.sub("", found["whole"])
    sign = "-" if found["sign"] in ("-", "\u2212") else ""
    return Number(float(f"{sign}{whole}{found['part'] or ''}{found['power'] or ''}"), found["percent"] is not None)
