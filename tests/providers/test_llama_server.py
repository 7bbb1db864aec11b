"""HTTP providers against a server that this project did not write: llama.cpp's own, on a real model.

Run with `NBKIT_HOME=... pytest -m live tests/providers/test_llama_server.py`, after `nbkit models pull smollm2-135m`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbkit import errors
from nbkit.config import home_path
from nbkit.http.clock import Clock
from nbkit.models.weights import find, path_of
from nbkit.protocols import ProviderOptions
from nbkit.registry import load
from nbkit.types import Message, Request

pytestmark = pytest.mark.live

KEY = "sk-loopback-0123456789"
SCRIPT = Path(__file__).parents[1] / "servers" / "llama.py"
# Read here: while a test runs, NBKIT_HOME leads elsewhere.
WEIGHTS = path_of(find("smollm2-135m"), home_path())
BOTH = pytest.mark.parametrize("name", ["openai", "anthropic"])


@pytest.fixture(scope="module")
def llama():
    if not WEIGHTS.exists():
        pytest.skip(f"no weights at {WEIGHTS}: nbkit models pull smollm2-135m")
    pytest.importorskip("xllamacpp", reason="the extra [local] is not installed")
    command = [sys.executable, str(SCRIPT), str(WEIGHTS), KEY]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        address = process.stdout.readline().strip()
        yield address if address.startswith("http") else f"http://{address}"
        process.kill()


def make(name, llama, key=KEY):
    base_url = f"{llama}/v1" if name == "openai" else llama
    return load("providers", name)(
        ProviderOptions(home=Path(), base_url=base_url, api_key=key), clock=Clock(sleep=lambda _: None)
    )


def ask(name, text="Name three colours.", **more):
    return Request(name, "smollm2", (Message("system", "Be brief."), Message("user", text)), **more)


@BOTH
def test_answer_streams_with_the_servers_own_counts(name, llama):
    provider = make(name, llama)
    shown: list[str] = []
    response = provider.complete(ask(name, max_tokens=40, seed=1), on_text=shown.append, timeout_s=120)
    provider.close()
    assert len(shown) > 3
    assert "".join(shown) == response.text != ""
    assert response.usage.source == "provider"
    assert 0 < response.usage.input_tokens < 100
    assert 0 < response.usage.output_tokens <= 40
    assert response.finish_reason in ("stop", "length")


@BOTH
def test_limit_ends_the_answer(name, llama):
    provider = make(name, llama)
    response = provider.complete(ask(name, max_tokens=3), on_text=lambda _: None, timeout_s=120)
    provider.close()
    assert response.finish_reason == "length"
    assert response.usage.output_tokens == 3


@BOTH
def test_stop_text_ends_the_answer(name, llama):
    provider = make(name, llama)
    whole = provider.complete(ask(name, max_tokens=30), on_text=lambda _: None, timeout_s=120).text
    stop = whole[5:8]
    cut = provider.complete(ask(name, max_tokens=30, stop=(stop,)), on_text=lambda _: None, timeout_s=120)
    provider.close()
    assert cut.text == whole.split(stop, 1)[0]
    assert cut.finish_reason == "stop"


@BOTH
def test_same_seed_same_answer(name, llama):
    provider = make(name, llama)
    texts = {
        provider.complete(ask(name, max_tokens=20, seed=3), on_text=lambda _: None, timeout_s=120).text
        for _ in range(3)
    }
    provider.close()
    assert len(texts) == 1


@BOTH
def test_wrong_key_is_refused(name, llama):
    provider = make(name, llama, key="sk-wrong-0123456789")
    with pytest.raises(errors.AuthFailed) as raised:
        provider.complete(ask(name), on_text=lambda _: None, timeout_s=120)
    provider.close()
    assert "sk-wrong" not in str(raised.value)


@BOTH
def test_prompt_beyond_the_window_is_too_long(name, llama):
    provider = make(name, llama)
    with pytest.raises(errors.ContextTooLong) as raised:
        provider.complete(ask(name, "colour " * 3000), on_text=lambda _: None, timeout_s=120)
    provider.close()
    assert "colour" not in str(raised.value).replace("colours", "")


@BOTH
def test_interrupt_ends_the_call_and_the_next_one_works(name, llama):
    provider = make(name, llama)
    pieces: list[str] = []

    def stop_at_third(text):
        pieces.append(text)
        if len(pieces) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        provider.complete(ask(name, "Tell a long story.", max_tokens=600), on_text=stop_at_third, timeout_s=120)
    response = provider.complete(ask(name, max_tokens=5), on_text=lambda _: None, timeout_s=120)
    provider.close()
    assert response.text


def test_deadline_holds_while_tokens_arrive(llama):
    provider = make("openai", llama)
    started = time.monotonic()
    request = ask("openai", "Tell a long story.", max_tokens=900)
    with pytest.raises(errors.ProviderTimeout):
        provider.complete(request, on_text=lambda _: None, timeout_s=0.5)
    provider.close()
    assert time.monotonic() - started < 1.5


def test_models_are_listed(llama):
    provider = make("openai", llama)
    names = provider.models()
    provider.close()
    assert names
