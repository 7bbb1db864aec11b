"""What calls cost over time: by hour and group, and added up against the budgets in force."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from nbkit.display import charts
from nbkit.display.board import Board, Group, total
from nbkit.display.charts import Series
from nbkit.display.pictures import Key, Picture, Steps, steps_of
from nbkit.display.totals import cost
from nbkit.display.view import AMBER, BLUE, GREEN, GREY, RED
from nbkit.figures import count, known_part, money, sum_of
from nbkit.ledger.budgets import Standing
from nbkit.ledger.spread import Sums
from nbkit.ledger.summary import Summary
from nbkit.tables import Table

_COLOURS: Final = (BLUE, GREEN, AMBER, RED)
_OTHERS: Final = "others"
_HIGHEST: Final = 5
"""A budget that is more than so many times as high as what was spent would press the curve flat."""


def known_cost(sums: Sums) -> Decimal | None:
    """What calls cost as far as prices are known; None where some are not, and the others come to nothing.

    >>> known_cost(Sums(unpriced=1)) is None
    True
    """
    return known_part(sums.cost_usd, sums.unpriced)


def cost_words(sums: Sums) -> str:
    """The cost, and of how many answers it is not known or only estimated.

    >>> cost_words(Sums(cost_pusd=10**12, priced=1, unpriced=2))
    'At least $1.00 (the price of 2 answers is not known)'
    """
    words = cost(Summary(cost_usd=known_cost(sums), unknown_prices=sums.unpriced, estimated_prices=sums.estimated))
    return words[:1].upper() + words[1:]


def cost_by_step(board: Board) -> Picture:
    """The cost of each hour or day, the groups in it one above the other.

    >>> from datetime import UTC, datetime
    >>> moment = datetime(2026, 1, 2, tzinfo=UTC)
    >>> cost_by_step(Board("all calls", moment, moment)).title
    'Cost by hour, USD'
    """
    steps = steps_of(board)
    parts = _parts(board)
    stacks = [(part, steps.of(part.hours)) for part in parts]
    sums = steps.of(board.hours)
    names = tuple(part.name for part in parts) if board.by is not None else ()
    columns = [[_money(one) for one in stack] for _, stack in stacks] if names else []
    columns += [[_money(one) for one in sums], [f"{one.calls:,}" for one in sums]]
    rows, note = steps.rows(columns, [not one.calls for one in sums])
    title = f"Cost by {steps.unit}, USD"
    table = Table(title, (f"{steps.unit} (UTC)", *names, "cost", "calls"), rows, note=note)
    says = f"{cost_words(board.sums)} for {count(board.sums.calls, 'call')}; {_dearest(steps, sums)}"
    if not board.sums.cost_pusd:
        return Picture(title, f"{says} No cost to draw.", table)
    palette = _palette(parts)
    stacked = [
        Series([float(one.cost_usd) for one in stack], colour)
        for (_, stack), colour in zip(stacks, palette, strict=True)
    ]
    with charts.plot(low=-0.6, high=len(sums) - 0.4, top=1.08 * max(float(one.cost_usd) for one in sums)) as plot:
        plot.heights(charts.usd)
        plot.bars(stacked)
        plot.named(steps.ticks())
        plot.units(x=f"{steps.unit} (UTC)", y=f"USD per {steps.unit}")
        address = plot.address()
    keys = _keys(parts, palette) if names else ()
    return Picture(title, says, table, address, f"Bars: {title}, {board.title}. {says}", keys)


def cumulative_cost(board: Board) -> Picture:
    """What the calls cost together up to each hour or day, and where each budget in force would be used up.

    >>> from datetime import UTC, datetime
    >>> moment = datetime(2026, 1, 2, tzinfo=UTC)
    >>> cumulative_cost(Board("all calls", moment, moment)).title
    'Cost so far, USD'
    """
    steps = steps_of(board)
    sums = steps.of(board.hours)
    amounts = list(itertools.accumulate((one.cost_usd for one in sums), initial=Decimal(0)))
    title = "Cost so far, against the budgets, USD" if board.standings else "Cost so far, USD"
    unpriced = itertools.accumulate(one.unpriced for one in sums)
    so_far = [sum_of(amount, lacking) for amount, lacking in zip(amounts[1:], unpriced, strict=True)]
    rows, note = steps.rows([[_money(one) for one in sums], so_far], [not one.calls for one in sums])
    table = Table(title, (f"{steps.unit} (UTC)", "cost", "added up"), rows, note=note)
    drawn = _drawn(board, amounts[-1])
    says = f"{cost_words(board.sums)} in the time shown; {_budget_words(board, len(drawn))}"
    if not amounts[-1] and not drawn:
        return Picture(title, f"{says} No cost to draw.", table)
    values = [float(one) for one in amounts]
    top = 1.18 * max([*values, *(float(level) for _, level in drawn)])
    with charts.plot(low=-0.6, high=len(sums) - 0.4, top=top) as plot:
        plot.heights(charts.usd)
        plot.area([(at - 0.5, value) for at, value in enumerate(values)], colour=BLUE)
        for one, level in drawn:
            plot.level(float(level), f"{one.scope} budget used up", colour=RED)
        plot.named(steps.ticks())
        plot.units(x=f"{steps.unit} (UTC)", y="USD, added up")
        address = plot.address()
    return Picture(title, says, table, address, f"Curve: {title}, {board.title}. {says}")


def _budget_words(board: Board, drawn: int) -> str:
    if not board.standings:
        return "no budget is in force."
    held = [f", {money(one.reserved_usd)} reserved" if one.reserved_usd else "" for one in board.standings]
    left = "; ".join(
        f"{one.scope} {money(one.left_usd)} left of {money(one.limit_usd)}{more}"
        for one, more in zip(board.standings, held, strict=True)
    )
    if board.is_filtered:
        return f"budgets, of all calls: {left}."
    far = " A budget too far above the curve is not drawn." if drawn < len(board.standings) else ""
    return f"budgets: {left}.{far}"


def _drawn(board: Board, spent: Decimal) -> list[tuple[Standing, Decimal]]:
    """Budgets that fit into the picture, each with the height of the curve at which nothing is left of it."""
    if board.is_filtered:
        return []
    levels = [(one, spent + one.left_usd) for one in board.standings]
    return [(one, level) for one, level in levels if level <= _HIGHEST * spent or (not spent and level)]


def _parts(board: Board) -> list[Group]:
    """The groups that are drawn apart: the dearest, and all others as one."""
    if board.by is None:
        return [Group("all calls", board.sums, board.hours)]
    ranked = sorted(board.groups, key=lambda one: (-one.sums.cost_pusd, -one.sums.calls))
    first, others = ranked[: len(_COLOURS)], ranked[len(_COLOURS) :]
    if not others:
        return first
    hours: dict[object, list[Sums]] = {}
    for group in others:
        for hour, sums in group.hours.items():
            hours.setdefault(hour, []).append(sums)
    together = {hour: total(parts) for hour, parts in hours.items()}
    return [*first, Group(f"{len(others)} {_OTHERS}", total(one.sums for one in others), together)]  # type: ignore[arg-type]


def _keys(parts: Sequence[Group], palette: Sequence[str]) -> tuple[Key, ...]:
    return tuple(
        Key(colour, f"{part.name} {_money(part.sums)}, {count(part.sums.calls, 'call')}")
        for part, colour in zip(parts, palette, strict=True)
    )


def _palette(parts: Sequence[Group]) -> list[str]:
    return [*_COLOURS, GREY][: len(parts)]


def _money(sums: Sums) -> str:
    return sum_of(sums.cost_usd, sums.unpriced)


def _dearest(steps: Steps, sums: Sequence[Sums]) -> str:
    at = max(range(len(sums)), key=lambda number: sums[number].cost_pusd, default=0)
    if not sums or not sums[at].cost_pusd:
        is_unknown = any(one.unpriced for one in sums)
        return "no price is known of what was asked." if is_unknown else "nothing was paid."
    return f"the dearest {steps.unit} began {steps.full_names()[at]} UTC with {money(sums[at].cost_usd)}."
