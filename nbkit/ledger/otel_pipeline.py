"""Spans and metrics of the `gen_ai` conventions, made from records and sent; imported by the thread that sends."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode

from nbkit import registry
from nbkit.ledger.log import (
    DURATION_BOUNDS_S,
    OPERATION_DURATION,
    TIME_TO_FIRST_CHUNK,
    TOKEN_BOUNDS,
    TOKEN_USAGE,
    fields,
)
from nbkit.recorded import Record

_IDENTITY: Final = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model")
_AMOUNTS: Final = ("nbkit.cost.usd", "nbkit.cost.saved_usd")


class Pipeline:
    """The SDK's providers, none of them global, and exporters for both signals of one receiver.

    `endpoint`: as `OTEL_EXPORTER_OTLP_ENDPOINT` is given, without `/v1/traces`. The SDK's own variables (headers,
    certificates, resource, sampler) hold.

    >>> Pipeline("http://127.0.0.1:9").close()
    """

    def __init__(self, endpoint: str, *, sends_content: bool = False) -> None:
        base = endpoint.rstrip("/")
        self._sends_content = sends_content
        self._spans: Any = OTLPSpanExporter(endpoint=f"{base}/v1/traces")
        self._metrics: Any = OTLPMetricExporter(endpoint=f"{base}/v1/metrics")
        resource: Any = Resource.create({})
        version = registry.installed_version()
        if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": "nbkit", "service.version": version}))
        self._made = _Made()
        self._tracers: Any = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(self._made))  # type: ignore[arg-type,unused-ignore]
        self._tracer = self._tracers.get_tracer("nbkit", version)
        # At an infinite interval it has no thread of its own.
        self._reader: Any = PeriodicExportingMetricReader(self._metrics, export_interval_millis=math.inf)
        self._meters: Any = MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        self._histograms = _histograms(self._meters.get_meter("nbkit", version))

    def send(self, records: Sequence[Record]) -> bool:
        """Makes and sends their spans, and adds them to the metrics; whether the receiver took them."""
        for record in records:
            self._span(record)
            self._measure(record)
        made = self._made.take()
        return not made or bool(self._spans.export(made) is SpanExportResult.SUCCESS)

    def send_metrics(self) -> None:
        """Sends the metrics as they stand."""
        self._reader.collect()

    def abort(self) -> None:
        """Ends what waits to try again."""
        self._spans.shutdown()
        self._metrics.shutdown()

    def close(self) -> None:
        """Frees what is held; nothing more is sent."""
        self._tracers.shutdown()
        self._meters.shutdown()
        self._spans.shutdown()

    def _span(self, record: Record) -> None:
        begins = round(record.started_at.timestamp() * 1e9)
        attributes = attributes_of(record, has_content=self._sends_content)
        model = attributes.get("gen_ai.request.model")
        span = self._tracer.start_span(
            f"{record.operation} {model}" if model else record.operation,
            context=Context(),
            # What the cache or a guard answered was no client of anybody.
            kind=SpanKind.CLIENT if record.timing.attempts else SpanKind.INTERNAL,
            attributes=attributes,
            start_time=begins,
        )
        if record.error is not None:
            span.set_status(Status(StatusCode.ERROR, record.error.kind))
        span.end(begins + round(record.timing.total_s * 1e9))

    def _measure(self, record: Record) -> None:
        if not record.timing.attempts:
            return
        found = fields(record)
        labels = {name: found[name] for name in (*_IDENTITY, "error.type") if found[name] is not None}
        self._histograms[OPERATION_DURATION].record(record.timing.total_s, labels)
        if record.timing.first_token_s is not None:
            self._histograms[TIME_TO_FIRST_CHUNK].record(record.timing.first_token_s, labels)
        if record.response is not None:
            for kind in ("input", "output"):
                amount = found[f"gen_ai.usage.{kind}_tokens"]
                self._histograms[TOKEN_USAGE].record(amount, labels | {"gen_ai.token.type": kind})


class _Made:
    """Takes the spans that have ended, for a batch."""

    def __init__(self) -> None:
        self._spans: list[Any] = []

    def export(self, spans: Sequence[Any]) -> Any:  # noqa: ANN401 - the SDK's interface of an exporter
        self._spans += spans
        return SpanExportResult.SUCCESS

    def take(self) -> list[Any]:
        made, self._spans = self._spans, []
        return made

    def shutdown(self) -> None:
        """Holds nothing."""

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002 - as above
        return True


def attributes_of(record: Record, *, has_content: bool = False) -> dict[str, Any]:
    """A span's attributes, by the names that the log has; amounts of money as numbers, which is what backends add up.

    >>> from nbkit.testing import factories
    >>> attributes_of(factories.record())["nbkit.cost.usd"]
    0.0001
    """
    found: Mapping[str, Any] = fields(record)
    attributes = {name: value for name, value in found.items() if value is not None and value != []}
    for name in _AMOUNTS:
        if name in attributes:
            attributes[name] = float(attributes[name])
    return attributes | (_content(record) if has_content else {})


def _content(record: Record) -> dict[str, str]:
    found: dict[str, Any] = {}
    if record.request is not None:
        said = [(one.role, _text(one.content)) for one in record.request.messages]
        found["gen_ai.system_instructions"] = [part for role, part in said if role == "system"]
        found["gen_ai.input.messages"] = [{"role": role, "parts": [part]} for role, part in said if role != "system"]
    if record.response is not None:
        answer = {"role": "assistant", "parts": [_text(record.response.text)]}
        found["gen_ai.output.messages"] = [answer | {"finish_reason": record.response.finish_reason}]
    return {name: json.dumps(value) for name, value in found.items() if value}


def _text(content: str) -> dict[str, str]:
    return {"type": "text", "content": content}


def _histograms(meter: Any) -> dict[str, Any]:  # noqa: ANN401 - the SDK may not be installed where types are checked
    return {
        name: meter.create_histogram(name, unit=unit, description=said, explicit_bucket_boundaries_advisory=bounds)
        for name, unit, said, bounds in (
            (OPERATION_DURATION, "s", "GenAI operation duration.", list(DURATION_BOUNDS_S)),
            (TIME_TO_FIRST_CHUNK, "s", "Time to the first text that could be shown.", list(DURATION_BOUNDS_S)),
            (TOKEN_USAGE, "{token}", "Number of input and output tokens used.", list(TOKEN_BOUNDS)),
        )
    }
