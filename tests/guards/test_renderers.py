"""Hostile Markdown drawn at random, neutralised, and drawn by renderers that this project did not write."""

from __future__ import annotations

import functools
import random
import re
from html.parser import HTMLParser

import mistune
import pytest
from markdown_it import MarkdownIt
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from nbkit.guards import neutral
from nbkit.guards.markdown import MarkdownGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Message, Request

TEXTS = 2_500
REQUEST = Request("echo", "echo", (Message("user", "hi"),))
ALLOWED = ("docs.example.org", "*.ok.example")
RENDERERS = {
    "nbconvert": markdown2html_mistune,
    "mistune": mistune.create_markdown(
        escape=False, plugins=["url", "table", "strikethrough", "footnotes", "def_list", "task_lists", "math"]
    ),
    "markdown-it": MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render,
    "markdown-it, plain": MarkdownIt("commonmark", {"html": True}).render,
}
WATCHED = ("markdown-it", "mistune")
"""The two whose reading of code differs most."""
LIVE = (
    "[x](http://evil.example/x)", "![x](http://evil.example/x)", "<img src=http://evil.example/x onerror=evil()>",
    "<script>evil()</script>", "[x]: http://evil.example/x\n", "[x][x]", "[x]", "<http://evil.example/x>",
    "http://evil.example/x", "www.evil.example/x", "[a](javascript:evil())", "<a href='http://evil.example'>",
    "[x](http://docs.example.org/x)", "http://docs.example.org/x", "![x](http://img.ok.example/c.png)",
    "[x](//evil.example)", "[x](&#106;avascript:evil())", "![x][x]", "[^1]: http://evil.example/x\n", "[^1]",
    "<svg onload=evil()>", "[x](http://docs.example.org@evil.example/x)", "[x](#a)", "[![x](http://evil.example)](b)",
)  # fmt: skip
AROUND = (
    "\n", "\n", "\n\n", " ", "    ", "\t", "- ", "1. ", "2) ", "> ", "`", "``", "```", "~~~", "```py\n", "\n```\n",
    "\n    ", "$", "$$", "\\(", "\\)", "\\begin{a}", "\\end{a}", "|", "\n|---|---|\n", ":   ", "*", "**", "_", "~~",
    "[", "]", "(", ")", "<", ">", "!", "\\", "a", "b c", "# ", "\u00a0", "\u3000", "\r\n", "\x00", "\u202e", "\u200b",
    "&lt;", "<!--", "-->", "<div>", "</div>", "<?", "<![CDATA[", "```{image} ", "```mermaid\n", "]: ", "](", "\n\n\n",
    'x" onfocus="evil()', "<details>", "[x]:", "\u2028", "~", "     \n",
)  # fmt: skip
CODE = (
    "\n", "\n\n", "`", "`", "``", "```", "\n```\n", "~~~\n", "    ", "  ", "- ", "> ", "[", "]", "*", "$", "a",
    "|", "`|", "|\n|-|-|\n", " ",
)  # fmt: skip
ACTIVE = ("script", "iframe", "style", "svg", "object", "embed", "form", "link", "meta", "base", "details")
ADDRESSES = ("href", "src", "srcset", "action", "data", "poster", "formaction", "xlink:href", "background")
LOCAL = re.compile(r"#|https?://(?:docs\.example\.org|[\w.]+\.ok\.example)(?:[/?#]|\Z)")


class Live(HTMLParser):
    """What of a page could run, be fetched, or be clicked."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [tag] if tag in ACTIVE else []
        for name, value in attrs:
            if name.startswith("on") or (name in ADDRESSES and value and not LOCAL.match(value)):
                self.found.append((tag, name, value))


def live(html):
    parser = Live()
    # A browser takes an odd declaration for a comment that ends at the next `>`; this parser raises.
    parser.feed(html.replace("<![", "<!x"))
    parser.close()
    return parser.found


def drawn(draw):
    """A text of anything at all, or of few signs that make code, in which renderers disagree."""
    is_any = draw.random() < 0.5
    live_ones, around = (LIVE, AROUND) if is_any else (LIVE[:3], CODE)
    many = draw.randint(3, 24 if is_any else 12)
    return "".join(draw.choice(live_ones) if draw.random() < 0.25 else draw.choice(around) for _ in range(many))


@functools.cache
def texts():
    draw = random.Random(20_261_128)
    return tuple(drawn(draw) for _ in range(TEXTS))


def screened(text, allowed):
    guard = MarkdownGuard(GuardOptions(SecretRegistry(), allowed_hosts=allowed))
    return guard.screen(text, stage="output", request=REQUEST).text


def alive(renderer, allowed):
    """The texts of which something is live when they are drawn, once they were screened; one after the other."""
    shown = ((text, screened(text, allowed)) for text in texts())
    return ((text, inert, found) for text, inert in shown if (found := live(RENDERERS[renderer](inert))))


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("allowed", [(), ALLOWED], ids=["none", "some"])
def test_nothing_is_live_in_a_text_drawn_at_random(renderer, allowed):
    assert next(alive(renderer, allowed), None) is None


@pytest.mark.parametrize("renderer", RENDERERS)
def test_most_of_the_texts_are_live_before_they_are_screened(renderer):
    assert sum(bool(live(RENDERERS[renderer](text))) for text in texts()) > TEXTS / 2


def weak_tag(self, at, is_last):
    del is_last
    return self._emit(at, at + 1)


def weak_close(self, at, is_last):
    del is_last
    del self._blocks.brackets[-1:]
    return self._emit(at, at + 1)


def weak_opens(self, start, *, is_after_blank):
    del is_after_blank
    self._fence, self._fence_indent, self._fence_is_nested = start.fence, start.column, False
    return True


@pytest.mark.parametrize(
    ("of", "name", "weak"),
    [
        (neutral.Neutraliser, "_on_tag", weak_tag),
        (neutral.Neutraliser, "_on_close", weak_close),
        (neutral.Neutraliser, "_on_colon", weak_tag),
        (neutral.Blocks, "_opens", weak_opens),
        (neutral.Blocks, "leave_spans", lambda _self: None),
    ],
    ids=["tags", "links", "addresses", "fences", "spans"],
)
def test_a_weaker_neutraliser_is_found_out(of, name, weak, monkeypatch):
    monkeypatch.setattr(of, name, weak)
    assert any(next(alive(renderer, ()), None) for renderer in WATCHED)
