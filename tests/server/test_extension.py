"""The server extension, in a jupyter-server of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import distribution

import pytest
import tornado.httpclient
from prometheus_client.parser import text_string_to_metric_families

import nbkit.server
from nbkit.registry import DISTRIBUTION
from nbkit.session import Session
from nbkit.testing import factories

pytest_plugins = ["pytest_jupyter.jupyter_server"]


@pytest.fixture
def jp_server_config():
    return {"ServerApp": {"jpserver_extensions": {"nbkit.server": True}}}


@pytest.fixture(autouse=True)
def _no_model(monkeypatch):
    monkeypatch.setenv("NBKIT_MODEL", "echo")


def keep(*records):
    session = Session()
    for record in records:
        session.ledger.write(record)
    session.close()


async def status_of(fetch, *parts, **options):
    with pytest.raises(tornado.httpclient.HTTPClientError) as caught:
        await fetch(*parts, **options)
    return caught.value


async def test_metrics_are_what_prometheus_reads(jp_fetch):
    keep(factories.record(1))
    answer = await jp_fetch("nbkit", "metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
    assert found["nbkit_calls"].samples[0].value == 1


async def test_health_is_200_and_makes_no_home(jp_fetch, nbkit_home):
    answer = await jp_fetch("nbkit", "health")
    found = json.loads(answer.body)
    assert found["status"] == "ok"
    assert [one["name"] for one in found["checks"]] == ["home directory", "records", "cache", "provider"]
    await jp_fetch("nbkit", "metrics")
    assert not nbkit_home.exists()


async def test_a_damaged_store_is_503_and_stays_where_it_is(jp_fetch, nbkit_home):
    nbkit_home.mkdir(0o700)
    path = nbkit_home / "records.sqlite"
    path.write_bytes(b"no database" * 1000)
    error = await status_of(jp_fetch, "nbkit", "health")
    assert error.code == 503
    found = json.loads(error.response.body)
    assert {one["name"]: one["status"] for one in found["checks"]}["records"] == "fail"
    assert path.read_bytes() == b"no database" * 1000


async def test_both_are_behind_the_servers_authentication(jp_fetch):
    for name in ("health", "metrics"):
        error = await status_of(jp_fetch, "nbkit", name, headers={"Authorization": "token wrong"})
        assert error.code == 403


async def test_a_setting_that_cannot_be_is_said_and_not_raised(jp_fetch, monkeypatch):
    keep(factories.record(1))
    monkeypatch.setenv("NBKIT_BUDGET_DAY", "a lot")
    error = await status_of(jp_fetch, "nbkit", "metrics")
    assert error.code == 503
    assert "budget.day" in error.response.body.decode()
    assert (await status_of(jp_fetch, "nbkit", "health")).code == 503


class _Models(BaseHTTPRequestHandler):
    asked = 0
    waits: threading.Event | None = None

    def do_GET(self):
        type(self).asked += 1
        if self.waits is not None:
            self.waits.wait(20)
        body = b'{"data": [{"id": "m"}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def provider(monkeypatch):
    handler = type("Own", (_Models,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("NBKIT_MODEL", "openai:m")
    monkeypatch.setenv("NBKIT_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0000")
    yield handler
    if handler.waits is not None:
        handler.waits.set()
    server.shutdown()
    server.server_close()
    thread.join()


async def test_the_provider_is_asked_once_in_half_a_minute(jp_fetch, provider):
    for _ in range(3):
        found = json.loads((await jp_fetch("nbkit", "health")).body)
    assert found["checks"][-1]["what"] == "openai answers, 1 model"
    assert provider.asked == 1


async def test_a_provider_that_does_not_answer_is_503_in_time(jp_fetch, provider):
    provider.waits = threading.Event()
    error = await asyncio.wait_for(status_of(jp_fetch, "nbkit", "health"), 10)
    assert error.code == 503
    assert "does not answer within 3 s" in error.response.body.decode()


def test_the_server_starts_without_what_only_a_request_needs():
    code = (
        "import sys, jupyter_server.serverapp\nbefore = {*sys.modules}\n"
        "import nbkit.server, nbkit.server.handlers\n"
        "new = {*sys.modules} - before\n"
        "print(sorted(n for n in new if n.split('.')[0] in ('IPython', 'httpx', 'sqlite3', 'numpy', 'matplotlib')),\n"
        "      sorted(n for n in new if n.startswith('nbkit.') and not n.startswith('nbkit.server')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[] []"


def test_the_installed_package_switches_the_extension_on():
    found = [one for one in distribution(DISTRIBUTION).files or () if one.match("jupyter_server_config.d/nbkit.json")]
    (path,) = found
    config = json.loads(path.locate().read_text())
    assert config == {"ServerApp": {"jpserver_extensions": {"nbkit.server": True}}}
    assert nbkit.server._jupyter_server_extension_points() == [{"module": "nbkit.server"}]
