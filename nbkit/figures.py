"""Figures in words: money, durations, ages, counts."""

from __future__ import annotations

import math
from decimal import Decimal

_LEAST_S = 0.0001
_HUNDREDTH_S = 0.01
_TEN_S = 10
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86400


def money(usd: Decimal | None) -> str:
    """Dollars with as many digits as say something; unknown is `?`, which is never 0.

    >>> [money(Decimal(x)) for x in ("0", "0.000123", "0.0425", "3.14159", "0.00000042")], money(None)
    (['$0', '$0.000123', '$0.0425', '$3.14', '$0.00000042'], '?')
    """
    if usd is None:
        return "?"
    if usd == 0:
        return "$0"
    sign, amount = ("-" if usd < 0 else ""), abs(usd)
    if amount >= 1:
        return f"{sign}${amount:,.2f}"
    # Three digits that count: the exponent of the first one says how many places that is.
    places = max(4, 2 - amount.adjusted())
    text = f"{amount:.{places}f}".rstrip("0")
    return f"{sign}${text}" if len(text) > len("0.0") else f"{sign}${text}0"


def known_part(usd: Decimal | None, unknown: int) -> Decimal | None:
    """What is known of a sum that lacks `unknown` amounts; None where that is nothing.

    What cost nothing says nothing of what nobody knows: a sum of both must not read as 0.

    >>> known_part(Decimal(0), 3) is None, known_part(Decimal(2), 3), known_part(Decimal(0), 0)
    (True, Decimal('2'), Decimal('0'))
    """
    return None if unknown and not usd else usd


def sum_of(usd: Decimal | None, unknown: int, *, about: str = "") -> str:
    """A sum in a word, wherever one is drawn: `?` where nothing is known of what was paid, `≥` where some is not.

    `about`: a mark before an amount that was estimated.

    >>> sum_of(Decimal(0), 115), sum_of(Decimal(3), 1), sum_of(Decimal(3), 0, about="~"), sum_of(Decimal(0), 0)
    ('?', '≥ $3.00', '~$3.00', '$0')
    """
    known = known_part(usd, unknown)
    mark = about if known else ""
    return f"≥ {mark}{money(known)}" if unknown and known else mark + money(known)


def score_of(score: float, threshold: float | None = None) -> str:
    """A score from 0 to 1 in two digits; in more where they would put it on the other side of its threshold.

    >>> score_of(0.7459), score_of(0.7459, 0.75), score_of(0.7501, 0.75), score_of(0.749999, 0.75)
    ('0.75', '0.746', '0.75', '0.7499')
    """
    for digits in (2, 3, 4):
        if threshold is None or (round(score, digits) >= threshold) == (score >= threshold):
            return f"{score:.{digits}f}"
    return f"{math.floor(score * 1e4) / 1e4:.4f}"


def duration(seconds: float | None) -> str:
    """A duration in the unit a reader would say it in.

    >>> [duration(x) for x in (0.00002, 0.0042, 0.213, 1.239, 12.34, 125.0, None)]
    ['<0.1 ms', '4.2 ms', '213 ms', '1.24 s', '12.3 s', '2 min 5 s', '—']
    """
    if seconds is None:
        return "—"
    if seconds < 0.9995:  # noqa: PLR2004 - what rounds to a second is said in seconds
        return f"{seconds * 1000:.{0 if seconds >= _HUNDREDTH_S else 1}f} ms" if seconds >= _LEAST_S else "<0.1 ms"
    if seconds < _MINUTE_S:
        return f"{seconds:.{2 if seconds < _TEN_S else 1}f} s"
    whole = round(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def age(seconds: float) -> str:
    """How long ago, roughly.

    >>> [age(x) for x in (0.4, 42, 300, 7300, 200000)]
    ['just now', '42 s ago', '5 min ago', '2 h ago', '2 days ago']
    """
    if seconds < 1:
        return "just now"
    for size, unit in ((_DAY_S, "days"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= (2 * size if size == _DAY_S else size):
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds)} s ago"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> count(1, "sample"), count(1200, "token"), count(2, "miss", "misses")
    ('1 sample', '1,200 tokens', '2 misses')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
