"""The cache key: equal requests have one key in every process, and any change of a field gives another."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
import textwrap

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nbkit.canonical import canonical_json, from_plain, request_key, to_plain
from nbkit.recorded import Origin, Record
from nbkit.types import Message, Request

TEXTS = st.text(st.characters())
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXTS), max_size=3).map(tuple)
PARAMS = st.dictionaries(TEXTS, JSON, max_size=3).map(lambda given: tuple(sorted(given.items())))
FIELDS = {
    "provider": TEXTS,
    "model": TEXTS,
    "messages": MESSAGES,
    "temperature": NUMBERS,
    "max_tokens": st.integers(),
    "seed": st.none() | st.integers(),
    "stop": st.lists(TEXTS, max_size=3).map(tuple),
    "sample": st.integers(),
    "format": st.sampled_from(["md", "text", "json", "code", "table"]),
    "base_url": st.none() | TEXTS,
    "params": PARAMS,
    "schema": st.none() | TEXTS,
    "sources": st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
}
REQUESTS = st.builds(Request, **FIELDS)


def test_every_field_of_a_request_has_a_strategy():
    assert set(FIELDS) == {field.name for field in dataclasses.fields(Request)}


@given(REQUESTS)
def test_equal_requests_have_one_key(asked):
    assert request_key(asked) == request_key(dataclasses.replace(asked))


@given(REQUESTS)
def test_request_that_was_stored_and_read_has_the_same_key(asked):
    read = from_plain(Request, json.loads(canonical_json(asked)))
    assert request_key(read) == request_key(asked)


@given(REQUESTS, st.sampled_from(sorted(FIELDS)), st.data())
def test_any_other_value_of_a_field_is_another_key(asked, name, data):
    other = dataclasses.replace(asked, **{name: data.draw(FIELDS[name])})
    # 0.0 == -0.0 and 1 == 1.0 == True in Python; what the provider would be sent is what counts.
    assume(canonical_json(other) != canonical_json(asked))
    assert request_key(other) != request_key(asked)


@given(REQUESTS, st.sampled_from(sorted(FIELDS)), st.data())
def test_unequal_requests_have_unequal_keys(asked, name, data):
    other = dataclasses.replace(asked, **{name: data.draw(FIELDS[name])})
    assume(other != asked)
    assert request_key(other) != request_key(asked)


@given(st.lists(TEXTS, min_size=1, max_size=4))
@example(["a", ""])
@example(["a", "b"])
def test_text_that_moves_to_the_next_message_is_another_key(parts):
    def asked(contents: list[str]) -> Request:
        return Request("p", "m", tuple(Message("user", content) for content in contents))

    joined = ["".join(parts)]
    assume(joined != parts)
    assert request_key(asked(joined)) != request_key(asked(parts))


def test_negative_zero_is_zero():
    messages = (Message("user", "hi"),)
    assert request_key(Request("p", "m", messages, temperature=-0.0)) == request_key(Request("p", "m", messages))


def test_sample_is_in_the_key_and_where_the_call_was_made_is_not():
    names = {field.name for field in dataclasses.fields(Request)}
    assert "sample" in names
    assert not names & ({field.name for field in dataclasses.fields(Origin)} | {"tag", "verdicts", "guards", "thread"})
    assert "origin" in {field.name for field in dataclasses.fields(Record)}


@pytest.mark.parametrize("hash_seed", ["0", "1", "4711"])
def test_other_processes_compute_the_same_key(hash_seed):
    script = """
        from nbkit.canonical import request_key
        from nbkit.types import Message, Request
        params = (("a", {"z": 1, "b": [1.5, None, "\\ud800"]}), ("c", True))
        print(request_key(Request("p", "m", (Message("user", "é \\ud800 \\U0001f600"),), 0.1, params=params)))
    """
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, env=environment
    )
    params = (("a", {"z": 1, "b": [1.5, None, "\ud800"]}), ("c", True))
    asked = Request("p", "m", (Message("user", "é \ud800 \U0001f600"),), 0.1, params=params)
    assert done.stdout.strip() == request_key(asked)
    assert to_plain(asked)["params"][0][0] == "a"


def test_key_is_the_hash_of_this_text():
    """A change here turns every stored answer into a miss: raise `KEY_VERSION`, then write the new text."""
    asked = Request("echo", "echo", (Message("user", "h\u00e9"),), params=(("top_p", 0.5),))
    text = (
        '{"key_version":3,"request":{"base_url":null,"format":"md","max_tokens":1024,'
        '"messages":[{"content":"h\\u00e9","role":"user"}],"model":"echo","params":[["top_p",0.5]],'
        '"provider":"echo","sample":0,"schema":null,"seed":null,"sources":[],"stop":[],"temperature":0.0}}'
    )
    assert request_key(asked) == hashlib.sha256(text.encode("ascii")).hexdigest()
