from __future__ import annotations

import json
import logging
import stat
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.canonical import sha256
from nbkit.errors import StoreError
from nbkit.ledger.jsonl import JsonlSink
from nbkit.ledger.log import LoggingSink, fields
from nbkit.protocols import SinkOptions
from nbkit.recorded import Failure
from nbkit.testing import factories
from nbkit.testing.contracts import SinkContract
from nbkit.types import Cost


class TestJsonlSink(SinkContract):
    def sink(self, folder):
        return JsonlSink(SinkOptions(folder))


class TestLoggingSink(SinkContract):
    def sink(self, folder):
        return LoggingSink(SinkOptions(folder))


def test_line_is_json_that_anyone_can_read(tmp_path):
    sink = JsonlSink(SinkOptions(tmp_path))
    sink.write(factories.record(1, response=factories.response("grüße\n")))
    (line,) = sink.path.read_text("ascii").splitlines()
    found = json.loads(line)
    assert found["response"]["text"] == "grüße\n"
    assert (found["answer_chars"], found["answer_sha256"]) == (6, sha256("grüße\n"))
    assert stat.S_IMODE(sink.path.stat().st_mode) == 0o600


def test_content_that_is_not_kept_is_not_in_the_file(tmp_path):
    sink = JsonlSink(SinkOptions(tmp_path, keeps_content=False))
    sink.write(factories.record(1, request=factories.request("zebra"), response=factories.response("walrus")))
    content = sink.path.read_text("ascii")
    assert "zebra" not in content
    assert "walrus" not in content
    assert json.loads(content)["answer_sha256"] == sha256("walrus")


def test_line_torn_by_a_kill_costs_one_record(tmp_path):
    sink = JsonlSink(SinkOptions(tmp_path))
    sink.write(factories.record(1))
    with sink.path.open("a") as file:
        file.write('{"id": "record-00')
    sink.write(factories.record(2))
    assert [record.id for record in sink.read()] == ["record-0001", "record-0002"]


def test_file_that_cannot_be_read_is_a_store_error(tmp_path):
    sink = JsonlSink(SinkOptions(tmp_path, path=tmp_path))
    with pytest.raises(StoreError):
        sink.read()


@given(st.text(st.characters(), max_size=50), st.text(st.characters(), max_size=50))
@settings(max_examples=60, deadline=None)
def test_any_text_comes_back_as_it_went(tmp_path_factory, prompt, answer):
    sink = JsonlSink(SinkOptions(tmp_path_factory.mktemp("home")))
    record = factories.record(1, request=factories.request(prompt), response=factories.response(answer))
    sink.write(record)
    assert sink.read() == [record]


def test_two_processes_append_whole_lines(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from nbkit.ledger.jsonl import JsonlSink\n"
        "from nbkit.protocols import SinkOptions\n"
        "from nbkit.testing import factories\n"
        "sink = JsonlSink(SinkOptions(pathlib.Path(sys.argv[1])))\n"
        "start = int(sys.argv[2])\n"
        "[sink.write(factories.record(number)) for number in range(start, start + 100)]\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(start)]) for start in (0, 100)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    found = [record.id for record in JsonlSink(SinkOptions(tmp_path)).read()]
    assert sorted(found) == [f"record-{number:04d}" for number in range(200)]


def test_log_entry_has_figures_and_no_content(tmp_path, caplog):
    record = factories.record(
        1,
        request=factories.request("zebra"),
        response=factories.response("walrus"),
        cost=Cost(Decimal("0.00021"), source="table"),
    )
    with caplog.at_level(logging.INFO, logger="nbkit"):
        LoggingSink(SinkOptions(tmp_path)).write(record)
    (entry,) = caplog.records
    found = vars(entry)
    assert found["gen_ai.operation.name"] == "chat"
    assert found["gen_ai.request.model"] == record.request.model
    assert found["gen_ai.usage.input_tokens"] == record.response.usage.input_tokens
    assert found["nbkit.cost.usd"] == "0.00021"
    assert found["nbkit.cache.status"] == "miss"
    assert found["nbkit.request.sha256"] == record.request_sha256
    assert "zebra" not in repr(found)
    assert "walrus" not in repr(found)


def test_failed_call_is_a_warning_that_names_its_error(tmp_path, caplog):
    error = Failure("RateLimited", "too many", "no credit", "wait")
    with caplog.at_level(logging.INFO, logger="nbkit"):
        LoggingSink(SinkOptions(tmp_path)).write(factories.record(1, status="error", response=None, error=error))
    (entry,) = caplog.records
    assert (entry.levelname, vars(entry)["error.type"]) == ("WARNING", "RateLimited")


def test_no_handler_is_installed(tmp_path):
    LoggingSink(SinkOptions(tmp_path)).write(factories.record(1))
    assert logging.getLogger("nbkit").handlers == []


def test_blocked_call_has_fields_without_a_request():
    found = fields(factories.record(1, request=None, response=None, status="blocked", started_at=datetime.now(UTC)))
    assert found["gen_ai.request.model"] is None
    assert found["nbkit.prompt.chars"] == 0
