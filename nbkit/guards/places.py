"""Postal addresses in text: streets with their numbers, flats, boxes and codes, in the forms of many countries."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Final

_BEHIND: Final = (
    "street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|square|sq|terrace|way|circle|"
    "highway|hwy|parkway|pkwy|trail|crescent|close|utca|u|út|útja|tér|körút|tie|gate|allé|vei"
)
_ENDS: Final = (
    "straße|strasse|gasse|weg|platz|allee|damm|ufer|gatan|gata|gate|vägen|veien|vegen|vej|gade|plads|torv|straat|laan|"
    "plein|gracht|kade|dijk|katu|kuja|polku"
)
_BEFORE: Final = (
    "rue|avenue|boulevard|chemin|place|allée|impasse|quai|via|viale|piazza|corso|vicolo|strada|calle|avenida|plaza|"
    "paseo|camino|carretera|rúa|rua|travessa|praça|estrada|ul|ulica|aleja|plac|ulice|náměstí"
)
_WORD: Final = r"[^\W\d_][\w.'-]{0,30}"
_UNIT: Final = (
    r"\b(?:(?:apt|apartment|suite|ste|flat)\b\.?[ ]?#?\d{1,5}[A-Za-z]?|(?:p\.?[ ]?o\.?[ ]?box|postbox|postfach|psc|box)"
    r"\b\.?[ ]\d{1,6}|[AFD]PO[ ][A-Z]{2}[ ]\d{5})\b"
)
_WHERE: Final = re.compile(
    r"\b(?:address(?:es)?|lives? (?:at|in)|living (?:at|in)|moved|deliver\w*|ship\w*|sen[dt] .{0,20}to|return to|taxi|"
    r"located|meet\w*|office is|where|corner of|street|road|avenue)\b",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|no|vol|fig|table|page|chapter|section)"
    r"[a-z]*\.?[ ]\d|\d[ ,]+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"[ ,]{1,2}(?:[A-Z]{2}[ ])?\d{4,6}\b")
_NEAR_CHARS: Final = 80


@functools.cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    number = r"\d{1,5}[A-Za-z]?\b"
    street = rf"(?:{_WORD}[ ]){{1,4}}?(?:{_BEHIND})\b\.?|{_WORD}(?:{_ENDS})\b|\b(?:{_BEFORE})\b\.?(?:[ ]{_WORD}){{1,4}}"
    return (
        re.compile(
            rf"\b(?:{number}[ ,]{{1,2}}){{1,2}}(?:{street})(?:[ ]{number})?|\b(?:{street})[ ]{number}", re.IGNORECASE
        ),
        re.compile(_UNIT, re.IGNORECASE),
        re.compile(
            rf"\b{number}[ ,]{{1,2}}[^\W\d_a-z][\w.'-]{{1,30}}(?:[ ]{_WORD}){{0,4}}(?:[ ]{number})?"
            rf"|\b[^\W\d_a-z][\w.'-]{{2,30}}(?:[ ][^\W\d_a-z][\w.'-]{{1,30}}){{0,3}}[ ]{number}"
        ),
    )


def find_addresses(text: str, places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where parts of addresses are, unordered; two may overlap. `places`: where towns and countries are named.

    >>> text = "Ship it to 12 Baker Street, Flat 3, Springfield 62704."
    >>> [text[start:end] for start, end in sorted(set(find_addresses(text, [(36, 47)])))]
    ['12 Baker Street', 'Flat 3', 'Springfield 62704']
    """
    streets, units, numbered = _patterns()
    sure = [*(found.span() for found in streets.finditer(text)), *(found.span() for found in units.finditer(text))]
    yield from sure
    ends = [end for _, end in sure]
    for start, end in places:
        code = _CODE.match(text, end)
        if code:
            yield start, code.end()
            ends.append(end)
    # A name with a number is a street's where the words before it, or an address beside it, say so.
    for found in numbered.finditer(text):
        if _MONTH.search(found.group()):
            continue
        near = text[max(0, found.start() - _NEAR_CHARS) : found.start()]
        is_beside = any(-_NEAR_CHARS < end - found.start() < _NEAR_CHARS for end in ends)
        if is_beside or _WHERE.search(near):
            yield found.span()
