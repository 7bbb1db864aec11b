"""The file of vectors beside a notebook: what was put in comes out, and anything else is three lines."""

from __future__ import annotations

import hashlib
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nbkit.errors import NotebookError
from nbkit.testing.vectors import Vectors, beside, key_of, packed, read, rounded, unpacked

WORDS = st.dictionaries(st.text(max_size=9), st.lists(st.integers(0, 99), max_size=4).map(tuple), max_size=6)


@st.composite
def vectors(draw):
    dimensions = draw(st.integers(1, 5))
    values = arrays.arrays(np.float32, (draw(st.integers(0, 6)), dimensions), elements=st.floats(-1, 1, width=32))
    rows = {key_of(str(number), is_query=False): row for number, row in enumerate(rounded(draw(values)))}
    return Vectors("e" * 64, dimensions, draw(st.integers(1, 512)), rows, draw(WORDS))


def kept():
    rows = {key_of(text, is_query=False): rounded(np.full(3, 0.57735, np.float32)) for text in ("rain", "seal")}
    return Vectors("e" * 64, 3, 254, rows, {"rain": (0,), "seals": (0, 4)})


def sealed(body):
    return body + hashlib.sha256(body).digest()


def with_header(**changes):
    magic, line, rest = packed(kept())[:-32].split(b"\n", 2)
    header = {**json.loads(line), **changes}
    return sealed(b"\n".join((magic, json.dumps(header).encode(), rest)))


def refused(content):
    with pytest.raises(NotebookError) as raised:
        unpacked(content, name="run.vectors")
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert "run.vectors" in lines[0]
    assert "pytest -m live --update-notebooks" in lines[2]
    return lines[1]


@given(vectors())
def test_what_was_packed_is_unpacked_bit_for_bit(made):
    found = unpacked(packed(made), name="x")
    assert (found.embedder_id, found.dimensions, found.max_tokens) == (
        made.embedder_id,
        made.dimensions,
        made.max_tokens,
    )
    assert found.starts == made.starts
    assert found.rows.keys() == made.rows.keys()
    assert all(
        np.array_equal(found.rows[key], row) and found.rows[key].dtype == np.float32 for key, row in made.rows.items()
    )


@given(vectors())
def test_same_vectors_are_the_same_bytes_whatever_order_they_came_in(made):
    backwards = Vectors(
        made.embedder_id,
        made.dimensions,
        made.max_tokens,
        dict(reversed(made.rows.items())),
        dict(reversed(made.starts.items())),
    )
    assert packed(backwards) == packed(made)


@given(arrays.arrays(np.float32, 8, elements=st.floats(-1, 1, width=32)))
def test_rounding_keeps_three_digits_and_changes_nothing_the_second_time(vector):
    once = rounded(vector)
    assert np.array_equal(rounded(once), once)
    assert np.allclose(once, vector, rtol=2**-11, atol=2**-24)


@given(st.data())
def test_file_that_is_cut_off_is_three_lines(data):
    content = packed(kept())
    refused(content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.data())
def test_file_with_a_changed_bit_is_three_lines(data):
    content = bytearray(packed(kept()))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    refused(bytes(content))


@pytest.mark.parametrize("version", [b"2", b"10", b"", b"\xff"])
def test_other_version_is_named(version):
    _, rest = packed(kept())[:-32].split(b"\n", 1)
    why = refused(sealed(b"nbkit vectors " + version + b"\n" + rest))
    assert f"version {version.decode('ascii', 'replace')!r}" in why
    assert "reads version 1" in why


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 3}, {"rows": 1}, {"rows": -1}, {"rows": "many"}, {"rows": None}, {"dimensions": 2}, {"dimensions": -3},
        {"starts_bytes": 0}, {"starts_bytes": 5}, {"starts_bytes": 1 << 40}, {"starts_bytes": -1},
    ],
)  # fmt: skip
def test_header_that_does_not_fit_what_follows_is_three_lines(changes):
    refused(with_header(**changes))


@pytest.mark.parametrize("starts", [b"[]", b"{", b'{"a": 1}', b'{"a": ["b"]}', b"\xff"])
def test_words_that_are_none_are_three_lines(starts):
    magic, line, _ = packed(Vectors("e", 3, 254))[:-32].split(b"\n", 2)
    header = {**json.loads(line), "starts_bytes": len(starts)}
    refused(sealed(b"\n".join((magic, json.dumps(header).encode(), zlib.compress(starts)))))


def test_small_file_does_not_unpack_to_a_large_one():
    magic, line, _ = packed(Vectors("e", 3, 254))[:-32].split(b"\n", 2)
    bomb = zlib.compress(b" " * (1 << 27), 9)
    header = {**json.loads(line), "starts_bytes": 2}
    assert "not 2 bytes" in refused(sealed(b"\n".join((magic, json.dumps(header).encode(), bomb))))
    for starts_bytes in (1 << 27, -1):
        header["starts_bytes"] = starts_bytes
        assert "impossible" in refused(sealed(b"\n".join((magic, json.dumps(header).encode(), bomb))))


def test_file_that_is_not_there_is_three_lines(tmp_path):
    with pytest.raises(NotebookError, match=r"run\.vectors") as raised:
        read(beside(tmp_path / "run.ipynb"))
    assert len(str(raised.value).splitlines()) == 3


def test_question_and_text_of_the_same_words_are_two():
    assert key_of("rain", is_query=True) != key_of("rain", is_query=False)
