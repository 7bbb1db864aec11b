from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.guards.grounded import GroundedGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.testing import request
from nbkit.testing.contracts import GuardContract

MANUAL = "The K200 fan needs 30 W. It is cleaned every six months with a dry brush."
GOOD = "The K200 fan needs 30 W."
BAD = "Whales compose symphonies nightly."


def guard(contexts=(MANUAL,), **options):
    return GroundedGuard(GuardOptions(SecretRegistry(), contexts=contexts, **options))


def verdict(text, **options):
    screened = guard(**options).screen(text, stage="output", request=request())
    assert screened.text == text
    return screened.verdict


class TestGroundedGuard(GuardContract):
    texts = (GOOD, f"{GOOD} {BAD}", BAD, f"# Fans\n- {GOOD}\n- {BAD}\n")

    def guard(self):
        return guard()


class TestGroundedGuardThatBlocks(GuardContract):
    texts = (GOOD, f"{GOOD} {BAD}", BAD)

    def guard(self):
        return guard(actions={"output": "block"})


def test_unsupported_sentence_is_warned_of_and_marked():
    found = verdict(f"{GOOD} {BAD}")
    assert (found.action, found.reason) == ("warn", "1 of 2 sentences is in the sources")
    assert [(span.start, span.end, span.kind) for span in found.spans] == [
        (len(GOOD) + 1, len(GOOD) + 1 + len(BAD), "unsupported")
    ]


def test_supported_answer_is_allowed_with_its_score():
    found = verdict(GOOD)
    assert (found.action, found.reason, found.spans) == ("allow", "1 of 1 sentence is in the sources", ())
    assert found.score > 0.9
    assert found.threshold == 0.5


def test_without_sources_there_is_nothing_to_say():
    found = verdict(BAD, contexts=())
    assert (found.action, found.score, found.reason, found.spans) == ("allow", None, "", ())


def test_question_is_known():
    asked = {"contexts": ("Roy Jenkins led the commission.",), "question": "When did Roy Jenkins die?"}
    assert verdict("Roy Jenkins", **asked).action == "allow"
    assert verdict("Roy Jenkins died in 2003.", **asked).action == "warn"


@pytest.mark.parametrize(("text", "done"), [(BAD, "block"), (f"{GOOD} {GOOD} {GOOD} {BAD}", "warn"), (GOOD, "allow")])
def test_answer_is_blocked_as_a_whole_where_the_policy_says_so(text, done):
    assert verdict(text, actions={"output": "block"}).action == done


@pytest.mark.parametrize("options", [{"actions": {"output": "allow"}}, {"allowed_kinds": frozenset({"unsupported"})}])
def test_what_may_pass_is_still_reported(options):
    found = verdict(f"{GOOD} {BAD}", **options)
    assert found.action == "allow"
    assert found.spans
    assert found.score < 0.5


def test_text_is_never_changed_even_by_redact():
    assert verdict(BAD, actions={"output": "redact"}).action == "warn"


def test_answer_streams_unless_it_may_be_blocked():
    warning, blocking = guard().open(request()), guard(actions={"output": "block"}).open(request())
    assert (warning.feed(GOOD), blocking.feed(GOOD)) == (GOOD, "")
    assert (warning.finish().text, blocking.finish().text) == ("", GOOD)


def test_guard_of_another_call_has_its_sources_and_the_same_policy():
    other = guard(actions={"output": "block"}).about([f"Known: {BAD}"], question="What do whales do?")
    assert other.screen(BAD, stage="output", request=request()).verdict.action == "allow"
    assert other.screen(GOOD, stage="output", request=request()).verdict.action == "block"


@given(st.lists(st.sampled_from([GOOD, BAD, "\n", " ", "[1]", "```\n", "- "]), max_size=8).map("".join), st.data())
@settings(max_examples=100, deadline=None)
def test_any_split_of_a_stream_has_the_same_text_and_verdict(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    stream = guard().open(request())
    shown = "".join(stream.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))
    last = stream.finish()
    assert (shown + last.text, last.verdict) == (text, verdict(text))
