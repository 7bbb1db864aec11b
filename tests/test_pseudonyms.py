from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nbkit.pseudonyms import Numbering, Pseudonyms, Restorer, stand_ins

JANE, BOB = "jane@example.org", "bob@example.org"
PSEUDONYMS = Pseudonyms({"⟦EMAIL_1⟧": JANE, "⟦EMAIL_12⟧": BOB})
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "⟦EMAIL_1⟧",
                "[EMAIL_1]",
                "EMAIL_1",
                "⟦ email 12 ⟧",
                "⟦EMAIL\\_1⟧",
                "EMAIL_",
                "⟦",
                "⟧",
                "1",
                "12",
                "X",
                "_",
            ),
            *(" ", "\n", "\n\n", "`", "``", "```", "\n```\n", "\n~~~\n", "    ", "- ", "\n- ", "\n  ", "\n> ", "1. "),
            *("[", "]", "](", "(", ")", "![", "<", ">", "http://a.b/", "www.a.b", "\\", "\n[x]: ", "words", "|", "# "),
            *('"', "'", "<a href=", "<b>", "mailto:", "*", "**", "a.com/", "?q=", "!", "\n>\n", "\n-\n", "{{ x }}"),
        ]
    ),
    max_size=16,
).map("".join)


def streamed(text, *cuts):
    restorer = Restorer(PSEUDONYMS)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [restorer.feed(text[start:end]) for start, end in pairwise(edges)]
    return "".join(pieces) + restorer.finish()


@pytest.mark.parametrize(
    "written",
    [
        *("⟦EMAIL_1⟧", "⟦ EMAIL_1 ⟧", "[EMAIL_1]", "[[EMAIL_1]]", "EMAIL_1", "⟦email_1⟧", "⟦EMAIL 1⟧", "⟦EMAIL\\_1⟧"),
        *("⟦⟦EMAIL_1⟧⟧", "⟦**EMAIL_1**⟧", "EMAIL\\_1", "⟦Email-1⟧"),
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "**{}**", "Ask {}.", "({})", "| a | {} |", "- {}\n", "> {}", '"{}"', "{}, {}"]
)
def test_what_a_model_makes_of_a_stand_in_is_restored(written, around):
    assert PSEUDONYMS.restore(around.format(written, written)) == around.format(JANE, JANE)


@pytest.mark.parametrize(
    "text",
    [
        *("EMAIL_2", "⟦EMAIL_2⟧", "EMAIL_123", "MY_EMAIL_1", "EMAIL_1X", "EMAIL_1_a", "$EMAIL_1", "EMAIL_1.csv"),
        *("EMAIL_1=x", "email_1", "df.EMAIL_1", "EMAIL\\_1\\_b", "⟦EMAIL_1", "⟦PHONE_1⟧"),
    ],
)
def test_what_is_not_a_stand_in_stays(text):
    assert PSEUDONYMS.restore(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("`{}`", "`` a ` {} ``", "```\n{}\n```", "~~~\n{}\n~~~", "- a\n  ```py\n  {}\n  ```", "    {}", "a\n\n\t{}"),
        *(
            "[a](http://x.y/{})",
            "[a](/p/{} 'title')",
            "[a](<b c {}>)",
            "<http://x.y/{}>",
            "http://x.y/?q={}",
            "www.x.y/{}",
        ),
        *(
            "mailto:{}",
            "x.example/?q={}",
            "//x.y/{}",
            "[a]: /p/{}",
            "[a]:\n/p/{}",
            "![{}](x)",
            "![a](x/{})",
            "![a][{}]",
        ),
        *(
            "<img src='{}'>",
            '<a title=">" href="{}">',
            "[a](x(y){})",
            "never closed ` {}",
            "```\n> ```\n{}",
            "- ```\n  x\n- ```\n  {}",
            "![a [b] {}](x)",
        ),
    ],
)
@pytest.mark.parametrize("written", ["⟦EMAIL_1⟧", "EMAIL_1", "[EMAIL_1]"])
def test_code_addresses_and_images_keep_the_stand_in(text, written):
    assert JANE not in PSEUDONYMS.restore(text.format(written))


@pytest.mark.parametrize(
    "before",
    [
        *(
            "`code` ",
            "```\ncode\n```\n",
            "[a](http://x.y/z) ",
            "http://x.y/z ",
            "![a](x) ",
            "[a]: /p\n",
            "<b>bold</b> ",
        ),
        *(
            "- a\n  ```py\n  x\n  ```\n  ",
            "~~~\ncode\n~~~\n\n",
            "    code\n\n",
            "stray ` here\n\n",
            "Jane <",
            "1. a\n   - ",
        ),
        *("a/", "{{ x }} ", "\\`", "it's 3 < 4 and "),
    ],
)
def test_what_follows_them_is_restored(before):
    text = before + "⟦EMAIL_1⟧"
    if before != "\\`":
        assert PSEUDONYMS.restore(text) == before + JANE


def test_text_without_stand_ins_is_never_held_back():
    restorer = Restorer(PSEUDONYMS)
    assert [restorer.feed(piece) for piece in ("The quick ", "{{ fox }} ", "[1] jumps ")] == [
        "The quick ",
        "{{ fox }} ",
        "[1] jumps ",
    ]


def test_only_what_may_be_a_stand_in_is_held_back():
    restorer = Restorer(PSEUDONYMS)
    assert [restorer.feed(piece) for piece in ("Ask ⟦EM", "AIL", "_1⟧", " now")] == ["Ask ", "", JANE, " now"]


def test_nothing_is_restored_twice():
    pseudonyms = Pseudonyms({"⟦NAME_1⟧": "⟦EMAIL_1⟧", "⟦EMAIL_1⟧": JANE})
    assert pseudonyms.restore("⟦NAME_1⟧") == "⟦EMAIL_1⟧"


def test_a_map_does_not_show_what_it_holds():
    assert JANE not in repr(PSEUDONYMS)


@given(PIECES)
@settings(max_examples=150, deadline=None)
@example("[[EMAIL_1]](x) ![EMAIL_1] <EMAIL_1 `EMAIL_1` EMAIL_1.")
def test_every_split_gives_what_the_whole_gives(text):
    whole = PSEUDONYMS.restore(text)
    assert streamed(text, *range(len(text))) == whole
    assert {streamed(text, cut) for cut in range(len(text) + 1)} == {whole}


@given(PIECES)
@settings(max_examples=300, deadline=None)
def test_only_stand_ins_change(text):
    parts = re.split(f"{JANE}|{BOB}", PSEUDONYMS.restore(text))
    at = 0
    for part in parts:
        assert text.find(part, at) >= at
        at = text.find(part, at) + len(part)


@given(PIECES)
@settings(max_examples=300, deadline=None)
def test_no_renderer_sees_a_value_in_code_or_in_an_address(text):
    restored = PSEUDONYMS.restore(text)
    for markdown in (MarkdownIt("commonmark"), MarkdownIt("gfm-like", {"linkify": False})):
        for token in _walk(markdown.parse(restored)):
            assert token.type not in ("code_inline", "code_block", "fence", "image") or JANE not in token.content
            address = str(token.attrGet("href") or token.attrGet("src") or "")
            # A value of its own may be linked as an address to write to; it goes nowhere.
            assert JANE not in address or address.startswith("mailto:")


def _walk(tokens):
    for token in tokens:
        yield token
        yield from _walk(token.children or [])


def test_equal_values_have_one_number_and_their_kinds_count_apart():
    numbering = Numbering()
    given = [
        numbering.stand_in_for(kind, value)
        for kind, value in [
            ("EMAIL", "Jane@Example.org"),
            ("PHONE", "+1 212-555-0100"),
            ("EMAIL", JANE),
            ("PHONE", "+1 (212) 555.0100"),
            ("EMAIL", BOB),
            ("IBAN", "DE89 3704 0044 0532 0130 00"),
            ("IBAN", "DE89370400440532013000"),
        ]
    ]
    assert given == ["⟦EMAIL_1⟧", "⟦PHONE_1⟧", "⟦EMAIL_1⟧", "⟦PHONE_1⟧", "⟦EMAIL_2⟧", "⟦IBAN_1⟧", "⟦IBAN_1⟧"]
    assert numbering.pseudonyms().restore("⟦EMAIL_1⟧") == "Jane@Example.org"


def test_numbers_that_a_text_uses_are_skipped():
    numbering = Numbering()
    numbering.reserve("⟦EMAIL_1⟧, [email 2] and `EMAIL\\_3` but EMAIL_4x")
    assert numbering.stand_in_for("EMAIL", JANE) == "⟦EMAIL_4⟧"
    assert list(stand_ins("[EMAIL_1] ⟦ip 2⟧ x")) == ["⟦EMAIL_1⟧", "⟦IP_2⟧"]


def test_maps_of_a_conversation_are_joined():
    first, second = Pseudonyms({"⟦EMAIL_1⟧": JANE}), Pseudonyms({"⟦EMAIL_2⟧": BOB})
    assert second.including(first).restore("EMAIL_1 EMAIL_2") == f"{JANE} {BOB}"
