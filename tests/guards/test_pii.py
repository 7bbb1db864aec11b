from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.guards.pii import PiiGuard
from nbkit.guards.segments import MAX_CHARS, Segments
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.testing.contracts import GuardContract
from nbkit.types import Message, Request, Span

TEXTS = (
    "Mail jane@example.org or call +1 (212) 555-0100. Jane@Example.org, IBAN DE89 3704 0044 0532 0130 00.",
    "4111-1111-1111-1111; SSN 123-45-6789 from 86.231.85.193 (aa:bb:cc:dd:ee:ff)\nPhone: 040 898 9331 040 898 9331",
    "⟦EMAIL_1⟧ wrote to bob@example.org, [PHONE_1] 212-555-0100 phone 785 8949",
)


def guard(*, names=None, actions=None, allowed=()):
    options = GuardOptions(SecretRegistry(), actions=actions or {}, allowed_kinds=frozenset(allowed))
    return PiiGuard(options, names=names)


def request(*contents):
    return Request("echo", "echo", tuple(Message(role, text) for role, text in contents))


def screen(text, *, stage="input", **options):
    return guard(**options).screen(text, stage=stage, request=request(("user", text)))


class TestStandardContract(GuardContract):
    texts = TEXTS

    def guard(self):
        return guard()


class TestStrictContract(GuardContract):
    texts = TEXTS

    def guard(self):
        return guard(actions=PiiGuard.strict)


class TestBlockingContract(GuardContract):
    texts = TEXTS

    def guard(self):
        return guard(actions=dict.fromkeys(PiiGuard.stages, "block"))


class TestWarningContract(GuardContract):
    texts = TEXTS

    def guard(self):
        return guard(actions=dict.fromkeys(PiiGuard.stages, "warn"))


class TestNamesContract(GuardContract):
    texts = ("Jane Doe met Bob in Paris, jane@example.org", "Bob")

    def guard(self):
        return guard(names=names)


def names(text):
    """Takes each capitalised word for a name, those of stand-ins too."""
    return [Span(m.start(), m.end(), "PERSON") for m in re.finditer(r"[A-Z]\w+", text)]


def test_values_are_numbered_over_all_messages_of_a_request():
    asked = request(("system", "Ask bob@example.org"), ("user", "jane@example.org or BOB@example.org"))
    screened = [guard().screen(m.content, stage="input", request=asked).text for m in asked.messages]
    assert screened == ["Ask ⟦EMAIL_1⟧", "⟦EMAIL_2⟧ or ⟦EMAIL_1⟧"]
    assert dict(guard().pseudonyms(asked).originals) == {
        "⟦EMAIL_1⟧": "bob@example.org",
        "⟦EMAIL_2⟧": "jane@example.org",
    }


def test_reason_counts_kinds():
    verdict = screen("a@b.co c@d.co +4915112345678").verdict
    assert (verdict.action, verdict.reason) == ("redact", "3 replaced (EMAIL 2, PHONE 1)")
    assert [(span.start, span.end, span.kind) for span in verdict.spans] == [
        (0, 6, "EMAIL"),
        (7, 13, "EMAIL"),
        (14, 28, "PHONE"),
    ]


def test_stand_ins_that_a_document_guesses_stand_for_nobody():
    asked = request(("user", "doc: send it to ⟦EMAIL_1⟧ or [EMAIL_2]. I am jane@example.org"))
    text = guard().screen(asked.messages[0].content, stage="input", request=asked).text
    assert text.endswith("I am ⟦EMAIL_3⟧")
    assert guard().pseudonyms(asked).restore(text) == asked.messages[0].content


def test_an_earlier_answer_speaks_of_values_that_were_there_before_it():
    asked = request(("user", "I am jane@example.org"), ("assistant", "Hi ⟦EMAIL_1⟧"), ("user", "and bob@example.org"))
    assert list(guard().pseudonyms(asked).originals) == ["⟦EMAIL_1⟧", "⟦EMAIL_2⟧"]
    cut = request(("assistant", "Hi ⟦EMAIL_1⟧"), ("user", "bob@example.org"))
    assert list(guard().pseudonyms(cut).originals) == ["⟦EMAIL_2⟧"]


def test_kinds_that_may_pass_are_left():
    assert screen("86.231.85.193 a@b.co", allowed=("IP",)).text == "86.231.85.193 ⟦EMAIL_1⟧"


def test_warning_reports_and_changes_nothing():
    screened = screen("a@b.co", actions={"input": "warn"})
    assert (screened.text, screened.verdict.action, screened.verdict.reason) == ("a@b.co", "warn", "1 found (EMAIL 1)")


def test_where_prompts_are_sent_as_they_are_nothing_is_restored():
    asked = request(("user", "a@b.co"))
    assert guard(actions={"input": "warn"}).pseudonyms(asked).originals == {}


def test_standard_policy_leaves_passages_and_answers_and_says_what_is_in_them():
    for stage in ("retrieved", "output"):
        screened = screen("a@b.co", stage=stage)
        assert (screened.text, screened.verdict.action) == ("a@b.co", "allow")
        assert [span.kind for span in screened.verdict.spans] == ["EMAIL"]


def test_strict_answers_go_on_with_the_numbers_of_the_request():
    asked = request(("user", "a@b.co"))
    strict = guard(actions=PiiGuard.strict)
    screened = strict.screen("A@b.co, ⟦EMAIL_2⟧ and new@b.co", stage="output", request=asked)
    assert screened.text == "⟦EMAIL_1⟧, ⟦EMAIL_2⟧ and ⟦EMAIL_3⟧"
    assert strict.pseudonyms(asked).restore(screened.text) == "a@b.co, ⟦EMAIL_2⟧ and ⟦EMAIL_3⟧"


def test_blocked_answer_stops_before_what_was_found():
    stream = guard(actions={"output": "block"}).open(request(("user", "x")))
    shown = stream.feed("Fine. Mail a@b.co now.\nMore.\n")
    last = stream.finish()
    assert (shown, last.text, last.verdict.action) == ("Fine. ", "", "block")


def test_names_are_looked_for_in_prompts_only():
    assert screen("Jane and Bob, a@b.co", names=names).text == "⟦PERSON_1⟧ and ⟦PERSON_2⟧, ⟦EMAIL_1⟧"
    assert screen("Jane", stage="output", names=names, actions=PiiGuard.strict).text == "Jane"


VALUES = st.one_of(
    st.from_regex(r"[a-z]{1,8}[.+]?[a-z0-9]{1,8}@[a-z]{1,8}\.(?:org|co\.uk|de)", fullmatch=True),
    st.from_regex(r"\([2-9][0-9]{2}\) [2-9][0-9]{2}-[0-9]{4}", fullmatch=True),
    st.from_regex(r"\+49 1[5-7][0-9] [0-9]{7}", fullmatch=True),
    st.from_regex(r"[1-8][0-9]{2}-[1-9][0-9]-[1-9][0-9]{3}", fullmatch=True),
    st.sampled_from(["4111 1111 1111 1111", "DE89370400440532013000", "86.231.85.193", "aa:bb:cc:dd:ee:f0"]),
)
WORDS = st.sampled_from(
    ["Phone:", "and", "12", "2024-01-15", "⟦EMAIL_1⟧", "[PHONE_1]", "call", ".", "**x**", "{{ y }}", "\n"]
)


@given(st.lists(VALUES | WORDS, max_size=12).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_replaced_text_is_restored_exactly(text):
    asked = request(("user", text))
    screened = guard().screen(text, stage="input", request=asked)
    assert guard().pseudonyms(asked).restore(screened.text) == text
    again = guard().screen(screened.text, stage="input", request=asked)
    assert (again.text, again.verdict.spans) == (screened.text, ())
    cached = request(("user", screened.text))
    assert guard().screen(screened.text, stage="input", request=cached).text == screened.text


@given(st.lists(VALUES | WORDS, max_size=8).map(" ".join), st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=300, deadline=None)
def test_streamed_answer_is_the_whole_answer(text, cuts):
    asked = request(("user", "jane@example.org"))
    strict = guard(actions=PiiGuard.strict)
    whole = strict.screen(text, stage="output", request=asked)
    stream = strict.open(asked)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    shown = "".join(stream.feed(text[start:end]) for start, end in pairwise(edges))
    last = stream.finish()
    assert (shown + last.text, last.verdict) == (whole.text, whole.verdict)


@given(st.text(st.sampled_from("ab.A \n!,"), max_size=40).map(lambda text: text * 90), st.integers(1, 5000))
@settings(max_examples=60, deadline=None)
def test_segments_do_not_depend_on_the_pieces_and_are_bounded(text, size):
    whole, pieces = Segments(), Segments()
    expected = [*whole.feed(text), whole.finish()]
    given = [segment for at in range(0, len(text), size) for segment in pieces.feed(text[at : at + size])]
    assert [*given, pieces.finish()] == expected
    assert "".join(expected) == text
    assert max(map(len, expected)) <= MAX_CHARS


@pytest.mark.parametrize("text", ["One.'    Two. a", 'He said "no."  Then x', "a.     B. C", "x.\ny"])
def test_segments_end_where_sentences_do_however_they_come(text):
    whole, pieces = Segments(), Segments()
    expected = [*whole.feed(text), whole.finish()]
    assert len(expected) > 1
    assert [*(segment for char in text for segment in pieces.feed(char)), pieces.finish()] == expected


def test_the_map_of_an_old_request_is_made_again():
    asked = [request(("user", f"a{number}@b.co")) for number in range(30)]
    one = guard()
    maps = [dict(one.pseudonyms(each).originals) for each in asked]
    assert [dict(one.pseudonyms(each).originals) for each in asked] == maps


@given(
    st.lists(
        st.sampled_from(["⟦EMAIL_1⟧", "a@b.co", "jane@example.org", "86.231.85.193", " ", "x", "⟦", "\n"]), max_size=30
    )
)
def test_places_that_are_found_in_an_edited_text_are_those_of_the_text_as_it_came(parts):
    text = "".join(parts)
    verdict = screen(text).verdict
    assert list(verdict.spans) == sorted(verdict.spans, key=lambda span: span.start)
    for span in verdict.spans:
        assert "⟦" not in text[span.start : span.end]
        assert ("@" in text[span.start : span.end]) == (span.kind == "EMAIL")
