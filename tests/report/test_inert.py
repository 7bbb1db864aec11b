from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.report.inert import Outline, inert

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<iframe src=http://evil.test></iframe>",
    "<svg onload=alert(1)><script>1</script></svg>",
    '<p style="background:url(http://evil.test/x)">x</p>',
    '<p style="position:fixed;top:0">x</p>',
    '<img src="http://evil.test/pixel.png" srcset="http://evil.test/2x.png 2x">',
    '<img src="data:text/html,<script>1</script>">',
    '<link rel=stylesheet href="http://evil.test/x.css">',
    '<meta http-equiv=refresh content="0;url=http://evil.test">',
    '<form action="http://evil.test"><input name=a><button>x</button></form>',
    '<base href="http://evil.test/">',
    "<style>@import 'http://evil.test/x.css';</style>",
    '<video src="http://evil.test/x.mp4" poster="http://evil.test/p.png"></video>',
    '<object data="http://evil.test"></object><embed src="http://evil.test">',
    '<math><mi xlink:href="javascript:alert(1)">x</mi></math>',
    '<table background="http://evil.test/x.png"><tr><td>x</table>',
    "<b>open <i>never closed",
    '</article></main><h1 id="nb-notebook">mine</h1>',
    '<div class="nb-skip highlight">x</div>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
]  # fmt: skip


FORBIDDEN = {"script", "style", "iframe", "object", "embed", "form", "input", "link", "meta", "base", "svg", "video"}


class Page(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("br", "col", "hr", "img", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check(markup: str) -> None:
    page = Page(markup)
    assert page.open == []
    for tag, attributes in page.found:
        assert tag not in (
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "link",
            "meta",
            "base",
            "svg",
        )
        assert not [name for name in attributes if name.startswith("on") or name in ("srcset", "background", "poster")]
        assert (attributes.get("href") or "#").startswith("#")
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        assert not re.search(r"url|@|position|\\", attributes.get("style") or "")


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_acts_and_nothing_reaches_outside(attack):
    check(inert(attack))


@given(
    st.lists(
        st.sampled_from([*ATTACKS, "text", "<h2>", "</h2>", "<a href='#x'>", "</a>", "<td>", "<th></th>"]), max_size=6
    )
)
def test_any_mixture_is_inert_and_well_formed(parts):
    check(inert("".join(parts)))


def test_what_is_harmless_stays():
    markup = '<table style="border:1px solid"><caption>c</caption><tr><th scope="row">a</th><td>1</td></tr></table>'
    assert 'style="border:1px solid"' in inert(markup)
    assert "<caption>c</caption>" in inert(markup)


def test_image_of_the_file_itself_stays():
    assert inert('<img src="data:image/png;base64,AAAA" alt="a" width="3">') == (
        '<img src="data:image/png;base64,AAAA" alt="a" width="3">'
    )


def test_address_of_a_link_becomes_text_once():
    assert inert('<a href="https://a.test/">here</a>') == (
        '<span class="nb-link">here</span> <span class="nb-away">(https://a.test/)</span>'
    )
    assert inert('<a href="https://a.test/">https://a.test/</a>').count("a.test") == 1


def test_link_within_the_page_works():
    assert inert('<h1>A b</h1><a href="#A-b">x</a>') == '<h2 id="A-b">A b</h2><a href="#A-b">x</a>'


def test_headings_never_skip_a_level_and_never_share_an_anchor():
    outline = Outline()
    markup = inert("<h1>A</h1><h4>B</h4>", outline) + inert("<h2>A</h2><h6>C</h6>", outline)
    assert re.findall(r"<(h\d) id=\"([^\"]+)\"", markup) == [("h2", "A"), ("h3", "B"), ("h3", "A-2"), ("h4", "C")]


def test_wide_table_can_be_reached_by_keyboard_and_empty_heads_are_none():
    markup = inert("<table><tr><th></th><th>a</th></tr></table>")
    assert markup.startswith('<div class="nb-wide" tabindex="0"><table>')
    assert "<td></td><th>a</th>" in markup


def test_rows_of_sources_keep_their_names_once_and_no_others_do():
    row = '<table><tr id="{}"><td>1</td></tr></table>'
    outline = Outline()
    outline.anchor("nbkit-heading-1")
    names = ["nbkit-ab-1", "nbkit-ab-1", "nbkit-ab-2", "nb-notebook", "nbkit-heading-1", "nbkit-x y-1"]
    page = "".join(inert(row.format(name), outline) for name in names)
    assert re.findall(r'id="([^"]*)"', page) == ["nbkit-ab-1", "nbkit-ab-2"]
    assert "id" not in inert('<p id="nbkit-ab-1">x</p>')
