"""Words of which a statement may hold one and not the other, as "before" and "after", and units of measure."""

from __future__ import annotations

import re
from typing import Final

_PAIRS: Final = """
before prior|after following; at-least minimum|at-most maximum; more|less fewer; higher|lower;
above over|below under; larger bigger greater|smaller; longer|shorter; faster quicker|slower;
increase increases increased rise rises rose raised grew|decrease
decreases decreased fall falls fell lowered reduced dropped;
earlier|later; newer|older; enabled enables enable|disabled disables disable;
mandatory required obligatory|optional voluntary; allowed permitted|forbidden prohibited banned;
includes included including include|excludes excluded excluding exclude; ascending|descending;
synchronous|asynchronous; public|private; internal|external;
accepted approved accepts|rejected declined rejects refused; encrypted|unencrypted; always|never;
cheaper|dearer; free|paid; open opens opened|closed closes closed; starts start begins|ends end; left|right;
top|bottom; best|worst; strongest|weakest; highest|lowest; largest|smallest; longest|shortest; oldest|newest;
first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last; success succeeds|failure fails;
hourly per-hour|daily per-day|weekly per-week|monthly per-month|quarterly|yearly annually per-year;
thousand|million|billion|trillion; hire hires hired hiring|fire fires fired firing dismiss dismissed;
only partly|whole entire entirely wholly everywhere;
monday|tuesday|wednesday|thursday|friday|saturday|sunday;
january|february|march|april|june|july|august|september|october|november|december; morning|afternoon|evening;
hot|cold; north|south|east|west; indoor indoors|outdoor outdoors; all every|none; permanent|temporary;
buyer|seller
"""
GROUP: Final[dict[str, tuple[int, int]]] = {
    word: (group, side)
    for group, line in enumerate(_PAIRS.replace("\n", " ").split(";"))
    for side, words in enumerate(line.split("|"))
    for word in words.split()
}
"""The group of a word and its side there."""
MONTHS: Final = frozenset(word for word, (group, _) in GROUP.items() if group == GROUP["january"][0])
_BOUNDS: Final = re.compile(
    r"\b(?P<least>at least|no(?:t)? (?:less|fewer|earlier) than|a minimum of)\b"
    r"|\b(?P<most>at most|no(?:t)? (?:more|later|longer) than|a maximum of|up to|not exceed(?:ing)?)\b",
    re.IGNORECASE,
)
_RATE: Final = re.compile(r"(?:\s(?:an?|per|each|every) |/)(?=(?:hour|day|week|month|year)\b)", re.IGNORECASE)
_SMALL: Final = {
    word: str(number)
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
}
_COUNTED: Final = re.compile(rf"\b(?:{'|'.join(_SMALL)})(?=[\s-][a-z])", re.IGNORECASE)
_UNITS: Final = {
    alias: names[0]
    for names in (
        line.split()
        for line in [
            "% percent",
            "€ eur euro euros",
            "$ usd dollar dollars",
            "£ gbp pound pounds",
            "ms millisecond milliseconds",
            "s second seconds sec secs",
            "min minute minutes mins",
            "h hour hours",
            "d day days",
            "week weeks",
            "month months",
            "year years",
            "kb kilobyte kilobytes",
            "mb megabyte megabytes",
            "gb gigabyte gigabytes",
            "tb terabyte terabytes",
            "w watt watts",
            "kw kilowatt kilowatts",
            "mw megawatt megawatts",
            "v volt volts",
            "a amp amps",
            "mm millimetre millimetres",
            "cm centimetre centimetres centimeters",
            "m metre metres meter meters",
            "km kilometre kilometres kilometers",
            "g gram grams",
            "kg kilogram kilograms",
            "mg milligram milligrams",
            "l litre litres liter liters",
            "ml millilitre millilitres",
            "°c celsius",
            "°f fahrenheit",
            "hz hertz",
            "khz",
            "mhz",
            "ghz",
            "bar",
            "psi",
            "px pixel pixels",
        ]
    )
    for alias in names
}
_MEASURE: Final = re.compile(
    r"(?P<sign>[€$£])\s?(?P<n>\d[\d.,]{0,15})|(?P<m>\d[\d.,]{0,15})[\s-]?(?P<unit>%|[€$£]|°[CF]|[A-Za-z]{1,12})(?![\w])"
)


_SHORTEST_UNIT: Final = 2
"""Letters; a shorter one may be anything in the name of a column."""


def unit_of(word: str) -> str:
    """The unit that a word names by itself; empty where it names none.

    >>> unit_of("eur"), unit_of("owner")
    ('€', '')
    """
    return _UNITS.get(word, "") if len(word) >= _SHORTEST_UNIT else ""


def bounds_as_words(text: str) -> str:
    """The text with each phrase for a bound or a rate as one word, so that its "no" denies nothing.

    >>> bounds_as_words("no more than 5 a day, at least 2")
    'at-most 5 per-day, at-least 2'
    """
    text = _RATE.sub(" per-", text)
    return _BOUNDS.sub(lambda found: "at-least" if found["least"] else "at-most", text)


def measures(text: str) -> set[tuple[str, str]]:
    """The numbers of a text that have a unit, with it.

    >>> sorted(measures("12 percent of $30"))
    [('12', '%'), ('30', '$')]
    """
    found = set()
    text = _COUNTED.sub(lambda word: _SMALL[word.group().lower()], text)
    for match in _MEASURE.finditer(text):
        number = re.sub(r",(?=\d{3}(?:\D|$))", "", match["n"] or match["m"]).rstrip(".,").removesuffix(".00")
        unit = match["sign"] or _UNITS.get(match["unit"].lower(), "")
        if unit:
            found.add((number, unit))
    return found
