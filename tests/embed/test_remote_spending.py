"""What calls to a service on loopback took, those that failed or were stopped included."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from nbkit import errors
from nbkit.embed import open  # noqa: A004 - the function under test
from nbkit.embed.remote import HttpEmbedder
from nbkit.http.clock import Clock
from nbkit.protocols import EmbedderOptions
from nbkit.types import Spent, Usage


def made(server):
    options = EmbedderOptions(home=Path(), base_url=f"{server.url}/v1", api_key="sk-0123456789", model="m-1")
    return HttpEmbedder(options, clock=Clock(sleep=lambda _: None))


def test_what_was_spent_is_told_once(server):
    embedder = made(server)
    embedder.embed(["one two", "three"])
    embedder.embed(["four"])
    spent = embedder.take_spent()
    assert (spent.calls, spent.texts, spent.attempts) == (2, 3, 2)
    assert spent.usage == Usage(4, 0)
    assert spent.duration_s > 0
    assert embedder.take_spent() == Spent()


def test_attempts_before_the_answer_are_spent_too(server):
    server.script = ["status_503", "reset_before_head", "ok"]
    embedder = made(server)
    embedder.embed(["one two"])
    spent = embedder.take_spent()
    assert (spent.calls, spent.attempts, spent.usage.input_tokens) == (1, 3, 2)


def test_a_call_that_failed_is_attempts_and_nothing_else(server):
    server.script = ["status_503"]
    embedder = made(server)
    with pytest.raises(errors.ProviderError) as caught:
        embedder.embed(["one two"])
    spent = embedder.take_spent()
    assert (spent.calls, spent.texts, spent.usage) == (0, 0, Usage(0, 0))
    assert spent.attempts == caught.value.attempts == len(server.seen)


def test_calls_before_the_one_that_failed_are_spent(server):
    server.script = ["ok", "status_401"]
    embedder = made(server)
    with pytest.raises(errors.AuthFailed):
        embedder.embed(["one"] * 129)
    spent = embedder.take_spent()
    assert (spent.calls, spent.texts, spent.attempts, spent.usage.input_tokens) == (1, 128, 2, 128)


def test_a_call_without_a_key_is_no_attempt():
    embedder = open("openai:text-embedding-3-small", EmbedderOptions(home=Path()))
    with pytest.raises(errors.MissingKey):
        embedder.embed(["one"])
    assert embedder.take_spent() == Spent()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send")
def test_a_call_that_is_interrupted_counts_as_sent(server):
    server.script = ["silent"]
    embedder, main = made(server), threading.get_ident()

    def send():
        while not server.seen:
            time.sleep(0.001)
        signal.pthread_kill(main, signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        embedder.embed(["one two"])
    sender.join()
    spent = embedder.take_spent()
    assert (spent.calls, spent.texts, spent.attempts) == (0, 0, 1)
    assert spent.usage == Usage(2, 0, source="estimate")


def test_threads_are_told_of_their_own_calls(server):
    embedder, found = made(server), {}

    def ask(count):
        for _ in range(count):
            embedder.embed(["word " * count])
        found[count] = embedder.take_spent()

    threads = [threading.Thread(target=ask, args=(count,)) for count in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {count: (one.calls, one.usage.input_tokens) for count, one in found.items()} == {
        count: (count, count * count) for count in range(1, 6)
    }
    assert embedder.take_spent() == Spent()


def test_tokens_that_the_service_does_not_count_are_an_estimate(server, faults, monkeypatch):
    def uncounted(exchange):
        data = [{"embedding": faults.vector(text)} for text in exchange.seen.body["input"]]
        body = json.dumps({"data": data, "model": "m-1-2024"}).encode()
        exchange.head(200, "application/json", content_length=str(len(body)))
        exchange.send(body)

    monkeypatch.setitem(faults.FAULTS, "uncounted", uncounted)
    server.script = ["uncounted"]
    embedder = made(server)
    embedder.embed(["one two", "six"])
    spent = embedder.take_spent()
    assert spent.usage == Usage(3, 0, source="estimate")
    assert spent.model == "m-1-2024"
    assert embedder.take_spent().usage.source == "provider"
