from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import ProviderTimeout, RateLimited
from nbkit.testing.contracts import ProviderContract
from nbkit.testing.factories import request
from nbkit.testing.fakes import FakeProvider, Reply


class TestFakeProviderIsAProvider(ProviderContract):
    def provider(self):
        return FakeProvider(["Hello there."])


def _ignore(_):
    pass


@given(st.text(), st.integers(1, 9))
def test_pieces_joined_are_the_scripted_text(text, piece_chars):
    pieces = []
    answered = FakeProvider([text], piece_chars=piece_chars).complete(request(), on_text=pieces.append, timeout_s=1)
    assert "".join(pieces) == answered.text == text
    assert all(0 < len(piece) <= piece_chars for piece in pieces)


def test_each_call_takes_the_next_line_and_the_last_is_repeated():
    fake = FakeProvider(["one", "two"])
    said = [fake.complete(request(), on_text=_ignore, timeout_s=1).text for _ in range(3)]
    assert said == ["one", "two", "two"]
    assert fake.calls == 3


def test_an_error_comes_after_the_pieces_before_it():
    pieces = []
    fake = FakeProvider([Reply(("a", "b"), error=RateLimited(what="w", why="y", fix="f")), "fine"])
    with pytest.raises(RateLimited):
        fake.complete(request(), on_text=pieces.append, timeout_s=1)
    assert pieces == ["a", "b"]
    assert fake.complete(request(), on_text=_ignore, timeout_s=1).text == "fine"


def test_a_shut_gate_is_a_timeout_and_an_open_one_lets_the_answer_through():
    gate = threading.Event()
    fake = FakeProvider([Reply(("x",), gate=gate)])
    with pytest.raises(ProviderTimeout):
        fake.complete(request(), on_text=_ignore, timeout_s=0.01)
    gate.set()
    assert fake.complete(request(), on_text=_ignore, timeout_s=1).text == "x"


def test_the_script_may_be_a_function_of_the_request():
    fake = FakeProvider(lambda asked: asked.messages[-1].content.upper())
    assert fake.complete(request("shout"), on_text=_ignore, timeout_s=1).text == "SHOUT"


def test_the_hook_runs_before_each_piece():
    seen = []
    fake = FakeProvider(["abcdef"], piece_chars=2, before_piece=seen.append)
    fake.complete(request(), on_text=seen.append, timeout_s=1)
    assert seen == [0, "ab", 1, "cd", 2, "ef"]
