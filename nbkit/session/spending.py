"""What a call may cost at most, and whether the budgets in force have room for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from nbkit.errors import BudgetExceeded
from nbkit.figures import money
from nbkit.ledger.budgets import Budgets, Scope, Spender, Standing
from nbkit.pricing.prices import NO_PRICES, price
from nbkit.session.trust import UNKNOWN_PRICE
from nbkit.setting import Settings
from nbkit.types import Cost, Request, Response, Usage

if TYPE_CHECKING:
    from nbkit.pricing.own import OwnPrice
    from nbkit.pricing.table import PriceTable

Pricing: TypeAlias = Callable[[Request, Response], Cost]
"""What a call costs."""
_MESSAGE_TOKENS: Final = 16
"""More than any provider adds to a message for its role and marks."""
_REQUEST_TOKENS: Final = 64
"""More than a model's own template adds to a request, such as a system prompt where there is none."""
_CELL: Final = "cell"


def priced(
    request: Request,
    response: Response,
    *,
    is_local: bool,
    own: Mapping[str, OwnPrice] = NO_PRICES,
    table: PriceTable | None = None,
) -> Cost:
    """What a call cost, by the model that answered or else by the one that was asked."""
    found = Cost()
    for model in dict.fromkeys((response.model, request.model)):
        found = price(
            request.provider,
            model,
            response.usage,
            is_local=is_local,
            base_url=request.base_url,
            own=own,
            table=table,
        )
        if found.usd is not None:
            break
    return found


def most_tokens(request: Request) -> int:
    """More tokens than the request's messages can have: a token is at least one byte.

    >>> from nbkit.types import Message
    >>> most_tokens(Request("echo", "echo", (Message("user", "hello"),)))
    85
    """
    texts = [message.content for message in request.messages]
    sizes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    # Texts that are embedded stand in no template.
    template = _REQUEST_TOKENS if request.max_tokens else 0
    return template + sizes + _MESSAGE_TOKENS * len(texts) + len((request.schema or "").encode())


def most(request: Request, price: Pricing) -> Cost:
    """The most that a call can cost: all tokens that fit in, none of them cached, or all written to the cache."""
    sent = most_tokens(request)
    costs = [
        price(request, Response("", request.model, Usage(sent, request.max_tokens, cache_write_tokens=written)))
        for written in (0, sent)
    ]
    known = [cost for cost in costs if cost.usd is not None]
    return max(known, key=lambda cost: cost.usd or 0) if known else costs[0]


def limits_of(settings: Settings) -> dict[Scope, Decimal]:
    """The budgets in force but the cell's, by scope.

    >>> limits_of(Settings(budget_day=Decimal(2)))
    {'day': Decimal('2')}
    """
    given: dict[Scope, Decimal | None] = {
        "notebook": settings.budget_notebook,
        "session": settings.budget_session,
        "day": settings.budget_day,
        "project": settings.budget_project,
    }
    return {scope: limit for scope, limit in given.items() if limit is not None}


def today() -> datetime:
    """Now, in the reader's time zone: a day's budget begins at its midnight.

    >>> today().tzinfo is None
    False
    """
    return datetime.now().astimezone()


class Purse:
    """What one cell may spend on all of its calls, and what they hold of it. Safe for several threads.

    >>> purse = Purse(Decimal("0.10"))
    >>> purse.hold(Decimal("0.06")), purse.hold(Decimal("0.06"))
    (True, False)
    """

    def __init__(self, limit_usd: Decimal | None) -> None:
        self.limit_usd = limit_usd
        self._changed = threading.Condition()
        self._spent_usd = Decimal(0)
        self._held_usd: dict[int, Decimal] = {}
        """By the thread of the call."""

    def hold(self, usd: Decimal) -> bool:
        """Holds the most that a call can cost, if there is room for it.

        Where only what calls of other threads hold leaves no room, it waits for them: they cost less than they hold.
        A thread that holds something itself waits for nobody, so that no two wait for one another.
        """
        thread = threading.get_ident()
        with self._changed:
            if thread not in self._held_usd:
                self._changed.wait_for(lambda: self._has_room(usd) or not self._may_have_room(usd))
            has_room = self._has_room(usd)
            if has_room:
                self._held_usd[thread] = self._held_usd.get(thread, Decimal(0)) + usd
            return has_room

    def _has_room(self, usd: Decimal) -> bool:
        return self.limit_usd is None or self._spent_usd + sum(self._held_usd.values()) + usd <= self.limit_usd

    def _may_have_room(self, usd: Decimal) -> bool:
        """Whether there may be room once the calls that hold something are done."""
        return bool(self._held_usd) and self.limit_usd is not None and self._spent_usd + usd <= self.limit_usd

    def settle(self, held_usd: Decimal, spent_usd: Decimal) -> None:
        """Puts what a call has cost in the place of what was held for it, by this thread."""
        thread = threading.get_ident()
        with self._changed:
            left = self._held_usd.pop(thread, Decimal(0)) - held_usd
            if left:
                self._held_usd[thread] = left
            self._spent_usd += spent_usd
            self._changed.notify_all()

    @property
    def state(self) -> tuple[Decimal, Decimal]:
        """What is spent, and what is held."""
        with self._changed:
            return self._spent_usd, sum(self._held_usd.values(), Decimal(0))


class Spending:
    """The budgets of the calls of one `ask`, which come one after the other."""

    def __init__(
        self,
        budgets: Budgets,
        settings: Settings,
        price: Pricing,
        *,
        of: Spender,
        purse: Purse | None = None,
    ) -> None:
        self._budgets = budgets
        self._limits = limits_of(settings)
        self._purse = purse or Purse(settings.budget_cell)
        self._held_usd = Decimal(0)
        self._allows_unknown = UNKNOWN_PRICE in settings.guard_allow
        self._price = price
        self._spender = of

    @staticmethod
    def is_limited(settings: Settings) -> bool:
        """Whether any budget is in force."""
        return settings.budget_cell is not None or bool(limits_of(settings))

    def price(self, request: Request, response: Response) -> Cost:
        """What a call cost, which counts for the cell."""
        cost = self._price(request, response)
        self.count(cost)
        return cost

    def count(self, cost: Cost) -> None:
        """Adds what a call of the cell has cost, also another's, such as the embedding of its question."""
        self._purse.settle(self._held_usd, cost.usd or Decimal(0))
        self._held_usd = Decimal(0)

    def close(self) -> None:
        """Lets go of what is held for a call that came to nothing."""
        self.count(Cost(Decimal(0)))

    def reserve(
        self,
        record_id: str,
        request: Request,
        *,
        already_usd: Decimal = Decimal(0),
        price: Pricing | None = None,
    ) -> None:
        """Reserves the most that a call can cost, until its record is kept; raises `BudgetExceeded`, `StoreError`.

        `already_usd`: what other calls have cost that become the same record. `price`: where it is not that of answers.
        """
        cost = most(request, price or self._price)
        if cost.usd is None:
            if self._allows_unknown:
                return
            raise BudgetExceeded(
                what=f"the price of {request.provider}:{request.model} is not known, and a budget is in force",
                why="a call whose price nobody knows could cost more than the budget has",
                fix=f'say what it costs: [tool.nbkit.price."{request.model}"] input and output, or let it pass: '
                "--allow price:unknown",
            )
        if cost.usd == 0:
            return
        most_usd = already_usd + cost.usd
        self.close()
        if not self._purse.hold(most_usd):
            spent, held = self._purse.state
            raise _refused(_CELL, self._purse.limit_usd, spent, held, most_usd=most_usd, request=request)
        self._held_usd = most_usd
        if "notebook" in self._limits and self._spender.notebook is None:
            raise BudgetExceeded(
                what="the notebook's budget cannot hold, for this notebook has no name (not sent, $0)",
                why="neither Jupyter nor VS Code runs it, so that each of its runs would count as another notebook",
                fix="run it by `nbkit run NOTEBOOK`, or name it: JPY_SESSION_NAME=/path/NOTEBOOK.ipynb; or take "
                "budget.day, budget.session or budget.project",
            )
        if self._limits:
            found = self._budgets.reserve(record_id, most_usd, self._limits, of=self._spender, at=today())
            if found is not None:
                raise _exceeded(found, most_usd=most_usd, request=request)


def _exceeded(found: Standing, *, most_usd: Decimal, request: Request) -> BudgetExceeded:
    return _refused(
        found.scope, found.limit_usd, found.spent_usd, found.reserved_usd, most_usd=most_usd, request=request
    )


def _refused(
    scope: str, limit: Decimal | None, spent: Decimal, reserved: Decimal, *, most_usd: Decimal, request: Request
) -> BudgetExceeded:
    left = max(Decimal(0), (limit or Decimal(0)) - spent - reserved)
    held = f", {money(reserved)} is reserved by calls that are not done" if reserved else ""
    raised = money((limit or Decimal(0)) + most_usd - left).removeprefix("$")
    how = f"--max-cost {raised}" if scope == _CELL else f"%config NbKit.budget_{scope} = {raised}"
    return BudgetExceeded(
        what=f"the {scope}'s budget of {money(limit)} has no room for this call (not sent, $0)",
        why=f"{money(spent)} is spent{held}, {money(left)} is left, and it may cost up to {money(most_usd)}",
        fix=f"raise it: {how}; or lower --max-tokens, which is {request.max_tokens:,}",
    )
