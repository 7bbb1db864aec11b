"""What a call is made with, and what belongs to it besides its request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from nbkit.protocols import Cache, Guard, OnText, Sink
from nbkit.recorded import Origin, Record, Retrieval
from nbkit.secrets import SecretRegistry
from nbkit.types import CacheMode, Cost, GuardPolicy, Request, Response, Verdict


class Answerer(Protocol):
    """What the corridor needs of a provider."""

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The whole answer; each piece goes to `on_text` as it arrives."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The rooms' furniture."""

    provider: Answerer
    guards: tuple[Guard, ...]
    """In the order in which they look at an answer; those of `INPUT_FIRST` see a prompt before all others."""
    cache: Cache | None
    price: Callable[[Request, Response], Cost]
    estimate_tokens: Callable[[str], int]
    sinks: tuple[Sink, ...]
    secrets: SecretRegistry
    reserve: Callable[[str, Request], None] = lambda _record_id, _request: None
    """Reserves what a call may cost, under its record's id; raises `BudgetExceeded`, and then nothing is sent."""
    replayed: Callable[[Record], Record] = lambda record: record
    """Adds to a record that its answer was not asked for but given again, as by a replay."""
    may_fail: frozenset[str] = frozenset()
    """Guards that the user lets fail: then there is a warning in the place of their verdict."""


@dataclass(frozen=True, slots=True)
class Call:
    """What belongs to one call and not to its request."""

    id: str
    session_id: str
    started_at: datetime
    cache_mode: CacheMode = "use"
    ttl_s: float | None = None
    timeout_s: float = 120.0
    origin: Origin = field(default_factory=Origin)
    tag: str | None = None
    thread: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    retrieval: Retrieval | None = None
    verdicts: tuple[Verdict, ...] = ()
    """What guards said before the corridor was entered, of passages that were looked up."""
    notes: tuple[str, ...] = ()
    policy: GuardPolicy = "standard"
    loosened: tuple[str, ...] = ()
    """What of the guards is looser than the standard."""
    restores: bool = False
    """Whether what was replaced in the prompt is put back into what is shown."""
    repairs: str | None = None
    """Id of the record whose answer did not fit its schema, and is asked for again."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request made ready for the corridor, with the furniture for it."""

    request: Request
    stages: Stages
    retrieval: Retrieval | None = None
    verdicts: tuple[Verdict, ...] = ()
