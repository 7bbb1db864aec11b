"""Lines that are mostly text."""

from __future__ import annotations

import re

import pytest

from nbkit.errors import BadSetting, UnknownSetting
from nbkit.magics.literal import text_and_options
from nbkit.testing.interactive import shell

FLAGS = ("--index", "-k", "--filter")


@pytest.mark.parametrize(
    ("line", "text", "given"),
    [
        ("what's the fee?", "what's the fee?", {}),
        ("what's the fee? -k 3 --index club", "what's the fee?", {"-k": "3", "--index": "club"}),
        ("--index club -k=3 what's the fee?", "what's the fee?", {"-k": "3", "--index": "club"}),
        (
            """it's "so" --filter "path ~ 'docs/' and page < 3" """,
            """it's "so\"""",
            {"--filter": "path ~ 'docs/' and page < 3"},
        ),
        ('"how long?" -k 1', "how long?", {"-k": "1"}),
        ("'a' or 'b'", "'a' or 'b'", {}),
        ("C:\\docs a\\b", "C:\\docs a\\b", {}),
        ("the -k 3 option", "the -k 3 option", {}),
        ("-- -k 3", "-k 3", {}),
        ("rm --force x", "rm --force x", {}),
        ("", "", {}),
    ],
)
def test_text_is_what_was_typed_and_options_stand_at_its_ends(line, text, given):
    assert text_and_options(line, FLAGS, magic="%rag search") == (text, given)


def test_option_without_its_value_is_refused():
    with pytest.raises(BadSetting, match="--index has no value"):
        text_and_options("the fee --index", FLAGS, magic="%rag search")


def test_misspelt_option_is_refused_with_the_nearest():
    with pytest.raises(UnknownSetting, match="%rag search has no option '--indx'"):
        text_and_options("the fee --indx club", FLAGS, magic="%rag search")


def test_apostrophe_in_a_text_to_try_is_text():
    with shell() as loaded:
        said = loaded.run("%guard test what's this --stage output").outputs
    assert re.search(r"17? ?1[0-9] characters .output", str(said)) or "(output)" in str(said)
    assert "what's this" in str(said)


def test_quotation_left_open_names_the_magic_that_was_used():
    with shell() as loaded:
        failed = loaded.run("%rag add it's")
    assert "%rag add line" in "".join(failed.traceback)
    assert "%%llm" not in "".join(failed.traceback)
