"""Characters that a reader cannot see and that change what is read: control, override, tag and invisible ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import repeat
from typing import Final

from nbkit.types import Span

CONTROL: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u200b\u2028\u2029\u2060-\u2064\ufeff"  # no width, or a line end that only some renderers see
    "\u202a-\u202e\u2066-\u2069\u206a-\u206f\ufff9-\ufffb"  # bidi embeddings, overrides, isolates; annotations
    "\ud800-\udfff\U000e0000-\U000e0fff"  # lone surrogates; tags and variation selectors that smuggle text
)
"""Inside of a character class. Joiners, left-to-right marks and emoji selectors stay: words are written with them."""
CONTROLS: Final = re.compile(f"[{CONTROL}]")
_RUNS: Final = re.compile(f"[{CONTROL}]+")


def without_controls(text: str) -> tuple[str, list[int]]:
    r"""The text without control characters, and where each of them was.

    >>> without_controls("a\x00b\u202e\u202ec")
    ('abc', [1, 3, 4])
    """
    if CONTROLS.search(text) is None:
        return text, []
    places: list[int] = []
    for run in _RUNS.finditer(text):
        places.extend(range(*run.span()))
    return _RUNS.sub("", text), places


def control_spans(places: list[int], base: int) -> Iterable[Span]:
    """A span for each place of a control character in a text that begins at `base`.

    >>> list(control_spans([3], 10))
    [Span(start=13, end=14, kind='control character')]
    """
    starts = [base + at for at in places]
    return map(Span, starts, [start + 1 for start in starts], repeat("control character"))
