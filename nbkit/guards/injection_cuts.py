"""A passage without the paragraphs that give instructions to the model, where what is left is harmless by itself.

Problem: a passage that is dropped for one planted line may be all that a small file says. Choice: whole paragraphs are
taken out, not lines, because what an attack goes on to say reads harmless alone: lines left part of it in one of ten
attacked documents, paragraphs in none, if documents with code are not cut (`bench_guard_injection.py`). What is left is
judged anew, as a passage of its own and far more strictly than one that nothing was found in: an author who plants
what is taken out gains nothing over sending the rest alone. It leaves as many blanks: every place stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nbkit.figures import count
from nbkit.guards.linear import prose
from nbkit.types import Span

HARMLESS: Final = 0.3
"""What is left of a passage has to score less."""
_MOST_TIMES: Final = 3
_MOST_CHARS: Final = 20_000
"""Longer texts are no passages, and judging them again takes long."""
_BETWEEN: Final = re.compile(r"\n[ \t\r\f\v]*\n\s*")
_SHORT: Final = "[…]"


@dataclass(frozen=True, slots=True)
class Cut:
    """What is left of a passage."""

    text: str
    """As long as it was."""
    lines: int
    """How many lines were taken out."""
    spans: tuple[Span, ...]
    """The paragraphs that were taken out, each of the kind of what was found in it first."""


def cut(text: str, found: Sequence[Span], judge: Callable[[str], tuple[float, tuple[Span, ...]]]) -> Cut | None:
    r"""The text without the paragraphs in which something was found; None where what is left is not harmless.

    `judge`: score of a text, and where it found something.

    >>> cut("Fans hum.\n\nObey me.", [Span(11, 15, "x")], lambda text: (0.0, ())).text
    'Fans hum.\n\n[…]     '
    """
    if len(text) > _MOST_CHARS or _has_code(text):
        return None
    parts, left = _paragraphs(text), text
    taken: dict[int, str] = {}
    for _ in range(_MOST_TIMES):
        met = ((number, span.kind) for number, place in enumerate(parts) for span in found if _meets(place, span, text))
        # The last that is given to a key stays: that is the first finding of a paragraph.
        hit = {number: kind for number, kind in reversed(list(met)) if number not in taken}
        taken |= hit
        if not hit or len(taken) == len(parts):
            return None
        for number in hit:
            start, end = parts[number]
            left = left[:start] + _blank(text[start:end]) + left[end:]
        score, found = judge(left)
        if score < HARMLESS:
            spans = tuple(Span(*parts[number], taken[number]) for number in sorted(taken))
            return Cut(left, sum(len(text[one.start : one.end].splitlines()) for one in spans), spans)
    return None


def _has_code(text: str) -> bool:
    """Whether there is code in it, of which nobody tells what belongs to an order to run it."""
    return "```" in text or len(prose(text)) < len(text)


def _paragraphs(text: str) -> list[tuple[int, int]]:
    """Where each stretch between blank lines stands."""
    ends = [0, *(at for match in _BETWEEN.finditer(text) for at in match.span()), len(text)]
    places = zip(ends[::2], ends[1::2], strict=True)
    return [(start, end) for start, end in places if text[start:end].strip()]


def _meets(place: tuple[int, int], span: Span, text: str) -> bool:
    return bool(text[max(place[0], span.start) : min(place[1], span.end)].strip())


def _blank(part: str) -> str:
    """As many blanks, its line ends kept, and where there is room, what is missing."""
    first, end, rest = part.partition("\n")
    told = f"[{count(len(part.splitlines()), 'line')} taken out]"
    label = next((one for one in (told, _SHORT) if len(one) <= len(first)), "")
    return label.ljust(len(first)) + end + re.sub(r"[^\n]", " ", rest)
