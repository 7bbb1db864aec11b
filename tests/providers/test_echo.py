from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit import errors
from nbkit.http.clock import Clock
from nbkit.protocols import ProviderOptions
from nbkit.providers.echo import EchoProvider
from nbkit.types import Message, Request, Usage


class Time:
    def __init__(self):
        self.now = 0.0
        self.clock = Clock(monotonic=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds):
        self.now += seconds


def ask(text="one two three", model="echo", **fields):
    params = tuple(sorted(fields.pop("params", {}).items()))
    return Request("echo", model, (Message("system", "be brief"), Message("user", text)), params=params, **fields)


def complete(request, timeout_s=10.0, clock=None):
    shown: list[str] = []
    response = EchoProvider(ProviderOptions(home=Path()), clock=clock).complete(
        request, on_text=shown.append, timeout_s=timeout_s
    )
    assert "".join(shown) == response.text
    return response, shown


@given(st.text(max_size=60))
def test_any_text_comes_back_unchanged(text):
    response, _ = complete(ask(text))
    assert response.text == text
    assert response.usage == Usage(2 + len(text.split()), len(text.split()), source="exact")


def test_answer_comes_word_by_word():
    assert complete(ask())[1] == ["one", " two", " three"]


@pytest.mark.parametrize(("model", "expected"), [("upper", "ONE TWO THREE"), ("reverse", "three two one")])
def test_model_says_it_in_its_way(model, expected):
    assert complete(ask(model=model))[0].text == expected


def test_limit_and_stop_end_the_answer():
    assert complete(ask(max_tokens=2))[0].finish_reason == "length"
    assert complete(ask(max_tokens=2))[0].text == "one two"
    assert complete(ask(stop=(" three", " tw")))[0].text == "one"


def test_text_and_tokens_script_the_answer():
    response, _ = complete(ask(params={"text": "a b", "tokens": 5}))
    assert (response.text, response.usage.output_tokens) == ("a b a b a", 5)


def test_delay_waits_before_each_word():
    time = Time()
    complete(ask(params={"delay_s": 0.5}), clock=time.clock)
    assert time.now == 1.5


def test_delay_ends_at_the_deadline():
    time = Time()
    with pytest.raises(errors.ProviderTimeout):
        complete(ask(params={"delay_s": 3}), timeout_s=5.0, clock=time.clock)
    assert time.now == 5.0


def test_fail_raises_the_named_error_after_so_many_words():
    shown: list[str] = []
    request = ask(params={"fail": "RateLimited", "fail_after": 2})
    with pytest.raises(errors.RateLimited):
        EchoProvider(ProviderOptions(home=Path())).complete(request, on_text=shown.append, timeout_s=1)
    assert shown == ["one", " two"]


@pytest.mark.parametrize("params", [{"fail": "SystemExit"}, {"dely_s": 1}, {"tokens": "x"}, {"delay_s": -1}])
def test_parameter_that_it_cannot_use_is_refused(params):
    with pytest.raises(errors.BadSetting):
        complete(ask(params=params))


def test_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(errors.RequestRefused, match="echo:upper"):
        complete(ask(model="uper"))
