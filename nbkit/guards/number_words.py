"""Numbers written as words, as digits: "twenty-five" is 25, so that both spellings are one number."""

from __future__ import annotations

import re
from typing import Final

_SMALL: Final = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES: Final = {word: at for at, word in enumerate(_SMALL, 1)} | {word: 10 * at for at, word in enumerate(_TENS, 2)}
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_PLAIN: Final = frozenset(_SMALL[:12])
"""Words that stay where they stand alone: they are read as counts."""
_PART: Final = "|".join((*_VALUES, *_SCALES))
_FOUND: Final = re.compile(
    rf"\b(?:a\s+(?=hundred|thousand|million))?(?:{_PART})(?:(?:-|\s(?:and\s(?={_PART}))?)(?:{_PART})){{0,8}}\b",
    re.IGNORECASE,
)
_MAY_HOLD: Final = ("teen", "enty", "irty", "orty", "ifty", "ixty", "ghty", "nety", "undred", "ousand", "illion")
"""Of one of these there has to be a trace: to look for them is cheaper than the pattern."""
_HUNDRED: Final = 100
_TEN: Final = 10


def in_digits(text: str) -> str:
    """The text with numbers from thirteen on in digits; the smaller ones stay words.

    >>> in_digits("Twenty-five of one hundred and six fans, for two years.")
    '25 of 106 fans, for two years.'
    """
    low = text.lower()
    return _FOUND.sub(_digits, text) if any(one in low for one in _MAY_HOLD) else text


def _digits(match: re.Match[str]) -> str:
    words = [word for word in re.split(r"[\s-]+", match.group().lower()) if word not in {"and", "a"}]
    if len(words) == 1 and words[0] in _PLAIN:
        return match.group()
    value = _value(words)
    return match.group() if value is None else str(value)


def _value(words: list[str]) -> int | None:
    """The number that these words are; None where they are several."""
    whole, part, last = 0, 0, 0
    for word in words:
        scale = _SCALES.get(word)
        if scale is None:
            one = _VALUES[word]
            if last and last < _HUNDRED and not (last >= 2 * _TEN and last % _TEN == 0 and one < _TEN):
                return None
            part, last = part + one, one
        elif scale == _HUNDRED:
            part, last = max(1, part) * scale, scale
        else:
            whole, part, last = whole + max(1, part) * scale, 0, scale
    return whole + part
