"""A line that is mostly text: options stand before or behind it, the text is as it was typed, with its apostrophes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from nbkit.errors import BadSetting, UnknownSetting

_VALUE = r"""(?P<value>"(?:\\.|[^"\\])*"|'[^']*'|\S+)"""
_WHOLE = re.compile(r"""(["'])(?P<text>(?:(?!\1).)*)\1""", re.DOTALL)


def text_and_options(line: str, flags: Sequence[str], *, magic: str) -> tuple[str, dict[str, str]]:
    """The text, and the values of the options before and behind it, by flag.

    A value with spaces is quoted; quotation marks around the whole text are none of it. Raises `BadSetting` for an
    option without its value, `UnknownSetting` for one that is misspelt.

    >>> text_and_options("what's the fee? -k 3", ["-k", "--mode"], magic="%rag search")
    ("what's the fee?", {'-k': '3'})
    """
    option = rf"(?P<flag>{'|'.join(map(re.escape, flags))})(?:=|\s+){_VALUE}"
    first, last = re.compile(rf"{option}(?:\s+|$)"), re.compile(rf"(?:^|\s+){option}$")
    text, given = line.strip(), dict[str, str]()
    while (found := first.match(text)) is not None:
        given[found["flag"]] = _plain(found["value"])
        text = text[found.end() :]
    if text == "--" or text.startswith("-- "):
        return text[2:].strip(), given
    while (found := last.search(text)) is not None:
        given.setdefault(found["flag"], _plain(found["value"]))
        text = text[: found.start()]
    _refuse_broken(text, flags, magic=magic)
    whole = _WHOLE.fullmatch(text)
    return (whole["text"] if whole else text), given


def _plain(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return re.sub(r'\\(["\\])', r"\1", value[1:-1]) if value[0] == '"' else value[1:-1]
    return value


def _refuse_broken(text: str, flags: Sequence[str], *, magic: str) -> None:
    words = text.split()
    if words and words[-1] in flags:
        raise BadSetting(what=f"{words[-1]} has no value", why="nothing follows it", fix=f"{words[-1]} VALUE")
    # In the middle of the text an option's name is text: who misspells one writes it at an end.
    for word in (*words[:1], *words[-2:]):
        name = word.partition("=")[0]
        # Stricter than elsewhere: what is only a little like an option is text.
        near = get_close_matches(name, flags, 1, 0.8) if name.startswith("--") and name not in flags else []
        if near:
            raise UnknownSetting(
                what=f"{magic} has no option {name!r}",
                why=f"its options are {', '.join(flags)}",
                fix=f"use {near[0]}, or put -- before the text",
            )
