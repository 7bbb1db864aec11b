"""Intervals drawn as a forest plot, one small picture for each row of a table.

A picture is an image whose address holds its SVG: that survives an untrusted reopening, an export and a print. Its
colours are greys and a blue that read on light and on dark pages, and what it shows stands beside it as text.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from nbkit.display.view import BLUE, GREY
from nbkit.escape import escape

WIDTH, HEIGHT = 180, 18
_EDGE = 6.0
_MIDDLE = HEIGHT / 2


@dataclass(frozen=True, slots=True)
class Axis:
    """The values at the two ends of all rows of a table, and one that is marked in each."""

    low: float
    high: float
    marked: float | None = None
    """A line at this value, such as no difference."""

    def at(self, value: float) -> float:
        """Where a value is, in pixels; one beyond an end is at that end."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(_EDGE + min(1.0, max(0.0, share)) * (WIDTH - 2 * _EDGE), 1)


def forest_img(axis: Axis, value: float, low: float | None, high: float | None, *, words: str) -> str:
    """The image of one row: a dot at the value, and a line from one end of its interval to the other.

    `words`: what it shows, for who cannot see it.

    >>> forest_img(Axis(0, 1), 0.5, 0.4, 0.6, words="0.5 [0.4, 0.6]")[:48]
    '<img alt="0.5 [0.4, 0.6]" width="180" height="18'
    """
    parts = [_line(axis.at(axis.low), axis.at(axis.high), _MIDDLE, "#7f7f7f", 1, opacity=0.35)]
    if axis.marked is not None:
        at = axis.at(axis.marked)
        parts.append(f'<path d="M{at} 1V{HEIGHT - 1}" stroke="{GREY}" stroke-dasharray="2 2"/>')
    if low is not None and high is not None:
        left, right = axis.at(low), axis.at(high)
        parts.append(_line(left, right, _MIDDLE, BLUE, 2))
        parts += [
            f'<path d="M{end} {_MIDDLE - 4}V{_MIDDLE + 4}" stroke="{BLUE}" stroke-width="2"/>' for end in (left, right)
        ]
    parts.append(f'<circle cx="{axis.at(value)}" cy="{_MIDDLE}" r="4" fill="{BLUE}"/>')
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'
    )
    address = base64.b64encode(svg.encode()).decode()
    style = f"vertical-align:middle;background:transparent;max-width:none;min-width:{WIDTH}px"
    return (
        f'<img alt="{escape(words)}" width="{WIDTH}" height="{HEIGHT}" style="{style}" '
        f'src="data:image/svg+xml;base64,{address}">'
    )


def _line(left: float, right: float, y: float, colour: str, width: int, *, opacity: float = 1.0) -> str:
    return f'<path d="M{left} {y}H{right}" stroke="{colour}" stroke-width="{width}" stroke-opacity="{opacity}"/>'
