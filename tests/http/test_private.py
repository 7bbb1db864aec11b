from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.http.private import MOST_CHARS, Private

KEY = "sk-abcDEF0123456789"
SECRET = "the launch code is fourteen apples and a pear"


@pytest.mark.parametrize(
    "said",
    [
        f"Incorrect API key provided: {KEY}",
        f"Incorrect API key provided: {KEY[:7]}********",
        f"Incorrect API key provided: ****{KEY[-6:]}",
        f"header {base64.b64encode(b'Bearer ' + KEY.encode()).decode()}",
        f"reversed {KEY[::-1]}",
        f"cannot serve {SECRET!r}",
        f"cannot serve {SECRET[10:30]}",
        f"cannot serve {SECRET.upper()}",
        "cannot serve l a u n c h-code is four-teen",
        f"cannot serve {json.dumps(SECRET)}",
    ],
)
def test_text_with_a_stretch_of_key_or_prompt_is_not_quoted(said):
    assert Private(key=KEY, texts=[SECRET]).quote(said) == ""


def test_escaped_prompt_is_found():
    prompt = "密码是十四个苹果和一个梨子还有两个橙子"
    assert Private(key=None, texts=[prompt]).quote(f"bad input {json.dumps(prompt)}") == ""


def test_plain_explanation_is_quoted_in_one_line():
    private = Private(key=KEY, texts=[SECRET])
    assert private.quote("max_tokens\nis too\x1b[31m large\u202e") == "max_tokens is too [31m large"


def test_explanation_is_bounded():
    assert len(Private(key=None, texts=()).quote("word " * 10_000)) <= MOST_CHARS


def test_short_prompt_hides_only_its_own_word():
    private = Private(key=None, texts=["hi"])
    assert private.quote("this is wrong") == "this is wrong"
    assert private.quote("cannot serve 'hi'") == ""


@pytest.mark.parametrize("name", ["a b", "x" * 61, "", "ключ", "a\nb", KEY])
def test_code_that_is_no_plain_word_is_left_out(name):
    assert Private(key=KEY, texts=[]).name(name) == ""


@given(key=st.text(min_size=8, max_size=40), prompt=st.text(min_size=20, max_size=80), around=st.text(max_size=20))
def test_whole_key_never_passes(key, prompt, around):
    assert key not in Private(key=key, texts=[prompt]).quote(around + key + around)
