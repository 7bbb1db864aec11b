"""Which table of prices holds, and fetching another from a real server."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from nbkit.cli.entry import main
from nbkit.errors import ConfigError
from nbkit.pricing.prices import context_tokens, price
from nbkit.pricing.table import FILE, bundled, refresh, table_of
from nbkit.session import Session
from nbkit.testing import FakeProvider
from nbkit.types import Usage

AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


def vendor(name, models=()):
    return {"id": name, "name": name, "api_pattern": rf"https://api\.{name}\.com", "models": list(models)}


NEWER = [
    vendor(
        "openai",
        [{"id": "gpt-new", "match": {"equals": "gpt-new"}, "prices": {"input_mtok": 7, "output_mtok": 9}}],
    ),
    *(vendor(f"vendor{number}") for number in range(6)),
]


@pytest.fixture
def serve():
    """A server that answers with what it is given."""
    servers = []

    def start(body, status=200):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/data.json"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_without_a_fetched_one_the_table_of_the_package_holds(tmp_path):
    assert table_of(tmp_path).as_of == bundled().as_of


def test_a_fetched_table_holds_from_then_on_and_says_when_it_was_fetched(tmp_path, serve):
    table = refresh(tmp_path, url=serve(json.dumps(NEWER).encode()), at=AT)
    assert table.as_of == table_of(tmp_path).as_of == "genai-prices table of 2026-03-01 10:30 UTC"
    cost = price("openai", "gpt-new", Usage(1_000_000, 1_000_000), table=table)
    assert (cost.usd, cost.prices_as_of) == (Decimal(16), table.as_of)
    assert price("openai", "gpt-new", Usage(1, 1)).usd is None
    assert context_tokens("openai", "gpt-new", table=table) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>", 200), (b"{}", 200), (b"[]", 200), (b'[{"id": 3}]' * 9, 200), (b"[1,2,3,4,5,6]", 200), (b"[]", 404)],
)
def test_what_is_no_table_is_refused_and_what_was_there_stays(tmp_path, serve, body, status):
    refresh(tmp_path, url=serve(json.dumps(NEWER).encode()), at=AT)
    with pytest.raises(ConfigError, match="table of prices cannot be"):
        refresh(tmp_path, url=serve(body, status))
    assert table_of(tmp_path).as_of.endswith("2026-03-01 10:30 UTC")


def test_nobody_there_is_an_error_of_three_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NBKIT_HOME", str(tmp_path))
    assert main(["prices", "refresh", "--url", "http://127.0.0.1:9/x"]) == 1
    assert "the prices that are here still hold" in capsys.readouterr().err
    assert not (tmp_path / FILE).exists()


def test_a_kept_table_that_cannot_be_read_is_passed_over_with_a_warning(tmp_path):
    (tmp_path / FILE).write_text("{")
    with pytest.warns(UserWarning, match="nbkit prices refresh"):
        assert table_of(tmp_path).as_of == bundled().as_of


def test_the_command_shows_and_renews(tmp_path, monkeypatch, capsys, serve):
    monkeypatch.setenv("NBKIT_HOME", str(tmp_path))
    assert main(["prices", "refresh", "--url", serve(json.dumps(NEWER).encode())]) == 0
    assert main(["prices", "show", "openai:gpt-new"]) == 0
    out = capsys.readouterr().out
    assert f"in place of {bundled().as_of}" in out
    assert "openai:gpt-new: $7.00 for a million tokens in" in out
    assert main(["prices", "show", "gpt-new"]) == 1


def test_a_running_session_takes_a_table_that_is_fetched_meanwhile(tmp_path, serve):
    provider = FakeProvider(["a", "b"])
    provider.is_local = False
    session = Session(home=tmp_path, environment={}, folder=tmp_path, providers={"openai": provider})
    session.configure({"model": "openai:gpt-new"})
    before = session.ask("one")[0].record.cost
    refresh(tmp_path, url=serve(json.dumps(NEWER).encode()), at=AT)
    after = session.ask("two")[0].record.cost
    session.close()
    assert (before.usd, before.source) == (None, "unknown")
    assert after.usd > 0
    assert after.prices_as_of == "genai-prices table of 2026-03-01 10:30 UTC"
