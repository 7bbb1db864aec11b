"""Markdown, its text unchanged.

Where headings, tables and code are is asked of markdown-it-py's block rules (CommonMark, and tables as GitHub has
them), which say the lines of each. Its inline rules are run for headings alone: nothing is rendered.
"""

from __future__ import annotations

import functools
import re
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nbkit.documents import Document, Heading
from nbkit.loaders.decoding import read_text
from nbkit.loaders.limits import Budget
from nbkit.types import Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT = re.compile(r"\A---[ \t]*\n(?=[\w-]+[ \t]*:)(?P<body>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_TITLE = re.compile(r"^title[ \t]*:[ \t]*(?P<title>\S.*)$", re.MULTILINE | re.IGNORECASE)
_KINDS = {"fence": "code", "code_block": "code", "table_open": "table"}
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^}]*\}$")
_MARKS = re.compile(r"[*_`\[<&\\{]")
_MOST_CHARS = 1000
"""Of a heading: emphasis in a longer one is somebody's trap."""


class MarkdownLoader:
    """Reads Markdown.

    >>> MarkdownLoader().name
    'markdown'
    """

    name: ClassVar[str] = "markdown"
    suffixes: ClassVar[tuple[str, ...]] = (".md", ".markdown", ".mdx", ".rmd", ".qmd")

    def load(self, path: Path, *, budget: Budget | None = None) -> Document:
        """The text of the file, front matter included, with its headings, tables and code."""
        budget = budget or Budget(path.name)
        decoded = read_text(path, budget)
        return from_markdown(decoded.text, notes=decoded.notes)


def from_markdown(text: str, *, notes: tuple[str, ...] = ()) -> Document:
    r"""The document that a Markdown text is; its title is that of the front matter, or the first heading.

    >>> made = from_markdown("---\ntitle: Kettles\n---\nCare\n====\n\n    code\n")
    >>> made.title, made.headings, made.blocks
    ('Kettles', (Heading(start=23, level=1, text='Care'),), (Span(start=34, end=42, kind='code'),))
    """
    front = _FRONT.match(text)
    # Blanked, not cut: what stands behind keeps its lines.
    body = "\n" * front.group().count("\n") + text[front.end() :] if front else text
    starts = [0, *accumulate(map(len, _lines(text)))]
    headings: list[Heading] = []
    blocks: list[Span] = []
    tokens = _parse(body)
    for number, token in enumerate(tokens):
        if token.map is None:
            continue
        start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        if token.type == "heading_open":
            headings.append(Heading(start, int(token.tag[1:]), plain(tokens[number + 1].content)))
        elif token.type in _KINDS:
            end = start + len(text[start:end].rstrip("\n"))
            # A line of other blanks, such as U+2028, is code to the parser and nothing to a reader.
            if text[start:end].strip() and (not blocks or start >= blocks[-1].end):
                blocks.append(Span(start, end, _KINDS[token.type]))
    return Document(
        text,
        title=_title(front, headings),
        headings=tuple(one for one in headings if one.text),
        blocks=tuple(blocks),
        media_type="text/markdown",
        notes=notes,
    )


def plain(text: str) -> str:
    """A heading without its marks of emphasis, links and code.

    >>> plain("The `--port` *option* in [the manual](m.html)")
    'The --port option in the manual'
    """
    if not _MARKS.search(text):
        return " ".join(text.split())
    tokens = _inline().parseInline(_ATTRIBUTES.sub("", text[:_MOST_CHARS]))
    pieces = [one for token in tokens for one in token.children or ()]
    return " ".join("".join(" " if one.type.endswith("break") else _shown(one) for one in pieces).split())


@functools.cache
def _inline() -> MarkdownIt:
    # Making one costs as much as parsing a page.
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _shown(token: Token) -> str:
    return "" if token.type == "html_inline" else token.content


def _lines(text: str) -> list[str]:
    # Not splitlines: it also breaks at form feeds and line separators, where Markdown does not.
    *whole, last = text.split("\n")
    return [line + "\n" for line in whole] + ([last] if last else [])


def _parse(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": 40}).enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser.parse(text)


def _title(front: re.Match[str] | None, headings: list[Heading]) -> str:
    named = _TITLE.search(front["body"]) if front else None
    if named:
        return named["title"].strip().strip("\"'").strip()
    top = min((one.level for one in headings), default=0)
    return next((one.text for one in headings if one.level == top), "")
