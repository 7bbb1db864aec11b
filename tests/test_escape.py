"""Text from outside as a piece of one line."""

from hypothesis import given
from hypothesis import strategies as st

from nbkit.escape import excerpt


@given(st.text(max_size=80), st.integers(3, 60))
def test_excerpt_is_the_beginning_on_one_line_and_never_longer(text, most_chars):
    whole = " ".join(text.split())
    cut = excerpt(text, most_chars=most_chars)
    assert len(cut) <= max(most_chars, 0)
    assert cut == whole or (cut.endswith(" …") and whole.startswith(cut.removesuffix(" …")))


def test_text_without_blanks_is_cut_all_the_same():
    assert excerpt("風" * 50, most_chars=12) == "風" * 10 + " …"


def test_excerpt_ends_after_a_whole_word():
    assert excerpt("dolphins " * 60, most_chars=30) == "dolphins dolphins dolphins …"


def test_ellipsis_is_not_doubled():
    assert excerpt("One thing … and another thing … the last", most_chars=33) == "One thing … and another thing …"
