"""What providers over HTTP have in common: a draft of the call, and the answer as it grows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, TypeAlias

from nbkit.errors import BadSetting
from nbkit.types import FinishReason, JsonValue, Request, Usage

Body: TypeAlias = dict[str, JsonValue]
Payload: TypeAlias = dict[str, Any]
"""JSON from a server, of whatever shape: read with `part`, `parts`, `words` and `count`, which never raise."""

_RESERVED = ("messages", "system", "contents", "systemInstruction", "system_instruction", "prompt", "input", "stream")
"""Names under which a service takes a prompt, or that decide how it answers."""
_MOST = 1 << 53
"""No count is larger; a server that says so is wrong, and a database could not keep it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One call that could be sent."""

    path: str
    """Below the base URL."""
    body: Body
    notes: tuple[str, ...] = ()
    """What differs from what was asked."""

    def noting(self, note: str) -> Draft:
        """The same call with one note more."""
        return replace(self, notes=(*self.notes, note))


@dataclass(slots=True)
class Answer:
    """What has arrived of one answer."""

    pieces: list[str] = field(default_factory=list)
    model: str = ""
    response_id: str | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    has_begun: bool = False
    """Whether tokens were generated, shown or not: from here on a second attempt would be billed twice."""
    is_done: bool = False
    """Whether the server said that nothing follows."""


class Dialect(Protocol):
    """How one service is spoken to."""

    streams: ClassVar[str]
    """Content type of its streamed answers."""

    def draft(self, request: Request) -> Draft:
        """The call for a request."""

    def read(self, payload: Payload, answer: Answer) -> str:
        """The text in one event of a stream; the rest goes into `answer`."""

    def read_whole(self, payload: Payload, answer: Answer) -> str:
        """The text of an answer that was not streamed although it was asked for."""


def with_params(body: Body, params: tuple[tuple[str, JsonValue], ...]) -> Body:
    """The body with the reader's own parameters in it.

    Raises `BadSetting` for a name that is taken: what is sent as prompt was screened, and a setting has one value.

    >>> with_params({"model": "m"}, (("top_p", 0.5),))
    {'model': 'm', 'top_p': 0.5}
    """
    for name, _ in params:
        if name in body or name in _RESERVED:
            raise BadSetting(
                what=f"the parameter {name!r} cannot be set with -p",
                why="nbkit sets it itself",
                fix="use the option for it (-m, -s, -t, --max-tokens, --seed, --stop), or leave it out",
            )
    return body | dict(params)


def part(payload: Payload, name: str) -> Payload:
    """The object of this name, empty when there is none.

    >>> part({"a": {"b": 1}, "c": 2}, "a"), part({"c": 2}, "c")
    ({'b': 1}, {})
    """
    found = payload.get(name)
    return found if isinstance(found, dict) else {}


def parts(payload: Payload, name: str) -> list[Payload]:
    """The objects in the array of this name.

    >>> parts({"a": [{"b": 1}, 2]}, "a")
    [{'b': 1}]
    """
    found = payload.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def words(payload: Payload, name: str) -> str:
    """The text of this name, empty when there is none.

    >>> words({"a": "b"}, "a"), words({"a": None}, "a")
    ('b', '')
    """
    found = payload.get(name)
    return found if isinstance(found, str) else ""


def count(payload: Payload, name: str) -> int:
    """The whole number of this name, 0 when there is none.

    >>> count({"a": 3}, "a"), count({"a": -1}, "a"), count({}, "a")
    (3, 0, 0)
    """
    found = payload.get(name)
    return min(found, _MOST) if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def usage_of(*, sent: int, made: int, read: int = 0, written: int = 0, reasoning: int = 0) -> Usage:
    """Token counts as a server gave them, no part larger than its whole.

    >>> usage_of(sent=10, made=5, read=12).cached_input_tokens
    10
    """
    read = min(read, sent)
    return Usage(sent, made, read, min(written, sent - read), min(reasoning, made))
