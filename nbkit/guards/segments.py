"""An answer on its way cut into lines and sentences, each of which can be looked at alone."""

from __future__ import annotations

import re
from typing import Final

MAX_CHARS: Final = 2000
"""Longest stretch that is held back."""
_END: Final = re.compile(r"\n|[.!?][\"')*_]{0,3}[ \t]{1,4}(?=[A-Z])")
_END_CHARS: Final = 12
_FORCED_CHARS: Final = 200
_BREAK: Final = re.compile(r"[\s,;|\"'<>{}=](?=[^\s,;|\"'<>{}=]*\Z)")


class Segments:
    """Cuts a text in the same places however it comes.

    >>> segments = Segments()
    >>> segments.feed("One. Two"), segments.finish()
    (['One. '], 'Two')
    """

    def __init__(self) -> None:
        self._held = ""
        self._looked = 0

    def feed(self, text: str) -> list[str]:
        """The segments that are complete."""
        buffer = self._held + text
        out: list[str] = []
        start, at = 0, self._looked
        while True:
            # One character more than fits: what has to follow an end is looked at too.
            while (found := _END.search(buffer, at, start + MAX_CHARS + 1)) and found.end() <= start + MAX_CHARS:
                out.append(buffer[start : found.end()])
                start = at = found.end()
            if len(buffer) <= start + MAX_CHARS:
                break
            at = _forced(buffer, start + MAX_CHARS)
            out.append(buffer[start:at])
            start = at
        self._held = buffer[start:]
        # A sentence's end may be at the end of what is here, and is seen when more comes.
        self._looked = max(0, len(self._held) - _END_CHARS)
        return out

    def finish(self) -> str:
        """The last segment."""
        rest, self._held, self._looked = self._held, "", 0
        return rest


def _forced(buffer: str, limit: int) -> int:
    """Where a segment is cut that has no end before `limit`."""
    last = _BREAK.search(buffer, limit - _FORCED_CHARS, limit)
    return limit if last is None else last.end()
