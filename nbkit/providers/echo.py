"""Answers that need no model, for tests and documentation: the same request, the same answer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import ClassVar

from nbkit import errors
from nbkit.errors import BadSetting, ProviderTimeout, RequestRefused
from nbkit.http.clock import Clock
from nbkit.protocols import OnText, ProviderOptions
from nbkit.types import FinishReason, Request, Response, Usage

_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")
_SAYS: dict[str, Callable[[str], str]] = {
    "echo": lambda text: text,
    "upper": str.upper,
    "reverse": lambda text: " ".join(reversed(text.split())),
}
_FAILS = ("AuthFailed", "RateLimited", "ContextTooLong", "RequestRefused", "ProviderTimeout", "ProviderUnreachable",
          "BadResponse")  # fmt: skip
_PARAMS = ("delay_s", "fail", "fail_after", "text", "tokens")


class EchoProvider:
    """Answers with the last user message, word by word.

    Models: `echo` as it is, `upper` in capitals, `reverse` with the words in reverse order. Parameters: `text` answers
    with this text instead; `tokens` repeats the words until there are so many; `delay_s` waits before each word;
    `fail` raises the provider error of this name, `fail_after` so many words (0). A token is a word, and counts are
    exact.

    >>> from pathlib import Path
    >>> from nbkit.types import Message
    >>> request = Request("echo", "reverse", (Message("user", "one two three"),))
    >>> EchoProvider(ProviderOptions(home=Path())).complete(request, on_text=print, timeout_s=1).usage.output_tokens
    three
     two
     one
    3
    """

    name: ClassVar[str] = "echo"
    is_local: ClassVar[bool] = True
    key_env: ClassVar[tuple[str, ...]] = ()
    model_prefixes: ClassVar[tuple[str, ...]] = ("echo",)

    def __init__(self, options: ProviderOptions, *, clock: Clock | None = None) -> None:
        del options  # nothing is kept and nobody is called
        self._clock = clock or Clock()

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The whole answer; each word goes to `on_text`."""
        deadline = self._clock.monotonic() + timeout_s
        params = _params(request)
        pieces, finish_reason = _pieces(request, params)
        fail, after = params.get("fail"), int(str(params.get("fail_after", 0)))
        delay_s = float(str(params.get("delay_s", 0)))
        for number, piece in enumerate(pieces):
            if fail and number >= after:
                break
            self._wait(delay_s, deadline)
            on_text(piece)
        if fail:
            raise _failure(str(fail))
        sent = sum(len(message.content.split()) for message in request.messages)
        text = "".join(pieces)
        usage = Usage(sent, len(text.split()), source="exact")
        return Response(text, request.model, usage, finish_reason=finish_reason)

    def models(self) -> list[str]:
        """The names of its models."""
        return sorted(_SAYS)

    def close(self) -> None:
        """Nothing is held."""

    def _wait(self, delay_s: float, deadline: float) -> None:
        left = deadline - self._clock.monotonic()
        if delay_s > 0:
            self._clock.sleep(max(0.0, min(delay_s, left)))
        if delay_s >= left:
            raise ProviderTimeout(
                what="echo did not finish in time",
                why="the deadline of the call passed",
                fix="give it more time with --timeout, or lower delay_s",
            )


def _params(request: Request) -> dict[str, object]:
    for name, value in request.params:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if name not in _PARAMS or (not is_number and name in ("delay_s", "fail_after", "tokens")):
            raise BadSetting(
                what=f"echo cannot use the parameter {name!r} like this",
                why=f"its parameters are {', '.join(_PARAMS)}; delay_s, fail_after and tokens are numbers from 0",
                fix="correct or leave out the parameter",
            )
    return dict(request.params)


def _pieces(request: Request, params: dict[str, object]) -> tuple[list[str], FinishReason]:
    says = _SAYS.get(request.model)
    if says is None:
        near = difflib.get_close_matches(request.model, _SAYS, n=1, cutoff=0.0)
        raise RequestRefused(
            what=f"echo has no model {request.model!r}",
            why=f"its models are {', '.join(sorted(_SAYS))}",
            fix=f"use echo:{near[0]}" if near else "use echo:echo",
        )
    asked = next((message.content for message in reversed(request.messages) if message.role == "user"), "")
    text = str(params["text"]) if "text" in params else says(asked)
    text = min((text.split(stop, 1)[0] for stop in request.stop if stop), key=len, default=text)
    words = list(_words(text))
    wanted = int(str(params.get("tokens", len(words)))) if words else 0
    if wanted > len(words):
        repeated = f"{text} " * (wanted // len(words) + 1)
        words = list(_words(repeated.rstrip()))
    words = words[:wanted]
    if len(words) > request.max_tokens:
        return words[: request.max_tokens], "length"
    return words, "stop"


def _words(text: str) -> Iterator[str]:
    return (match.group() for match in _WORD.finditer(text))


def _failure(kind: str) -> errors.NbkitError:
    if kind not in _FAILS:
        return BadSetting(
            what=f"echo cannot fail with {kind!r}",
            why=f"fail names one of {', '.join(_FAILS)}",
            fix="use one of these names",
        )
    made: errors.ProviderError = getattr(errors, kind)(
        what=f"echo raised {kind}",
        why="the parameter fail asked for it",
        fix="leave out the parameter fail",
    )
    return made
