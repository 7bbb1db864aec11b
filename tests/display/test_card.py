from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbkit.display.card import card_html, card_text
from nbkit.display.view import AMBER, BLUE, GREEN, GREY, RED, Live
from nbkit.recorded import Failure
from nbkit.types import Cost, Verdict

NAMES = (
    "live-call", "hit", "unknown-price", "local", "estimate", "blocked", "error", "interrupted", "redacted", "hostile",
    "samples",
)  # fmt: skip
STYLE = re.compile(r"[a-z-]+:[^;:]+(;[a-z-]+:[^;:]+)*;?")
# What JupyterLab's and Notebook's sanitisers keep of an output that is not trusted, of what the card needs.
TAGS = {
    "div",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "b",
    "br",
    "span",
    "ul",
    "li",
    "details",
    "summary",
}
ATTRIBUTES = {"class", "style", "title", "scope", "open"}


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("name", NAMES)
def test_card_is_as_it_was(name, gallery, golden):
    golden(f"card-{name}.html", card_html(gallery[name]).replace("><", ">\n<"))
    golden(f"card-{name}.txt", card_text(gallery[name]))


@pytest.mark.parametrize("name", [*NAMES, "live"])
def test_card_uses_only_what_an_untrusted_page_keeps(name, gallery):
    page = Page(card_html(Live("m", "provider", 1.0, 0.2, 300) if name == "live" else gallery[name]))
    assert not page.open
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {attribute for _, found in page.tags for attribute in found} <= ATTRIBUTES
    for _, found in page.tags:
        style = found.get("style") or "margin:0"
        assert STYLE.fullmatch(style), style
        assert not re.search(r"var\(|url\(|light-dark|expression|!important|[\"'<>\\]", style)
        assert {colour.lower() for colour in re.findall(r"#\w+", style)} <= {BLUE, GREEN, AMBER, RED, GREY}


def test_colours_reach_three_to_one_on_light_and_dark_pages():
    for colour in (BLUE, GREEN, AMBER, RED, GREY):
        for page in ("#ffffff", "#f2f2f2", "#111111", "#1f1f1f", "#2a2a2a"):
            bright, dark = sorted((_luminance(colour), _luminance(page)), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 3, (colour, page)


def test_without_styles_every_figure_stands_beside_its_name(gallery):
    page = Page(re.sub(r' style="[^"]*"', "", card_html(gallery["live-call"]).partition("<details")[0]))
    heads = [tag for tag, found in page.tags if tag == "th" and found["scope"] == "row"]
    assert len(heads) == 5
    assert "Cost$0.000123" in "".join(page.text)


def test_every_table_has_a_caption_and_every_head_a_scope(gallery):
    for record in gallery.values():
        page = Page(card_html(record))
        tags = [tag for tag, _ in page.tags]
        assert tags.count("table") == tags.count("caption")
        assert all(found.get("scope") in ("row", "col") for tag, found in page.tags if tag == "th")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("live-call", ["$0.000123", "1.24 s", "first token 213 ms", "1,234 → 56", "512 in from prompt cache", "miss"]),
        ("hit", ["  $0 (saved $0.000123", "6.1 ms (originally 1.24 s", "hit (stored 3 min ago, saved 1.23 s"]),
        ("unknown-price", ["Cost            ? (price unknown)"]),
        ("local", ["$0 local"]),
        ("estimate", ["~$0.0042", "~900 → ~40", "answered by gpt-4o-mini-2024-07-18"]),
        ("blocked", ["nbkit · blocked", "✗ blocked", "skipped", "no call made"]),
        ("error", ["· error", "$0 (no answer to price)", "3 attempts", "✗ RateLimited: openai refused the call"]),
        ("interrupted", ["· interrupted", "■ interrupted"]),
        ("redacted", ["2 redactions, 1 warning", "cut off", "! seed was dropped"]),
        ("samples", ["5 samples · 1 error", "1 hit · 4 misses", "$0.000246 + 1 unpriced", "4 live calls", "1 hit: 6"]),
    ],
)  # fmt: skip
def test_card_says_in_words(name, said, gallery):
    text = card_text(gallery[name])
    assert [part for part in said if part not in text] == []


def test_an_unknown_price_is_never_drawn_as_zero(gallery):
    assert "$0" not in card_text(gallery["unknown-price"])


@pytest.mark.parametrize(
    ("name", "colour"), [("live-call", BLUE), ("hit", GREEN), ("blocked", RED), ("error", RED), ("interrupted", GREY)]
)
def test_border_has_the_colour_of_what_happened(name, colour, gallery):
    assert f'style="border-left:4px solid {colour};' in card_html(gallery[name]).partition("<table")[0]


def test_running_cell_has_the_same_tiles_as_a_finished_one(gallery):
    def names(html):
        return re.findall(r'scope="row"[^>]*>([^<]*)<', html.partition("<details")[0])

    assert names(card_html(Live("m"))) == names(card_html(gallery["live-call"]))


def test_hits_are_never_added_to_live_calls(gallery):
    assert "3,702 → 168" in card_text(gallery["samples"])  # three live answers of 1,234 → 56; the hit is stated apart
    assert "1 hit: 1,234 → 56" in card_text(gallery["samples"])


def test_many_messages_are_cut_with_their_number(record):
    assert "… and 18 more" in card_text(record(notes=tuple(f"note {n}" for n in range(30))))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200))
def test_no_text_becomes_markup(text, record):
    verdict = Verdict(text, "input", "block", text)
    hostile = record(notes=(text,), error=Failure(text, text, text, text), status="error", verdicts=(verdict,))
    for shown in (Live(text, text), hostile):
        page = Page(card_html(shown, model=text))
        assert {tag for tag, _ in page.tags} <= TAGS
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "".join(page.text))


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_prices_of_ones_own_are_said_to_be_that(record):
    own, listed = Cost(Decimal("0.1"), prices_as_of="settings", source="own"), Cost(Decimal("0.1"), None, "2026-01-01")
    assert card_text(record(cost=own)).splitlines()[-1].strip() == "your own prices"
    both = [record(id="a", cost=own), record(id="b", cost=listed)]
    assert card_text(both).splitlines()[-1].strip() == "prices 2026-01-01 · your own prices"
    assert 'title="Prices as of 2026-01-01 · your own prices"' in card_html(both)
