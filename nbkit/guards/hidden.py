"""Characters that hide or reorder text, found and taken out without harm to the scripts that are written with them.

Problem: joiners, selectors and tags belong to Persian, Indic scripts, Japanese names and emoji, and the same
characters carry text that a reader cannot see. Choice: a run of such characters is judged as a whole, by what stands
before and behind it: one or two joiners, marks or selectors stay, long runs go, and so does every run inside of a word
of ASCII, which no script needs and in which a key or an address would not be known again; tags stay only as the flags
of England, Scotland and Wales. What stays is found unchanged when it is looked at again.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from nbkit.types import Span

_HIDDEN: Final = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
    "\u200b-\u200d\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\ufe00-\ufe0f"
    "\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e0fff"
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200e\u200f\u3164\uffa0"
)
_RUN: Final = re.compile(f"[{_HIDDEN}]+")
_SEEN: Final = re.compile(rf"[^\s{_HIDDEN}]")
_SHORT_CHARS: Final = 8
_MOST_KNOWN: Final = 1024
_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TAGS: Final = re.compile("[\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]")
_MAYBE: Final = re.compile(
    "[\u200b-\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200e\u200f\u3164\uffa0]"
)
_FLAGS: Final = tuple(
    "".join(chr(0xE0000 + ord(letter)) for letter in code) + "\U000e007f" for code in ("gbeng", "gbsct", "gbwls")
)
_BLACK_FLAG: Final = "\U0001f3f4"
_MOST_KEPT: Final = 2
"""An emoji's selector and joiner; more in a row carry a message."""


def find_hidden(text: str) -> list[Span]:
    """The stretches that must go, in order; kinds are `bidi`, `tags`, `invisible` and `control`.

    >>> find_hidden("a\u202eb"), find_hidden("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645")
    ([Span(start=1, end=2, kind='bidi')], [])
    """
    spans: list[Span] = []
    # The same short run, thousands of times, is judged once.
    known: dict[tuple[str, str], list[Span]] = {}
    for found in _RUN.finditer(text):
        start, end = found.span()
        run, before = found.group(), text[start - 1 : start]
        if "!" <= before <= "~" and "!" <= text[end : end + 1] <= "~":
            spans.append(Span(start, end, _kind(run)))
            continue
        within = known.get((before, run))
        if within is None:
            within = _within(before, run)
            if len(run) <= _SHORT_CHARS and len(known) < _MOST_KNOWN:
                known[before, run] = within
        spans += [Span(start + span.start, start + span.end, span.kind) for span in within]
    return spans


def is_unseen(text: str) -> bool:
    r"""Whether nothing but white space is left of the text without what must go.

    >>> is_unseen(" \u202e"), is_unseen("a\u202e")
    (True, False)
    """
    return _SEEN.search(text) is None and not without(text, find_hidden(text)).strip()


def without(text: str, spans: list[Span]) -> str:
    """The text with the stretches taken out.

    >>> without("a\u202eb", find_hidden("a\u202eb"))
    'ab'
    """
    parts: list[str] = []
    at = 0
    for span in spans:
        parts.append(text[at : span.start])
        at = span.end
    parts.append(text[at:])
    return "".join(parts)


def _within(before: str, run: str) -> list[Span]:
    """The stretches of a run that must go."""
    kept = _kept(before, run)
    if kept == run:
        return []
    if run.startswith(kept):
        return [Span(len(kept), len(run), _kind(run[len(kept) :]))]
    return _between(run, kept)


def _kept(before: str, run: str) -> str:
    """What of the run stays; the same again when only that is left."""
    flag = next((flag for flag in _FLAGS if run.startswith(flag)), "") if before == _BLACK_FLAG else ""
    rest = "".join(char for char in run[len(flag) :] if _MAYBE.match(char) and _belongs(before, char))
    return flag + (rest if len(rest) <= _MOST_KEPT else "")


def _belongs(before: str, char: str) -> bool:
    if char == "\u200b":  # where words end, in scripts that write none of the spaces
        return "\u0e00" <= before <= "\u0eff" or "\u1000" <= before <= "\u109f" or "\u1780" <= before <= "\u17ff"
    if "\U000e0100" <= char <= "\U000e01ef":  # the form of a Chinese character, as in Japanese names
        return "\u3400" <= before <= "\u9fff" or "\U00020000" <= before <= "\U0003ffff"
    return True


def _between(run: str, kept: str) -> list[Span]:
    spans: list[Span] = []
    left = iter(kept)
    wanted = next(left, None)
    begun: int | None = None
    for at, char in enumerate(run):
        if char == wanted:
            wanted = next(left, None)
            if begun is not None:
                spans.append(Span(begun, at, _kind(run[begun:at])))
                begun = None
        elif begun is None:
            begun = at
    if begun is not None:
        spans.append(Span(begun, len(run), _kind(run[begun:])))
    return spans


@functools.lru_cache(maxsize=256)
def _kind(run: str) -> str:
    if _TAGS.search(run):
        return "tags"
    if _BIDI.search(run):
        return "bidi"
    return "control" if all(char <= "\x9f" or "\ud800" <= char <= "\udfff" for char in run) else "invisible"
