"""The values that travel through the corridor, all frozen.

Durations are seconds, money is `Decimal` USD, times are aware UTC datetimes.
Names are OpenTelemetry's `gen_ai` names where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
Role: TypeAlias = Literal["system", "user", "assistant"]
Stage: TypeAlias = Literal["input", "retrieved", "output"]
Action: TypeAlias = Literal["allow", "warn", "redact", "reask", "block"]
GuardPolicy: TypeAlias = Literal["standard", "strict", "off"]
FinishReason: TypeAlias = Literal["stop", "length", "content_filter", "interrupted", "other"]
CacheMode: TypeAlias = Literal["use", "refresh", "off", "only"]
CacheStatus: TypeAlias = Literal["hit", "miss", "off", "skipped"]
Format: TypeAlias = Literal["md", "text", "json", "code", "table"]
Status: TypeAlias = Literal["ok", "error", "blocked", "interrupted"]
CountSource: TypeAlias = Literal["provider", "exact", "estimate"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that decides an answer; the cache key is computed from all of it.

    >>> Request("echo", "echo", (Message("user", "hi"),)).temperature
    0.0
    """

    provider: str
    """Name of the provider plug-in, as in the entry point."""
    model: str
    messages: tuple[Message, ...]
    """System first when there is one; the last is the user's."""
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int | None = None
    stop: tuple[str, ...] = ()
    sample: int = 0
    """Index of this sample when several are drawn from one prompt; each is cached by its own."""
    format: Format = "md"
    """How the answer will be read: guards neutralise Markdown, providers may be asked for JSON."""
    base_url: str | None = None
    """Endpoint other than the provider's own."""
    params: tuple[tuple[str, JsonValue], ...] = ()
    """Further provider parameters, sorted by name."""
    schema: str | None = None
    """JSON Schema that the answer has to fit, as canonical text."""
    sources: tuple[tuple[str, str], ...] = ()
    """Of passages that the messages quote: where from, and hash. A document that changed makes another key."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response."""

    input_tokens: int
    """Tokens sent, those read from and written to the provider's prompt cache included."""
    output_tokens: int
    """Tokens generated, reasoning included."""
    cached_input_tokens: int = 0
    """Of `input_tokens`, those read from the provider's prompt cache."""
    cache_write_tokens: int = 0
    """Of `input_tokens`, those written to the provider's prompt cache."""
    reasoning_tokens: int = 0
    """Of `output_tokens`, those spent on reasoning."""
    source: CountSource = "provider"
    """Who counted; figures built on an estimate are drawn with `~`."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What calls to a service that embeds have taken."""

    calls: int = 0
    """Calls that were answered."""
    texts: int = 0
    """Texts of those calls."""
    attempts: int = 0
    """Calls made, retries and those without an answer included."""
    duration_s: float = 0.0
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    model: str | None = None
    """The model that answered; None when nobody did, or it was not said."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a provider answered."""

    text: str
    model: str
    """The model that answered; may be more specific than the one asked for."""
    usage: Usage
    finish_reason: FinishReason = "stop"
    response_id: str | None = None
    attempts: int = 1
    """Calls made, retries included."""
    notes: tuple[str, ...] = ()
    """What was done differently from what was asked, such as a parameter that was dropped."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text that a guard matched: `text[start:end]`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one guard said at one stage."""

    guard: str
    stage: Stage
    action: Action
    reason: str = ""
    """One line for the reader; never the matched text itself."""
    spans: tuple[Span, ...] = ()
    """Places in the text as the guard received it."""
    score: float | None = None
    """0 to 1, for guards that score."""
    threshold: float | None = None
    """The score from which the guard acts."""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Screened:
    """Text after one guard, with what the guard said of it."""

    text: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds spent in each room of the corridor, from a monotonic clock."""

    total_s: float = 0.0
    """To the end of the answer; keeping it comes after."""
    guards_in_s: float = 0.0
    cache_s: float = 0.0
    provider_s: float = 0.0
    guards_out_s: float = 0.0
    first_token_s: float | None = None
    """From the start of the call to the first text that could be shown."""
    attempts: int = 0
    """Calls made to the provider; 0 when none was."""


@dataclass(frozen=True, slots=True)
class CacheOutcome:
    """What the cache did for one call."""

    status: CacheStatus = "skipped"
    key: str | None = None
    age_s: float | None = None
    """Seconds since a hit was stored."""
    original: Timing | None = None
    """How long the call took that a hit stands for."""
    redacted: tuple[Verdict, ...] = ()
    """Of the guards that changed the answer before it was kept, what they said then."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call cost, in USD."""

    usd: Decimal | None = None
    """None when the price is unknown, which is never the same as 0."""
    saved_usd: Decimal | None = None
    """What a cache hit would have cost; never subtracted from `usd`. None when there was no hit or no known price."""
    prices_as_of: str | None = None
    """Version and date of the price table."""
    source: Literal["table", "own", "local", "cache", "none", "unknown"] = "unknown"
    """Where `usd` comes from: a price table, the user's settings, a local model, a cache hit, no provider call, or
    nowhere."""
    is_estimate: bool = False
    """Whether the token count behind it was estimated."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """An answer as the cache keeps it, with the figures of the call that made it."""

    response: Response
    timing: Timing
    cost: Cost
    created_at: datetime
    redacted: tuple[Verdict, ...] = ()
    """Of the guards that changed the answer before it was kept, what they said: a hit is drawn as they left it."""
