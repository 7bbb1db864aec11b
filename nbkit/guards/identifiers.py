"""Personal identifiers in text that their form and their check digits tell from other numbers."""

from __future__ import annotations

import functools
import ipaddress
import re
import string
from collections.abc import Iterator
from typing import Final

from nbkit.guards.phones import find_phones
from nbkit.pseudonyms import in_ascii
from nbkit.types import Span

_RIGHT: Final = r"(?![\w⟦])"
_ATTRIBUTES: Final = frozenset(
    re.findall(
        r"\w+",
        "abs array astype coef copy dot flatten grad inv item max mean min numpy ravel reshape shape std sum transpose "
        "values weight png jpg jpeg gif svg webp ico css js ts json ipynb yml yaml toml txt csv html",
    )
)
"""What stands behind the dot of a product of matrices, or of a file's name, and is no top-level domain."""
_NOT_PERSONS: Final = frozenset({"git", "svn", "hg"})
_IBAN_CHARS: Final = {
    15: "NO", 16: "BE", 18: "DK FO FI GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG DJ",
    25: "LY PT ST", 26: "IS TR", 27: "BI FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_LETTERS: Final = {ord(letter): str(int(letter, 36)) for letter in string.ascii_letters}
"""Of an IBAN, each letter as the number that it counts as."""
_DIGIT: Final = re.compile("[0-9]")
_CARD_WORD: Final = re.compile(
    r"card|visa|master|amex|american express|discover|diners|jcb|maestro|credit|debit|\bcc\b|payment", re.IGNORECASE
)
_SSN_WORD: Final = re.compile(r"\bssns?\b|social[ -]security", re.IGNORECASE)
_IP_WORD: Final = re.compile(r"\b(?:ip|ipv4|host|server|client|addr|address|ping|ssh|from)\b", re.IGNORECASE)
_VERSION: Final = re.compile(
    r"(?:\bv|vers?i?o?n?\.?|release|build|[=<>~!]=|[A-Za-z][/_-]|[A-Za-z]==?)[ :=]{0,2}\Z", re.IGNORECASE
)
_ACCOUNT: Final = re.compile(r"(?://[^\s/?#=&]*|\b(?:ssh|scp|sftp|rsync)[ ](?:[^\n|;]{0,40}[ ])?)\Z")
_ACCOUNT_WORDS: Final = ("//", "ssh ", "scp ", "sftp ", "rsync ")
_PATH: Final = re.compile(r":(?:[~/]|[\w.-]{1,100}(?:/|(?<=\.git)\b))")
_NETWORK: Final = re.compile(r"/(\d{1,2})\b")
_NOT_HOSTS: Final = ("0.", "127.", "169.254.", "192.0.2.", "198.51.100.", "203.0.113.", "255.")
_RESOLVERS: Final = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"})
_BEFORE_CHARS: Final = 40
_DOTS: Final = 3
"""Of an address in four numbers."""
_FEWEST_COLONS: Final = 5
"""Of an address of letters alone, as `aa:bb:cc:dd:ee:ff` is."""


@functools.cache
def _pattern(name: str) -> re.Pattern[str]:
    """Compiled when first needed: an import must cost nothing."""
    octet = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
    return re.compile(
        {
            "email": r"(?<![\w.+%⟧-])(?:[odOD]')?[\w%+-][\w.+%-]{0,63}(?:@|%40)(?:[^\W_](?:[^\W_]|-){0,62}\.){1,8}"
            r"(?:xn--[a-z0-9]{2,30}|[^\W\d_]{2,24})(?![\w⟦@(\[-])(?!\.[^\W_])",
            "card": r"(?=\d)(?<![\w.⟧$€£#])(?<!\d[-/ ,:])(?:\d{12,19}"
            r"|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})"
            r"(?![\w⟦])(?![-./:,]\d)(?![ ]\d{4,})",
            "iban": r"(?<![\w⟧])([A-Za-z]{2})\d{2}(?=[ -]?[A-Za-z0-9]{4})",
            "ssn": rf"(?=\d)(?<![\w.⟧/-])(?!000|666|9)\d{{3}}([- ]?)(?!00)\d{{2}}\1(?!0000)\d{{4}}{_RIGHT}(?![-./,]\d)",
            "ipv4": rf"(?=\d)(?<![\w.⟧])(?:{octet}\.){{3}}{octet}{_RIGHT}(?!\.\d|-\w)",
            "ipv6": r"(?=[0-9A-Fa-f:\[])"
            r"(?<![\w:.⟧\[])\[?([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8})(?![\w:⟦])(?!\.\d)",
            "mac": r"(?=[0-9A-Fa-f])(?<![\w:.⟧-])(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?!:)"
            rf"|[0-9A-Fa-f]{{2}}(?:-[0-9A-Fa-f]{{2}}){{5}}(?!-)"
            rf"|[0-9A-Fa-f]{{4}}(?:\.[0-9A-Fa-f]{{4}}){{2}}(?!\.\w)){_RIGHT}",
        }[name]
    )


def find_identifiers(text: str) -> list[Span]:
    """Places of identifiers, in order, none overlapping another.

    Kinds: EMAIL, IBAN, CARD, IP, MAC, SSN, PHONE. Where two claim a place, the one named first here has it.

    >>> [span.kind for span in find_identifiers("jane@example.org, DE89 3704 0044 0532 0130 00, 86.231.85.193")]
    ['EMAIL', 'IBAN', 'IP']
    """
    found: list[Span] = []
    taken = bytearray(len(text))
    for kind, start, end in _candidates(in_ascii(text)):
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            found.append(Span(start, end, kind))
    return sorted(found, key=lambda span: span.start)


def _candidates(text: str) -> Iterator[tuple[str, int, int]]:
    if "@" in text or "%40" in text:
        yield from (("EMAIL", *found.span()) for found in _pattern("email").finditer(text) if _is_email(text, found))
    if _DIGIT.search(text) is None and (text.isascii() or ":" not in text) and text.count(":") < _FEWEST_COLONS:
        return
    yield from (("IBAN", start, end) for start, end in _ibans(text))
    yield from (("CARD", *found.span()) for found in _pattern("card").finditer(text) if _is_card(text, found))
    yield from (("IP", start, end) for start, end in _addresses(text))
    if ":" in text or "-" in text or "." in text:
        yield from (("MAC", *found.span()) for found in _pattern("mac").finditer(text) if _is_mac(found.group()))
    if "-" in text or _names_ssn(text):
        yield from (("SSN", *found.span()) for found in _pattern("ssn").finditer(text) if _is_ssn(text, found))
    # Of two readings of a number the longer is the whole of it.
    for start, end in sorted(find_phones(text), key=lambda place: place[0] - place[1]):
        yield "PHONE", start, end


def _before(text: str, at: int) -> str:
    return text[max(0, at - _BEFORE_CHARS) : at].rpartition("\n")[2]


def _is_email(text: str, found: re.Match[str]) -> bool:
    local, _, domain = found.group().replace("%40", "@").rpartition("@")
    top = domain.rpartition(".")[2]
    if top in _ATTRIBUTES or local in _NOT_PERSONS or ".." in local or local.endswith("."):
        return False
    # `git@host:path` and `host:~/path` name an account on a machine, as do the user of a URL and the target of ssh.
    if _PATH.match(text, found.end()):
        return False
    before = _before(text, found.start())
    return not (any(word in before for word in _ACCOUNT_WORDS) and _ACCOUNT.search(before))


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _is_card(text: str, found: re.Match[str]) -> bool:
    number = found.group()
    digits = re.sub("[ -]", "", number)
    if len(set(digits)) == 1 or not luhn(digits):
        return False
    if _CARD_WORD.search(_before(text, found.start())):
        return True
    # A row of an array, of as many four-digit numbers as a card has groups.
    if " " in number and (text[: found.start()].endswith(("[", "[ ")) or text.startswith("]", found.end())):
        return False
    return _is_issued(digits)


def _is_issued(digits: str) -> bool:
    """Whether a card brand has numbers of this beginning and length."""
    size, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    if size == 16 and (digits[0] == "4" or 51 <= two <= 55 or 2221 <= four <= 2720):  # noqa: PLR2004
        return True
    if size == 15 and (two in (34, 37) or four in (2131, 1800)):  # noqa: PLR2004
        return True
    if size == 14 and (300 <= three <= 305 or two in (36, 38, 39)):  # noqa: PLR2004
        return True
    is_long = two in (50, 56, 57, 58, 62, 65) or four == 6011 or 644 <= three <= 649 or 3528 <= four <= 3589  # noqa: PLR2004
    return size == 16 and is_long  # noqa: PLR2004


def mod97(iban: str) -> bool:
    """Whether the check digits of an IBAN, without separators, are right.

    >>> mod97("GB82WEST12345698765432"), mod97("GB83WEST12345698765432")
    (True, False)
    """
    return int((iban[4:] + iban[:4]).translate(_LETTERS)) % 97 == 1


@functools.cache
def _iban_chars() -> dict[str, int]:
    return {country: chars for chars, countries in _IBAN_CHARS.items() for country in countries.split()}


@functools.cache
def _iban_rest(chars: int) -> re.Pattern[str]:
    groups, last = divmod(chars - 4, 4)
    tail = rf"\1[A-Za-z0-9]{{{last}}}" if last else ""
    return re.compile(rf"(?=([ -]?))(?:\1[A-Za-z0-9]{{4}}){{{groups}}}{tail}{_RIGHT}")


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for found in _pattern("iban").finditer(text):
        chars = _iban_chars().get(found[1].upper())
        rest = _iban_rest(chars).match(text, found.end()) if chars else None
        if rest and mod97(text[found.start() : rest.end()].replace(" ", "").replace("-", "")):
            yield found.start(), rest.end()


def _names_ssn(text: str) -> bool:
    lower = text.lower()
    # Outside of ASCII, other letters may count as these.
    is_likely = "ssn" in lower or "social" in lower or not text.isascii()
    return is_likely and _SSN_WORD.search(text) is not None


def _is_ssn(text: str, found: re.Match[str]) -> bool:
    return found[1] == "-" or _SSN_WORD.search(_before(text, found.start())) is not None


def _is_mac(address: str) -> bool:
    hexes = re.sub("[:.-]", "", address).lower()
    if len(set(hexes)) == 1:
        return False
    return ":" in address or (not hexes.isdigit() and not hexes.isalpha())


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    if text.count(".") >= _DOTS:
        for found in _pattern("ipv4").finditer(text):
            if _is_host(text, found):
                yield found.span()
    if text.count(":") > 1:
        for found in _pattern("ipv6").finditer(text):
            if _is_ipv6(found[1]):
                yield found.span(1)


def _is_host(text: str, found: re.Match[str]) -> bool:
    address = found.group()
    octets = [int(octet) for octet in address.split(".")]
    if address.startswith(_NOT_HOSTS) or octets[0] >= 224 or octets[2:] == [0, 0] or address in _RESOLVERS:  # noqa: PLR2004
        return False
    network = _NETWORK.match(text, found.end())
    if network and int(network[1]) < 32 and _is_network(octets, int(network[1])):  # noqa: PLR2004
        return False
    before = _before(text, found.start())
    if _VERSION.search(before[-12:]) and not before.endswith("//"):
        return False
    # Four small numbers are a version or a section.
    return max(octets) >= 32 or _IP_WORD.search(before) is not None  # noqa: PLR2004


def _is_network(octets: list[int], bits: int) -> bool:
    value = int.from_bytes(bytes(octets))
    return value & ((1 << (32 - bits)) - 1) == 0


def _is_ipv6(address: str) -> bool:
    groups = [group for group in address.split(":") if group]
    if len(groups) < 3 or max(map(len, groups)) < 3 or not any(char.isdigit() for char in address):  # noqa: PLR2004
        return False
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return False
    is_example = parsed in ipaddress.IPv6Network("2001:db8::/32") or parsed in ipaddress.IPv6Network("3fff::/20")
    return not (is_example or parsed.is_multicast)
