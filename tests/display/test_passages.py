"""A passage shown whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.display.passages import passage_html, shortened
from nbkit.escape import escape


@given(st.text(st.sampled_from("|-: \\nab<&\\\\*"), max_size=120))
def test_every_sign_is_there_and_none_acts(text):
    html = passage_html(text)
    assert not re.search(r"<(?!/?(pre|table|thead|tbody|tr|th|td)[ >])", html)
    plain = re.sub(r"<[^>]*>", "", html)
    signs = re.compile(r"[ab]")
    assert signs.findall(re.sub(r"&\w+;", "", plain)) == signs.findall(re.sub(r"&\w+;", "", escape(text)))


@pytest.mark.parametrize("text", ["| a | b |", "| a | b |\n| 1 | 2 |", "a | b\nc"])
def test_what_has_no_line_under_its_header_is_no_table(text):
    assert "<table" not in passage_html(text)


def test_text_around_a_table_is_around_it():
    html = passage_html("before\n| a |\n|---|\n| 1 |\nafter")
    assert re.fullmatch(r"<pre[^>]*>before</pre><table.*</table><pre[^>]*>after</pre>", html)


def test_long_text_ends_after_a_line():
    assert shortened("a line\n" * 1000, most_chars=100).endswith("a line\n…")
    assert len(shortened("a line\n" * 1000, most_chars=100)) <= 100
    assert shortened("x" * 200, most_chars=100) == "x" * 98 + " …"
