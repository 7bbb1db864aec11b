"""What calls to services that embed took: each thread's apart, and counted for embedders that do not count."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from nbkit.errors import ProviderError
from nbkit.protocols import Embedder
from nbkit.types import Spent, Usage

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

T = TypeVar("T")


def plus(one: Spent, other: Spent) -> Spent:
    """Both together; tokens are an estimate when some of them are.

    >>> both = plus(Spent(calls=1, usage=Usage(3, 0)), Spent(calls=1, usage=Usage(4, 0, source="estimate")))
    >>> both.calls, both.usage.input_tokens, both.usage.source
    (2, 7, 'estimate')
    """
    is_estimate = any(each.usage.source == "estimate" and each.usage.input_tokens for each in (one, other))
    tokens = one.usage.input_tokens + other.usage.input_tokens
    return Spent(
        one.calls + other.calls,
        one.texts + other.texts,
        one.attempts + other.attempts,
        one.duration_s + other.duration_s,
        Usage(tokens, 0, source="estimate" if is_estimate else "provider"),
        other.model or one.model,
    )


class Call:
    """One call on its way, its retries included. `token_starts` counts what a service does not."""

    def __init__(self, texts: Sequence[str], token_starts: Callable[[str], Sequence[int]]) -> None:
        self._texts = texts
        self._token_starts = token_starts
        self._is_out = False
        self._is_answered = False
        self._usage = Usage(0, 0)
        self._model: str | None = None
        self.attempts = 0
        """Calls made, retries included."""

    def attempt(self, send: Callable[[], T]) -> T:
        """What `send` gives, counted as one more attempt."""
        self.attempts += 1
        self._is_out = True
        try:
            return send()
        except Exception:
            # Refused, broken off or late: the service gave nothing for it. What is stopped by hand stays out.
            self._is_out = False
            raise

    def answer(self, *, tokens: int | None, model: str | None) -> None:
        """The service has answered; `tokens` is None when it did not count them."""
        self._is_out, self._is_answered, self._model = False, True, model
        self._usage = self._estimated() if tokens is None else Usage(tokens, 0)

    def spent(self, duration_s: float) -> Spent:
        """What it took. A call that was stopped on its way was sent whole, and counts as paid for."""
        usage = self._estimated() if self._is_out else self._usage
        texts = len(self._texts) if self._is_answered else 0
        return Spent(int(self._is_answered), texts, self.attempts, duration_s, usage, self._model)

    def _estimated(self) -> Usage:
        return Usage(sum(len(self._token_starts(text)) for text in self._texts), 0, source="estimate")


class Tally:
    """What calls took, of each thread apart: another's are not counted to a question that did not make them."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._own = threading.local()

    @contextlib.contextmanager
    def call(self, texts: Sequence[str], token_starts: Callable[[str], Sequence[int]]) -> Iterator[Call]:
        """A call that is made in the `with` block, and is counted however that ends."""
        call, started = Call(texts, token_starts), self._now()
        try:
            yield call
        finally:
            self._own.spent = plus(self._held(), call.spent(self._now() - started))

    def take(self) -> Spent:
        """What this thread's calls took since it last asked."""
        spent = self._held()
        self._own.spent = Spent()
        return spent

    def _held(self) -> Spent:
        found: Spent = getattr(self._own, "spent", Spent())
        return found


class Counted:
    """An embedder that does not say what it takes: one call for each `embed`, its tokens as it splits the texts."""

    name: ClassVar[str] = "counted"
    is_local: ClassVar[bool] = False

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._tally = Tally()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - id, limits and whatever else it has
        return getattr(self._embedder, name)

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> NDArray[float32]:
        """What the embedder gives."""
        with self._tally.call(texts, self._embedder.token_starts) as call:
            try:
                rows = call.attempt(lambda: self._embedder.embed(texts, is_query=is_query))
            except ProviderError as error:
                call.attempts = error.attempts
                raise
            call.answer(tokens=None, model=None)
        return rows

    def take_spent(self) -> Spent:
        """What this thread's calls took since it last asked."""
        return self._tally.take()


def counting(embedder: Any) -> Any:  # noqa: ANN401 - an embedder, with or without what is optional of one
    """The embedder if it says what it takes, else one that counts for it.

    >>> from nbkit.testing import FakeEmbedder
    >>> counting(FakeEmbedder()).take_spent().calls
    0
    """
    return embedder if hasattr(embedder, "take_spent") else Counted(embedder)
