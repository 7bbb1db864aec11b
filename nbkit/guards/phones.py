"""Telephone numbers in text: those whose form says so, and those that the words around them call one."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from typing import Final

_LEFT: Final = r"(?<![\w.⟧+*^])(?<!\d[-/,:])(?<![\w][-/])"
_RIGHT: Final = r"(?![\w⟦])(?![-./:,]\d)"
_EXTENSION: Final = r"(?>(?:[ ]?(?:x|ext\.?|extension)[ ]?\d{1,6})?)"
_GROUPS: Final = r"(?>(?:(?:[ ]?\(\d{1,5}\)[ .-]?|[ .\-/])\d{1,12}+(?![\d:]|(?!x\d|ext)[^\W\d]))*)"
_WORD: Final = r"(?:tele?phone|phone|tel|mobile|cell(?:[ ]?phone)?|cellular|fax|whatsapp|hotline|landline)"
_LINK: Final = (
    r"[\s:.#=|\"'*_-]{0,6}(?:(?:number|no|nr|num|is|was|at|on|us|me|work|home|office|line)\b[\s:.#=|\"'*_-]{0,4}){0,3}"
)
_VERB: Final = (
    r"(?:call|calling|dial|ring|text|sms|reach|reachable|answering|contact|(?:my|our|his|her|their)[ ]number)"
    r"(?:[ ]+(?:me|us|him|her|them|you|back|on|at|to|it|my|his|their|number|the|now|is)){0,4}"
)
_AFTER: Final = r"[ \t]{0,2}[-\u2013,;]?[ \t]{0,2}\(?(?:office|mobile|cell|fax|home|work|tel|phone|direct|landline)\b"
_BY_CONTEXT: Final = rf"(?P<number>\+?(?>(?:\(\+?\d{{1,5}}\)[ ./-]?)?)\d{{1,15}}{_GROUPS}{_EXTENSION}){_RIGHT}"
# Two digits, or three, of every country code; a code of three is known by its first two.
_CODES: Final = {
    str(code) for code in range(20, 100) if code not in (28, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 83, 89)
}
_GROUP: Final = re.compile(r"[0-9]+")
_EXTENDED: Final = re.compile(r"[xXe]")
_MIN_DIGITS: Final = 7
_FEWEST: Final = {True: _MIN_DIGITS, False: 9}
"""Digits of a number without groups, by whether a word for a telephone is before it."""
_MAX_DIGITS: Final = 15
_USUAL_DIGITS: Final = 12


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """American, international, national with a trunk zero, area code in brackets; by words before, by words behind.

    Each looks at the first character before it looks back: at nearly every place that is all.
    """
    return (
        re.compile(
            rf"(?=[+( \d]){_LEFT}"
            rf"(?:(?:\+|00)?1[ .-]?)?(?:\(\d{{3}}\)[ .-]?\d{{3}}[ .-]?\d{{4}}|(?!000)\d{{3}}-\d{{3}}-\d{{4}}"
            rf"|[2-9]\d{{2}}\.[2-9]\d{{2}}\.\d{{4}}|(?!000)\d{{3}}[ ]\d{{3}}-\d{{4}}"
            rf"|[78]?[ ]?\(\d{{3}}\)[ ]?\d{{3}}-\d{{2}}-\d{{2}}){_EXTENSION}{_RIGHT}",
            re.IGNORECASE,
        ),
        re.compile(
            r"(?=[(+0])(?<![\w.⟧+*^=)/])(?=[(+0]{1,2}(?:[ ().\-/]{0,3}\d){9})"
            r"(?:\(\+[1-9]\d{0,3}\)[ ]?\d{1,12}|(?:\+[ ]?|00)[1-9]\d{0,14})"
            rf"{_GROUPS}{_EXTENSION}{_RIGHT}",
            re.IGNORECASE,
        ),
        re.compile(
            rf"(?=[(0]){_LEFT}(?<![=])(?<!\d[ ])(?:\(0[1-9]\d{{0,4}}\)[ -]?|0[1-9]\d{{0,4}}[ ./-])\d{{2,8}}"
            rf"(?>(?:[ .-]\d{{2,8}}){{0,4}}){_RIGHT}(?![ ]\d)"
        ),
        re.compile(rf"(?:^|[,;:|\"'\n][ \t]{{0,3}})(?P<number>\(\d{{2,4}}\)[ -]?\d{{3,4}}[ -]\d{{3,4}}){_RIGHT}"),
        re.compile(rf"\b{_WORD}\b{_LINK}{_BY_CONTEXT}", re.IGNORECASE),
        re.compile(rf"\b{_VERB}[ :]{{1,3}}{_BY_CONTEXT}", re.IGNORECASE),
        re.compile(
            rf"(?=[(\d]){_LEFT}(?<!\d[ ])"
            rf"(?P<number>(?>(?:\(\d{{1,5}}\)[ -]?)?)\d{{1,12}}{_GROUPS}{_EXTENSION})(?={_AFTER})",
            re.IGNORECASE,
        ),
    )


_WORDS: Final = ("phone", "tel", "mobile", "cell", "fax", "whatsapp", "hotline", "landline")
_VERBS: Final = ("call", "dial", "ring", "text", "sms", "reach", "answering", "contact", " number")
_NEXT: Final = ("office", "mobile", "cell", "fax", "home", "work", "tel", "phone", "direct", "landline")


def find_phones(text: str) -> Iterator[tuple[int, int]]:
    """Where numbers are, unordered; two may overlap.

    >>> text = "+44 20 7946 0958, (212) 555-0123; v1.2.3, 2024-01-15, 0.123456789"
    >>> sorted({text[start:end] for start, end in find_phones(text)})
    ['(212) 555-0123', '+44 20 7946 0958']
    """
    american, international, trunk, area, by_word, by_verb, by_next = _patterns()
    if "-" in text or "(" in text or "." in text:
        yield from (found.span() for found in american.finditer(text))
    if "+" in text or "00" in text:
        for found in international.finditer(text):
            number, groups = _shortened(found.group())
            if _is_international(number, groups):
                yield found.start(), found.start() + len(number)
    if "0" in text:
        yield from (found.span() for found in trunk.finditer(text) if _is_national(found.group()))
    if "(" in text:
        yield from (found.span("number") for found in area.finditer(text))
    lower = text.lower()
    for pattern, words in ((by_word, _WORDS), (by_verb, _VERBS), (by_next, _NEXT)):
        for found in pattern.finditer(text) if any(map(lower.__contains__, words)) else ():
            (number, groups), start = _shortened(found["number"]), found.start("number")
            # `at` says of a number without groups that it is one; `call 5000000` does not.
            is_said = text[found.start() : start].endswith("at ")
            fewest = 8 if is_said else _FEWEST[pattern is by_word]
            if _is_called_one(number, groups, fewest=fewest, is_next=pattern is by_next):
                yield start, start + len(number)


def _groups(number: str) -> list[str]:
    """The groups of digits, without those of the extension."""
    return _GROUP.findall(_EXTENDED.split(number, maxsplit=1)[0])


def _shortened(number: str) -> tuple[str, list[str]]:
    """The number without the groups behind it that make it too long, figures that follow in the text; its groups."""
    groups = _groups(number)
    if sum(map(len, groups)) <= _MAX_DIGITS:
        return number, groups
    end = count = 0
    for group in _GROUP.finditer(number):
        count += len(group.group())
        if count > _USUAL_DIGITS and end:
            break
        end = group.end()
    return number[:end], _groups(number[:end])


def _is_international(number: str, groups: list[str]) -> bool:
    digits = "".join(groups)
    if "+" not in number[:2]:
        digits = digits[2:]
        if number.isdigit():
            return False
    if digits.startswith("1"):
        return len(digits) == 11 and digits[1] in "23456789"  # noqa: PLR2004 - 1, area, seven more
    if digits.startswith("7"):
        return len(digits) == 11  # noqa: PLR2004 - 7 and ten more
    is_round = set(groups[1:]) == {"000"}
    return digits[:2] in _CODES and 9 <= len(digits) <= _MAX_DIGITS and not is_round  # noqa: PLR2004


def _is_national(number: str) -> bool:
    """Whether groups behind a trunk zero are a number: of usual length, and written with one kind of separator."""
    groups = _groups(number)
    digits = "".join(groups)
    separators = re.findall(r"[ ./-]+", number.replace(")", ""))
    is_mixed = len(set(separators[1:])) > 1 and not number.startswith("(")
    most = 13 if separators[:1] == ["/"] else 11
    if not 9 <= len(digits) <= most or is_mixed or (len(set(separators)) > 1 and "." in separators):  # noqa: PLR2004
        return False
    # Dates and versions have three groups, and one of them is short.
    if "." in separators and len(groups) < 4 and min(map(len, groups)) < 3:  # noqa: PLR2004
        return False
    pairs = [int(group) for group in groups]
    is_series = len({b - a for a, b in itertools.pairwise(pairs)}) == 1 and len(pairs) > 2  # noqa: PLR2004
    return not is_series and not _is_date(groups)


def _is_called_one(number: str, groups: list[str], *, fewest: int, is_next: bool) -> bool:
    """Whether a number is a telephone's that the words beside it call one."""
    digits = "".join(groups)
    if not _MIN_DIGITS - 1 <= len(digits) <= _MAX_DIGITS or _is_date(groups):
        return False
    if _is_count(number, groups) and (is_next or groups[-1] == "000" or len(digits) < 9):  # noqa: PLR2004
        return False
    if all(len(group) == 4 and group[:2] in ("19", "20") for group in groups):  # noqa: PLR2004 - years
        return False
    if [len(group) for group in groups] == [2, 2, 2]:
        return True
    return len(digits) >= (fewest if len(groups) == 1 and not number.startswith("+") else _MIN_DIGITS)


def _is_date(groups: list[str]) -> bool:
    sizes = [len(group) for group in groups]
    return len(groups) == 3 and 4 in (sizes[0], sizes[2]) and sizes[1] <= 2  # noqa: PLR2004 - year, month, day


def _is_count(number: str, groups: list[str]) -> bool:
    """Whether it may be a count whose thousands are set apart."""
    return len(groups) > 1 and set(re.findall(r"[^\d]", number)) == {" "} and all(len(g) == 3 for g in groups[1:])  # noqa: PLR2004
