"""Records as rows of a table, and as what an output carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nbkit.canonical import to_plain
from nbkit.ledger.content import without_content
from nbkit.recorded import Record
from nbkit.types import JsonValue


def record_row(record: Record) -> dict[str, object]:
    """One record as a flat row: figures as numbers, an unknown price as None, no prompt text.

    >>> from datetime import UTC, datetime
    >>> row = record_row(Record("1", "s", datetime(2026, 1, 1, tzinfo=UTC), "chat", "ok", None, "0" * 64, 2))
    >>> row["status"], row["cost_usd"]
    ('ok', None)
    """
    request, response, timing = record.request, record.response, record.timing
    usage = response.usage if response else None
    return {
        "id": record.id,
        "session_id": record.session_id,
        "started_at": record.started_at,
        "operation": record.operation,
        "status": record.status,
        "provider": record.provider,
        "model": record.model,
        "response_model": response.model if response else None,
        "sample": request.sample if request else None,
        "temperature": request.temperature if request else None,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cached_input_tokens": usage.cached_input_tokens if usage else None,
        "token_source": usage.source if usage else None,
        "finish_reason": response.finish_reason if response else None,
        "cost_usd": _number(record.cost.usd),
        "saved_usd": _number(record.cost.saved_usd),
        "prices_as_of": record.cost.prices_as_of,
        "cache_status": record.cache.status,
        "cache_age_s": record.cache.age_s,
        "latency_s": timing.total_s,
        "first_token_s": timing.first_token_s,
        "provider_s": timing.provider_s,
        "original_latency_s": record.cache.original.total_s if record.cache.original else None,
        "attempts": timing.attempts,
        "blocked_by": next((verdict.guard for verdict in record.verdicts if verdict.action == "block"), None),
        "error": record.error.kind if record.error else None,
        "prompt_sha256": record.prompt_sha256,
        "prompt_chars": record.prompt_chars,
        "request_sha256": record.request_sha256,
        "cell_id": record.origin.cell_id,
        "notebook": record.origin.notebook,
        "tag": record.tag,
        "thread": record.thread,
        "answer": response.text if response else None,
    }


def carried(records: Sequence[Record], *, keeps_content: bool) -> list[JsonValue]:
    """The records as an output carries them; without content, text is left out and hashes and figures stay.

    Of the notebook's path the file's name is left: the folders are this machine's, and the file goes elsewhere.

    >>> carried([], keeps_content=True)
    []
    """
    return [to_plain(_placed(record if keeps_content else without_content(record))) for record in records]


def _placed(record: Record) -> Record:
    path = record.origin.notebook
    name = path and path.replace("\\", "/").rpartition("/")[2]
    return record if name == path else replace(record, origin=replace(record.origin, notebook=name))


def _number(usd: object) -> float | None:
    return None if usd is None else float(str(usd))
