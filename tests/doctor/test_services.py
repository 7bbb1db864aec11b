from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nbkit.doctor import check, is_healthy, services
from nbkit.errors import AuthFailed, ProviderUnreachable
from nbkit.session import Session
from nbkit.testing import FakeProvider

_KEY = "sk-0123456789abcdef"


@pytest.fixture
def open_session(nbkit_home, tmp_path):
    opened = []

    def make(**environment):
        opened.append(Session(home=nbkit_home, environment=environment, folder=tmp_path))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def _by_name(checks):
    return {one.name: one for one in checks}


class _Models(BaseHTTPRequestHandler):
    def do_GET(self):
        is_known = self.headers["authorization"] == f"Bearer {_KEY}"
        body = json.dumps(
            {"data": [{"id": "one"}, {"id": "two"}]} if is_known else {"error": {"message": "no"}}
        ).encode()
        self.send_response(200 if is_known else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Models)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever, 0.01)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
    server.server_close()


def test_without_keys_nobody_is_asked_and_nothing_fails(open_session):
    found = _by_name(services.providers(open_session()))
    assert {one.status for one in found.values()} == {"ok"}
    assert found["provider openai"].what == "not configured: OPENAI_API_KEY is not set"
    assert found["provider echo"].what == "needs no key; not asked"
    assert "provider replay" not in found


def test_an_endpoint_that_answers_is_in_order_and_the_keys_variable_is_named(open_session, endpoint):
    session = open_session(OPENAI_API_KEY=_KEY, NBKIT_BASE_URL=endpoint, NBKIT_MODEL="openai:one")
    found = _by_name(services.providers(session))[f"provider openai at {endpoint.removeprefix('http://')}"]
    assert (found.status, found.what) == ("ok", "reachable, 2 models, key from OPENAI_API_KEY")


def test_a_refused_key_fails_for_the_model_that_cells_ask(open_session, endpoint):
    session = open_session(OPENAI_API_KEY="sk-another-wrong-key", NBKIT_BASE_URL=endpoint, NBKIT_MODEL="openai:one")
    [found] = [one for one in services.providers(session) if one.name.startswith("provider openai")]
    assert found.status == "fail"
    assert "OPENAI_API_KEY" in found.what
    assert "sk-another" not in found.what + found.fix


def test_an_alias_has_its_own_endpoint_and_key(open_session, endpoint):
    alias = {"model": "openai:one", "base_url": endpoint, "api_key_env": "MINE_KEY"}
    session = open_session(MINE_KEY=_KEY, NBKIT_ALIASES=json.dumps({"mine": alias}), NBKIT_MODEL="echo")
    [found] = [one for one in services.providers(session) if one.name.startswith("provider openai")]
    assert (found.status, found.what) == ("ok", "reachable, 2 models, key from MINE_KEY")


def test_an_endpoint_that_no_cell_asks_by_default_only_warns(open_session):
    alias = {"model": "openai:one", "base_url": "http://api.invalid/v1", "api_key_env": "MINE_KEY"}
    session = open_session(MINE_KEY=_KEY, NBKIT_ALIASES=json.dumps({"mine": alias}), NBKIT_MODEL="echo")
    [found] = [one for one in services.providers(session) if one.name.startswith("provider openai")]
    assert found.status == "warn"
    assert found.fix


class _Broken(FakeProvider):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def models(self):
        raise self.error


@pytest.mark.parametrize(
    "error", [AuthFailed(what="w", why="y", fix="f"), ProviderUnreachable(what="w", why="y", fix="f")]
)
def test_any_provider_error_keeps_its_fix(open_session, error):
    session = open_session(OPENAI_API_KEY=_KEY, NBKIT_MODEL="openai:one")
    session.providers["openai"] = _Broken(error)
    found = _by_name(services.providers(session))["provider openai"]
    assert (found.status, found.fix) == ("fail", "f")


def test_a_plug_in_that_breaks_fails_its_check_and_hides_no_other(open_session):
    session = open_session(OPENAI_API_KEY=_KEY, NBKIT_MODEL="openai:one")
    session.providers["openai"] = _Broken(RuntimeError("the prompt was: secret"))
    found = check(session)
    assert not is_healthy(found)
    assert "secret" not in str(found)
    assert found[-1].name == "Jupyter"


def test_a_fresh_installation_is_told_how_to_get_a_model(open_session):
    found = services.model(open_session())
    assert found.status == "warn"
    assert "nbkit models pull" in found.fix


def test_the_model_in_force_is_named_and_a_wrong_one_fails(open_session):
    assert services.model(open_session(NBKIT_MODEL="echo")).what == "cells ask echo:echo"
    assert services.model(open_session(NBKIT_MODEL="gtp-nonsense")).status == "fail"


def test_the_checks_come_in_their_order(open_session):
    names = [one.name for one in check(open_session(NBKIT_MODEL="echo"))]
    wanted = ["Python", "packages", "home directory", "cache", "records", "weights", "model", "widgets", "Jupyter"]
    assert [name for name in names if name in wanted] == wanted
