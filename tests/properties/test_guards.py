"""What holds for every text and every way to cut it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from nbkit.guards.controls import CONTROLS
from nbkit.guards.markdown import MarkdownGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Request

REQUEST = Request("echo", "echo", ())
PARTS = (  # noqa: SIM905 - a list of texts is harder to read
    "[x](http://evil/a) ![i](http://evil/b) <b> <img src=http://evil/> [r]: http://evil/r [r] ``` ```` ~~~ ` `` - 1. "
    "2. 10. > \\ $ $$ | |---|---| a ]( [ ] < http://evil/ http://ok.example/ www.evil.com \\begin{a} \\end{a} \\\\( # "
    "--- [^1]: : \u00a0 <!-- ! \" ' ( ) ~ {image} &lt; * _ \u202e \x1b"
).split(" ")
MARKDOWN = st.lists(
    st.sampled_from([*PARTS, " ", "  ", "    ", "\n", "\n", "\n\n", "\n     \n    ", "\t"]), max_size=25
).map("".join)
TEXTS = MARKDOWN | st.text(st.characters(), max_size=60)
ALLOWED = st.sampled_from([(), ("ok.example",)])


def guard(allowed):
    return MarkdownGuard(GuardOptions(SecretRegistry(), allowed_hosts=allowed))


@given(TEXTS, ALLOWED, st.lists(st.integers(0, 300), max_size=30))
@example("\n     \n    [x](http://evil/a)", (), [1])
@settings(max_examples=300, deadline=None)
def test_pieces_joined_are_the_whole_however_it_was_cut(text, allowed, cuts):
    edges = [0, *sorted(cut for cut in cuts if cut <= len(text)), len(text)]
    whole = guard(allowed).screen(text, stage="output", request=REQUEST)
    stream = guard(allowed).open(REQUEST)
    shown = "".join([stream.feed(text[start:end]) for start, end in pairwise(edges)])
    last = stream.finish()
    assert (shown + last.text, last.verdict) == (whole.text, whole.verdict)


@given(TEXTS, ALLOWED)
@settings(max_examples=300, deadline=None)
def test_screened_text_is_left_alone(text, allowed):
    once = guard(allowed).screen(text, stage="output", request=REQUEST).text
    assert guard(allowed).screen(once, stage="output", request=REQUEST).text == once
    assert CONTROLS.search(once) is None


@given(MARKDOWN)
@settings(max_examples=300, deadline=None)
def test_no_tag_of_the_text_reaches_the_page(text):
    html = markdown2html_mistune(guard(()).screen(text, stage="output", request=REQUEST).text)
    assert "<img" not in html
    assert "<b>" not in html
    assert 'href="http' not in html
    assert 'href="//' not in html


@given(TEXTS, ALLOWED)
@settings(max_examples=200, deadline=None)
def test_spans_are_places_of_the_text(text, allowed):
    verdict = guard(allowed).screen(text, stage="output", request=REQUEST).verdict
    for span in verdict.spans:
        assert 0 <= span.start < span.end <= len(text)
        if span.kind == "control character":
            assert CONTROLS.fullmatch(text[span.start : span.end])
        elif span.kind == "HTML tag":
            assert text[span.start] == "<"
