"""The words and patterns that a user does not want to see, checked when they are set and found in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from nbkit.errors import BadSetting
from nbkit.types import Span

_MOST_ENTRIES: Final = 500
_MOST_CHARS: Final = 200
_MOST_MATCHES: Final = 50
_KIND: Final = "denied"
_UNSAFE: Final = re.compile(r"\(\?[=!<P]|\\[1-9]|[*+}]\s*\)\s*[*+{?]|[*+}]\)[*+{]|\)[*+]|\)\{")
"""Lookarounds, back references and repeated groups: what can take more than linear time."""
_TOKEN: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\((?:\?(?:i?:|>|i\)))?)|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<repeat>[*+?]|\{(?:\d+(?:,\d*)?|,\d*)\})[?+]?|.",
    re.DOTALL,
)
_OPEN_CHARS: Final = 80
"""So often at most is repeated what has no end of its own: else each place could cost as much as the whole text."""
_MOST_REPEATED: Final = 100
_MOST_WAYS: Final = 2_000
"""In so many ways at most may a pattern be tried at one place."""


class DenyList:
    """Entries of the user's own: words and phrases, any case, as whole words; or patterns written `/like this/`.

    What a pattern repeats without an end, as `.*` does, is found up to 80 times in a row.
    Raises `BadSetting` for an entry that is empty, too long, no regular expression, or could be slow.

    >>> deny = DenyList(("project falcon", r"/EMP-[0-9]{4,6}/"))
    >>> [(span.start, span.end) for span in deny.find("Project  Falcon pays EMP-12345")]
    [(0, 15), (21, 30)]
    """

    def __init__(self, entries: Sequence[str]) -> None:
        if len(entries) > _MOST_ENTRIES:
            raise BadSetting(
                what=f"the deny list has {len(entries):,} entries",
                why=f"more than {_MOST_ENTRIES} would slow every call",
                fix="put several words into one pattern, or screen with a guard of your own",
            )
        patterns = [entry for entry in entries if _is_pattern(entry)]
        words = [_literal(entry) for entry in entries if not _is_pattern(entry)]
        self._patterns = [_compiled(entry) for entry in patterns]
        if words:
            longest_first = "|".join(sorted(words, key=len, reverse=True))
            self._patterns.insert(0, re.compile(f"(?:{longest_first})", re.IGNORECASE))

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def find(self, text: str) -> list[Span]:
        """The places in the text, in order; at most 50 of a pattern."""
        return sorted(set(self._found(text)), key=lambda span: (span.start, span.end))

    def _found(self, text: str) -> Iterator[Span]:
        for pattern in self._patterns:
            hits = (hit for hit in pattern.finditer(text) if hit.end() > hit.start())
            yield from (Span(hit.start(), hit.end(), _KIND) for hit in islice(hits, _MOST_MATCHES))


def _is_pattern(entry: str) -> bool:
    return len(entry) > 2 and entry.startswith("/") and entry.endswith("/")  # noqa: PLR2004 - two slashes


def _literal(entry: str) -> str:
    words = entry.split()
    if not words or len(entry) > _MOST_CHARS:
        raise _bad(entry, "it is empty" if not words else f"it is longer than {_MOST_CHARS} characters")
    before = r"(?<!\w)" if words[0][0].isalnum() else ""
    after = r"(?!\w)" if words[-1][-1].isalnum() else ""
    return before + r"\s{1,8}".join(re.escape(word) for word in words) + after


def _compiled(entry: str) -> re.Pattern[str]:
    body = entry[1:-1]
    if len(body) > _MOST_CHARS:
        raise _bad(entry, f"it is longer than {_MOST_CHARS} characters")
    outside = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", body)
    if _UNSAFE.search(body) or _UNSAFE.search(outside) or _ways(body) > _MOST_WAYS:
        raise _bad(entry, "it has a lookaround, a back reference, a repeated group, or repeats too much")
    try:
        return re.compile(_TOKEN.sub(_bounded, body), re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise _bad(entry, f"it is no regular expression: {error}") from error


def _ways(body: str) -> int:
    """In how many ways the pattern can be tried at one place, at most."""
    ways, bars = 1, [0]
    for token in _TOKEN.finditer(body):
        if token["open"]:
            bars.append(0)
        elif token["bar"]:
            bars[-1] += 1
        elif token["close"] and len(bars) > 1:
            ways *= bars.pop() + 1
        elif token["repeat"]:
            least, most = _times(token["repeat"])
            ways *= _MOST_WAYS + 1 if most > _MOST_REPEATED + _OPEN_CHARS else most - least + 1
    return ways * (bars[0] + 1)


def _times(repeat: str) -> tuple[int, int]:
    if repeat in "*+?":
        return int(repeat == "+"), 1 if repeat == "?" else _OPEN_CHARS
    least, comma, most = repeat[1:-1].partition(",")
    first = int(least or 0)
    return first, int(most) if most else first + _OPEN_CHARS if comma else first


def _bounded(token: re.Match[str]) -> str:
    repeat = token["repeat"]
    if repeat is None or repeat == "?":
        return token.group()
    least, most = _times(repeat)
    return f"{{{least},{most}}}{token.group()[len(repeat) :]}"


def _bad(entry: str, why: str) -> BadSetting:
    return BadSetting(
        what=f"the deny list's entry {entry[:40]!r} cannot be used",
        why=why,
        fix="write a word or phrase, or a plain pattern such as /EMP-[0-9]{6}/",
    )
