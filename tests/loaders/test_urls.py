"""URLs as an index names them: nothing that could be a token stands in one, and none is taken for another."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbkit.errors import BadSetting
from nbkit.loaders.urls import address, is_url, name_in, refuse_urls, source_of

KEY = b"the index's own key"
LABELS = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8"), max_size=30)
TOKENS = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda one: one.hex),
    st.binary(min_size=16, max_size=40).map(lambda one: one.hex().upper()),
    st.integers(10**10, 10**30).map(str),
    st.integers().map(lambda seed: base64.urlsafe_b64encode(random.Random(seed).randbytes(24)).decode().rstrip("=")),
    st.integers().map(lambda seed: base64.b32encode(random.Random(seed).randbytes(20)).decode()),
)
REAL = [
    "8f14e45fceea167a",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N",
    "XXXXX-7K4QM-9P2RT-V8WNB",
    "abcdefghijklmnopqrstuvwx",
    "c2VjcmV0LXBhc3M%3D",
    "4111+1111+1111+1111",
]


def spelled(value):
    return "".join(f"%{byte:02X}" for byte in value.encode())


def url_of(*pairs):
    return address("https://a.org/list?" + "&".join(f"{name}={spelled(value)}" for name, value in pairs))


@pytest.mark.parametrize(
    "given", ["https://a.org/b", "HTTP://a.org", " https://a.org", "file:///etc/passwd", "s3://b/k"]
)
def test_what_has_a_scheme_is_a_url(given):
    assert is_url(given)


@pytest.mark.parametrize(
    "given", ["docs/a.md", "/etc/hosts", r"C:\docs", "C:/docs", "C://docs", "a:b", "", Path("c/d:")]
)
def test_paths_are_no_urls(given):
    assert not is_url(given)


def test_a_url_that_became_a_path_is_still_one():
    assert is_url(Path("https://a.org/b?c=d"))
    assert address(Path("https://a.org/b?c=d")) == "https://a.org/b?c=d"


def test_urls_are_refused_unless_the_call_allows_them():
    with pytest.raises(BadSetting, match="not fetched unasked") as caught:
        refuse_urls(["docs", "https://a.org/?token=abc"], is_allowed=False)
    assert "--allow-url" in caught.value.fix
    assert "allow_urls=True" in caught.value.fix
    assert "abc" not in str(caught.value)
    refuse_urls(["docs"], is_allowed=False)
    refuse_urls(["https://a.org"], is_allowed=True)


@given(st.one_of(st.text(), st.text().map("https://{}".format), st.text().map("https://a.org/{}".format)))
@example("https:////x")
@example("https://a/\ud800?\udfff=1")
@example("https://[::1]:443/a b")
@example("https://user:p@ss@Bücher.example:8443/ä?ö#ü")
@example("foo:///x")
@example("https://a.org:x/")
@example("https://[")
def test_any_text_has_one_address_and_it_is_its_own(text):
    once = address(text)
    assert address(once) == once
    assert source_of(once, key=KEY).encode("utf-8", "strict") or not once


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("HTTPS://A.ORG:443", "https://a.org/"),
        ("https://a.org:8443/b#part", "https://a.org:8443/b"),
        ("https://a.org/ä b?q=ö ü", "https://a.org/%C3%A4%20b?q=%C3%B6%20%C3%BC"),
        ("https://a.org/%C3%A4%20b", "https://a.org/%C3%A4%20b"),
        ("https://Bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        (" https://a.org/b\n", "https://a.org/b"),
    ],
)
def test_spellings_of_one_url_are_one_address(given, wanted):
    assert address(given) == wanted


def test_a_url_without_a_host_is_not_made_into_one_with_a_host():
    assert address("https:////evil.example/x") == "https:////evil.example/x"


@given(LABELS, TOKENS)
@example("page", REAL[0])
def test_no_token_is_in_a_source_whatever_it_is_called(name, token):
    for url in (url_of((name, token)), url_of(("page", "2"), (name, token)), address(f"https://a.org/x?{token}")):
        shown = source_of(url, key=KEY)
        assert token not in shown
        assert spelled(token) not in shown
        assert "…" in shown


@pytest.mark.parametrize("token", REAL)
def test_tokens_as_services_write_them_are_not_in_a_source(token):
    assert token not in source_of(address(f"https://a.org/x?v={token}&page=2"), key=KEY)


@pytest.mark.parametrize(
    "name",
    ["token", "api_key", "apikey", "access_token", "password", "X-Amz-Signature", "code", "sid", "%74oken", "PIN"],
)
def test_a_word_under_the_name_of_a_credential_is_not_in_a_source(name):
    assert "hunter" not in source_of(address(f"https://a.org/x?page=2&{name}=hunter"), key=KEY)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.org/x?a=1;token=hunter;b=2",
        "https://a.org/x?next=%2Fin%3Ftoken%3Dhunter",
        "https://a.org/x;token=hunter/y",
        "https://reader:hunter@a.org/x",
        "https://hunter@a.org/x",
        "https:////a.org/x?token=hunter",
        "https://a.org:x/?token=hunter",
        "https://a.org/x#token=hunter",
        "https://a.org/x?%3Dhunter%3D8f14e45fceea167a",
    ],
)
def test_a_token_within_something_else_is_not_in_a_source(url):
    for asked in (url, address(url)):
        assert "hunter" not in source_of(asked, key=KEY)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.org/docs/care.md",
        "https://a.org/list?page=2&lang=en-GB&since=2024-05-20",
        "https://a.org/x?q=spare+parts&v=v2&flag&empty=",
        "https://a.org/v1;version=2/x",
    ],
)
def test_words_numbers_and_dates_are_shown_as_they_are(url):
    assert source_of(url, key=KEY) == url


@given(st.lists(st.tuples(LABELS, VALUES), min_size=1, max_size=4), st.data())
def test_urls_that_differ_in_one_value_differ_and_the_same_url_does_not(pairs, data):
    place = data.draw(st.integers(0, len(pairs) - 1))
    other = [*pairs]
    other[place] = (pairs[place][0], data.draw(VALUES))
    first, second = url_of(*pairs), url_of(*other)
    assert source_of(first, key=KEY) == source_of(first, key=KEY)
    assert (source_of(first, key=KEY) == source_of(second, key=KEY)) == (first == second)


def test_a_digest_says_nothing_without_the_key():
    url = "https://a.org/x?token=1234"
    assert source_of(url, key=b"one") != source_of(url, key=b"two")


@given(st.text())
def test_the_source_of_a_source_is_a_url_too(text):
    assert is_url(source_of(address(f"https://a.org/{text}"), key=KEY))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a.org/docs/care.md?page=2", "care.md"),
        ("https://a.org/docs/care%20plan.pdf", "care plan.pdf"),
        ("https://a.org/guide/first-steps/", "first-steps"),
        ("https://a.org/", ""),
        ("https://a.org?page=2", ""),
        ("https://[", ""),
    ],
)
def test_the_name_in_a_url_is_the_end_of_its_path(url, name):
    assert name_in(url) == name
