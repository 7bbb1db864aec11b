from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.guards.secrets import SecretsGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.testing.contracts import GuardContract
from nbkit.types import Message, Request, Span

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


KEYS = {
    "openai-key": "sk-proj-" + "aB3dE5gH7jK9" * 6,
    "aws-access-key": "AKIAQ3EGRIPWKTZ5MXBD",
    "groq-key": "gsk_" + "Zx9Kd02mQp7RtYu4" * 3 + "WvB1",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MjEzMzcifQ.q1W2e3R4t5Y6u7I8o9P0",
    "mailchimp-key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0-us12",
}
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + ("MIIEpQIBAAKCAQEAn6O8liSX4m98LLYtPKSzEmQZBD7Loh9P13f4yQ92EF3xY\n" * 9)
    + "wQ9x=\n-----END RSA PRIVATE KEY-----"
)


def formats(actions=None, allowed=(), values=None):
    return SecretsGuard(
        GuardOptions(SecretRegistry(values or {}), actions=actions or {}, allowed_kinds=frozenset(allowed))
    )


def screen(text, *, stage="input", **options):
    return formats(**options).screen(text, stage=stage, request=REQUEST)


def pieces_of(guard, pieces):
    opened = guard.open(REQUEST)
    shown = [opened.feed(piece) for piece in pieces]
    last = opened.finish()
    return "".join(shown) + last.text, last.verdict, shown


class TestSecretsGuardContract(GuardContract):
    texts = (
        *KEYS.values(),
        PEM,
        f"OPENAI_API_KEY = '{KEYS['openai-key']}' and {VALUES['LONG_KEY']}",
        "postgresql://app:tr0ub4dor7@db/x and AccountKey=" + "Ab3/" * 21 + "Cd==;",
        'password = "S3cure!pony"',
        "[secret:openai-key] and [secret] and token=[secret:token]",
        "[secret:cohere_api_key] = " + "aB3dE5gH7j" * 4,
    )

    def guard(self):
        return guard()


class TestSecretsGuardThatBlocksAnswers(TestSecretsGuardContract):
    def guard(self):
        return formats(actions={"output": "block"}, values=VALUES)


class TestSecretsGuardThatWarns(TestSecretsGuardContract):
    def guard(self):
        return formats(actions=dict.fromkeys(("input", "retrieved", "output"), "warn"), values=VALUES)


@pytest.mark.parametrize(("kind", "key"), KEYS.items())
def test_prompt_with_the_format_of_a_key_is_blocked_and_says_where(kind, key):
    verdict = screen(f"my key: {key} !").verdict
    assert verdict.action == "block"
    assert verdict.spans == (Span(8, 8 + len(key), kind),)
    assert f"{kind} at characters 9\u2013{8 + len(key)} ({key[:4]}…, {len(key)} characters)" in verdict.reason
    assert key[:5] not in verdict.reason


def test_short_secret_is_not_even_shown_in_part():
    assert "S3c" not in screen('password = "S3cure!pony"').verdict.reason


def test_answer_and_passage_lose_the_key_and_keep_its_kind():
    text = f"use {KEYS['groq-key']}."
    assert screen(text, stage="output").text == "use [secret:groq-key]."
    assert screen(text, stage="retrieved").text == "use [secret:groq-key]."


def test_formats_follow_the_policy():
    text = f"use {KEYS['groq-key']}."
    warned = screen(text, actions={"input": "warn"})
    assert (warned.text, warned.verdict.action, len(warned.verdict.spans)) == (text, "warn", 1)
    assert screen(text, actions={"input": "redact"}).text == "use [secret:groq-key]."
    assert screen(text, actions={"input": "reask"}).verdict.action == "block"
    assert screen(text, allowed=["groq-key"]).verdict.action == "allow"


@pytest.mark.parametrize("action", ["allow", "warn", "redact"])
def test_value_in_use_is_blocked_whatever_the_policy(action):
    text = f"abababcab-abab {KEYS['groq-key']}"
    screened = screen(text, actions={"input": action}, allowed=["LONG_KEY", "secret"], values=VALUES)
    assert screened.verdict.action == "block"
    assert "abababcab-abab" not in screened.text


def test_value_in_use_that_has_an_allowed_format_is_blocked():
    values = {"GROQ_API_KEY": KEYS["groq-key"]}
    for allowed in (["groq-key"], ["GROQ_API_KEY"]):
        assert screen(KEYS["groq-key"], allowed=allowed, values=values).verdict.action == "block"


def test_value_in_use_names_the_longer_format_around_it():
    values = {"PART_TOKEN": KEYS["openai-key"][10:30]}
    screened = screen(f"a {KEYS['openai-key']} b", stage="output", values=values)
    assert screened.text == "a [secret:PART_TOKEN] b"
    assert screened.verdict.spans == (Span(2, 2 + len(KEYS["openai-key"]), "PART_TOKEN"),)


def test_value_in_use_is_removed_from_an_answer_that_may_keep_formats():
    values = {"PART_TOKEN": KEYS["openai-key"][10:30]}
    screened = screen(KEYS["openai-key"], stage="output", actions={"output": "warn"}, values=values)
    assert values["PART_TOKEN"] not in screened.text
    assert screened.verdict.action == "redact"


def test_private_key_never_shows_a_line_however_it_arrives():
    text = f"here:\n{PEM}\nkeep it safe"
    for size in (1, 3, 7, 64, 1000):
        joined, _, shown = pieces_of(formats(), [text[at : at + size] for at in range(0, len(text), size)])
        assert joined == "here:\n[secret:private-key]\nkeep it safe"
        assert not any("MII" in piece for piece in shown)


def test_private_key_that_is_cut_off_is_removed_to_its_end():
    cut = PEM[:400]
    assert screen(f"x {cut}", stage="output").text == "x [secret:private-key]"
    assert pieces_of(formats(), list(f"x {cut}"))[0] == "x [secret:private-key]"


def test_talk_of_private_keys_is_shown():
    text = "A file starts with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----, see RFC 7468."
    assert screen(text).verdict.action == "allow"
    assert pieces_of(formats(), list(text))[0] == text


def test_word_that_cannot_be_a_key_is_not_held_back():
    _, _, shown = pieces_of(formats(), ["Use ", "the ", "skill, ", "then ", "https://", "example.org/", "x ", "end."])
    assert shown[:4] == ["Use ", "the ", "skill, ", "then "]


PARTS = [
    *KEYS.values(),
    PEM,
    PEM[:200],
    "token=",
    'api_key: "',
    '"',
    "\n",
    " ",
    "sk-",
    "sk-proj-",
    "eyJ",
    "-----BEGIN",
    "-us1",
    "AKIA",
    "hf_",
    "aB3dE5gH7jK9" * 3,
    "://u:",
    "p4ss!word",
    "@host",
    "password = ",
    "[secret:x]",
    "[sec",
    "Bearer ",
    "abababcab-abab",
    "ababab",
    "deadbeef" * 4,
    "cohere_key=",
    "0123456789",
    ":AA",
    "8Q~",
    "x",
    "_",
    "-",
    "-----END RSA PRIVATE KEY-----",
    "\\n",
    "é",
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(PARTS), max_size=12),
    st.lists(st.integers(0, 1500), max_size=12),
    st.sampled_from(["redact", "warn"]),
)
def test_any_split_gives_the_whole_texts_answer(parts, cuts, action):
    text = "".join(parts)
    edges = [0, *sorted(cut for cut in cuts if cut <= len(text)), len(text)]
    guard = formats(actions={"output": action}, values=VALUES)
    whole = guard.screen(text, stage="output", request=REQUEST)
    joined, verdict, _ = pieces_of(guard, [text[a:b] for a, b in pairwise(edges)])
    assert (joined, verdict) == (whole.text, whole.verdict)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_redacted_text_passes_unchanged(parts):
    once = screen("".join(parts), stage="output", values=VALUES).text
    assert screen(once, stage="output", values=VALUES).text == once


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_key_in_a_dump_is_found_wherever_it_is_split(cut):
    secret = "wJalrXUtnFEMI/K7MDENGbPxRfiCYzB0q1w2e3r4"
    text = f'{{"source": ["import os\\n{KEYS["openai-key"]}\\n", "AWS_SECRET_ACCESS_KEY={secret}"]}}'
    whole = screen(text, stage="output").text
    assert "aB3d" not in whole
    assert "wJalr" not in whole
    assert pieces_of(formats(), [text[:cut], text[cut:]])[0] == whole
