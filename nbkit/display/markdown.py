"""Pieces of Markdown that hold text which must not be read as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

_ACTS = re.compile(r"([\\`*_{}\[\]()#+!|<>~$^&=:/@-])")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_CITED = re.compile(r"(?<= )(?:\[\d{1,3}\])+(?![\[(])")
_NUMBER = re.compile(r"\[(\d+)\]")
_UNLINKED = re.compile(r" {0,3}[|#>]| {4,}(?![-*+] |\d{1,3}[.)] )|\t")
"""Tables, headings, quotations, and what may be code: the check of citations leaves them alone, or cannot tell."""
_WORD = re.compile(r"[A-Za-z0-9_+#.-]{1,30}")


def fence(text: str, language: str = "") -> str:
    """A code block that `text` cannot end, whatever it holds.

    >>> print(fence("a ``` b", "python"))
    ````python
    a ``` b
    ````
    """
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    bar = "`" * max(3, longest + 1)
    # JupyterLab draws a diagram instead of showing it, and fetches the pictures that it names.
    name = language if _WORD.fullmatch(language) and language.lower() != "mermaid" else ""
    return f"{bar}{name}\n{text.rstrip()}\n{bar}"


def literal(text: str) -> str:
    r"""The text on one line with everything escaped that Markdown, or a link finder behind it, would act on.

    >>> literal("a|b <i> [x](http://y)")
    'a\\|b \\<i\\> \\[x\\]\\(http\\:\\/\\/y\\)'
    """
    return _ACTS.sub(r"\\\1", " ".join(text.split()))


def unfenced(text: str) -> tuple[str, str] | None:
    r"""Content and language of the first code block, None when there is no closed one.

    >>> unfenced("Here:\n```json\n[1]\n```\nBye")
    ('[1]', 'json')
    """
    opened: re.Match[str] | None = None
    content: list[str] = []
    for row in text.split("\n"):
        match = _FENCE.match(row)
        if opened is None:
            opened = _opening(row)
        elif match and match[1].startswith(opened[1]) and not match[2].strip():
            return "\n".join(content), (opened[2].split() or [""])[0]
        else:
            content.append(row)
    return None


def closed(text: str) -> str:
    r"""The text with a code block that it left open closed, so that what follows it is not code.

    >>> closed("```python\nx = 1")
    '```python\nx = 1\n```'
    """
    *_, (_, bar, _) = _rows(text)
    return f"{text}\n{bar}" if bar else text


def linked(text: str, anchors: Mapping[int, str]) -> str:
    r"""Markdown whose citations lead to places of the page; `anchors`: number to the name of its place.

    What stands in code and tables is no citation.

    >>> linked("It needs 30 W [1][7]. `a [1]`", {1: "source-1"})
    'It needs 30 W [\\[1\\]](#source-1)[7]. `a [1]`'
    """

    def link(found: re.Match[str]) -> str:
        anchor = anchors.get(int(found[1]))
        return found[0] if anchor is None else f"[\\[{found[1]}\\]](#{anchor})"

    return _with_marks(text, link)


def cited_numbers(text: str) -> set[int]:
    """The numbers that a text cites: those that `linked` would link.

    >>> cited_numbers("It needs 30 W [1][7]. `a [2]`") == {1, 7}
    True
    """
    numbers: set[int] = set()

    def take(found: re.Match[str]) -> str:
        numbers.add(int(found[1]))
        return found[0]

    _with_marks(text, take)
    return numbers


def table_rows(text: str) -> list[list[str]] | None:
    r"""Rows of the first Markdown table in a text, heads first, all of one length; None when there is none.

    >>> table_rows("| a | b |\n|---|---|\n| 1 | x\\|y |")
    [['a', 'b'], ['1', 'x|y']]
    """
    lines = text.split("\n")
    for number, row in enumerate(lines[1:], 1):
        heads = _split(lines[number - 1])
        if "|" not in row + lines[number - 1] or not _DELIMITER.fullmatch(row) or len(_split(row)) != len(heads):
            continue
        rows = [heads]
        for below in lines[number + 1 :]:
            if "|" not in below:
                break
            cells = _split(below)[: len(heads)]
            rows.append(cells + [""] * (len(heads) - len(cells)))
        return rows
    return None


def table(rows: list[list[str]]) -> str:
    """A Markdown table whose cells are plain text.

    >>> print(table([["a", "b"], ["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    heads, *body = rows
    drawn = [heads, ["---"] * len(heads), *body]
    return "\n".join(
        "| " + " | ".join(cell if number == 1 else literal(cell) for cell in row) + " |"
        for number, row in enumerate(drawn)
    )


def _opening(row: str) -> re.Match[str] | None:
    match = _FENCE.match(row)
    # Backticks after backticks are code within a line.
    return match if match and (match[1][0] == "~" or "`" not in match[2]) else None


def _rows(text: str) -> Iterator[tuple[str, str, bool]]:
    """Each line, the bar of the code block that is open after it, and whether it belongs to one."""
    bar = ""
    for row in text.split("\n"):
        before = bar
        match = _FENCE.match(row)
        opening = None if bar else _opening(row)
        if opening:
            bar = opening[1]
        elif bar and match and match[1].startswith(bar) and not match[2].strip():
            bar = ""
        yield row, bar, bool(before or bar)


def _with_marks(text: str, put: Callable[[re.Match[str]], str]) -> str:
    return "\n".join(
        row if is_code or _UNLINKED.match(row) else _outside_code(row, put) for row, _, is_code in _rows(text)
    )


def _outside_code(row: str, put: Callable[[re.Match[str]], str]) -> str:
    parts = re.split("(`+)", row)
    left = Counter(parts[1::2])
    code = ""
    for at, part in enumerate(parts):
        if at % 2:
            # As many backticks end what they began, and begin nothing where no such end follows.
            left[part] -= 1
            code = ("" if part == code else code) if code else part * (left[part] > 0)
        elif not code:
            parts[at] = _CITED.sub(lambda found: _NUMBER.sub(put, found[0]), part)
    return "".join(parts)


def _split(row: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", row.strip().removeprefix("|"))
    if len(cells) > 1 and not cells[-1].strip():
        cells.pop()
    return [cell.strip().replace("\\|", "|") for cell in cells]
