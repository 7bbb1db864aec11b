"""Settings' values from what people write: each function gives the value in its own type, or raises `ValueError`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import urlsplit

_TIME = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_NONE = ("", "none", "never")
INT32_MOST, INT64_MOST = (1 << 31) - 1, (1 << 63) - 1
"""The largest whole numbers that llama.cpp, and services and databases, can take."""
_MOST_S = 5000 * _TIME["w"]
"""About a century: timers and dates of the standard library end not long after."""
_MOST_USD = 10**9
_SIZES = (1 << 20, 1 << 50)
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-z]*)\s*", re.IGNORECASE)


_MOST_CHARS = 120


def brief(text: str) -> str:
    """The text, cut where it gets long: somebody may have pasted a whole file.

    >>> len(brief("x" * 1000))
    120
    """
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"


def needed(value: object, *, unless: bool) -> object:
    """The value; raises `ValueError` for None, unless that is a value too."""
    if value is None and not unless:
        msg = "a value is needed"
        raise ValueError(msg)
    return value


def text(value: object) -> str | None:
    """Text as it is; empty text is None."""
    if not isinstance(value, str):
        msg = f"expected text, got {type(value).__name__}"
        raise ValueError(msg)
    return value or None


def number(low: float, high: float) -> Callable[[object], float]:
    """A parser for a finite number from `low` to `high`."""

    def parse(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            msg = f"expected a number, got {type(value).__name__}"
            raise ValueError(msg)
        try:
            found = float(value)
        except (ValueError, OverflowError):
            msg = f"expected a number from {low:g} to {high:g}"
            raise ValueError(msg) from None
        if not low <= found <= high:
            msg = f"expected {low:g} to {high:g}"
            raise ValueError(msg)
        return found

    return parse


def integer(low: int = -INT32_MOST, high: int = INT32_MOST) -> Callable[[object], int | None]:
    """A parser for a whole number within the bounds, which are inclusive; `none` is None."""

    def parse(value: object) -> int | None:
        if isinstance(value, str) and value.strip().lower() in _NONE:
            return None
        if isinstance(value, bool) or not isinstance(value, int | str):
            msg = f"expected a whole number, got {type(value).__name__}"
            raise ValueError(msg)
        try:
            found = int(value)
        except ValueError:
            msg = "expected a whole number"
            raise ValueError(msg) from None
        if not low <= found <= high:
            msg = f"expected {low} to {high if high != INT32_MOST else f'any number up to {high}'}"
            raise ValueError(msg)
        return found

    return parse


def choice(*allowed: str) -> Callable[[object], str]:
    """A parser for one of the given words."""

    def parse(value: object) -> str:
        if value not in allowed:
            msg = f"expected one of {', '.join(allowed)}"
            raise ValueError(msg)
        return str(value)

    parse.choices = allowed  # type: ignore[attr-defined]
    return parse


def yes_no(value: object) -> bool:
    """True or False, from themselves or from true, false, yes, no, on, off, 1, 0.

    >>> yes_no("off")
    False
    """
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if not isinstance(value, str) or value.strip().lower() not in words:
        msg = "expected true or false"
        raise ValueError(msg)
    return words[value.strip().lower()]


def text_list(value: object) -> tuple[str, ...]:
    """Texts in order; one text is a list of one."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) and item for item in items):
        msg = "expected a text or a list of texts, none empty"
        raise ValueError(msg)
    return tuple(items)


def http_url(value: object) -> str | None:
    """An address that begins with http:// or https:// and names a host; empty text is None.

    >>> http_url("http://localhost:4318")
    'http://localhost:4318'
    """
    found = text(value)
    try:
        parts = urlsplit(found or "")
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_one = False
    if found is not None and not is_one:
        msg = "expected an address such as http://localhost:4318"
        raise ValueError(msg)
    return found


def host_list(value: object) -> tuple[str, ...]:
    """Host names in lower case, from a list or from one text with commas.

    >>> host_list("Docs.python.org, example.org")
    ('docs.python.org', 'example.org')
    """
    items = value.split(",") if isinstance(value, str) else value
    hosts = tuple(item.strip().lower() for item in text_list(items) if item.strip())
    for host in hosts:
        if not re.fullmatch(r"(\*\.)?[a-z0-9.-]+", host):
            msg = f"{host!r} is not a host name"
            raise ValueError(msg)
    return hosts


def time_s(value: object) -> float | None:
    """Seconds, from a number or from 30s, 5m, 2h, 7d, 1w; `none` is None.

    >>> time_s("2h")
    7200.0
    """
    seconds = _amount(value, _TIME, "a time such as 30s, 5m, 2h or 7d")
    if seconds is not None and not 0 < seconds <= _MOST_S:
        msg = "expected a time above 0 and at most 5000w"
        raise ValueError(msg)
    return None if seconds is None else float(seconds)


def usd(value: object) -> Decimal | None:
    """An amount of dollars, from a number or from 0.10 or $0.10; `none` is None.

    >>> usd("$0.10")
    Decimal('0.10')
    """
    if isinstance(value, str) and value.strip().lower() in _NONE:
        return None
    said = value.strip().removeprefix("$") if isinstance(value, str) else str(value)
    try:
        amount = None if isinstance(value, bool) else Decimal(said)
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= _MOST_USD:
        msg = "expected an amount in USD such as 0.10, from 0"
        raise ValueError(msg)
    return amount


def size_bytes(value: object) -> int:
    """Bytes, from a number or from 500MB, 2GiB.

    >>> size_bytes("2GiB")
    2147483648
    """
    size = _amount(value, _SIZE, "a size such as 500MB or 2GiB")
    if size is None or not _SIZES[0] <= size <= _SIZES[1]:
        msg = "expected 1MiB to 1048576GiB"
        raise ValueError(msg)
    return int(size)


def optional_path(value: object) -> Path | None:
    """A path; empty text is None."""
    if isinstance(value, Path):
        return value
    found = text(value)
    if not found:
        return None
    if "\0" in found:
        msg = "a path cannot hold a null character"
        raise ValueError(msg)
    os.fsencode(found)
    try:
        return Path(found).expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def mapping(value: object) -> Mapping[str, object]:
    """A table as it is, or from JSON text (how an environment variable holds one)."""
    if isinstance(value, str):
        import json

        value = json.loads(value)
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        msg = "expected a table"
        raise ValueError(msg)
    return dict(value)


def _amount(value: object, units: Mapping[str, float], expected: str) -> float | None:
    if isinstance(value, str) and value.strip().lower() in _NONE:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        amount, unit = float(value), ""
    else:
        match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
        if match is None or match[2].lower() not in units:
            msg = f"expected {expected}"
            raise ValueError(msg)
        amount, unit = float(match[1]), match[2].lower()
    if not amount < float("inf"):
        msg = f"expected {expected}"
        raise ValueError(msg)
    return amount * units[unit]


def listed(text: str) -> list[str]:
    r"""The parts of a text that commas part, but for those in quotes, in brackets, or written `\,`.

    A quotation begins a part, and loses its marks.

    >>> listed(r"f1, regex:^\d{2,3}$, 'json_schema:name, age int'")
    ['f1', 'regex:^\\d{2,3}$', 'json_schema:name, age int']
    """
    parts, closing, quote, at = [""], "", "", 0
    while at < len(text):
        char, at = text[at], at + 1
        if char == "\\" and at < len(text):
            char, at = (text[at] if text[at] == "," else char + text[at]), at + 1
        elif quote:
            quote, char = ("", "") if char == quote else (quote, char)
        elif char in "'\"" and not parts[-1].strip():
            quote, char = char, ""
        elif closing and closing[-1] == char:
            closing = closing[:-1]
        elif char in _BRACKETS and not closing.endswith("]"):
            closing += _BRACKETS[char]
        elif char == "," and not closing:
            parts.append("")
            continue
        parts[-1] += char
    return [part.strip() for part in parts if part.strip()]
