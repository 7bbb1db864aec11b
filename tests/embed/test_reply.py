"""Vectors from what a service answered, or what is wrong with it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nbkit import errors
from nbkit.embed.reply import read_vectors
from nbkit.http.body import Reply
from nbkit.http.faults import Peer
from nbkit.http.private import Private

PEER = Peer(
    "openai",
    "http://127.0.0.1:1",
    "m-1",
    ("OPENAI_API_KEY",),
    Private(key="sk-very-secret-0123456789", texts=["a text"]),
)


def read(plain, *, count=2, dimensions=None):
    body = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    return read_vectors(
        Reply(200, {"content-type": "application/json"}, body), PEER, count=count, dimensions=dimensions
    )


def rows(*vectors):
    return {"data": [{"index": place, "embedding": one} for place, one in enumerate(vectors)]}


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"[" * 100_000,
        b"null",
        {"data": "x"},
        {"data": [1, 2]},
        rows([1.0, 2.0]),
        rows([1.0], [1.0], [1.0]),
        rows([1.0, 2.0], [1.0]),
        rows([], []),
        rows([1.0, None], [1.0, 2.0]),
        rows([1.0, "x"], [1.0, 2.0]),
        rows([1.0, [2.0]], [1.0, 2.0]),
        rows([[1.0], [2.0]], [[1.0], [2.0]]),
        rows([1.0, 10**400], [1.0, 2.0]),
        rows([0.0, 0.0], [1.0, 2.0]),
        b'{"data": [{"embedding": [NaN]}, {"embedding": [1]}]}',
        b'{"data": [{"embedding": [1e999]}, {"embedding": [1]}]}',
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [2.0]}]},
        {"data": [{"index": 1, "embedding": [1.0]}, {"index": 2, "embedding": [2.0]}]},
        {"data": [{"index": "0", "embedding": [1.0]}, {"index": 1, "embedding": [2.0]}]},
    ],
)
def test_an_answer_that_is_not_the_vectors_asked_for_is_refused(plain):
    with pytest.raises(errors.BadResponse):
        read(plain)


def test_vectors_of_another_length_than_before_are_refused():
    with pytest.raises(errors.BadResponse, match="earlier ones had 3"):
        read(rows([1.0, 2.0], [1.0, 2.0]), dimensions=3)


def test_rows_without_an_index_are_in_order_and_large_numbers_are_scaled():
    found = read({"data": [{"embedding": [3e30, 4e30]}, {"embedding": [0, 1e-30]}]})
    assert np.allclose(found.rows, [[0.6, 0.8], [0, 1]])
    assert found.tokens is None


def test_a_complaint_with_status_200_is_what_it_says():
    with pytest.raises(errors.RequestRefused):
        read({"error": {"message": "no such model", "code": "model_not_found", "type": "invalid_request_error"}})


@pytest.mark.parametrize(("usage", "tokens"), [({"prompt_tokens": 5}, 5), ({"total_tokens": 7}, 7), ({}, None)])
def test_tokens_are_counted_as_the_service_does(usage, tokens):
    assert read(rows([1.0], [1.0]) | {"usage": usage}).tokens == tokens


def test_the_model_that_answered_is_the_one_the_service_names():
    assert read(rows([1.0], [1.0]) | {"model": "m-1-2024"}).model == "m-1-2024"
    assert read(rows([1.0], [1.0]) | {"model": "m" * 999}).model == "m" * 200
    assert [read(rows([1.0], [1.0]) | {"model": other}).model for other in ("", 3, None)] == [None] * 3
