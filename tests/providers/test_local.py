"""The local provider on a scripted runtime: queueing, stopping, deadlines, errors. No weights are needed."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import (
    BadResponse,
    ContextTooLong,
    ProviderTimeout,
    RequestRefused,
    UnknownModel,
    UnknownPlugin,
    WeightsError,
)
from nbkit.models.weights import CATALOGUE, path_of
from nbkit.protocols import ProviderOptions
from nbkit.providers import llama
from nbkit.providers.actor import Actor
from nbkit.providers.local import LocalProvider
from nbkit.testing.contracts import ProviderContract
from nbkit.types import Message, Request

WAIT_S = 20.0
END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
USAGE = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
EMPTY = {"choices": [{"delta": {"role": "assistant", "content": None}, "finish_reason": None}]}


def word(text: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"delta": {"content": text}, "finish_reason": None}]}


@dataclass
class FakeRuntime:
    """Says its events; waits at `gate` before each when there is one."""

    events: list[dict[str, Any]] = field(default_factory=lambda: [EMPTY, word("Hel"), word("lo"), END, USAGE])
    gate: threading.Semaphore | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    said: int = 0
    has_begun: threading.Event = field(default_factory=threading.Event)
    has_stopped: threading.Event = field(default_factory=threading.Event)
    is_closed: bool = False
    error: Exception | None = None

    def chat(self, body: dict[str, Any], on_piece: Callable[[dict[str, Any]], bool]) -> None:
        self.bodies.append(body)
        self.threads.add(threading.get_ident())
        self.has_begun.set()
        if self.error is not None:
            raise self.error
        for event in self.events:
            if self.gate is not None:
                self.gate.acquire()
            self.said += 1
            if on_piece(event):
                self.has_stopped.set()
                return

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def provider(runtime: FakeRuntime, tmp_path: Path) -> Iterator[LocalProvider]:
    made = LocalProvider(ProviderOptions(home=tmp_path), load=lambda _: runtime)
    yield made
    if runtime.gate is not None:
        runtime.gate.release(1000)
    made.close()


def request(text: str = "hi", **fields: Any) -> Request:
    return Request("local", fields.pop("model", "/x/model.gguf"), (Message("user", text),), **fields)


def ignore(_: str) -> None:
    pass


class TestContract(ProviderContract):
    def provider(self) -> LocalProvider:
        return LocalProvider(ProviderOptions(home=Path("/nowhere")), load=lambda _: FakeRuntime())

    def request(self) -> Request:
        return request()


def test_pieces_arrive_on_the_calling_thread_and_join_to_the_text(provider, runtime):
    seen = []
    answer = provider.complete(
        request(), on_text=lambda text: seen.append((text, threading.get_ident())), timeout_s=WAIT_S
    )
    assert [text for text, _ in seen] == ["Hel", "lo"]
    assert {thread for _, thread in seen} == {threading.get_ident()}
    assert threading.get_ident() not in runtime.threads
    assert (answer.text, answer.finish_reason, answer.response_id) == ("Hello", "stop", "chatcmpl-1")
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.source) == (7, 3, "provider")


def test_an_interrupt_stops_the_generation_and_the_next_call_works(provider, runtime):
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    runtime.gate = threading.Semaphore(2)
    with pytest.raises(KeyboardInterrupt):
        provider.complete(request(), on_text=interrupt, timeout_s=WAIT_S)
    runtime.gate.release(1)
    assert runtime.has_stopped.wait(WAIT_S)
    assert runtime.said == 3
    runtime.gate.release(100)
    assert provider.complete(request(), on_text=ignore, timeout_s=WAIT_S).text == "Hello"


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_a_signal_is_felt_while_the_model_says_nothing(provider, runtime):
    runtime.gate = threading.Semaphore(0)
    main = threading.main_thread().ident
    sender = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)
    sender.join()
    # Nothing was let through the gate: the interrupt did not wait for the model.
    assert runtime.said == 0


def test_the_deadline_holds_while_the_model_says_nothing(provider, runtime):
    runtime.gate = threading.Semaphore(0)
    with pytest.raises(ProviderTimeout, match=r"within 0\.05 s"):
        provider.complete(request(), on_text=ignore, timeout_s=0.05)
    runtime.gate.release(100)
    assert runtime.has_stopped.wait(WAIT_S)


def test_a_call_that_waits_for_another_keeps_its_own_deadline(provider, runtime):
    runtime.gate = threading.Semaphore(0)
    first = threading.Thread(target=provider.complete, args=(request(),), kwargs={"on_text": ignore, "timeout_s": 60})
    first.start()
    with pytest.raises(ProviderTimeout):
        provider.complete(request("second"), on_text=ignore, timeout_s=0.05)
    runtime.gate.release(100)
    first.join(WAIT_S)
    # The one that was given up while it waited was never begun.
    assert provider.complete(request("third"), on_text=ignore, timeout_s=WAIT_S).text == "Hello"
    assert [body["messages"][0]["content"] for body in runtime.bodies] == ["hi", "third"]


def test_several_threads_are_answered_one_after_the_other(provider, runtime):
    texts = []
    threads = [
        threading.Thread(
            target=lambda: texts.append(provider.complete(request(), on_text=ignore, timeout_s=WAIT_S).text)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert texts == ["Hello"] * 8
    assert len(runtime.threads) == 1


def test_the_model_is_loaded_once_and_another_replaces_it(tmp_path):
    loaded: list[tuple[Path, FakeRuntime]] = []

    def load(path: Path) -> FakeRuntime:
        assert all(runtime.is_closed for _, runtime in loaded), "two models at once"
        loaded.append((path, FakeRuntime()))
        return loaded[-1][1]

    provider = LocalProvider(ProviderOptions(home=tmp_path), load=load)
    for model in ("/a.gguf", "/a.gguf", "/b.gguf", "/a.gguf"):
        provider.complete(request(model=model), on_text=ignore, timeout_s=WAIT_S)
    provider.close()
    assert [path.name for path, _ in loaded] == ["a.gguf", "b.gguf", "a.gguf"]
    assert all(runtime.is_closed for _, runtime in loaded)


def test_a_call_given_up_while_it_waited_loads_no_model(tmp_path):
    loaded: list[str] = []
    gate = threading.Semaphore(0)

    def load(path: Path) -> FakeRuntime:
        loaded.append(path.name)
        return FakeRuntime(gate=gate)

    provider = LocalProvider(ProviderOptions(home=tmp_path), load=load)
    first = threading.Thread(target=provider.complete, args=(request(),), kwargs={"on_text": ignore, "timeout_s": 60})
    first.start()
    with pytest.raises(ProviderTimeout):
        provider.complete(request(model="/other.gguf"), on_text=ignore, timeout_s=0.05)
    gate.release(100)
    first.join(WAIT_S)
    provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)
    provider.close()
    assert loaded == ["model.gguf"]


def test_a_failed_load_is_raised_and_the_next_call_loads_again(tmp_path):
    outcomes: list[Any] = [WeightsError(what="bad", why="bad", fix="fetch"), FakeRuntime()]

    def load(_: Path) -> FakeRuntime:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    provider = LocalProvider(ProviderOptions(home=tmp_path), load=load)
    with pytest.raises(WeightsError, match="bad"):
        provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)
    assert provider.complete(request(), on_text=ignore, timeout_s=WAIT_S).text == "Hello"
    provider.close()


def test_close_stops_what_runs_and_a_later_call_loads_again(provider, runtime):
    runtime.gate = threading.Semaphore(1)
    failed = []

    def ask() -> None:
        try:
            provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)
        except BadResponse as error:
            failed.append(error.why)

    caller = threading.Thread(target=ask)
    caller.start()
    assert runtime.has_begun.wait(WAIT_S)
    closer = threading.Thread(target=provider.close)
    closer.start()
    while closer.is_alive():
        runtime.gate.release(1)
        closer.join(0.01)
    caller.join(WAIT_S)
    assert runtime.is_closed
    assert "was closed" in failed[0]
    runtime.gate.release(100)
    assert provider.complete(request(), on_text=ignore, timeout_s=WAIT_S).text == "Hello"


def test_a_forgotten_provider_frees_its_model(tmp_path):
    runtime = FakeRuntime()
    provider = LocalProvider(ProviderOptions(home=tmp_path), load=lambda _: runtime)
    provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)
    seen = weakref.ref(provider)
    del provider
    gc.collect()
    assert seen() is None
    assert runtime.is_closed


def test_a_dead_thread_is_an_error_and_not_a_wait(tmp_path):
    actor = Actor(lambda _: FakeRuntime())
    actor.close()
    provider = LocalProvider(ProviderOptions(home=tmp_path), load=lambda _: FakeRuntime())
    provider._actor = actor
    assert provider.complete(request(), on_text=ignore, timeout_s=WAIT_S).text == "Hello"
    provider.close()


def test_a_prompt_that_is_too_long_says_both_lengths(provider, runtime):
    error = {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 6031, "n_ctx": 4096}
    runtime.events = [{"error": error}]
    with pytest.raises(ContextTooLong, match=r"6031 tokens, the window 4096") as caught:
        provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)
    assert "local.context_tokens" in caught.value.fix


def test_an_error_never_repeats_the_prompt(provider, runtime):
    runtime.events = [{"error": {"code": 400, "message": "cannot parse: my diagnosis is gout and worse"}}]
    with pytest.raises(RequestRefused) as caught:
        provider.complete(request("my diagnosis is gout and worse"), on_text=ignore, timeout_s=WAIT_S)
    assert "gout" not in str(caught.value)


def test_an_error_of_the_runtime_is_a_bad_response(provider, runtime):
    runtime.events = [{"error": {"code": 500, "message": "out of slots"}}]
    with pytest.raises(BadResponse, match="out of slots"):
        provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)


def test_an_answer_without_its_end_is_a_bad_response(provider, runtime):
    runtime.events = [word("Hel")]
    with pytest.raises(BadResponse, match="has no end"):
        provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)


def test_a_bug_in_the_runtime_keeps_its_traceback(provider, runtime):
    runtime.error = ZeroDivisionError("bug")
    with pytest.raises(ZeroDivisionError):
        provider.complete(request(), on_text=ignore, timeout_s=WAIT_S)


def test_a_parameter_llama_would_ignore_is_refused_with_the_nearest(provider, runtime):
    with pytest.raises(RequestRefused, match="'top_k'"):
        provider.complete(request(params=(("topk", 3),)), on_text=ignore, timeout_s=WAIT_S)
    assert runtime.bodies == []


@given(name=st.sampled_from(["messages", "stream", "max_tokens", "temperature", "return_progress", "n", "tools"]))
def test_a_parameter_cannot_replace_what_the_request_says(name):
    provider = LocalProvider(ProviderOptions(home=Path("/nowhere")), load=lambda _: FakeRuntime())
    with pytest.raises(RequestRefused):
        provider.complete(request(params=((name, 1),)), on_text=ignore, timeout_s=WAIT_S)


def test_what_the_request_says_reaches_the_model(provider, runtime):
    asked = request(
        temperature=0.5, max_tokens=9, seed=4, sample=2, stop=("END",), format="json", params=(("top_k", 3),)
    )
    provider.complete(asked, on_text=ignore, timeout_s=WAIT_S)
    (body,) = runtime.bodies
    wanted = {
        "temperature": 0.5,
        "max_tokens": 9,
        "seed": 4,
        "stop": ["END"],
        "top_k": 3,
        "response_format": {"type": "json_object"},
        "cache_prompt": False,
        "messages": [{"role": "user", "content": "hi"}],
    }
    assert wanted.items() <= body.items()


def test_a_schema_given_by_hand_is_not_replaced_by_plain_json(provider, runtime):
    provider.complete(
        request(format="json", params=(("json_schema", {"type": "object"}),)), on_text=ignore, timeout_s=WAIT_S
    )
    assert "response_format" not in runtime.bodies[0]


def test_missing_weights_name_the_command_that_fetches_them(provider):
    with pytest.raises(WeightsError) as caught:
        provider.complete(request(model="smollm2-135m"), on_text=ignore, timeout_s=WAIT_S)
    assert caught.value.fix == "nbkit models pull smollm2-135m"


def test_damaged_weights_are_never_loaded(provider, runtime, tmp_path):
    weights = CATALOGUE["smollm2-135m"]
    path = path_of(weights, tmp_path)
    path.parent.mkdir()
    with path.open("wb") as sparse:
        sparse.truncate(weights.size_bytes)
    assert provider.models() == ["smollm2-135m"]
    with pytest.raises(WeightsError, match="damaged"):
        provider.complete(request(model="smollm2-135m"), on_text=ignore, timeout_s=WAIT_S)
    assert runtime.bodies == []


def test_an_unknown_model_is_answered_with_the_nearest(provider):
    with pytest.raises(UnknownModel, match=r"use 'qwen2\.5-coder-1\.5b'"):
        provider.complete(request(model="qwen2.5-coder-1.5"), on_text=ignore, timeout_s=WAIT_S)


def test_without_the_runtime_the_error_names_the_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(UnknownPlugin) as caught:
        llama.load(tmp_path / "x.gguf", context_tokens=512, threads=1)
    assert caught.value.fix == 'pip install "jupyter-nbkit[local]"'


@pytest.mark.parametrize("content", [None, b"", b"GGU", b"<html>"], ids=["absent", "empty", "short", "html"])
def test_a_file_that_is_no_model_is_refused_before_it_is_loaded(tmp_path, content):
    pytest.importorskip("xllamacpp")
    path = tmp_path / "x.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        llama.load(path, context_tokens=512, threads=1)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("size_bytes", [4, 24, 4096])
def test_a_truncated_model_is_an_error_and_not_a_crash(tmp_path, capfd, size_bytes):
    pytest.importorskip("xllamacpp")
    path = tmp_path / "cut.gguf"
    path.write_bytes(b"GGUF\x03\x00\x00\x00".ljust(size_bytes, b"\x01")[:size_bytes])
    with pytest.raises(WeightsError, match="cannot be loaded"):
        llama.load(path, context_tokens=512, threads=1)
    assert capfd.readouterr() == ("", "")


def test_hyperthreads_count_as_one_core(tmp_path):
    for cpu, siblings in enumerate(["0,4", "1,5", "2,6", "3,7"] * 2):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings)
    assert llama.default_threads(topology=tmp_path, cpus=range(8)) == 3


@pytest.mark.parametrize(("count", "threads"), [(1, 1), (2, 1), (4, 3)])
def test_one_core_is_left_to_the_notebook(tmp_path, count, threads):
    assert llama.default_threads(topology=tmp_path, cpus=range(count)) == threads
