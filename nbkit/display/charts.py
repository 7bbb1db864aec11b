"""Pictures of figures: drawn by matplotlib without its global state, as SVG inside an `<img>`.

An untrusted page drops SVG, and keeps an image whose address holds the SVG. The picture is transparent and its words
are grey, so that it reads on light and on dark pages; each word and number is also text beside it. The user's
`rcParams`, backend and open figures are as they were afterwards.

A dashboard draws six of these at each change of a control. matplotlib's `Axes` take 45 ms each, nearly all for ticks
that may be moved and zoomed; lines and words put on the figure where they belong take 10.
"""

from __future__ import annotations

import base64
import contextlib
import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from nbkit.display.view import GREY
from nbkit.figures import money

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Point = tuple[float, float]

WIDTH, HEIGHT = 375.0, 168.0
"""In points: 500 by 224 pixels."""
_RIGHT, _BOTTOM, _TOP = 8.0, 34.0, 22.0
_POINTS: Final = 9.0
_WASH: Final = (0.5, 0.5, 0.5, 0.25)
_MOST_BARS_WITH_GAPS: Final = 120
_MOST_STEPS: Final = 5
_MARKED: Final = 76.0
"""Room for the words of a mark, in points."""
_ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one kind, one for each place on the axis."""

    values: Sequence[float]
    colour: str


class Plot:
    """A figure with one pair of axes: `x` from `low` to `high`, `y` from 0 to `top`.

    >>> with plot(low=0, high=3, top=9) as drawn:
    ...     drawn.bars([Series([1, 5, 9], "#3b82f6")])
    ...     drawn.address()[:26]
    'data:image/svg+xml;base64,'
    """

    def __init__(self, figure: Figure, *, low: float, high: float, top: float, left: float) -> None:
        self._figure = figure
        self._low, self._high, self._top = low, max(high, low + 1e-9), top or 1.0
        self._left = left
        self.line([(left, HEIGHT - _TOP), (left, _BOTTOM), (WIDTH - _RIGHT, _BOTTOM)], colour=GREY, width=0.8)

    def at(self, x: float, y: float) -> Point:
        """Where a place on the axes is in the figure, in points."""
        across, up = (x - self._low) / (self._high - self._low), y / self._top
        return self._left + across * (WIDTH - _RIGHT - self._left), _BOTTOM + up * (HEIGHT - _TOP - _BOTTOM)

    def bars(self, series: Sequence[Series]) -> None:
        """Stacked bars, one around each whole `x`; each series is one path, however many bars there are."""
        count = max((len(one.values) for one in series), default=0)
        half = 0.4 if count <= _MOST_BARS_WITH_GAPS else 0.5
        base = [0.0] * count
        for one in series:
            tops = [low + value for low, value in zip(base, one.values, strict=True)]
            boxes = [(x - half, x + half, low, top) for x, (low, top) in enumerate(zip(base, tops, strict=True))]
            self.boxes([box for box in boxes if box[3] > box[2]], colour=one.colour)
            base = tops

    def boxes(self, boxes: Sequence[tuple[float, float, float, float]], *, colour: str) -> None:
        """Boxes from one `x` to another, and from one `y` to another."""
        corners = [
            self.at(*corner)
            for left, right, low, top in boxes
            for corner in ((left, low), (left, top), (right, top), (right, low), (left, low))
        ]
        if corners:
            self._path(corners, [1, 2, 2, 2, 79] * len(boxes), facecolor=colour, edgecolor="none")

    def area(self, points: Sequence[Point], *, colour: str) -> None:
        """A curve, and a wash of its colour below it."""
        edge = [self.at(*point) for point in points]
        whole = [self.at(points[0][0], 0), *edge, self.at(points[-1][0], 0)]
        self._path(whole, None, facecolor=colour, edgecolor="none", alpha=0.18)
        self.line(edge, colour=colour, width=2.0)

    def line(self, points: Sequence[Point], *, colour: Any, width: float, dashes: Any = "-") -> None:  # noqa: ANN401 - as matplotlib takes them
        """A line through points of the figure."""
        self._path(points, None, facecolor="none", edgecolor=colour, linewidth=width, linestyle=dashes)

    def words(self, at: Point, words: str, *, across: str = "left", up: str = "baseline") -> None:
        """Words whose `left`, `center` or `right`, and `bottom`, `center` or `top`, is at a point of the figure."""
        self._figure.text(
            *at, words, color=GREY, fontsize=_POINTS, ha=across, va=up, transform=_identity(), usetex=False,
            parse_math=False,
        )  # fmt: skip

    def heights(self, name: Callable[[float], str], *, is_whole: bool = False) -> None:
        """Few, round heights with their names, and a thin line at each."""
        for y in rounds(self._top, is_whole=is_whole):
            x, up = self.at(self._low, y)
            if y:
                self.line([(x, up), (WIDTH - _RIGHT, up)], colour=_WASH, width=0.8)
            self.words((x - 4, up), name(y), across="right", up="center")

    def named(self, places: Iterable[tuple[float, str]]) -> None:
        """Names below places on the axis."""
        for x, name in places:
            across, up = self.at(x, 0)
            self.line([(across, up), (across, up - 3)], colour=GREY, width=0.8)
            # A name at the very end would stick out of the picture.
            self.words((min(across, WIDTH - 2.7 * len(name) - 1), up - 5), name, across="center", up="top")

    def units(self, *, x: str, y: str) -> None:
        """What the axes are, with their units."""
        self.words((WIDTH - _RIGHT, 3), x, across="right", up="bottom")
        self.words((2, HEIGHT - 3), y, up="top")

    def mark(self, x: float, words: str, *, colour: str, dashes: str = "--", down: float = 0.0) -> None:
        """A line across the height at a place, with words beside it; `down`: so many points below the top."""
        across, _ = self.at(x, 0)
        self.line([(across, _BOTTOM), (across, HEIGHT - _TOP)], colour=colour, width=1.6, dashes=dashes)
        is_left = across < WIDTH - _MARKED
        at = (across + (4 if is_left else -4), HEIGHT - _TOP - down)
        self.words(at, words, across="left" if is_left else "right", up="top")

    def level(self, y: float, words: str, *, colour: str) -> None:
        """A line across the width at a height, with words above it."""
        left, up = self.at(self._low, y)
        self.line([(left, up), (WIDTH - _RIGHT, up)], colour=colour, width=1.6, dashes="--")
        self.words((left + 4, up + 3), words, up="bottom")

    def address(self) -> str:
        """The picture as the address of an image; the same picture gives the same address."""
        text = io.StringIO()
        self._figure.savefig(text, format="svg", facecolor="none", metadata={"Date": None, "Creator": None})
        # The preamble and its comment say nothing to a browser.
        svg = text.getvalue()
        return "data:image/svg+xml;base64," + base64.b64encode(svg[svg.index("<svg") :].encode()).decode()

    def _path(self, points: Sequence[Point], codes: Sequence[int] | None, **look: Any) -> None:  # noqa: ANN401 - of a patch
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        self._figure.add_artist(PathPatch(Path(points, codes), transform=_identity(), **look))


@contextlib.contextmanager
def plot(*, low: float, high: float, top: float, left: float = 46.0) -> Iterator[Plot]:
    """Something to draw on; styles that the user has set do not reach it. `left`: room for names of heights, in points.

    >>> with plot(low=0, high=1, top=1) as drawn:
    ...     drawn.at(0, 0)
    (46.0, 34.0)
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        # Names inside the picture: fixed, so that the same figures make the same file.
        mpl.rcParams["svg.hashsalt"] = "nbkit"
        # Words as words: a tenth of the bytes of their outlines; each is anchored, so any reader's font fits.
        mpl.rcParams["svg.fonttype"] = "none"
        yield Plot(Figure((WIDTH / 72, HEIGHT / 72), dpi=72, facecolor="none"), low=low, high=high, top=top, left=left)


def rounds(top: float, *, is_whole: bool = False) -> list[float]:
    """Round heights from 0 to `top`, at most six.

    >>> rounds(157), rounds(0.024), rounds(2, is_whole=True)
    ([0.0, 50.0, 100.0, 150.0], [0.0, 0.005, 0.01, 0.015, 0.02], [0.0, 1.0, 2.0])
    """
    rough = top / _MOST_STEPS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in _ROUND if size * one >= rough * (1 - 1e-9))
    if is_whole:
        step = max(1.0, math.ceil(step))
    return [round(number * step, 12) for number in range(int(top / step + 1e-9) + 1)]


def usd(amount: float) -> str:
    """Dollars at a height.

    >>> usd(0.025)
    '$0.025'
    """
    return money(Decimal(f"{amount:.12f}").normalize())


def number(amount: float) -> str:
    """A round number, shortened.

    >>> number(120000.0), number(50.0)
    ('120 k', '50')
    """
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(amount) >= size:
            return f"{amount / size:g}{unit}"
    return f"{amount:g}"


def _identity() -> Any:  # noqa: ANN401 - a transform
    from matplotlib.transforms import IdentityTransform

    return IdentityTransform()
