from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from nbkit.canonical import from_plain, request_key, sha256, to_plain
from nbkit.recorded import Record
from nbkit.testing import factories


def test_the_same_call_makes_the_same_record():
    assert factories.record(3) == factories.record(3)
    assert factories.record(3).id != factories.record(4).id


@given(st.text(min_size=1), st.floats(0, 2), st.integers(0, 9))
def test_a_records_hashes_follow_its_request(prompt, temperature, sample):
    asked = factories.request(prompt, temperature=temperature, sample=sample)
    made = factories.record(request=asked)
    assert made.request_sha256 == made.cache.key == request_key(asked)
    assert (made.prompt_sha256, made.prompt_chars) == (sha256(prompt), len(prompt))


def test_a_record_survives_json():
    made = factories.record(2, tag="x")
    assert from_plain(Record, json.loads(json.dumps(to_plain(made)))) == made


def test_a_blocked_record_needs_no_request():
    assert factories.record(request=None, status="blocked").request_sha256 is None


def test_an_outcome_carries_its_error():
    error = ValueError()
    assert factories.outcome(error=error).error is error


def test_the_clock_stands_still_until_it_is_moved():
    clock = factories.Clock()
    assert clock() == clock() == factories.START
    clock.advance(1.5)
    assert (clock() - factories.START).total_seconds() == 1.5
