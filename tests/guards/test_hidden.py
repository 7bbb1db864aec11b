from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards.hidden import find_hidden, is_unseen, without

SCRIPTS = {
    "persian joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "hindi joiner": "\u0915\u094d\u200d\u0937",
    "hebrew with a mark": "\u05e9\u05dc\u05d5\u05dd\u200f, world",
    "arabic": "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "keycap": "1\ufe0f\u20e3",
    "flag of Wales": "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "gbwls") + "\U000e007f",
    "japanese name": "\u845b\U000e0100\u57ce",
    "thai": "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u200b\u0e04\u0e23\u0e31\u0e1a",
    "line ends": "a\r\nb\tc\x0cd",
    "english in hebrew": "GitHub\u200f \u05d4\u05d5\u05d0",
    "old korean": "\u1100\u1160\u11a8",
    "mongolian": "\u182d\u180b",
}
ODD = st.sampled_from("ab\xad\u200f\u202e\u200d\u200b\ufe0f\U000e0041\U000e0100\u2066\x00\ud800\U0001f3f4\u0e01\u4e00 ")


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_characters_that_words_are_written_with_stay(text):
    assert find_hidden(text) == []


@pytest.mark.parametrize(
    ("text", "clean", "kind"),
    [
        ("user\u202etxt.exe", "usertxt.exe", "bidi"),
        ("a\u2066b\u2069", "ab", "bidi"),
        ("hi" + "".join(chr(0xE0000 + ord(c)) for c in "ignore"), "hi", "tags"),
        ("\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "steal") + "\U000e007f", "\U0001f3f4", "tags"),
        ("ig\u200bnore", "ignore", "invisible"),
        ("x" + "\u200c\u200d" * 8, "x", "invisible"),
        ("x" + "\ufe00\ufe01\ufe02\ufe03", "x", "invisible"),
        ("a\x00b\x1bc", "abc", "control"),
        ("s\u200ck\u200d-\ufe0f1", "sk-1", "invisible"),
        ("ja\xadne@exam\u034fple.o\u115frg", "jane@example.org", "invisible"),
        ("pay\u200epal", "paypal", "bidi"),
        ("\u05d0" + "\u200e\u200f" * 8, "\u05d0", "bidi"),
        ("a\ud800", "a", "control"),
    ],
)
def test_characters_that_hide_text_go(text, clean, kind):
    found = find_hidden(text)
    assert without(text, found) == clean
    assert {span.kind for span in found} == {kind}


@given(st.text(ODD, max_size=30))
def test_what_is_left_is_left_again(text):
    clean = without(text, find_hidden(text))
    assert find_hidden(clean) == []


@given(st.text(ODD, max_size=30))
def test_spans_lie_apart_and_in_order(text):
    found = find_hidden(text)
    assert all(span.start < span.end <= len(text) for span in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


@given(st.text(ODD, max_size=30))
def test_what_comes_again_is_found_again(text):
    once, length = find_hidden(text), len(text) + 1
    again = [(span.start + length, span.end + length, span.kind) for span in once]
    found = [(span.start, span.end, span.kind) for span in find_hidden(f"{text}\n{text}")]
    assert found == [(span.start, span.end, span.kind) for span in once] + again


@given(st.text(ODD, max_size=30))
def test_a_text_is_unseen_when_nothing_of_it_is_left(text):
    assert is_unseen(text) == (not without(text, find_hidden(text)).strip())
