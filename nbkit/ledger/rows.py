"""A record as a row: the columns that are searched and summed, beside the whole as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

from nbkit.canonical import sha256
from nbkit.ledger.content import without_content
from nbkit.ledger.stored import stored_json
from nbkit.ledger.summary import bin_of
from nbkit.recorded import Record
from nbkit.types import Verdict

Value: TypeAlias = "str | int | float | None"

COLUMNS: Final = (
    "id",
    "session_id",
    "started_us",
    "operation",
    "status",
    "provider",
    "model",
    "answered_model",
    "prompt_sha256",
    "prompt_chars",
    "request_sha256",
    "answer_sha256",
    "answer_chars",
    "cell_id",
    "notebook",
    "tag",
    "thread",
    "prompt_name",
    "cache_status",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cost_pusd",
    "saved_pusd",
    "is_estimate",
    "is_unpriced",
    "is_unsaved",
    "total_us",
    "provider_us",
    "record",
    "latency_bin",
    "first_token_us",
    "saved_us",
    "blocked_by",
    "is_refused",
    "project",
    "prompt_version",
)
UNASKED: Final = "unasked"
"""What a row has for a status where nobody was asked: `%%rag` found nothing, and said so. In place of the cache's
`miss` it has it where no provider was asked after the miss: a budget refused, or `--cache only` did."""
IS_TIMED: Final = "status = 'ok' AND answer_chars IS NOT NULL"
"""Whether a row's latency is that of an answer: a call that failed or was stopped says nothing of answers."""
SUMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "calls": "1",
        "failures": "status = 'error'",
        "blocked": "status = 'blocked'",
        "interrupted": "status = 'interrupted'",
        "unasked": f"status = '{UNASKED}'",
        "hits": "cache_status = 'hit'",
        "misses": "cache_status = 'miss'",
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "cached_input_tokens": "cached_input_tokens",
        "cost_pusd": "IFNULL(cost_pusd, 0)",
        "priced": (
            f"cost_pusd IS NOT NULL AND cache_status <> 'hit' AND answer_chars IS NOT NULL AND status <> '{UNASKED}'"
        ),
        "unpriced": "is_unpriced",
        "estimated": "is_estimate",
        "saved_pusd": "IFNULL(saved_pusd, 0)",
        "saved": "saved_pusd IS NOT NULL",
        "unsaved": "is_unsaved",
        "live_us": f"IIF({IS_TIMED} AND cache_status <> 'hit', total_us, 0)",
        "hit_us": f"IIF({IS_TIMED} AND cache_status = 'hit', total_us, 0)",
        "saved_us": "IFNULL(saved_us, 0)",
        "refused": "is_refused IS NOT NULL",
    }
)
"""What a row adds to each sum of its hour, as SQL."""
HOUR_US: Final = 3_600_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PUSD: Final = Decimal(10) ** 12
_LARGEST: Final = 1 << 56
"""Larger numbers are kept as this, so that sums stay integers; the JSON has them whole."""


def row_of(record: Record, *, keeps_content: bool, project: str | None = None) -> tuple[Value, ...]:
    """The record's row, in the order of `COLUMNS`. `project`: what the call was made for.

    Money is in picodollars and time in microseconds: integers add exactly.
    """
    response, cost = record.response, record.cost
    usage = response.usage if response is not None else None
    is_hit, is_miss = record.cache.status == "hit", record.cache.status == "miss"
    is_answered, is_blocked = response is not None, record.status == "blocked"
    timing, original = record.timing, record.cache.original
    total_us = round(timing.total_s * 1e6)
    kept = record if keeps_content else without_content(record)
    values: tuple[object, ...] = (
        record.id,
        record.session_id,
        to_us(record.started_at),
        record.operation,
        UNASKED if record.is_unasked else record.status,
        record.provider,
        record.model,
        response and response.model,
        record.prompt_sha256,
        record.prompt_chars,
        record.request_sha256,
        sha256(response.text) if response is not None else None,
        len(response.text) if response is not None else None,
        record.origin.cell_id,
        record.origin.notebook,
        record.tag,
        record.thread,
        record.prompt_name,
        UNASKED if is_miss and not is_answered and not timing.attempts else record.cache.status,
        usage.input_tokens if usage and not is_hit else 0,
        usage.output_tokens if usage and not is_hit else 0,
        usage.cached_input_tokens if usage and not is_hit else 0,
        to_pusd(cost.usd),
        to_pusd(cost.saved_usd),
        int(cost.is_estimate and cost.usd is not None and not is_hit),
        int(is_answered and not is_hit and cost.usd is None),
        int(is_hit and cost.saved_usd is None),
        total_us,
        round(timing.provider_s * 1e6),
        stored_json(kept),
        bin_of_us(total_us),
        None if timing.first_token_s is None else round(timing.first_token_s * 1e6),
        max(0, round(original.total_s * 1e6) - total_us) if is_hit and original is not None else None,
        _blocked_by(record) if is_blocked else None,
        1 if any(one.guard == "labels" and _is_refusal(one) for one in record.verdicts) else None,
        project,
        record.prompt_version,
    )
    assert len(values) == len(COLUMNS)
    return _stored(values)


def _stored(values: tuple[object, ...]) -> tuple[Value, ...]:
    # Most values can be stored as they are, and asking here saves the call.
    return tuple(
        [
            value
            if value is None
            or (type(value) is str and value.isascii())
            or (type(value) is int and -_LARGEST <= value <= _LARGEST)
            else _storable(value)
            for value in values
        ]
    )


def _blocked_by(record: Record) -> str | None:
    """The guard that blocked a call, or `budget`."""
    if record.error is not None and record.error.kind == "BudgetExceeded":
        return "budget"
    return next((one.guard for one in record.verdicts if one.action == "block"), None)


def _is_refusal(verdict: Verdict) -> bool:
    return any(span.kind == "refusal" for span in verdict.spans)


def bin_of_us(microseconds: int) -> int:
    """The histogram bin of a latency in microseconds."""
    return bin_of(microseconds / 1e6)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970; a time without a zone is UTC.

    >>> to_us(datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def from_us(microseconds: int) -> datetime:
    """The moment so many microseconds after the beginning of 1970, in UTC.

    >>> from_us(1_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return _EPOCH + timedelta(microseconds=microseconds)


def to_pusd(usd: Decimal | None) -> int | None:
    """Dollars as a whole number of picodollars; the smallest token price in use is thousands of them."""
    return None if usd is None or not usd.is_finite() else int((usd * _PUSD).to_integral_value())


def to_usd(pusd: int) -> Decimal:
    """Picodollars as dollars.

    >>> to_usd(150_000_000)
    Decimal('0.00015')
    """
    return (Decimal(pusd) / _PUSD).normalize() if pusd else Decimal(0)


def storable(text: str) -> str:
    """The text with lone surrogates replaced, which SQLite does not take: paths may hold them."""
    return text.encode("utf-8", "replace").decode()


def _storable(value: object) -> Value:
    if isinstance(value, str):
        return value if value.isascii() else storable(value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        return _LARGEST if value > 0 else -_LARGEST
    assert value is None or isinstance(value, int | float)
    return value
