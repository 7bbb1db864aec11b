from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import BadResponse
from nbkit.http.lines import LineSplitter
from nbkit.http.sse import Event, EventParser

LINE = st.one_of(
    st.sampled_from(["", "data", "data:", "data: [DONE]", ": note", "event: ping", "event:x", "id: 1", "x"]),
    st.text(st.characters(blacklist_characters="\r\n", codec="utf-8"), max_size=12).map("data: ".__add__),
)
STREAM = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n", "\r"])), max_size=30)


def parse(pieces, **options):
    parser = EventParser(**options)
    return [event for piece in pieces for event in parser.feed(piece)] + parser.finish()


@given(stream=STREAM, has_bom=st.booleans(), cuts=st.lists(st.integers(0, 400), max_size=20))
def test_any_split_gives_the_same_events(stream, has_bom, cuts):
    block = b"\xef\xbb\xbf" * has_bom + "".join(line + end for line, end in stream).encode()
    places = sorted({0, len(block), *(cut for cut in cuts if cut < len(block))})
    pieces = [block[start:end] for start, end in itertools.pairwise(places)]
    whole = parse([block])
    assert parse(pieces) == whole
    assert parse([block[place : place + 1] for place in range(len(block))]) == whole


@given(texts=st.lists(st.text(st.characters(blacklist_characters="\r", codec="utf-8"), min_size=1), max_size=8))
def test_what_was_framed_is_what_is_parsed(texts):
    block = "".join("".join(f"data: {line}\n" for line in text.split("\n")) + "\n" for text in texts)
    assert [event.data for event in parse([block.encode()])] == texts


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [Event("message", "YHOO\n+2\n10")]),
        (b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
         [Event("message", "first event"), Event("message", "second event"), Event("message", " third event")]),
        (b"data\n\ndata\ndata\n\n", [Event("message", ""), Event("message", "\n")]),
        (b"event: a\n\ndata: 1\n\n", [Event("message", "1")]),
        (b"event: a\ndata: 1\n\ndata: 2\n\n", [Event("a", "1"), Event("message", "2")]),
        (b"datax: 1\n data: 2\n\n", []),
        (b"data: 1", [Event("message", "1")]),
        (b"", []),
    ],
)  # fmt: skip
def test_examples_of_the_standard(block, expected):
    assert parse([block]) == expected


def test_split_utf8_is_joined_before_it_is_decoded():
    block = "data: 🎈é\n\n".encode()
    assert parse([block[:7], block[7:9], block[9:]]) == [Event("message", "🎈é")]


def test_bytes_that_are_no_utf8_become_marks():
    assert parse([b"data: \xff\n\n"]) == [Event("message", "\N{REPLACEMENT CHARACTER}")]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * 200],
        [b"data: " + b"x" * 200 + b"\n\n"],
        [b"data: x\n"] * 30,
        [b"data: "] + [b"x"] * 200,
    ],
)
def test_line_or_event_beyond_the_limit_is_refused(pieces):
    with pytest.raises(BadResponse, match="too long"):
        parse(pieces, max_line_bytes=100)


def test_many_short_lines_in_one_piece_are_no_long_line():
    assert len(parse([b"data: x\n\n" * 500], max_line_bytes=100)) == 500


@given(st.binary(max_size=200), st.integers(1, 7))
def test_lines_are_those_of_the_block_in_one_piece(block, size):
    splitter = LineSplitter()
    lines = [line for at in range(0, len(block), size) for line in splitter.feed(block[at : at + size])]
    ended = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert lines + splitter.finish() == ended[:-1] + ([ended[-1]] if ended[-1] else [])
