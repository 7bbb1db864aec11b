from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards.secrets import SecretsGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Message, Request

REQUEST = Request("echo", "echo", (Message("user", "hi"),))
VALUES = {"LONG_KEY": "abababcab-abab", "SHORT_KEY": "abababca", "OTHER_TOKEN": "cab-abab0123"}


def guard(values=VALUES):
    return SecretsGuard(GuardOptions(SecretRegistry(values)))


def stream(pieces, values=VALUES):
    opened = guard(values).open(REQUEST)
    shown = [opened.feed(piece) for piece in pieces]
    last = opened.finish()
    return "".join(shown) + last.text, last.verdict, shown


def test_prompt_with_a_secret_is_blocked_by_name_and_place():
    screened = guard().screen("my key: abababcab-abab", stage="input", request=REQUEST)
    assert screened.verdict.action == "block"
    assert "LONG_KEY at character 9" in screened.verdict.reason
    assert "abab" not in screened.verdict.reason + screened.text


@pytest.mark.parametrize("stage", ["output", "retrieved"])
def test_answer_loses_the_secret_and_keeps_its_name(stage):
    screened = guard().screen("see abababcab-abab and cab-abab0123", stage=stage, request=REQUEST)
    assert screened.text == "see [secret:LONG_KEY] and [secret:OTHER_TOKEN]"
    assert screened.verdict.action == "redact"
    assert [(span.start, span.end) for span in screened.verdict.spans] == [(4, 18), (23, 35)]


def test_encoded_secret_is_found():
    encoded = base64.b64encode(b"user:abababcab-abab!").decode()
    assert "[secret:LONG_KEY]" in guard().screen(encoded, stage="output", request=REQUEST).text
    assert "[secret:LONG_KEY]" in guard().screen("baba-bacbababa", stage="output", request=REQUEST).text


def test_clean_text_is_allowed_and_never_held_back():
    text, verdict, shown = stream(["The ", "quick ", "fox."])
    assert (text, verdict.action, shown) == ("The quick fox.", "allow", ["The ", "quick ", "fox."])


def test_start_of_a_secret_is_held_back_until_it_is_decided():
    _, _, shown = stream(["key ab", "ab", "abX done"])
    assert shown == ["key ", "", "abababX done"]


def test_name_that_holds_a_secret_is_not_shown():
    values = {"password1_TOKEN": "password1"}
    assert guard(values).screen("is password1", stage="output", request=REQUEST).text == "is [secret]"


@given(
    st.lists(st.sampled_from([*VALUES.values(), "ab", "a", "b", "c", "cab", "-", "0", " ", "x", "abab"]), max_size=30),
    st.lists(st.integers(0, 200), max_size=20),
)
def test_any_split_gives_the_whole_texts_answer_and_no_secret(parts, cuts):
    text = "".join(parts)
    edges = [0, *sorted(cut for cut in cuts if cut <= len(text)), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    whole = guard().screen(text, stage="output", request=REQUEST)
    joined, verdict, _ = stream(pieces)
    assert (joined, verdict) == (whole.text, whole.verdict)
    assert joined == SecretRegistry(VALUES).redact(text)
    assert not SecretRegistry(VALUES).find(joined)


def test_every_split_in_two_gives_the_same():
    text = "x abababca abababcab-abab cab-abab0123 ababab"
    whole = guard().screen(text, stage="output", request=REQUEST).text
    assert {stream([text[:cut], text[cut:]])[0] for cut in range(len(text) + 1)} == {whole}
    assert stream(list(text))[0] == whole
