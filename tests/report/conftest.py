"""Notebooks as a report may meet them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from nbkit.canonical import to_plain
from nbkit.recorded import RECORD_MIME, Failure, Record
from nbkit.types import CacheOutcome, Cost, Message, Request, Response, Timing, Usage

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_record(number: int = 1, **changes: Any) -> Record:
    base = Record(
        id=f"r{number}",
        session_id="session-1",
        started_at=START + timedelta(seconds=number),
        operation="chat",
        status="ok",
        request=Request("openai", "gpt-4o-mini", (Message("user", "Name three primes."),)),
        prompt_sha256="ab" * 32,
        prompt_chars=18,
        response=Response("2, 3 and 5.", "gpt-4o-mini-2024", Usage(1000, 50)),
        cache=CacheOutcome("miss"),
        timing=Timing(float(number), provider_s=float(number)),
        cost=Cost(Decimal("0.001"), prices_as_of="prices 1 (2026-01-01)", source="table"),
    )
    return replace(base, **changes)


def hit(number: int) -> Record:
    return make_record(
        number,
        cache=CacheOutcome("hit", age_s=3.0, original=Timing(2.0)),
        timing=Timing(0.004),
        cost=Cost(Decimal(0), Decimal("0.001"), source="cache"),
    )


def failed(number: int, status: str = "error") -> Record:
    return make_record(
        number,
        status=status,
        request=None if status == "blocked" else make_record().request,
        response=None,
        cost=Cost(Decimal(0), source="none"),
        error=Failure("RateLimited", "openai refused the call", "too many", "wait"),
    )


def card(*records: Record, html: str = "<table><caption>nbkit</caption></table>") -> Any:
    data = {"text/html": html, "text/plain": "nbkit", RECORD_MIME: [to_plain(record) for record in records]}
    return new_output("display_data", data)


def prompt_cell(source: str, *outputs: Any) -> Any:
    return new_code_cell(source, outputs=list(outputs))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes cells as a notebook."""

    def make(*cells: Any, name: str = "sample.ipynb", **metadata: Any) -> Path:
        path = tmp_path / name
        nbformat.write(new_notebook(cells=list(cells), metadata=metadata), path)
        return path

    return make


@pytest.fixture
def make() -> Any:
    """The factories of this file; tests cannot import it, since tests are no package."""
    import types

    return types.SimpleNamespace(record=make_record, hit=hit, failed=failed, card=card, prompt=prompt_cell)
