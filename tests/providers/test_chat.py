"""What all providers over HTTP do alike: mending, estimating, listing, reading what was not streamed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbkit import errors
from nbkit.http.clock import Clock
from nbkit.http.faults import Complaint
from nbkit.protocols import ProviderOptions
from nbkit.providers.answer import Draft
from nbkit.providers.mend import refused_parameter, without
from nbkit.registry import load
from nbkit.types import Message, Request, Usage

REQUEST = Request("openai", "m-1", (Message("user", "what is the capital of France?"),), seed=7)


@pytest.fixture
def fault(faults, monkeypatch):
    """Adds a fault of the test's own."""
    return lambda name, action: monkeypatch.setitem(faults.FAULTS, name, action)


@pytest.fixture
def provider(server):
    made = load("providers", "openai")(
        ProviderOptions(home=Path(), base_url=server.url, api_key="sk-0123456789"),
        clock=Clock(sleep=lambda _: None),
    )
    yield made
    made.close()


def complete(provider, request=REQUEST):
    shown: list[str] = []
    response = provider.complete(request, on_text=shown.append, timeout_s=20)
    assert "".join(shown) == response.text
    return response


def picky(*names, code="unsupported_parameter", param=True):
    """Refuses one parameter after another until none of `names` is left."""

    def answer(exchange):
        left = next((name for name in names if name in exchange.seen.body), None)
        if left is None:
            exchange.stream(exchange.events())
            return
        error = {"message": f"Unsupported parameter: '{left}' is not supported with this model."}
        error |= {"type": "invalid_request_error", "code": code} | ({"param": left} if param else {})
        exchange.refuse(400, error)

    return answer


@pytest.mark.parametrize("param", [True, False])
def test_refused_parameter_is_left_out_with_a_note(provider, server, fault, param):
    fault("picky", picky("seed", "temperature", param=param))
    server.script = ["picky"]
    response = complete(provider)
    assert response.notes == (
        "seed was left out: 'm-1' refuses it",
        "temperature was left out: 'm-1' refuses it",
    )
    assert response.attempts == 3


def test_second_call_knows_what_the_model_refuses(provider, server, fault):
    fault("picky", picky("seed"))
    server.script = ["picky"]
    complete(provider)
    again = complete(provider)
    assert again.attempts == 1
    assert again.notes == ("seed was left out: 'm-1' refuses it",)


def test_limit_gets_its_other_name(provider, server, fault):
    fault("picky", picky("max_tokens"))
    server.script = ["picky"]
    assert complete(provider).notes == ()
    assert server.seen[-1].body["max_completion_tokens"] == 1024


def test_parameter_that_the_reader_gave_is_an_error_that_names_it(provider, server, fault):
    fault("picky", picky("top_k"))
    server.script = ["picky"]
    request = Request("openai", "m-1", REQUEST.messages, params=(("top_k", 4),))
    with pytest.raises(errors.RequestRefused, match="leave out top_k"):
        complete(provider, request)


def test_server_that_refuses_everything_is_asked_four_times(provider, server, fault):
    names = ("seed", "temperature", "stream_options", "max_tokens", "max_completion_tokens")
    fault("picky", picky(*names))
    server.script = ["picky"]
    with pytest.raises(errors.BadResponse, match="keeps refusing"):
        complete(provider)
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("complaint", "expected"),
    [
        (Complaint(code="unsupported_value", param="temperature"), "temperature"),
        (Complaint(kind="extra_forbidden", param="seed"), "seed"),
        (Complaint(message="`temperature` is deprecated for this model."), "temperature"),
        (Complaint(message='Unknown name "seed" at generation_config'), "seed"),
        (Complaint(message="temperature must be at most 1"), None),
        (Complaint(code="unsupported_parameter", param="messages"), None),
        (Complaint(code="unsupported_parameter", param="stop"), None),
        (Complaint(message="unsupported country"), None),
        (Complaint(), None),
    ],
)
def test_refused_parameter_is_found_by_name_only_when_it_was_sent(complaint, expected):
    draft = Draft("/", {"messages": [], "generationConfig": {"seed": 1}, "temperature": 0.0})
    assert refused_parameter(draft, complaint) == expected


def test_nested_parameter_is_left_out_of_a_copy():
    draft = Draft("/", {"generationConfig": {"seed": 1, "temperature": 0.0}})
    assert without(draft, "seed", model="m").body == {"generationConfig": {"temperature": 0.0}}
    assert draft.body == {"generationConfig": {"seed": 1, "temperature": 0.0}}


def test_usage_that_the_server_leaves_out_is_estimated_and_says_so(provider, server, fault, faults):
    fault("no_usage", lambda e: e.stream([block for block in e.events() if b"usage" not in block]))
    server.script = ["no_usage"]
    usage = complete(provider).usage
    assert usage.source == "estimate"
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0


def whole(exchange):
    message = {"role": "assistant", "content": "Paris."}
    body = {
        "id": "c-1",
        "model": "m-2",
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 2},
    }
    exchange.server.generations += 1
    exchange.head(200, "application/json")
    exchange.send(json.dumps(body).encode())


def test_answer_of_a_server_that_cannot_stream_is_read(provider, server, fault):
    fault("whole", whole)
    server.script = ["whole"]
    response = complete(provider)
    assert (response.text, response.usage, response.model) == ("Paris.", Usage(8, 2), "m-2")


def test_error_under_status_200_is_an_error(provider, server, fault):
    def refuse(exchange):
        exchange.refuse(200, {"message": "no such key", "type": "authentication_error"})

    fault("error_200", refuse)
    server.script = ["error_200"]
    with pytest.raises(errors.AuthFailed):
        complete(provider)


def test_answer_complete_before_the_connection_broke_is_kept(provider, server, fault, faults):
    def cut(exchange):
        exchange.server.generations += 1
        exchange.head(content_length="100000")
        exchange.send(b"".join(exchange.events()[:-2]))
        exchange.reset()

    fault("cut", cut)
    server.script = ["cut"]
    response = complete(provider)
    assert response.text == faults.TEXT
    assert response.usage.source == "estimate"


def test_reasoning_that_was_billed_is_not_asked_for_again(provider, server, fault):
    def think(exchange):
        exchange.begin(0)
        exchange.server.generations += 1
        exchange.send(exchange.frame(None, {"choices": [{"delta": {"reasoning_content": "hmm"}}]}))
        exchange.reset()

    fault("think", think)
    server.script = ["think"]
    with pytest.raises(errors.ProviderUnreachable, match="not retried"):
        complete(provider)
    assert server.generations == 1


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("openai", {"data": [{"id": "b"}, {"id": "a"}, {}]}),
        ("anthropic", {"data": [{"id": "b"}, {"id": "a"}]}),
        ("gemini", {"models": [{"name": "models/b"}, {"name": "models/a", "supportedGenerationMethods": []},
                               {"name": "models/a", "supportedGenerationMethods": ["generateContent"]}]}),
        ("ollama", {"models": [{"name": "b"}, {"name": "a"}]}),
    ],
)  # fmt: skip
def test_models_are_listed_in_order(name, body, server, fault):
    def listed(exchange):
        assert exchange.seen.method == "GET"
        exchange.head(200, "application/json")
        exchange.send(json.dumps(body).encode())

    fault("listed", listed)
    server.script = ["listed"]
    made = load("providers", name)(ProviderOptions(home=Path(), base_url=server.url, api_key="sk-0123456789"))
    assert made.models() == ["a", "b"]
    made.close()


@pytest.mark.parametrize("body", [b"[]", b"3", b"<html>", b"", b'{"data": 3}', b'{"data": [1, {"id": 2}]}'])
def test_list_that_cannot_be_read_is_an_error_or_empty(body, provider, server, fault):
    def listed(exchange):
        exchange.head(200, "application/json")
        exchange.send(body)

    fault("listed", listed)
    server.script = ["listed"]
    try:
        assert provider.models() == []
    except errors.BadResponse as error:
        assert "cannot be read" in str(error)  # noqa: PT017 - either way is right


def test_wrong_key_for_the_list_is_refused(provider, server):
    server.script = ["status_401"]
    with pytest.raises(errors.AuthFailed):
        provider.models()
