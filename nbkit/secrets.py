"""The exact secret values in use, found again in any text, also encoded.

Every sink asks it: what is sent, drawn, recorded, cached, logged or raised. Nothing here guesses what a secret looks
like; that is the guards' work. A value shorter than eight characters is not a secret: it would be found in ordinary
words.
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

MIN_CHARS = 8

_NAME = re.compile(r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD|CREDENTIALS?)(?:_|$)", re.IGNORECASE)
_NOT_SECRET = re.compile(r"^(?:/|[A-Za-z]:\\|\d+$|true$|false$)|^(.)\1*$", re.IGNORECASE)


class SecretRegistry:
    """Secret values by name, and where they occur in a text.

    >>> registry = SecretRegistry({"MY_API_KEY": "sk-abcdefgh12345678"})
    >>> registry.redact("key=sk-abcdefgh12345678.")
    'key=[secret:MY_API_KEY].'
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._lock = threading.Lock()
        self._forms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        for name, value in (values or {}).items():
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Makes `value` known as `name`, in its encoded forms too. Short values are left out."""
        if len(value) < MIN_CHARS:
            return
        with self._lock:
            self._forms = dict.fromkeys(_forms(value), name) | self._forms
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Places of secrets in a text, in order: start, end, name."""
        if self._pattern is None:
            return []
        return [(m.start(), m.end(), self._forms[m.group()]) for m in self._pattern.finditer(text)]

    def redact(self, text: str) -> str:
        """The text with each secret replaced by its name."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda m: f"[secret:{self._forms[m.group()]}]", text)

    @property
    def longest_chars(self) -> int:
        """Length of the longest form: how much a stream has to hold back."""
        return max(map(len, self._forms), default=0)


def from_environment(names: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> SecretRegistry:
    """A registry of the variables in `names` and of all whose name says that they hold a credential.

    >>> from_environment(environment={"HF_TOKEN": "hf_0123456789", "PATH": "/bin"}).redact("hf_0123456789")
    '[secret:HF_TOKEN]'
    """
    variables = os.environ if environment is None else environment
    wanted = set(names)
    found = {
        name: value
        for name, value in variables.items()
        if name in wanted or (_NAME.search(name) and not _NOT_SECRET.search(value))
    }
    return SecretRegistry(found)


def _forms(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    # A value inside a longer base64 text starts at one of three alignments; the characters that depend on its
    # neighbours are cut from both ends.
    shifted = {base64.b64encode(b"\0" * shift + raw).decode()[skip:] for shift, skip in ((0, 0), (1, 2), (2, 3))}
    encoded = {form.rstrip("=")[:-1] for form in shifted}
    forms = {value, value[::-1], quote(raw, safe=""), quote_plus(raw), raw.hex(), raw.hex().upper()}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= encoded | {form.replace("+", "-").replace("/", "_") for form in encoded}
    return {form for form in forms if len(form) >= MIN_CHARS}
