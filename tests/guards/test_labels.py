from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.guards.labels import LabelsGuard, is_refusal
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.testing import request
from nbkit.testing.contracts import GuardContract

REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I\u2019m sorry, I can\u2019t assist with that request.",
    "Sorry, I can't do that.",
    "I cannot provide instructions for this.",
    "As an AI language model, I cannot give medical advice.",
    "I apologize, but I am not able to write this.",
    "I understand your frustration, but I won't help with that.",
    "Unfortunately, I'm unable to create that image.",
    "I must decline to answer this.",
    "I'm not comfortable discussing that.",
    "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
    "Leider kann ich diese Frage nicht beantworten.",
    "Désolé, mais je ne peux pas vous aider.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "Mi dispiace, ma non posso aiutarti.",
    "Desculpe, mas não posso ajudar com isso.",
    "Het spijt me, maar ik kan je daar niet bij helpen.",
    "Извините, но я не могу помочь с этим.",  # noqa: RUF001 - Russian
    "很抱歉，我无法提供帮助。",  # noqa: RUF001 - Chinese
    "申し訳ありませんが、お手伝いできません。",
    "죄송하지만 도와드릴 수 없습니다.",
)
ANSWERS = (
    "The bot wrote \"I'm sorry, but I can't help with that\", which annoyed users.",
    "\"I'm sorry, but I can't help\" is a typical refusal.",
    "I'm sorry to hear that. Here is how to fix it: restart the kernel.",
    "Sorry for the confusion; the answer is 42.",
    "I can't believe how fast this is!",
    "You cannot help a process that was killed.",
    "As an AI engineer, you will write tests.",
    "I cannot answer that from the given passages.",
    "The sources do not say.",
    "def refuse():\n    return \"I'm sorry, but I can't help with that.\"",
    "Leider ist das Ergebnis nicht eindeutig: 3 oder 4.",
    "42",
)


@pytest.mark.parametrize("text", REFUSALS)
def test_refusal_is_one(text):
    assert is_refusal(text)
    assert is_refusal(f"\n **{text}**")


@pytest.mark.parametrize("text", ANSWERS)
def test_answer_is_none(text):
    assert not is_refusal(text)


def test_long_text_that_begins_with_a_refusal_is_an_answer():
    assert not is_refusal(f"{REFUSALS[0]} {'But here is how it is done. ' * 60}")


def guard(**options):
    return LabelsGuard(GuardOptions(SecretRegistry(), **options))


def verdict(text, **options):
    screened = guard(**options).screen(text, stage="output", request=request())
    assert screened.text == text
    return screened.verdict


class TestLabelsGuard(GuardContract):
    texts = (*REFUSALS[:3], "  \n")

    def guard(self):
        return guard()


class TestLabelsGuardThatBlocks(GuardContract):
    texts = (REFUSALS[0], "  \n", "x " * 700)

    def guard(self):
        return guard(actions={"output": "block"})

    def test_pieces_passed_on_are_the_screened_text(self):
        self.texts = self.texts[:2]
        super().test_pieces_passed_on_are_the_screened_text()


@pytest.mark.parametrize(("text", "kind"), [(REFUSALS[0], "refusal"), ("", "empty"), (" \n", "empty")])
def test_label_is_the_kind_of_its_span(text, kind):
    found = verdict(text)
    assert (found.action, [(span.start, span.end, span.kind) for span in found.spans]) == (
        "warn",
        [(0, len(text), kind)],
    )
    assert verdict(text, allowed_kinds=frozenset({kind})).action == "allow"
    assert verdict(text, actions={"output": "redact"}).action == "warn"


def test_answer_has_no_label():
    assert (verdict("42").action, verdict("42").spans) == ("allow", ())


def test_answer_that_may_be_blocked_is_held_back_until_it_is_too_long_to_be_a_refusal():
    stream = guard(actions={"output": "block"}).open(request())
    assert stream.feed("x" * 1200) == ""
    assert stream.feed("y") == "x" * 1200 + "y"
    assert stream.feed("z") == "z"
    assert (stream.finish().text, guard().open(request()).feed("x")) == ("", "x")


@given(st.text(max_size=60), st.sampled_from(REFUSALS))
@settings(max_examples=100, deadline=None)
def test_code_and_quotes_before_a_refusal_are_answers(before, refusal):
    assert not is_refusal(f"print: {before} {refusal}")


@pytest.mark.parametrize("piece", ["i am sorry ", "as an ai ", "\n", "*", "leider ", "i understand "])
def test_large_texts_are_read(piece):
    assert not is_refusal(piece * (100_000 // len(piece)))
    is_refusal(piece * (1_100 // len(piece)))
