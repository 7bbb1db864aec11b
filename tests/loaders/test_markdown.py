"""Markdown keeps its text, and says where its parts are."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from nbkit.loaders.markdown import from_markdown
from nbkit.testing.contracts.loaders import check_places


def said(text: str) -> list[tuple[int, str, str]]:
    made = from_markdown(text)
    return [(one.level, one.text, text[one.start :].split("\n", 1)[0]) for one in made.headings]


def blocks(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in from_markdown(text).blocks]


def test_headings_of_both_kinds_are_where_their_lines_start():
    text = "# One #\n\nTwo\n===\n\ntext\n\nThree\n---\n\n### Four\n"
    assert said(text) == [(1, "One", "# One #"), (1, "Two", "Two"), (2, "Three", "Three"), (3, "Four", "### Four")]


def test_what_looks_like_a_heading_in_code_or_a_comment_is_none():
    assert said("```sh\n# no\n```\n\n    # no\n\n<!--\n# no\n-->\n\n#no\n\n~~~\n# no\n") == []


def test_headings_lose_their_marks():
    assert [
        one[1] for one in said("# The `--port` *option* of [nbkit](http://a.b) {#port}\n\n## snake_case_name\n")
    ] == [
        "The --port option of nbkit",
        "snake_case_name",
    ]


def test_code_and_tables_are_blocks_without_the_line_break_behind():
    text = "a\n\n```py\nx = 1\n\ny\n```\n\n"
    text += "| a | b |\n|---|---|\n| 1 | 2 |\nafter\n\n    indented\n\n- item\n\n  ```\n  in\n  ```\n"
    assert blocks(text) == [
        ("code", "```py\nx = 1\n\ny\n```"),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |\nafter"),
        ("code", "    indented"),
        ("code", "  ```\n  in\n  ```"),
    ]


def test_title_is_that_of_the_front_matter():
    text = "---\nauthor: me\ntitle: 'Of: kettles'\n---\n# Care\n"
    made = from_markdown(text)
    assert (made.title, made.text) == ("Of: kettles", text)
    assert [one.start for one in made.headings] == [text.index("# Care")]


def test_title_is_else_the_first_of_the_highest_headings():
    assert from_markdown("## Before\n\n# Care\n\n# Parts\n").title == "Care"
    assert from_markdown("no headings").title == ""


def test_a_rule_at_the_start_is_no_front_matter():
    assert said("---\n# Care\n---\n") == [(1, "Care", "# Care")]


@given(st.text(st.sampled_from("#`~|-=> \n\tab*_[]()\x0c\u2028é🙂"), max_size=80))
@example("\t\u2028")
def test_any_text_stays_as_it_is_and_every_place_holds(text):
    made = from_markdown(text)
    assert made.text == text
    check_places(made)
    for heading in made.headings:
        line_start = text.rfind("\n", 0, heading.start) + 1
        assert line_start == heading.start
        words = [word for word in heading.text.split() if word.isalpha()]
        assert all(word in text[heading.start :] for word in words)
