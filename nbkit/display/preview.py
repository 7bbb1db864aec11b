"""What a call would be, as a table: tokens, price, cache, guards and budgets."""

from __future__ import annotations

from collections.abc import Iterator

from nbkit.display.guards import said
from nbkit.escape import line
from nbkit.figures import age, count, money
from nbkit.session.previewing import Preview
from nbkit.setting import Settings
from nbkit.tables import Table


def preview_table(found: Preview, settings: Settings) -> Table:
    """The figures of a call that was not made."""
    request = found.request
    rows = [
        ("model", f"{line(request.provider)}:{line(request.model)}, temperature {request.temperature:g}"),
        ("tokens in", f"~{found.input_tokens:,} (estimated), {count(len(request.messages), 'message')}"),
        ("tokens out", f"at most {request.max_tokens:,}" + _each(settings)),
        ("price", _price(found, settings)),
        ("cache", _cache(found, settings)),
        ("guards", said(found.verdicts)),
        *_budgets(found, settings),
    ]
    return Table("Dry run: nothing was sent", ("figure", "value"), rows, note=_note(found, settings))


def _each(settings: Settings) -> str:
    return f", each of {settings.samples} samples" if settings.samples > 1 else ""


def _price(found: Preview, settings: Settings) -> str:
    least, most = found.least, found.most
    if found.blocked is not None or not found.misses:
        return "$0: " + ("a guard blocks it" if found.blocked else "answered from the cache")
    if settings.cache == "only":
        return "$0: not in the cache, nothing would be asked"
    if most.usd is None or least.usd is None:
        return f"? (no price is known for {line(found.request.model)})"
    if not most.usd:
        return "$0 local" if most.source == "local" else "$0"
    times = found.misses
    where = {"own": f"by {most.prices_as_of}", "table": f"prices {most.prices_as_of}"}.get(most.source, most.source)
    asked = f" for {times} of {settings.samples} samples" if settings.samples > 1 else ""
    return f"~{money(least.usd * times)} to {money(most.usd * times)}{asked} ({where})"


def _cache(found: Preview, settings: Settings) -> str:
    if settings.cache not in ("use", "only"):
        return f"not asked: {settings.cache}"
    kept = [entry for entry in found.hits if entry is not None]
    if found.blocked is not None or not kept:
        return "not asked" if found.blocked else "miss"
    if settings.samples > 1:
        return f"{len(kept)} of {settings.samples} samples are kept"
    from datetime import UTC, datetime

    return f"hit, stored {age(max(0.0, (datetime.now(UTC) - kept[0].created_at).total_seconds()))}"


def _budgets(found: Preview, settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.budget_cell is not None:
        yield "budget, cell", f"{money(settings.budget_cell)} at most, for all that it asks"
    for one in found.budgets:
        held = f", {money(one.reserved_usd)} reserved" if one.reserved_usd else ""
        spent = f"{money(one.spent_usd)} of {money(one.limit_usd)} spent{held}, {money(one.left_usd)} left"
        yield f"budget, {one.scope}", spent


def _note(found: Preview, settings: Settings) -> str:
    if found.blocked is not None:
        return f"The call would be blocked: {found.blocked.what}; {found.blocked.fix}"
    if settings.cache == "only":
        return "With --cache only the cell would fail: the answer is not in the cache." if found.misses else ""
    if settings.budget_notebook is not None and not found.is_named and found.misses and found.most.usd:
        return "The notebook's budget would refuse it, for this notebook has no name: %cost budgets says more."
    return _refusal(found, settings) if found.misses else ""


def _refusal(found: Preview, settings: Settings) -> str:
    """What the budgets would say; empty where all have room."""
    limits = [*([("cell", settings.budget_cell)] if settings.budget_cell is not None else [])]
    limits += [(one.scope, one.left_usd) for one in found.budgets]
    if limits and found.most.usd is None:
        return (
            "It would be refused: a budget is in force, and nobody knows its price; --allow price:unknown lets it pass."
        )
    full = [scope for scope, left in limits if (found.most.usd or 0) > left]
    if full:
        return f"It would be refused: no room for it in the budget of the {' and the '.join(full)}."
    part = [scope for scope, left in limits if (found.most.usd or 0) * found.misses > left]
    return f"The budget of the {part[0]} may not have room for all {found.misses} samples." if part else ""
