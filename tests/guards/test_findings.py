"""Very many findings are all counted, and the first of them told of."""

from __future__ import annotations

import pytest

from nbkit.guards.findings import MOST_SPANS
from nbkit.guards.markdown import MarkdownGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Message, Request

MANY = MOST_SPANS + 300


def request(form):
    return Request("echo", "echo", (Message("user", "hi"),), format=form)


@pytest.mark.parametrize("form", ["md", "text"])
def test_a_long_run_of_hidden_characters_is_counted_whole_and_placed_in_part(form):
    guard = MarkdownGuard(GuardOptions(SecretRegistry()))
    screened = guard.screen("a\u202e" * MANY, stage="output", request=request(form))
    assert screened.text == "a" * MANY
    assert screened.verdict.reason == f"{MANY} control characters removed"
    assert [span.start for span in screened.verdict.spans] == list(range(1, 2 * MOST_SPANS, 2))


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_the_places_do_not_depend_on_the_pieces(piece):
    guard = MarkdownGuard(GuardOptions(SecretRegistry()))
    text = "[a](http://e.x)\u202e <b>\u200b\n" * MANY
    whole = guard.screen(text, stage="output", request=request("md"))
    opened = guard.open(request("md"))
    shown = "".join([opened.feed(text[at : at + piece]) for at in range(0, len(text), piece)])
    last = opened.finish()
    assert (shown + last.text, last.verdict) == (whole.text, whole.verdict)
    assert len(whole.verdict.spans) == 2 * MOST_SPANS
    assert f"{MANY:d} HTML tags" in whole.verdict.reason
