"""Values as JSON and back: nothing is lost, and one value has one text."""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbkit.types
from nbkit.cache.entries import LAST_MOMENT, decode, encode
from nbkit.canonical import canonical_json, from_plain, sha256, to_plain
from nbkit.recorded import Outcome
from nbkit.types import CacheEntry, JsonValue, Request, Span

TEXTS = st.text(st.characters())
# Negative zero is kept as zero: the two are equal, so they must hash alike.
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)


def _sorted(table: dict[str, object]) -> dict[str, object]:
    """The order that canonical text has, so that values can be compared by what they print."""
    return dict(sorted(table.items()))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3).map(_sorted),
    max_leaves=8,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-9))])
SIMPLE = {
    str: TEXTS,
    float: NUMBERS,
    int: st.integers(),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    # Zones of a fixed offset have no hour that comes twice.
    datetime: st.datetimes(timezones=ZONES).map(lambda moment: moment.replace(fold=0)),
    type(None): st.none(),
}

# An outcome holds an exception, which is not data; every other dataclass of the module is.
TYPES = [
    kind
    for _, kind in inspect.getmembers(nbkit.types, dataclasses.is_dataclass)
    if kind.__module__ == "nbkit.types" and kind is not Outcome
]


def values(kind: object) -> st.SearchStrategy[object]:  # noqa: PLR0911 - one for each form a type has
    """Any value of a type that a field of `nbkit.types` has. Hypothesis' own table of types is one for all tests."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    arguments = typing.get_args(kind)
    if any(typing.get_origin(argument) is dict for argument in arguments):
        return JSON
    if typing.get_origin(kind) is typing.Literal:
        return st.sampled_from(arguments)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return st.one_of(map(values, arguments))
    if typing.get_origin(kind) is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if typing.get_origin(kind) is tuple:
        return st.tuples(*map(values, arguments))
    assert dataclasses.is_dataclass(kind)
    return st.builds(kind, **{name: values(hint) for name, hint in typing.get_type_hints(kind).items()})


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_value_comes_back_equal_and_of_the_same_types(kind, data):
    value = data.draw(values(kind))
    back = from_plain(kind, json.loads(canonical_json(value)))
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_fields_of_a_newer_version_are_ignored(kind, data):
    value = data.draw(values(kind))
    assert from_plain(kind, {**to_plain(value), "a field of tomorrow": [1]}) == value


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), junk=JSON)
def test_anything_else_is_a_value_error_or_a_value(kind, data, junk):
    plain = to_plain(data.draw(values(kind)))
    name = data.draw(st.sampled_from(sorted(plain)))
    for candidate in (junk, {**plain, name: junk}):
        try:
            found = from_plain(kind, candidate)
        except ValueError:
            continue
        assert isinstance(found, kind)


@given(JSON)
def test_canonical_text_is_ascii_and_reads_back_equal(value):
    text = canonical_json(value)
    assert text.isascii()
    assert json.loads(text) == value


@given(st.dictionaries(TEXTS, JSON, max_size=5), st.randoms(use_true_random=False))
def test_order_of_keys_does_not_matter(value, rng):
    names = list(value)
    rng.shuffle(names)
    assert canonical_json({name: value[name] for name in names}) == canonical_json(value)


@given(JSON)
def test_canonical_text_of_what_was_read_is_the_same_text(value):
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), -float("inf"), b"bytes", {1: 2}, {"a": {1}}, object(), Span],
    ids=lambda value: type(value).__name__,
)
def test_what_json_has_no_form_for_is_refused(value):
    with pytest.raises(TypeError):
        to_plain(value)


@given(TEXTS)
def test_any_text_has_a_hash(text):
    assert len(sha256(text)) == 64


@settings(max_examples=50, deadline=None)
@given(values(CacheEntry), values(Request), st.none() | st.floats(0, LAST_MOMENT))
def test_cached_entry_comes_back_equal(entry, request, expires_at):
    kept = decode("key", encode("key", entry, request=request, expires_at=expires_at))
    assert kept is not None
    assert (kept.entry, kept.expires_at) == (entry, expires_at)


@settings(max_examples=50, deadline=None)
@given(values(CacheEntry), values(Request), st.text(min_size=1), JSON)
def test_entry_of_another_key_or_of_none_is_a_miss(entry, request, key, junk):
    stored = encode(key, entry, request=request, expires_at=None)
    assert decode(key + "x", stored) is None
    assert decode(key, canonical_json(junk).encode()) is None


def test_json_values_are_what_a_record_may_hold() -> None:
    example: JsonValue = {"a": [1, 2.5, None, True, "x"]}
    assert to_plain(example) == example
