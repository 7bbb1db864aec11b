"""What may be repeated of a server's words: nothing that holds a key or a piece of a prompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from nbkit.secrets import SecretRegistry

MOST_CHARS = 300
_KEY_WINDOW = 6
_TEXT_WINDOW = 14
_WORD = 4
"""A prompt shorter than this is looked for as a whole word."""
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,59}")


class Private:
    """The key and the prompt of one call, and what of a text does not give them away.

    >>> Private(key="sk-12345678", texts=["my diagnosis is gout"]).quote("model overloaded")
    'model overloaded'
    >>> Private(key="sk-12345678", texts=["my diagnosis is gout"]).quote("bad input: 'Diagnosis is gout'")
    ''
    """

    def __init__(self, *, key: str | None, texts: Sequence[str]) -> None:
        self._key = key or ""
        self._texts = texts

    def quote(self, text: str) -> str:
        """The text in one line of at most 300 characters, empty when it shares a stretch with the key or the prompt."""
        head = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: 2 * MOST_CHARS])
        line = " ".join(head.split())
        if self._shares(line):
            return ""
        return line if len(line) <= MOST_CHARS else line[: MOST_CHARS - 1] + "…"

    def name(self, text: str) -> str:
        """The text when it is one plain word, such as an error code; else empty."""
        return self.quote(text) if _NAME.fullmatch(text) else ""

    def _shares(self, line: str) -> bool:
        folded = line.casefold()
        key = self._key.casefold()
        if key and any(window in key for window in _windows(folded, _KEY_WINDOW)):
            return True
        if self._key and SecretRegistry({"key": self._key}).find(line):
            return True
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), line)
        said, words = _bare(plain), plain.casefold().split()
        for text in self._texts:
            bare = _bare(text)
            if 0 < len(bare) < _WORD:
                if any(_bare(word) == bare for word in words):
                    return True
                continue
            # A short prompt is looked for whole; a long one by any stretch of it.
            if 0 < len(bare) <= _TEXT_WINDOW:
                if bare in said:
                    return True
            elif any(window in bare for window in _windows(said, _TEXT_WINDOW)):
                return True
        return False


def _bare(text: str) -> str:
    # Quoting, escaping and line breaks must not hide a stretch of the prompt.
    return "".join(c for c in text.casefold() if c.isalnum())


def _windows(text: str, size: int) -> set[str]:
    return {text[start : start + size] for start in range(len(text) - size + 1)}
