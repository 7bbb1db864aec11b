from __future__ import annotations

import html
import json
import re

import mistune
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.display.answer import answer_bundle, answers_bundle, streaming_html
from nbkit.display.error import error_bundle
from nbkit.display.markdown import closed, fence, linked, literal, table, table_rows, unfenced
from nbkit.errors import Blocked
from nbkit.escape import clean

HOSTILE = "</pre></code>```\n<script>alert(1)</script> ![x](http://evil.test/p) [y](javascript:1) <img src=x onerror=1>"
PIECES = ["```", "````", "~~~", "`", "\n", "\n\n", " ", "    ", "a", "- ", "> ", "1. ", *"|<>[]()!*_\\$&#=-+~:.@/"]
LINES = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)


def rendered(markdown: str) -> str:
    return str(mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])(markdown))


@pytest.mark.parametrize("form", ["text", "code", "json"])
def test_text_that_no_guard_made_inert_reaches_no_markdown(form):
    bundle = answer_bundle(HOSTILE, form)
    page = rendered(bundle["text/markdown"]) if "text/markdown" in bundle else bundle["text/html"]
    assert not re.search(r"<(script|img|a)\b", page)


@given(LINES)
def test_code_block_cannot_be_ended_by_its_text(text):
    page = rendered(fence(text))
    assert re.fullmatch(r"<pre><code>.*</code></pre>\n", page, re.DOTALL)
    assert page.count("<") == 4


@given(LINES)
def test_literal_text_is_read_back_as_it_is(text):
    page = rendered("x" + literal(text))
    assert html.unescape(page.strip().removeprefix("<p>").removesuffix("</p>")) == "x" + " ".join(text.split())


@given(LINES)
def test_what_follows_an_answer_is_never_inside_its_code(text):
    assert "<em>end</em>" in rendered(closed(text).rstrip() + "\n\n\n\n*end*")


def test_json_is_indented_in_a_code_block_and_kept_as_text_beside_it():
    bundle = answer_bundle('{"a":1}', "json")
    assert bundle == {"text/markdown": '```json\n{\n  "a": 1\n}\n```', "text/plain": '{"a":1}'}


def test_json_that_cannot_be_read_is_shown_as_it_is():
    assert answer_bundle("{oops", "json")["text/markdown"] == "```\n{oops\n```"


def test_code_is_taken_out_of_its_block_and_put_into_a_safe_one():
    bundle = answer_bundle("Sure:\n```python\nx = 1\n```\nEnjoy!", "code")
    assert bundle["text/markdown"] == "```python\nx = 1\n```"


def test_table_in_a_code_block_is_drawn_with_its_cells_as_plain_text():
    drawn = answer_bundle("```\n| a | <i>b |\n|---|---|\n| ![](http://evil.test) | 2 |\n```", "table")["text/markdown"]
    page = rendered(drawn)
    assert page.count("<td") == 2
    assert not re.search(r"<(img|a|i)\b", page)


def test_table_that_is_none_falls_back_to_markdown():
    assert answer_bundle("no *table*", "table")["text/markdown"] == "no *table*"


def test_samples_are_numbered_in_every_form():
    for form in ("md", "text", "json", "code", "table"):
        for content in answers_bundle(["one", "two"], form).values():
            assert content.index("Sample 1") < content.index("one") < content.index("Sample 2") < content.index("two")


def test_partial_answer_ends_with_a_line_that_says_so():
    bundle = answers_bundle(["```python\nx ="], "md", ending="Interrupted here.")
    assert bundle["text/markdown"] == "```python\nx =\n```\n\n*Interrupted here.*"
    assert bundle["text/plain"].endswith("\n\nInterrupted here.")


def test_control_characters_never_reach_an_output():
    for form in ("md", "text", "json", "code", "table"):
        for content in answer_bundle("a\x1b[31m\u202eb\ud800", form).values():
            assert content == clean(content)


def test_streamed_text_is_escaped_and_says_what_is_hidden():
    assert streaming_html("<b>", hidden_chars=1200).endswith("… 1,200 characters above …\n&lt;b&gt;</div>")


@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), min_size=1, max_size=4))
def test_table_of_plain_text_has_the_cells_it_was_made_of(rows):
    page = rendered(table([["a", "b"], *rows]))
    cells = [html.unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", page, re.DOTALL)]
    assert [" ".join(cell.split()) for cell in cells] == [" ".join(cell.split()) for row in rows for cell in row]


def test_table_rows_are_of_one_length():
    assert table_rows("x\n\na | b\n- | -\n1\n") == [["a", "b"]]
    assert table_rows("|a|b|\n|-|-|\n|1|\n|1|2|3|") == [["a", "b"], ["1", ""], ["1", "2"]]
    assert table_rows("no table") is None


def test_block_that_is_not_closed_is_no_block():
    assert unfenced("```python\nx") is None


def test_error_is_drawn_as_three_lines_that_hold_no_markup():
    bundle = error_bundle(Blocked(what="<b>no</b>", why="a\x1b[31mb", fix="c" * 5000))
    assert bundle["text/plain"].startswith("Blocked: <b>no</b>\n  why: a[31mb\n  fix: ccc")
    assert "<b>no" not in bundle["text/html"]
    assert len(bundle["text/plain"]) < 2200
    assert json.dumps(bundle)


ANCHORS = {1: "one", 2: "two"}


@pytest.mark.parametrize(
    "text",
    ["```\nx [1]\n```", "~~~\nx [1]\n~~~ [1]\nx [1]", "| x [1] |", "> x [1]", "# x [1]", "    x [1]", "x[1]", "`x [1]`",
     "x [1](y)", "x [1][y]", "x [7]", "x \\[1]", "``x ` [1]``"],
)  # fmt: skip
def test_what_is_no_checked_citation_is_not_linked(text):
    assert linked(text, ANCHORS) == text


@pytest.mark.parametrize(
    "text", ["x [1]", "- x [1].", "- y\n    - x [1]", "`x` y [1]", "`` x [1]", "```\nx\n```\ny [1]", "x [1]:"]
)
def test_citation_is_drawn_as_it_was_and_leads_to_its_place(text):
    page = rendered(linked(text, ANCHORS))
    assert '<a href="#one">[1]</a>' in page
    assert re.sub("<a[^>]*>|</a>", "", page) == rendered(text)


@given(LINES)
def test_linking_without_places_changes_nothing(text):
    assert linked(text, {}) == text
