"""Values for tests: whole, valid, the same in every run; name only the fields that the test is about."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from nbkit.canonical import request_key, sha256
from nbkit.recorded import Outcome, Record
from nbkit.types import CacheEntry, CacheOutcome, Cost, Message, Request, Response, Timing, Usage

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When everything in a test begins."""


class Clock:
    """A clock that stands still until it is told to go on; safe to share between threads.

    >>> clock = Clock()
    >>> clock.advance(90)
    >>> clock().isoformat()
    '2026-01-02T03:05:35+00:00'
    """

    def __init__(self, start: datetime = START) -> None:
        self._lock = threading.Lock()
        self._now = start

    def __call__(self) -> datetime:
        """The time it shows."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        """Moves the clock on."""
        with self._lock:
            self._now += timedelta(seconds=seconds)


def request(prompt: str = "Why is the sky blue?", **fields: Any) -> Request:  # noqa: ANN401 - the fields of Request
    """A request to the fake provider, with any field replaced.

    >>> request("Hi", temperature=0.5).messages
    (Message(role='user', content='Hi'),)
    """
    return dataclasses.replace(Request("fake", "fake-1", (Message("user", prompt),)), **fields)


def usage(**fields: Any) -> Usage:  # noqa: ANN401 - the fields of Usage
    """Tokens of one response, with any field replaced.

    >>> usage(output_tokens=9).output_tokens
    9
    """
    return dataclasses.replace(Usage(input_tokens=12, output_tokens=5, source="exact"), **fields)


def response(text: str = "Because of Rayleigh scattering.", **fields: Any) -> Response:  # noqa: ANN401 - the fields of Response
    """A response, with any field replaced.

    >>> response("Yes.").finish_reason
    'stop'
    """
    return dataclasses.replace(Response(text, "fake-1", usage(), response_id="fake-1"), **fields)


def entry(**fields: Any) -> CacheEntry:  # noqa: ANN401 - the fields of CacheEntry
    """A cached answer, with any field replaced.

    >>> entry().response.text
    'Because of Rayleigh scattering.'
    """
    cost = Cost(Decimal("0.0001"), prices_as_of="2026-01-01", source="table")
    timing = Timing(total_s=0.5, provider_s=0.4, first_token_s=0.1, attempts=1)
    return dataclasses.replace(CacheEntry(response(), timing, cost, START), **fields)


def record(number: int = 1, **fields: Any) -> Record:  # noqa: ANN401 - the fields of Record
    """A record of an answered call, with any field replaced; `number` makes its id, and seconds after `START`.

    The hashes follow the request that is given.

    >>> record(7).id, record(7).started_at.second
    ('record-0007', 11)
    """
    asked = fields.get("request", request())
    prompt = asked.messages[-1].content if asked is not None else ""
    whole = Record(
        id=f"record-{number:04d}",
        session_id="session-1",
        started_at=START + timedelta(seconds=number - 1),
        operation="chat",
        status="ok",
        request=asked,
        prompt_sha256=sha256(prompt),
        prompt_chars=len(prompt),
        request_sha256=request_key(asked) if asked is not None else None,
        response=response(),
        cache=CacheOutcome("miss", key=request_key(asked) if asked is not None else None),
        timing=Timing(total_s=0.5, provider_s=0.4, first_token_s=0.1, attempts=1),
        cost=Cost(Decimal("0.0001"), prices_as_of="2026-01-01", source="table"),
    )
    return dataclasses.replace(whole, **fields)


def outcome(number: int = 1, *, error: BaseException | None = None, **fields: Any) -> Outcome:  # noqa: ANN401 - the fields of Record
    """A record with the error that goes with it.

    >>> outcome().record.status
    'ok'
    """
    return Outcome(record(number, **fields), error)
