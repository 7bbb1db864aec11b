"""Texts on their way to a service that embeds: guarded, priced and recorded like any other call.

The rooms are those of the corridor, in its order:

1. guards of stage input, each text alone. A text that is blocked is not sent; a guard that raises blocks.
2. the cache of embeddings, by the text as the guards let it go. A guard that redacts changes what is sent and so the
   vector, never the words that the index keeps; a guard that is new makes old texts pass again before they are found.
3. the service, with deadline and retries.
4. price, and one record of all that belongs together: of one question, of one `add`. Written also when it failed or
   was stopped, with what was spent until then. No word of a text is in it: counts, and one hash.

A model in this process takes none of these ways: nothing leaves the machine, nothing is paid.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from nbkit.errors import Blocked
from nbkit.pipeline.recording import without_secrets, write
from nbkit.pipeline.screening import screen_request
from nbkit.recorded import Origin, Record, Retrieval
from nbkit.session.embedders import document_blocked
from nbkit.session.gathered import Gathered
from nbkit.session.spending import priced
from nbkit.types import Cost, Message, Request, Response, Verdict

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from nbkit.config import Config
    from nbkit.embed import CachedEmbedder, Choice
    from nbkit.pricing.own import OwnPrice
    from nbkit.pricing.table import PriceTable
    from nbkit.protocols import Guard
    from nbkit.secrets import SecretRegistry
    from nbkit.session.furniture import Furniture
    from nbkit.session.spending import Spending


class Owner(Protocol):
    """What of a session its embedding calls need."""

    id: str
    secrets: SecretRegistry
    environment: Mapping[str, str]

    def config(self) -> Config:
        """The settings in force."""


class EmbeddingCalls:
    """The embedding calls of a session: whose they are, and where their records go. Safe for several threads."""

    def __init__(self, owner: Owner, furniture: Furniture) -> None:
        self._owner = owner
        self._furniture = furniture
        self._own = threading.local()

    @contextlib.contextmanager
    def made_for(
        self, origin: Origin, *, tag: str | None = None, spending: Spending | None = None
    ) -> Iterator[list[Record]]:
        """The records of this thread's embedding calls in the `with` block, as they are made.

        `spending`: the budgets of the cell that they are part of; those of the settings in force when left out.
        """
        outer = getattr(self._own, "maker", None)
        made: list[Record] = []
        self._own.maker = (origin, tag, made, spending)
        try:
            yield made
        finally:
            self._own.maker = outer

    def behind_guards(self, embedder: CachedEmbedder, choice: Choice, *, base_url: str | None) -> ServiceEmbedder:
        """The embedder of a service, with all that a call to one passes."""
        asked = Request(choice.plugin, choice.model or "", (), max_tokens=0, format="text", base_url=base_url)
        return ServiceEmbedder(embedder, asked, calls=self)

    def guards(self) -> tuple[Guard, ...]:
        """The guards in force, which know the secrets that are set now."""
        self._owner.secrets.add_variables(self._owner.environment)
        return self._furniture.guards(self._owner.config().settings, is_local=False)

    def clean(self, error: Blocked) -> None:
        """Takes secrets out of what a guard said."""
        error.reword(self._owner.secrets.redact)

    def own_prices(self) -> Mapping[str, OwnPrice]:
        """The user's own prices that are in force."""
        return self._furniture.own_prices(self._owner.config().settings)

    def price_table(self) -> PriceTable | None:
        """The table of prices that was fetched, if any."""
        return self._furniture.price_table()

    def reserve(self, asked: Request, texts: Sequence[str], bill: Gathered) -> None:
        """Reserves what embedding texts may cost, beside what the others of the bill did; raises `BudgetExceeded`."""
        own, table, settings = self.own_prices(), self._furniture.price_table(), self._owner.config().settings
        origin, _, _, spending = self._maker()

        def price(request: Request, response: Response) -> Cost:
            return priced(request, response, is_local=False, own=own, table=table)

        spending = spending or self._furniture.spending(
            settings, price, session_id=self._owner.id, notebook=origin.notebook
        )
        if spending is not None:
            messages = tuple(Message("user", text) for text in texts)
            request = dataclasses.replace(asked, messages=messages)
            spending.reserve(bill.id, request, already_usd=bill.cost.usd or Decimal(0), price=price)

    def keep(self, record: Record) -> None:
        """Completes a record with whose it is, and hands it to every sink."""
        origin, tag, made, spending = self._maker()
        if spending is not None:
            spending.count(record.cost)
        whole = dataclasses.replace(record, session_id=self._owner.id, origin=origin, tag=tag)
        whole = without_secrets(whole, self._owner.secrets)
        notes = write(whole, self._furniture.sinks(self._owner.config().settings))
        made.append(dataclasses.replace(whole, notes=(*whole.notes, *notes)))

    def _maker(self) -> tuple[Origin, str | None, list[Record], Spending | None]:
        return getattr(self._own, "maker", None) or (Origin(), None, [], None)


class ServiceEmbedder:
    """An embedder that sends texts away. What is embedded inside `together` is one record, else each `embed` is one."""

    name: ClassVar[str] = "service"
    is_local: ClassVar[bool] = False

    def __init__(self, embedder: CachedEmbedder, asked: Request, *, calls: EmbeddingCalls) -> None:
        self._embedder = embedder
        self._asked = asked
        self._calls = calls
        self._own = threading.local()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - id, limits, counts and notices are the embedder's
        return getattr(self._embedder, name)

    @property
    def dimensions(self) -> int:
        """Length of a vector; of a model that is not well known, found by a call."""
        with self.together() as bill:
            try:
                return self._embedder.dimensions
            except BaseException as error:
                bill.failed = error
                raise

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> NDArray[float32]:
        """Unit vectors, shape (len(texts), dimensions). Raises `Blocked`, and sends none, where a guard blocks one."""
        with self.together() as bill:
            started = time.perf_counter()
            try:
                sent = self._screened(texts, bill, is_query=is_query)
                bill.asked_for(sent)
                calls, asked = self._calls, self._asked
                return self._embedder.embed(
                    sent, is_query=is_query, on_missing=lambda some: calls.reserve(asked, some, bill)
                )
            except BaseException as error:
                bill.failed = error
                raise
            finally:
                bill.total_s += time.perf_counter() - started

    @contextlib.contextmanager
    def together(self) -> Iterator[Gathered]:
        """What this thread's calls in the `with` block took, while they go on; one record of all at its end."""
        outer: Gathered | None = getattr(self._own, "bill", None)
        if outer is not None:
            try:
                yield outer
            except KeyboardInterrupt as error:
                # Whoever opened the outer block may hear nothing of it: an `add` keeps what was done, and says so.
                outer.failed = error
                raise
            return
        prices = {"own": self._calls.own_prices(), "table": self._calls.price_table()}
        bill = self._own.bill = Gathered(self._asked, self._embedder.embedder, prices=prices)
        raised: BaseException | None = None
        try:
            yield bill
        except BaseException as error:
            raised = error
            raise
        finally:
            self._own.bill = None
            if bill.has_called or isinstance(raised, Blocked):
                self._calls.keep(bill.record(raised))

    def _screened(self, texts: Sequence[str], bill: Gathered, *, is_query: bool) -> list[str]:
        started = time.perf_counter()
        guards = self._calls.guards()
        try:
            return [self._screen(text, guards, bill, is_query=is_query) for text in texts]
        finally:
            bill.guards_s += time.perf_counter() - started

    def _screen(self, text: str, guards: tuple[Guard, ...], bill: Gathered, *, is_query: bool) -> str:
        request = dataclasses.replace(self._asked, messages=(Message("user", text),))
        verdicts: list[Verdict] = []
        try:
            screened = screen_request(request, guards, verdicts).messages[-1].content
        except Blocked as error:
            self._calls.clean(error)
            if is_query:
                raise
            raise document_blocked(verdicts[-1]) from error
        finally:
            bill.heard(verdicts)
        if screened == text:
            return text
        # What stands in place of a secret may be longer than it, and the window has an end.
        starts, most = self._embedder.token_starts(screened), self._embedder.max_tokens
        return screened if len(starts) <= most else screened[: starts[most]]


def with_embedding(retrieval: Retrieval | None, made: Sequence[Record]) -> Retrieval | None:
    """What was looked up for a call, with what the question's embedding cost when a service was called for it."""
    if retrieval is None or not made:
        return retrieval
    tokens = sum(record.response.usage.input_tokens for record in made if record.response is not None)
    last = made[-1]
    return dataclasses.replace(retrieval, embedding_id=last.id, embedding_tokens=tokens, embedding_cost=last.cost)
