"""Spans and metrics, decoded by a receiver on loopback as a collector would."""

from __future__ import annotations

import gzip
import json
import os
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from nbkit.ledger.log import DURATION_BOUNDS_S, TOKEN_BOUNDS
from nbkit.ledger.otel import OtelSink
from nbkit.protocols import SinkOptions
from nbkit.recorded import Failure
from nbkit.testing import factories
from nbkit.testing.contracts import SinkContract
from nbkit.testing.interactive import shell
from nbkit.types import CacheOutcome, Cost, Message, Timing, Verdict


class Receiver:
    """What a collector takes by OTLP over HTTP, decoded."""

    def __init__(self, *, status=200, waits_s=0.0):
        self.spans, self.metrics, self.paths, self.headers, self.resources = [], [], [], [], []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                time.sleep(waits_s)
                receiver.take(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def take(self, path, headers, body):
        self.paths.append(path)
        self.headers.append(headers)
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(attributes(resource.resource))
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            found = ExportMetricsServiceRequest.FromString(body).resource_metrics
            self.metrics += [one for own in found for scope in own.scope_metrics for one in scope.metrics]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def attributes(of):
    def plain(value):
        kind = value.WhichOneof("value")
        found = getattr(value, kind)
        return [plain(one) for one in found.values] if kind == "array_value" else found

    return {one.key: plain(one.value) for one in of.attributes}


@pytest.fixture
def receiver(monkeypatch):
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    opened = Receiver()
    yield opened
    opened.close()


def send(tmp_path, receiver, *records, **options):
    sink = OtelSink(SinkOptions(tmp_path, endpoint=receiver.url, **options))
    for record in records:
        sink.write(record)
    sink.close()
    return sink


class TestOtelSink(SinkContract):
    def sink(self, folder):
        return OtelSink(SinkOptions(folder))


def test_a_call_is_a_span_with_the_names_of_the_conventions(tmp_path, receiver):
    verdicts = (Verdict("pii", "input", "redact"),)
    cost = Cost(Decimal("0.0001"), source="table")
    send(tmp_path, receiver, factories.record(1, verdicts=verdicts, cost=cost, tag="draft"))
    (span,) = receiver.spans
    found = attributes(span)
    assert span.name == "chat fake-1"
    assert span.kind == span.SPAN_KIND_CLIENT
    assert span.start_time_unix_nano == round(factories.START.timestamp() * 1e9)
    assert span.end_time_unix_nano - span.start_time_unix_nano == 500_000_000
    assert {name: found[name] for name in found if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "fake",
        "gen_ai.request.model": "fake-1",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.response.model": "fake-1",
        "gen_ai.response.id": "fake-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_creation.input_tokens": 0,
    }
    assert found["nbkit.cost.usd"] == 0.0001
    assert found["nbkit.cache.status"] == "miss"
    assert found["nbkit.guard.actions"] == ["pii.input.redact"]
    assert receiver.resources[0]["service.name"] == "nbkit"


@pytest.mark.parametrize(
    ("options", "is_sent"),
    [({}, False), ({"sends_content": True}, True), ({"sends_content": True, "keeps_content": False}, False)],
)
def test_what_was_said_is_sent_only_where_both_settings_say_so(tmp_path, receiver, options, is_sent):
    messages = (Message("system", "be terse"), Message("user", "zebra"))
    record = factories.record(1, request=factories.request(messages=messages), response=factories.response("walrus"))
    send(tmp_path, receiver, record, **options)
    (span,) = receiver.spans
    found = attributes(span)
    assert ("zebra" in str(span)) is ("walrus" in str(span)) is ("terse" in str(span)) is is_sent
    if is_sent:
        part = {"type": "text", "content": "zebra"}
        assert json.loads(found["gen_ai.input.messages"]) == [{"role": "user", "parts": [part]}]
        assert json.loads(found["gen_ai.system_instructions"]) == [{"type": "text", "content": "be terse"}]
        assert json.loads(found["gen_ai.output.messages"])[0]["finish_reason"] == "stop"


def test_an_error_is_an_error_and_a_hit_is_no_client(tmp_path, receiver):
    failed = factories.record(
        1, status="error", response=None, error=Failure("RateLimited", "what", "why", "fix"),
        timing=Timing(total_s=1.0, attempts=3),
    )  # fmt: skip
    hit = factories.record(2, cache=CacheOutcome("hit"), timing=Timing(total_s=0.01))
    send(tmp_path, receiver, failed, hit)
    error, answered = receiver.spans
    assert (error.status.code, error.status.message) == (error.status.STATUS_CODE_ERROR, "RateLimited")
    assert attributes(error)["error.type"] == "RateLimited"
    assert answered.kind == answered.SPAN_KIND_INTERNAL


def test_metrics_have_the_buckets_of_the_conventions_and_leave_hits_out(tmp_path, receiver):
    hit = factories.record(9, cache=CacheOutcome("hit"), timing=Timing(total_s=0.01))
    send(tmp_path, receiver, factories.record(1), factories.record(2), hit)
    found = {one.name: one for one in receiver.metrics}
    assert {*found} == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.token.usage",
    }
    (duration,) = found["gen_ai.client.operation.duration"].histogram.data_points
    assert (duration.count, duration.sum, found["gen_ai.client.operation.duration"].unit) == (2, 1.0, "s")
    assert tuple(duration.explicit_bounds) == DURATION_BOUNDS_S
    tokens = found["gen_ai.client.token.usage"].histogram.data_points
    assert {attributes(one)["gen_ai.token.type"]: one.sum for one in tokens} == {"input": 24, "output": 10}
    assert tuple(tokens[0].explicit_bounds) == TOKEN_BOUNDS


def test_headers_of_the_sdks_variables_are_sent(tmp_path, receiver, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-own=1")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    send(tmp_path, receiver, factories.record(1))
    assert receiver.headers[0]["x-own"] == "1"
    assert receiver.resources[0]["service.name"] == "mine"


def test_a_receiver_that_is_down_is_one_note_and_loses_no_time(tmp_path, receiver, capfd):
    receiver.close()
    sink = OtelSink(SinkOptions(tmp_path, endpoint=receiver.url.replace("//", "//me:secret@")))
    begun = time.monotonic()
    for number in range(200):
        sink.write(factories.record(number))
    assert time.monotonic() - begun < 1
    sink.close()
    notice = sink.take_notice()
    assert notice is not None
    assert "secret" not in notice
    assert "the record store has them" in notice
    sink.write(factories.record(999))
    sink.close()
    assert sink.take_notice() is None
    assert capfd.readouterr().err == ""


def test_a_receiver_that_is_slow_holds_nothing_up(tmp_path, receiver):
    slow = Receiver(waits_s=8.0)
    sink = OtelSink(SinkOptions(tmp_path, endpoint=slow.url))
    sink.write(factories.record(1))
    begun = time.monotonic()
    sink.close()
    assert time.monotonic() - begun < 5
    slow.close()


def test_closing_leaves_no_thread_and_a_later_record_begins_anew(tmp_path, receiver):
    before = {*threading.enumerate()}
    sink = send(tmp_path, receiver, factories.record(1))
    assert [one for one in threading.enumerate() if one not in before and one.name == "nbkit-otel"] == []
    sink.write(factories.record(2))
    sink.close()
    assert len(receiver.spans) == 2


def test_a_cell_sends_its_span_and_reloading_leaves_no_thread(tmp_path, receiver, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBKIT_RECORDS_OTLP", receiver.url)
    monkeypatch.setenv("NBKIT_MODEL", "echo")
    before = {*threading.enumerate()}
    with shell() as notebook:
        for number in range(3):
            assert notebook.run(f"%%llm\nhello {number}").error is None
            assert notebook.run("%reload_ext nbkit").error is None
        assert [one for one in {*threading.enumerate()} - before if one.name.startswith(("nbkit", "Otel"))] == []
    assert [span.name for span in receiver.spans] == ["chat echo"] * 3
    assert "hello" not in str(receiver.spans)


def test_nothing_is_sent_where_no_setting_names_a_receiver(tmp_path, receiver, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("NBKIT_MODEL", "echo")
    with shell() as notebook:
        assert notebook.run("%%llm\nhello").error is None
    assert receiver.paths == []


def test_without_the_extra_the_reader_is_told_once(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "nbkit.ledger.otel_pipeline", None)
    sink = OtelSink(SinkOptions(tmp_path, endpoint="http://127.0.0.1:9"))
    for number in range(3):
        sink.write(factories.record(number, started_at=datetime.now(UTC)))
    sink.close()
    assert "jupyter-nbkit[otel]" in (sink.take_notice() or "")
    assert sink.take_notice() is None
