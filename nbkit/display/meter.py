"""Tokens and cost of a cell while it runs, by estimate: what counts is what the provider says at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from nbkit.pipeline import Prepared, Stages
from nbkit.pricing.own import own_prices
from nbkit.pricing.tokens import estimate_tokens
from nbkit.session.spending import priced
from nbkit.types import Cost, Request, Response, Usage

if TYPE_CHECKING:
    from nbkit.session import Session
    from nbkit.session.session import Prepare
    from nbkit.session.targets import Target
    from nbkit.setting import Settings

Price = Callable[[Request, Response], Cost]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cell has taken so far."""

    input_tokens: int = 0
    """Of all its calls."""
    output_tokens: int = 0
    call_tokens: int = 0
    """Output of the call that is going on."""
    cost: Cost | None = None
    """None before anything was sent; its `usd` is None where the price is not known."""


class Meter:
    """Counts one cell's tokens, and prices them, while they arrive.

    `price`: what a call costs; it is not asked before there is something to price. `prepare`: what changes the request
    before it is sent, as retrieval does.

    >>> meter = Meter(lambda request, response: Cost(Decimal(response.usage.output_tokens)))
    >>> meter.take("It is known before a call that nothing is counted.")
    >>> meter.reading().cost is None
    True
    """

    def __init__(self, price: Price, prepare: Prepare | None = None) -> None:
        self._price = price
        self._prepare = prepare
        self._request: Request | None = None
        self._sent_tokens = 0
        self._pending: list[str] = []
        self._calls: list[int] = []
        """Output tokens of each call, the last one going on."""
        self._before = Cost(Decimal(0))
        """What the calls cost that are over."""

    def prepare(self, asked: Request, stages: Stages) -> Prepared:
        """What the given `prepare` makes of a request; takes note of what will be sent."""
        ready = Prepared(asked, stages) if self._prepare is None else self._prepare(asked, stages)
        self._request = ready.request
        self._sent_tokens = sum(estimate_tokens(message.content) for message in ready.request.messages)
        return ready

    def begin(self) -> None:
        """Begins a call: its input is sent from now on, and counts."""
        if self._calls and self._request is not None:
            self._before = _sum(self._before, self._cost_of_call())
        self._count()
        self._calls.append(0)

    def take(self, text: str) -> None:
        """Takes a piece of an answer; one that comes from the cache belongs to no call and counts nothing."""
        if self._calls:
            self._pending.append(text)

    def reading(self) -> Reading:
        """The figures so far."""
        self._count()
        if not self._calls or self._request is None:
            return Reading()
        cost = _sum(self._before, self._cost_of_call())
        return Reading(self._sent_tokens * len(self._calls), sum(self._calls), self._calls[-1], cost)

    def _count(self) -> None:
        # Only what is new is counted: a reading costs the same at any length of the answer.
        if self._pending:
            self._calls[-1] += estimate_tokens("".join(self._pending))
            self._pending.clear()

    def _cost_of_call(self) -> Cost:
        self._count()
        assert self._request is not None
        usage = Usage(self._sent_tokens, self._calls[-1], source="estimate")
        return self._price(self._request, Response("", self._request.model, usage))


def cell_meter(session: Session, settings: Settings, target: Target, *, prepare: Prepare | None = None) -> Meter:
    """The meter of one cell, by the prices that its record will have.

    >>> from nbkit.session import current
    >>> echo = current().config({"model": "echo"}).settings
    >>> cell_meter(current(), echo, current().target(echo)).reading().input_tokens
    0
    """

    def price(request: Request, response: Response) -> Cost:
        provider = session.provider(settings, target)
        was_local = getattr(provider, "was_local", None)
        is_local = provider.is_local if was_local is None else was_local(request)
        return priced(request, response, is_local=is_local, own=own_prices(settings.price))

    return Meter(price, prepare)


def _sum(one: Cost, other: Cost) -> Cost:
    usd = None if one.usd is None or other.usd is None else one.usd + other.usd
    return Cost(usd, source=other.source, is_estimate=True)
