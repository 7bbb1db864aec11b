"""How lines begin, read piece by piece."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards.lines import blank_lines, read_start

STARTS = st.text(st.sampled_from(" \t\n-+*>1234567890.)`~[:a\u00a0"), max_size=24)


@given(STARTS)
def test_only_the_last_of_blank_lines_is_left(text):
    blank = re.match(r"(?: *\n)*", text)
    assert blank is not None
    last = blank_lines(text, 0)
    assert 0 <= last <= blank.end()
    assert not blank.end() or (text[last : blank.end()].strip(" ") == "\n")


@given(STARTS)
def test_what_is_told_of_a_part_is_what_is_told_of_the_whole(text):
    whole = read_start(text, 0, is_last=True)
    told = [start for end in range(len(text) + 1) if (start := read_start(text[:end], 0, is_last=False))]
    assert all(start == whole for start in told)
