"""What the cache says about itself: its entries, its size, and why a request is not among them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from nbkit.cache.entries import Fingerprint, Kept
from nbkit.types import JsonValue

_MOST_DIFFERENCES = 3
EVICTION = "past the limit, the answers stored longest ago go first; being read does not keep one"


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One stored answer, without its text."""

    key: str
    provider: str
    model: str
    """The model that was asked for."""
    sample: int
    created_at: datetime
    age_s: float
    expires_at: datetime | None
    """None when it never expires."""
    is_expired: bool
    size_bytes: int
    """As stored, compressed."""
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Stats:
    """How full the cache is, and what it did since this process opened it."""

    folder: Path
    entries: int
    size_bytes: int
    limit_bytes: int
    hits: int
    misses: int
    oldest_at: datetime | None
    """When the entry that goes next was stored; None when there is none."""
    is_read_only: bool
    eviction: str = EVICTION
    """What goes when the limit is reached."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs between a stored request and the one asked for; texts are given by length only."""

    field: str
    stored: str
    asked: str

    def __str__(self) -> str:
        return f"{self.field}: {self.stored} -> {self.asked}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request is or is not answered from the cache.

    >>> print(Explanation("none", "ab12" * 16))
    miss: nothing like it is stored
    """

    status: Literal["hit", "expired", "near", "none"]
    """`near`: there is no entry, but one that is close to it."""
    key: str
    """The key that was looked for."""
    age_s: float | None = None
    """Seconds since the entry was stored: the one that answers, that has expired, or that is nearest."""
    nearest_key: str | None = None
    differences: tuple[Difference, ...] = ()
    """Against the nearest entry; empty unless `near`."""

    @property
    def is_hit(self) -> bool:
        """Whether the cache would answer."""
        return self.status == "hit"

    def __str__(self) -> str:
        if self.status == "hit":
            return f"hit: stored {self.age_s:.0f} s ago"
        if self.status == "expired":
            return f"miss: the answer stored {self.age_s:.0f} s ago has expired"
        if self.status == "none":
            return "miss: nothing like it is stored"
        lines = "\n".join(f"  {difference}" for difference in self.differences)
        head = f"miss: the nearest entry ({(self.nearest_key or '')[:12]}, stored {self.age_s:.0f} s ago) differs in"
        return f"{head}\n{lines}"


def nearest(fields: Fingerprint, candidates: Iterable[Kept]) -> tuple[Kept, tuple[Difference, ...]] | None:
    """The candidate with the fewest differing fields, the first of equals; None when none is alike.

    One that asks the same of documents comes before all others, whatever was found for it then. Alike is one with the
    same last message, or one of the same model with at most three differences.
    """
    best: tuple[Kept, tuple[Difference, ...]] | None = None
    least = (True, 0)
    for kept in candidates:
        found = differences(kept.fingerprint, fields)
        is_same = _asks_the_same(kept.fingerprint, fields)
        rank = (not is_same, len(found))
        if (is_same or _is_alike(kept.fingerprint, fields, len(found))) and (best is None or rank < least):
            best, least = (kept, found), rank
    return best


def differences(stored: Fingerprint, asked: Fingerprint) -> tuple[Difference, ...]:
    """The fields that differ, in the order of the request asked for.

    >>> print(*differences({"seed": 1, "sample": 0}, {"seed": 2, "sample": 0}))
    seed: 1 -> 2
    """
    names = [*asked, *(name for name in stored if name not in asked)]
    told = {"question"} if "question" not in stored or "question" not in asked else set[str]()
    if _asks_the_same(stored, asked) and stored.get("sources") != asked.get("sources"):
        # The message differs by what it quotes of the sources, and those are named.
        told.add(_last_content(asked))
    return tuple(
        _difference(name, stored, asked) for name in names if name not in told and _at(stored, name) != _at(asked, name)
    )


_ABSENT = "not given"


def _at(fields: Fingerprint, name: str) -> JsonValue:
    return fields.get(name, _ABSENT)


def _difference(name: str, stored: Fingerprint, asked: Fingerprint) -> Difference:
    if name == "sources":
        return Difference(name, *_documents(_at(stored, name), _at(asked, name)))
    before, after = _shown(_at(stored, name)), _shown(_at(asked, name))
    return Difference(name, before, f"{after}, other text" if before == after else after)


def _documents(stored: JsonValue, asked: JsonValue) -> tuple[str, str]:
    """Which passages of which documents a call was given before, and which now: those that are in both are left out."""
    before, now = _places(stored), _places(asked)
    gone = [place for place in before if before[place] != now.get(place)]
    new = [place for place in now if now[place] != before.get(place)]
    is_changed = {place: " (changed)" for place in gone if place in now}
    gone_text, new_text = ("; ".join(f"{one}{is_changed.get(one, '')}" for one in some[:3]) for some in (gone, new))
    return gone_text or "the same in another order", new_text or "the same in another order"


def _places(sources: JsonValue) -> dict[str, str]:
    rows = sources if isinstance(sources, list) else []
    return {str(row[0]): str(row[1]) for row in rows if isinstance(row, list) and len(row) == 2}  # noqa: PLR2004 - place, id


def _shown(value: JsonValue) -> str:
    if isinstance(value, dict):
        return f"{value.get('chars')} chars"
    if value is None:
        return "none"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - one short line


def _asks_the_same(stored: Fingerprint, asked: Fingerprint) -> bool:
    return "question" in asked and stored.get("question") == asked["question"]


def _last_content(fields: Fingerprint) -> str:
    return next((name for name in reversed(list(fields)) if name.endswith("].content")), "")


def _is_alike(stored: Fingerprint, asked: Fingerprint, count: int) -> bool:
    last = _last_content(asked)
    has_same_prompt = bool(last) and stored.get(last) == asked[last]
    has_same_model = all(stored.get(name) == asked.get(name) for name in ("provider", "model"))
    return has_same_prompt or (has_same_model and count <= _MOST_DIFFERENCES)
