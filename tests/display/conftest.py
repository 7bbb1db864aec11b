"""Records as a card may meet them, and what compares with golden files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from nbkit.recorded import Failure, Record
from nbkit.types import CacheOutcome, Cost, Message, Request, Response, Span, Timing, Usage, Verdict

GOLDENS = Path(__file__).parents[1] / "goldens"
HOSTILE = '</pre><script>alert("x")</script><img src=x onerror=alert(1)>\x1b[31m\u202egnp.\U000e0041'


@pytest.fixture
def golden(update_goldens: bool) -> Callable[[str, str], None]:
    """Compares a text with the file of that name in tests/goldens."""

    def check(name: str, text: str) -> None:
        path = GOLDENS / name
        if update_goldens:
            path.write_text(text + "\n", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text + "\n"

    return check


def make_record(**changes: object) -> Record:
    base = Record(
        id="r1",
        session_id="s1",
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        operation="chat",
        status="ok",
        request=Request("openai", "gpt-4o-mini", (Message("user", "Name three primes."),)),
        prompt_sha256="ab" * 32,
        prompt_chars=18,
        request_sha256="cd" * 32,
        response=Response("2, 3 and 5.", "gpt-4o-mini", Usage(1234, 56, cached_input_tokens=512)),
        verdicts=(
            Verdict("limits", "input", "allow"),
            Verdict("secrets", "input", "allow"),
            Verdict("secrets", "output", "allow"),
            Verdict("markdown", "output", "allow"),
        ),
        cache=CacheOutcome("miss", "cd" * 32),
        timing=Timing(1.24, 0.0012, 0.0004, 1.236, 0.0021, first_token_s=0.213, attempts=1),
        cost=Cost(Decimal("0.000123"), prices_as_of="genai-prices 0.2.3 (2026-01-01)", source="table"),
    )
    return replace(base, **changes)


def gallery() -> dict[str, Record | list[Record]]:
    """One of each kind."""
    plain = make_record()
    original = plain.timing
    hit = make_record(
        cache=CacheOutcome("hit", "cd" * 32, age_s=190.0, original=original),
        timing=Timing(0.0061, 0.0011, 0.0004, 0.0, 0.002, first_token_s=0.004),
        cost=Cost(Decimal(0), Decimal("0.000123"), "genai-prices 0.2.3 (2026-01-01)", "cache"),
    )
    request, response = plain.request, plain.response
    assert request is not None
    assert response is not None
    hostile = replace(request, model=HOSTILE)
    return {
        "live-call": plain,
        "hit": hit,
        "unknown-price": make_record(cost=Cost(None, source="unknown")),
        "local": make_record(
            cost=Cost(Decimal(0), source="local"), request=replace(request, model="qwen2.5-coder-0.5b")
        ),
        "estimate": make_record(
            cost=Cost(Decimal("0.0042"), source="table", is_estimate=True),
            response=replace(response, usage=Usage(900, 40, source="estimate"), model="gpt-4o-mini-2024-07-18"),
        ),
        "blocked": make_record(
            status="blocked",
            request=None,
            response=None,
            request_sha256=None,
            verdicts=(
                Verdict("limits", "input", "allow"),
                Verdict(
                    "secrets", "input", "block", "a value of OPENAI_API_KEY is in the prompt", (Span(3, 9, "key"),)
                ),
            ),
            cache=CacheOutcome("skipped"),
            timing=Timing(0.0014, 0.0013),
            cost=Cost(Decimal(0), source="none"),
            error=Failure("Blocked", "the prompt was not sent", "it holds a secret", "take it out of the prompt"),
        ),
        "error": make_record(
            status="error",
            response=None,
            cost=Cost(Decimal(0), source="none"),
            timing=Timing(3.2, 0.001, 0.0003, 3.19, attempts=3),
            error=Failure("RateLimited", "openai refused the call", "too many requests", "wait 20 s, then run again"),
        ),
        "interrupted": make_record(
            status="interrupted",
            response=replace(response, finish_reason="interrupted", usage=Usage(12, 7, source="estimate")),
            cost=Cost(Decimal("0.00001"), source="table", is_estimate=True),
        ),
        "redacted": make_record(
            verdicts=(
                Verdict("limits", "input", "allow"),
                Verdict(
                    "markdown", "output", "redact", "2 links made inert", (Span(0, 3, "link"), Span(9, 12, "link"))
                ),
                Verdict("secrets", "output", "warn", "looks like a key"),
            ),
            response=replace(response, finish_reason="length", notes=("seed was dropped: the model does not take it",)),
            notes=("5 samples at temperature 0 are likely to be equal",),
        ),
        "hostile": make_record(
            request=hostile,
            response=replace(response, text=HOSTILE * 50, model=HOSTILE, notes=(HOSTILE * 40,)),
            verdicts=(Verdict(HOSTILE, "output", "warn", HOSTILE),),
            cost=Cost(Decimal("12345.678"), source="table", prices_as_of=HOSTILE),
            status="error",
            error=Failure(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        ),
        "samples": [
            make_record(id="a"),
            replace(hit, id="b"),
            make_record(id="c", cost=Cost(None)),
            make_record(
                id="d",
                status="error",
                response=None,
                cost=Cost(Decimal(0), source="none"),
                error=Failure("ProviderTimeout", "no answer within 30 s", "the deadline passed", "raise --timeout"),
            ),
            make_record(id="e", timing=Timing(2.5, 0.001, 0.0004, 2.4, 0.002, first_token_s=0.3, attempts=1)),
        ],
    }


@pytest.fixture(name="gallery")
def _gallery() -> dict[str, Record | list[Record]]:
    return gallery()


@pytest.fixture
def record() -> Callable[..., Record]:
    return make_record
