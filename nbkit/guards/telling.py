"""Numbers of sources and answers as a verdict's reason may tell them."""

from __future__ import annotations

import re
from typing import Final

from nbkit.guards.identifiers import find_identifiers
from nbkit.guards.secret_formats import find_secrets

_LONGEST: Final = 6
_NO_DIGIT: Final = re.compile(r"\D")


def told(number: str, text: str) -> str:
    """The number; in general words where it is long, or part of what is personal or secret in the text it is from.

    >>> told("30", "It needs 30 W."), told("6789", "SSN 123-45-6789"), told("1234567", "Order 1234567")
    ('30', 'a number', 'a number')
    """
    if len(number) > _LONGEST:
        return "a number"
    digits = _NO_DIGIT.sub("", number)
    private = [text[one.start : one.end] for one in (*find_identifiers(text), *find_secrets(text))]
    return "a number" if any(digits in _NO_DIGIT.sub("", one) for one in private) else number
