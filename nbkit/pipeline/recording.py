"""How a walk through the corridor becomes a record, free of secrets and handed to every sink."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nbkit import canonical
from nbkit.errors import Blocked, NbkitError
from nbkit.pipeline.screening import OutputScreen
from nbkit.protocols import Sink
from nbkit.recorded import Failure, Record
from nbkit.secrets import SecretRegistry
from nbkit.types import FinishReason, Request, Response, Status, Usage

T = TypeVar("T")


def status(error: BaseException | None) -> Status:
    """How a call ended."""
    if error is None:
        return "ok"
    if isinstance(error, Blocked):
        return "blocked"
    # What is no Exception says that the caller's own program is to stop, as Ctrl-C, a task's end or `sys.exit` do.
    return "error" if isinstance(error, Exception) else "interrupted"


def failure(error: BaseException | None) -> Failure | None:
    """An error as three sentences of data; a foreign exception gives its type only."""
    if error is None:
        return None
    if isinstance(error, NbkitError):
        return error.failure
    if not isinstance(error, Exception):
        return Failure(type(error).__name__, "interrupted", "the cell was stopped", "run it again")
    # The text of a foreign exception may hold anything, a prompt or a key among it.
    name = type(error).__name__
    return Failure(name, f"{name} in a plug-in or in nbkit", "this is a bug", "see the traceback")


def partial(
    request: Request, screen: OutputScreen, error: BaseException, *, attempts: int, count: Callable[[str], int]
) -> Response:
    """The answer as far as it was shown before the call ended early; tokens of all that arrived, estimated."""
    reason: FinishReason = "interrupted" if isinstance(error, KeyboardInterrupt) else "other"
    if isinstance(error, Blocked):
        reason = "content_filter"
    sent = sum(count(message.content) for message in request.messages)
    usage = Usage(sent, count(screen.received) if screen.received else 0, source="estimate")
    return Response(screen.shown, request.model, usage, reason, attempts=attempts)


def without_secrets(value: T, secrets: SecretRegistry) -> T:
    """A record, or what a cache keeps, with every exact secret value in it replaced by the secret's name."""
    if not secrets.longest_chars:
        return value
    return canonical.map_text(value, secrets.redact)


def write(record: Record, sinks: tuple[Sink, ...]) -> list[str]:
    """Hands the record to every sink; gives a note for each that failed or has something to say."""
    notes = []
    for sink in sinks:
        try:
            sink.write(record)
            take_notice = getattr(sink, "take_notice", None)
            notice = take_notice() if take_notice is not None else None
        except Exception as error:  # noqa: BLE001 - one sink that fails must not lose the others' records
            notes.append(f"the record was not kept by {sink.name!r} ({type(error).__name__})")
        else:
            notes += [notice] if notice else []
    return notes
