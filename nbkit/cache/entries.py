"""An answer as the cache stores it: canonical JSON with the key inside, and no text of the prompt.

The key is repeated inside the entry, so that a value that was moved under another key is a miss and not a wrong
answer. The request is kept as a fingerprint: settings as they are, texts as length and hash. It is enough to say
which field differs, and a cache that is copied elsewhere does not carry the prompts.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias, cast

from nbkit.canonical import canonical_json, from_plain, sha256, to_plain
from nbkit.marks import question_start
from nbkit.types import CacheEntry, JsonValue, Request

Fingerprint: TypeAlias = Mapping[str, JsonValue]
"""Field to its value; a text is `{"chars": ..., "sha256": ...}`. Messages and parameters are fields of their own."""

LONGEST_SHOWN_CHARS = 7
"""Texts of parameters up to this length are kept as they are; a secret has eight characters or more."""

LAST_MOMENT = 253_402_300_799.0
"""Seconds since 1970 at the end of the years that a date can have."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One stored answer with what is known of its request."""

    key: str
    entry: CacheEntry
    expires_at: float | None
    """Seconds since 1970; None never."""
    fingerprint: Fingerprint

    def is_expired(self, now: float) -> bool:
        """Whether the answer's life was over at `now`, in seconds since 1970."""
        return self.expires_at is not None and self.expires_at <= now


def fingerprint(request: Request) -> dict[str, JsonValue]:
    """The request's fields by name, without any text of its messages.

    >>> from nbkit.types import Message
    >>> fields = fingerprint(Request("echo", "echo", (Message("user", "a secret plan"),)))
    >>> fields["temperature"], fields["messages[0].content"]["chars"]
    (0.0, 13)
    """
    fields: dict[str, JsonValue] = {}
    for field in dataclasses.fields(request):
        if field.name not in ("messages", "params", "stop", "base_url"):
            fields[field.name] = to_plain(getattr(request, field.name))
    for number, message in enumerate(request.messages):
        fields[f"messages[{number}].role"] = message.role
        fields[f"messages[{number}].content"] = _hashed(message.content)
    if request.sources and request.messages:
        # Without what was found for it: the same question stays the same when a document changes.
        asked = request.messages[-1].content
        fields["question"] = _hashed(asked[question_start(asked, request) :])
    for name, value in request.params:
        fields[f"params.{name}"] = _short(value)
    for number, text in enumerate(request.stop):
        fields[f"stop[{number}]"] = _short(text)
    url = request.base_url
    # User names, passwords and keys are put before the @ and after the ?.
    fields["base_url"] = _hashed(url) if url is not None and ("@" in url or "?" in url) else url
    return fields


def encode(key: str, entry: CacheEntry, *, request: Request, expires_at: float | None) -> bytes:
    """The bytes that are stored under `key`."""
    plain = {"key": key, "expires_at": expires_at, "request": fingerprint(request), "entry": entry}
    return canonical_json(plain).encode("ascii")


def decode(key: str, stored: bytes) -> Kept | None:
    """What `encode` was given; None when the bytes are not an entry, or not the entry of `key`."""
    try:
        plain = json.loads(stored, parse_constant=_no_constant)
        if plain["key"] != key or not isinstance(plain["request"], dict):
            return None
        expires_at = None if plain["expires_at"] is None else float(plain["expires_at"])
        kept = Kept(key, from_plain(CacheEntry, plain["entry"]), expires_at, cast("Fingerprint", plain["request"]))
        return kept if _is_sound(kept) else None
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None


def _is_sound(kept: Kept) -> bool:
    """Whether times and amounts are ones that can be counted with, as all that `encode` writes are."""
    entry = kept.entry
    amounts = [amount for amount in (entry.cost.usd, entry.cost.saved_usd) if amount is not None]
    is_time = kept.expires_at is None or 0 <= kept.expires_at <= LAST_MOMENT
    return is_time and entry.created_at.tzinfo is not None and all(amount.is_finite() for amount in amounts)


def _no_constant(name: str) -> NoReturn:
    msg = f"JSON has no {name}"
    raise ValueError(msg)


def _hashed(text: str) -> JsonValue:
    return {"chars": len(text), "sha256": sha256(text)}


def _short(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_SHOWN_CHARS else _hashed(value)
    return _hashed(canonical_json(value)) if isinstance(value, list | dict | tuple) else value
