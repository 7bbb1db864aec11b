"""Embeddings from a service, on loopback, that fails in every way it can."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit import errors
from nbkit.embed import CachedEmbedder, open, store_in  # noqa: A004 - the function under test
from nbkit.embed.remote import HttpEmbedder, _batches
from nbkit.http.clock import Clock
from nbkit.protocols import EmbedderOptions
from nbkit.testing import EmbedderContract

KEY = "sk-very-secret-0123456789"
TEXT = "the patient's diagnosis is confidential gout"
AFTER_RETRY = "after a retry"
EXPECTED = {
    "rate_seconds": AFTER_RETRY,
    "rate_date": AFTER_RETRY,
    "rate_without": AFTER_RETRY,
    "rate_too_long": "RateLimited",
    "no_credit": "RateLimited",
    "status_500": AFTER_RETRY,
    "status_503": AFTER_RETRY,
    "status_529": AFTER_RETRY,
    "status_502_html": AFTER_RETRY,
    "status_401": "AuthFailed",
    "status_403": "AuthFailed",
    "status_404": "RequestRefused",
    "too_long": "ContextTooLong",
    "quotes_key_and_prompt": "RequestRefused",
    "reset_before_head": AFTER_RETRY,
    "close_before_head": AFTER_RETRY,
    "not_http": AFTER_RETRY,
    "endless_head": AFTER_RETRY,
    "silent": "ProviderTimeout",
    "slow_head": "ProviderTimeout",
    "slow_body": "ProviderTimeout",
    "html": "BadResponse",
    "empty_stream": "BadResponse",
    "not_an_object": "BadResponse",
    "error_first": "BadResponse",
    "gzip": "BadResponse",
    "gzip_damaged": "BadResponse",
    "brotli": "BadResponse",
    "redirect": "RequestRefused",
}
SLOW = ("silent", "slow_head", "slow_body")


def made(server, *, sleep=lambda _: None, **options):
    chosen = {"home": Path(), "base_url": f"{server.url}/v1", "api_key": KEY, "model": "m-1"} | options
    return HttpEmbedder(EmbedderOptions(**chosen), clock=Clock(sleep=sleep))


class TestIsAnEmbedder(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _server(self, server):
        self.server = server

    def embedder(self):
        return made(self.server)


def test_rows_are_in_the_order_of_the_texts_whatever_the_services_order(server, faults):
    wanted = np.array([faults.vector(text) for text in ("one", "two", "three")])
    found = made(server).embed(["one", "two", "three"])
    assert np.allclose(found, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)


def test_what_is_sent_is_the_model_and_the_texts_with_the_key_in_the_header(server):
    made(server).embed(["one", "two"], is_query=True)
    [seen] = server.seen
    assert (seen.method, seen.path) == ("POST", "/v1/embeddings")
    assert seen.body == {"model": "m-1", "input": ["one", "two"], "encoding_format": "float"}
    assert seen.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("fault", EXPECTED)
def test_each_fault_ends_as_it_should(server, fault):
    server.script = [fault, "ok"]
    embedder = made(server, timeout_s=0.3 if fault in SLOW else 120.0)
    if EXPECTED[fault] == AFTER_RETRY:
        assert len(embedder.embed([TEXT])) == 1
        assert len(server.seen) == 2
        return
    with pytest.raises(getattr(errors, EXPECTED[fault])) as caught:
        embedder.embed([TEXT])
    said = str(caught.value)
    assert len(said.splitlines()) == 3
    assert not any(secret in said for secret in (KEY, KEY[:8], "diagnosis", "gout"))
    # A connection that broke is not taken for the next call.
    assert len(embedder.embed([TEXT])) == 1


def test_it_waits_as_long_as_the_service_asks(server, faults):
    server.script, slept = ["rate_seconds", "ok"], []
    made(server, sleep=slept.append).embed([TEXT])
    assert faults.RETRY_AFTER_S <= slept[0] <= faults.RETRY_AFTER_S + 0.5


def test_many_texts_are_a_few_calls(server):
    embedder = made(server)
    assert embedder.embed([f"text {number}" for number in range(300)]).shape == (300, 8)
    assert [len(seen.body["input"]) for seen in server.seen] == [128, 128, 44]
    assert server.connections == 1


@given(st.lists(st.integers(0, 150_000), min_size=1, max_size=300))
def test_every_text_is_in_one_call_and_no_call_is_too_large(sizes):
    texts = ["x" * size for size in sizes]
    bounds = list(_batches(texts))
    assert [bounds[0][0], *(end for _, end in bounds)] == [start for start, _ in bounds] + [len(texts)]
    for start, end in bounds:
        assert 0 < end - start <= 128
        assert end - start == 1 or sum(sizes[start:end]) <= 200_000


def test_a_call_that_failed_loses_no_other_calls_vectors(server, tmp_path):
    texts = [f"text {number}" for number in range(300)]
    server.script = ["ok", "ok", "status_401"]
    with contextlib.closing(CachedEmbedder(made(server), store_in(tmp_path, limit_bytes=1 << 24))) as cached:
        with pytest.raises(errors.AuthFailed):
            cached.embed(texts)
        server.script = []
        cached.embed(texts)
    assert [len(seen.body["input"]) for seen in server.seen] == [128, 128, 44, 44]


def test_no_texts_are_no_batch(server):
    assert list(made(server).batches([])) == []
    assert list(_batches(["x" * 300_000, "y"])) == [(0, 1), (1, 2)]


def test_known_texts_are_not_paid_for_again(server, tmp_path):
    cached = CachedEmbedder(made(server), store_in(tmp_path, limit_bytes=1 << 24))
    assert np.array_equal(cached.embed(["one", "two"]), cached.embed(["one", "two"]))
    cached.close()
    assert len(server.seen) == 1


def test_a_text_beyond_the_window_is_not_sent(server):
    embedder = made(server)
    with pytest.raises(errors.EmbedError, match="513 tokens"):
        embedder.embed(["short", "a " * 513])
    assert server.seen == []


def test_an_empty_text_is_sent_as_a_blank(server):
    assert len(made(server).embed([""])) == 1
    assert server.seen[0].body["input"] == [" "]


def test_without_a_key_nothing_leaves_the_machine():
    with pytest.raises(errors.MissingKey, match="OPENAI_API_KEY is not set") as caught:
        open("openai:text-embedding-3-small", EmbedderOptions(home=Path())).embed(["one"])
    assert "all-minilm-l6-v2" in caught.value.fix


def test_a_server_on_this_machine_needs_no_key(server):
    assert len(made(server, api_key=None).embed(["one"])) == 1
    assert "authorization" not in server.seen[0].headers


def test_a_key_that_no_header_carries_is_refused_without_showing_it(server):
    with pytest.raises(errors.MissingKey, match="cannot be sent") as caught:
        made(server, api_key="sk-secret\n").embed(["one"])
    assert "sk-secret" not in str(caught.value)


def test_the_length_of_a_well_known_model_costs_no_call(server):
    assert HttpEmbedder(EmbedderOptions(home=Path(), model="text-embedding-3-large")).dimensions == 3072
    assert made(server, model="text-embedding-3-large").dimensions == 8


def test_the_id_is_that_of_address_and_model(server):
    one = made(server)
    assert one.id == made(server, api_key="sk-another", base_url=f"{server.url}/v1/").id
    assert len({one.id, made(server, model="m-2").id, made(server, base_url=server.url).id}) == 3


@given(st.text(max_size=60))
def test_token_starts_of_any_text_are_places_in_it(text):
    starts = HttpEmbedder(EmbedderOptions(home=Path())).token_starts(text)
    assert starts == sorted(set(starts))
    assert not any(text[start].isspace() for start in starts)


def test_threads_get_their_own_vectors(server, faults):
    embedder, wrong = made(server), []

    def ask(name):
        wanted = np.array(faults.vector(name))
        [found] = embedder.embed([name])
        if not np.allclose(found, wanted / np.linalg.norm(wanted), atol=1e-6):
            wrong.append(name)

    threads = [threading.Thread(target=ask, args=(f"text {number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    embedder.close()
    assert wrong == []
