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
_REPEAT: Final = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\d*\})")
_MOST_REPEATS: Final = 1
"""Two open repeats in one pattern can already take quadratic time."""


class DenyList:
    """Entries of the user's own: words and phrases, any case, as whole words; or patterns written `/like this/`.

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
    if _UNSAFE.search(body) or _UNSAFE.search(outside) or len(_REPEAT.findall(outside)) > _MOST_REPEATS:
        raise _bad(entry, "it has a lookaround, a back reference, a repeated group or more than one open repeat")
    try:
        return re.compile(body, re.IGNORECASE)
    except re.error as error:
        raise _bad(entry, f"it is no regular expression: {error.msg}") from error


def _bad(entry: str, why: str) -> BadSetting:
    return BadSetting(
        what=f"the deny list's entry {entry[:40]!r} cannot be used",
        why=why,
        fix="write a word or phrase, or a plain pattern such as /EMP-[0-9]{6}/",
    )
