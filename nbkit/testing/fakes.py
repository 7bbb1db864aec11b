"""A provider that answers from a script, for tests that want no model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from nbkit.errors import ProviderTimeout
from nbkit.protocols import OnText, ProviderOptions
from nbkit.types import FinishReason, Request, Response, Usage


@dataclass(frozen=True, slots=True)
class Reply:
    """One line of the script: pieces of text, then an end or an error."""

    pieces: tuple[str, ...] = ()
    """Given to `on_text` in this order."""
    error: BaseException | None = None
    """Raised after the pieces; `KeyboardInterrupt` too."""
    gate: threading.Event | None = None
    """Waited for before the first piece; `ProviderTimeout` when it is not set in time."""
    usage: Usage | None = None
    """None counts a token for each piece, and one for each word of the messages."""
    finish_reason: FinishReason = "stop"

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.pieces)


class FakeProvider:
    """Answers from a script: each call takes the next line, the last is repeated. Keeps the requests it was sent.

    A line is a text, an exception to raise, or a `Reply`. Texts are cut into pieces of `piece_chars`.

    >>> from nbkit.testing import request
    >>> fake = FakeProvider(["Hello there.", "Again."])
    >>> pieces = []
    >>> fake.complete(request(), on_text=pieces.append, timeout_s=1).text
    'Hello there.'
    >>> pieces, fake.calls
    (['Hell', 'o th', 'ere.'], 1)
    """

    name: ClassVar[str] = "fake"
    is_local: ClassVar[bool] = False
    key_env: ClassVar[tuple[str, ...]] = ()
    model_prefixes: ClassVar[tuple[str, ...]] = ("fake",)

    def __init__(
        self,
        script: Sequence[str | BaseException | Reply] | Callable[[Request], str] | ProviderOptions = ("ok",),
        *,
        piece_chars: int = 4,
        before_piece: Callable[[int], None] | None = None,
    ) -> None:
        """`script` may be a function from request to text. `before_piece` is called with the index of each piece."""
        self._answer = script if callable(script) else None
        lines = script if isinstance(script, Sequence) else ("ok",)
        self._script = [_reply(line, piece_chars) for line in lines] or [Reply()]
        self._piece_chars = piece_chars
        self._before_piece = before_piece
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        """Every request that arrived, in order."""
        self.closed = 0
        """How often `close` was called."""

    @property
    def calls(self) -> int:
        """How often `complete` was called."""
        return len(self.requests)

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The next line of the script."""
        reply = self._take(request)
        if reply.gate is not None and not reply.gate.wait(timeout_s):
            raise ProviderTimeout(
                what=f"no answer in {timeout_s:g} s", why="the script's gate stayed shut", fix="set the event"
            )
        for index, piece in enumerate(reply.pieces):
            if self._before_piece is not None:
                self._before_piece(index)
            on_text(piece)
        if reply.error is not None:
            raise reply.error
        words = sum(len(message.content.split()) for message in request.messages)
        usage = reply.usage or Usage(input_tokens=words, output_tokens=len(reply.pieces), source="exact")
        return Response(reply.text, request.model, usage, reply.finish_reason, response_id=f"fake-{self.calls}")

    def models(self) -> list[str]:
        """The one model there is."""
        return ["fake-1"]

    def close(self) -> None:
        """Counts that it was called."""
        self.closed += 1

    def _take(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            index = min(len(self.requests), len(self._script)) - 1
        if self._answer is not None:
            return _reply(self._answer(request), self._piece_chars)
        return self._script[index]


def _reply(line: str | BaseException | Reply, piece_chars: int) -> Reply:
    if isinstance(line, Reply):
        return line
    if isinstance(line, BaseException):
        return Reply(error=line)
    return Reply(tuple(line[at : at + piece_chars] for at in range(0, len(line), piece_chars)))
