"""The local provider on the real runtime and weights: `NBKIT_HOME=... pytest -m live`."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nbkit.config import home_path
from nbkit.models.weights import find, is_present, path_of
from nbkit.protocols import ProviderOptions
from nbkit.providers.local import LocalProvider
from nbkit.types import Message, Request

# Read while tests are collected: each test has a home of its own.
HOME = home_path()
MODEL = "smollm2-135m"
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not is_present(find(MODEL), HOME), reason=f"no weights: nbkit models pull {MODEL}"),
]
WAIT_S = 120.0


@pytest.fixture(scope="module")
def provider() -> Iterator[LocalProvider]:
    pytest.importorskip("xllamacpp")
    made = LocalProvider(ProviderOptions(home=HOME))
    yield made
    made.close()


def request(text: str = "Name three colours.", **fields: Any) -> Request:
    return Request("local", MODEL, (Message("user", text),), **{"max_tokens": 24, **fields})


def ignore(_: str) -> None:
    pass


def test_an_answer_streams_and_is_counted(provider, capfd):
    pieces = []
    answer = provider.complete(request(), on_text=pieces.append, timeout_s=WAIT_S)
    assert "".join(pieces) == answer.text
    assert len(pieces) > 5
    assert answer.usage.input_tokens > 5
    assert answer.finish_reason == "length"
    assert capfd.readouterr() == ("", "")


def test_temperature_zero_repeats_whatever_was_asked_before(provider):
    first = provider.complete(request(), on_text=ignore, timeout_s=WAIT_S).text
    provider.complete(request("Name three rivers."), on_text=ignore, timeout_s=WAIT_S)
    assert provider.complete(request(), on_text=ignore, timeout_s=WAIT_S).text == first


def test_a_seed_repeats_and_seeds_differ(provider):
    def draw(seed: int) -> str:
        asked = request(temperature=1.0, seed=seed)
        return provider.complete(asked, on_text=ignore, timeout_s=WAIT_S).text

    assert draw(0) == draw(0)
    assert draw(0) != draw(1)


def test_json_is_json(provider):
    asked = request("Give a JSON object with a name and an age.", format="json", max_tokens=80)
    assert isinstance(json.loads(provider.complete(asked, on_text=ignore, timeout_s=WAIT_S).text), dict)


def test_a_stop_text_ends_the_answer(provider):
    answer = provider.complete(request("Count: one, two, three", stop=(" ",)), on_text=ignore, timeout_s=WAIT_S)
    assert " " not in answer.text
    assert answer.finish_reason == "stop"


def test_a_truncated_real_model_is_an_error(tmp_path, provider):
    from nbkit.errors import WeightsError

    cut = tmp_path / "cut.gguf"
    with path_of(find(MODEL), HOME).open("rb") as source:
        cut.write_bytes(source.read(50_000_000))
    other = LocalProvider(ProviderOptions(home=HOME))
    with pytest.raises(WeightsError, match="cannot be loaded"):
        other.complete(Request("local", str(cut), (Message("user", "hi"),)), on_text=ignore, timeout_s=WAIT_S)
    other.close()


def test_loading_leaves_the_signal_handlers_alone(provider):
    before = signal.getsignal(signal.SIGINT)
    provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("after_s", [0.01, 0.1, 0.3, 0.7, 1.2])
def test_an_interrupt_anywhere_is_felt_and_the_next_call_works(provider, after_s):
    provider.complete(request(max_tokens=1), on_text=ignore, timeout_s=WAIT_S)
    sent = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    timer = threading.Timer(after_s, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        provider.complete(request("Tell a long story. " * 40, max_tokens=400), on_text=ignore, timeout_s=WAIT_S)
    timer.join()
    assert sent
    assert provider.complete(request(max_tokens=4), on_text=ignore, timeout_s=WAIT_S).text
