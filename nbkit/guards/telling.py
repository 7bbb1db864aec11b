"""Numbers of sources and answers as a verdict's reason may tell them."""

from __future__ import annotations

import re
from typing import Final

from nbkit.guards.identifiers import find_identifiers
from nbkit.guards.secret_formats import find_secrets

_LONGEST: Final = 6
_DOTS: Final = 3
"""Of an address in four numbers, which may have as many digits."""
_LONG_WORD: Final = re.compile(r"\S{12}")
_NO_DIGIT: Final = re.compile(r"\D")


def told(number: str, text: str) -> str:
    """The number; in general words where it is long, or part of what is personal or secret in the text it is from.

    >>> told("30", "It needs 30 W."), told("6789", "SSN 123-45-6789"), told("1234567", "Order 1234567")
    ('30', 'a number', 'a number')
    """
    if len(number) > _LONGEST:
        return "a number"
    digits, all_digits = _NO_DIGIT.sub("", number), _NO_DIGIT.sub("", text)
    # Asked of every sentence that a source contradicts: most have nothing long enough to be either.
    personal = find_identifiers(text) if len(all_digits) > _LONGEST or text.count(".") >= _DOTS else []
    secret = find_secrets(text) if _LONG_WORD.search(text) else []
    private = [text[one.start : one.end] for one in personal] + [text[one.start : one.end] for one in secret]
    return "a number" if any(digits in _NO_DIGIT.sub("", one) for one in private) else number
