"""Records as structured log entries: figures and hashes, never what was said."""

from __future__ import annotations

import logging
from typing import ClassVar, Final

from nbkit.protocols import SinkOptions
from nbkit.recorded import Record

TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 - no password
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
DURATION_BOUNDS_S: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Upper bounds of the histograms' buckets, as the conventions for `gen_ai` advise."""
TOKEN_BOUNDS: Final = tuple(4**power for power in range(14))


class LoggingSink:
    """Logs each record to the logger `nbkit`, with `extra` fields named as OpenTelemetry names them.

    No handler is installed: where nothing listens, nothing is written. A call that was answered is an INFO entry, any
    other a WARNING. Neither prompt nor answer is ever in it.
    """

    name: ClassVar[str] = "logging"

    def __init__(self, options: SinkOptions) -> None:  # noqa: ARG002 - the Protocol has it
        self._logger = logging.getLogger("nbkit")

    def write(self, record: Record) -> None:
        """Logs one record."""
        level = logging.INFO if record.status == "ok" else logging.WARNING
        # Without a handler Python prints warnings on stderr, which is below the cell.
        if not self._logger.isEnabledFor(level) or not self._logger.hasHandlers():
            return
        found = fields(record)
        self._logger.log(
            level,
            "%s %s: %s, cache %s, %.3f s",
            record.operation,
            found["gen_ai.request.model"],
            record.status,
            record.cache.status,
            record.timing.total_s,
            extra=found,
        )

    def close(self) -> None:
        """Does nothing: nothing is held."""


def fields(record: Record) -> dict[str, object]:
    """A record's figures by their OpenTelemetry names; `nbkit.` before what has no standard name. Money is text.

    >>> from datetime import datetime, UTC
    >>> fields(Record("r", "s", datetime(2026, 1, 1, tzinfo=UTC), "chat", "blocked", None, "ab", 2))["nbkit.status"]
    'blocked'
    """
    request, response, cost = record.request, record.response, record.cost
    usage = None if response is None else response.usage
    return {
        "gen_ai.operation.name": record.operation,
        "gen_ai.provider.name": provider_name(record.provider) if record.provider else None,
        "gen_ai.request.model": record.model,
        "gen_ai.request.temperature": None if request is None else request.temperature,
        "gen_ai.request.max_tokens": None if request is None else request.max_tokens,
        "gen_ai.response.model": None if response is None else response.model,
        "gen_ai.response.id": None if response is None else response.response_id,
        "gen_ai.response.finish_reasons": [] if response is None else [response.finish_reason],
        "gen_ai.usage.input_tokens": None if usage is None else usage.input_tokens,
        "gen_ai.usage.output_tokens": None if usage is None else usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": None if usage is None else usage.cached_input_tokens,
        "gen_ai.usage.cache_creation.input_tokens": None if usage is None else usage.cache_write_tokens,
        "error.type": None if record.error is None else record.error.kind,
        "nbkit.record.id": record.id,
        "nbkit.session.id": record.session_id,
        "nbkit.status": record.status,
        "nbkit.started_at": record.started_at.isoformat(),
        "nbkit.prompt.sha256": record.prompt_sha256,
        "nbkit.prompt.chars": record.prompt_chars,
        "nbkit.request.sha256": record.request_sha256,
        "nbkit.usage.source": None if usage is None else usage.source,
        "nbkit.cache.status": record.cache.status,
        "nbkit.cost.usd": None if cost.usd is None else str(cost.usd),
        "nbkit.cost.saved_usd": None if cost.saved_usd is None else str(cost.saved_usd),
        "nbkit.cost.source": cost.source,
        "nbkit.guard.actions": [f"{one.guard}.{one.stage}.{one.action}" for one in record.verdicts],
        "nbkit.duration_s": record.timing.total_s,
        "nbkit.provider.duration_s": record.timing.provider_s,
        "nbkit.first_token_s": record.timing.first_token_s,
        "nbkit.attempts": record.timing.attempts,
        "nbkit.cell.id": record.origin.cell_id,
        "nbkit.tag": record.tag,
    }


def provider_name(name: str) -> str:
    """The provider as `gen_ai.provider.name` calls it.

    >>> provider_name("gemini"), provider_name("openai")
    ('gcp.gemini', 'openai')
    """
    return "gcp.gemini" if name == "gemini" else name
