"""The dashboard as what an output carries: figures as pictures and tables, in HTML and as text."""

from __future__ import annotations

from typing import Final

from nbkit.display.board import Board, Group
from nbkit.display.card import tiles_html
from nbkit.display.figures_cost import cost_by_step, cost_words, cumulative_cost
from nbkit.display.figures_latency import latency_distribution
from nbkit.display.figures_usage import blocked_by_guard, hits_by_step, tokens_by_step
from nbkit.display.tiles import Tile
from nbkit.display.totals import latency
from nbkit.display.view import BLUE
from nbkit.escape import NO_MATH, escape
from nbkit.figures import count, duration, sum_of
from nbkit.ledger.spread import Sums
from nbkit.tables import Table

FIGURES: Final = (
    cost_by_step, cumulative_cost, latency_distribution, tokens_by_step, hits_by_step, blocked_by_guard,
)  # fmt: skip
_MOST_GROUPS: Final = 30
_BOX = f"border-left:4px solid {BLUE};background:rgba(127,127,127,0.06);border-radius:4px;padding:8px 12px;line-height:1.4;font-size:13px"  # noqa: E501
_FIGURES = "display:flex;flex-wrap:wrap;gap:18px 22px;margin:12px 0 0 0"
_HINT = "font-size:12px;margin:8px 0 0 0"


def dashboard_bundle(board: Board, *, hint: str = "") -> dict[str, str]:
    """The dashboard as a MIME bundle; `hint` is a last line.

    >>> from datetime import UTC, datetime
    >>> moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    >>> print(dashboard_bundle(Board("all calls", moment, moment))["text/plain"].splitlines()[0])
    nbkit dashboard · all calls · drawn 2026-01-02 03:04 UTC
    """
    caption = f"nbkit dashboard · {board.title} · drawn {board.drawn_at:%Y-%m-%d %H:%M} UTC"
    tiles = _tiles(board)
    groups = [_group_table(board)] if board.groups else []
    pictures = [draw(board) for draw in FIGURES] if board.sums.calls else []
    nothing = "" if pictures else "No calls in this time: run a %%llm cell, or choose a longer one."
    html = "".join(
        [
            f'<div {NO_MATH} style="{_BOX}">{tiles_html(caption, tiles)}',
            *(f'<div style="margin:12px 0 0 0;overflow-x:auto">{table.html()}</div>' for table in groups),
            f'<p style="margin:8px 0 0 0">{escape(nothing)}</p>' if nothing else "",
            f'<div style="{_FIGURES}">{"".join(picture.html() for picture in pictures)}</div>',
            f'<p style="{_HINT}">{escape(hint)}</p>' if hint else "",
            "</div>",
        ]
    )
    tiled = [f"  {tile.name:<19}{tile.value}{_brackets(tile)}" for tile in tiles]
    parts = [
        "\n".join([caption, *tiled]),
        *(table.text() for table in groups),
        *(picture.text() for picture in pictures),
    ]
    return {"text/html": html, "text/plain": "\n\n".join([*parts, *filter(None, (nothing, hint))])}


def _tiles(board: Board) -> tuple[Tile, ...]:
    sums, live = board.sums, board.live
    asked = sums.hits + sums.misses
    rate = f"{sums.hits / asked:.0%}" if asked else "—"
    saved = f"{sum_of(sums.saved_usd, sums.unsaved)} saved"
    unknown = (f"{count(sums.unpriced, 'answer')} unpriced",) if sums.unpriced else ()
    stopped = [
        f"{n:,} {word}"
        for n, word in ((sums.failures, "failed"), (sums.blocked, "blocked"), (sums.interrupted, "interrupted"))
        if n
    ]
    return (
        Tile("Cost", _cost(sums), unknown, cost_words(sums)),
        Tile("Calls", f"{sums.calls:,}", tuple(stopped) or ("none failed or blocked",)),
        Tile(
            "Latency p50, live",
            ("" if live.is_exact else "~") + duration(live.p50_s),
            (f"p95 {duration(live.p95_s)}", f"n = {live.n:,}"),
            latency(live),
        ),
        Tile("Tokens in → out", f"{sums.input_tokens:,} → {sums.output_tokens:,}", ("cache hits send none",)),
        Tile("Cache hit rate", rate, (f"n = {asked:,}", saved)),
    )


def _cost(sums: Sums) -> str:
    return sum_of(sums.cost_usd, sums.unpriced, about="~" if sums.estimated else "")


def _brackets(tile: Tile) -> str:
    return f" ({', '.join(tile.details)})" if tile.details else ""


def _group_table(board: Board) -> Table:
    shown = board.groups[:_MOST_GROUPS]
    more = len(board.groups) - len(shown)
    note = f"{more:,} groups more: nbkit.summary(by='{board.by}') has them." if more else ""
    names = (str(board.by), "calls", "cost", "hit rate", "p50, live", "p95, live", "n", "tokens in → out",
             "failed", "blocked")  # fmt: skip
    return Table(f"By {board.by}", names, [_row(one) for one in shown], note=note)


def _row(one: Group) -> tuple[str, ...]:
    sums = one.sums
    asked = sums.hits + sums.misses
    return (
        one.name,
        f"{sums.calls:,}",
        _cost(sums),
        f"{sums.hits / asked:.0%}" if asked else "—",
        duration(one.live.p50_s),
        duration(one.live.p95_s),
        f"{one.live.n:,}",
        f"{sums.input_tokens:,} → {sums.output_tokens:,}",
        f"{sums.failures:,}",
        f"{sums.blocked:,}",
    )
