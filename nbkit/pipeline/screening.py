"""Text through guards: whole before it is sent, piece by piece while it is shown."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from typing import cast

from nbkit.errors import Blocked
from nbkit.protocols import Guard, OnText, ScreenStream, StreamingGuard
from nbkit.types import Action, Message, Request, Screened, Stage, Verdict

_STRENGTH: dict[Action, int] = {"allow": 0, "warn": 1, "redact": 2, "reask": 3, "block": 4}


def screen_request(request: Request, guards: Iterable[Guard], verdicts: list[Verdict]) -> Request:
    """The request as it may be sent; each guard adds one verdict on all messages to `verdicts`.

    Raises `Blocked` at the first guard that blocks; one that raises blocks too.
    """
    for guard in guards:
        if "input" not in guard.stages:
            continue
        started = time.perf_counter()
        found: list[Verdict] = []
        messages = []
        try:
            for message in request.messages:
                screened = guard.screen(message.content, stage="input", request=request)
                found.append(screened.verdict)
                messages.append(message if screened.text == message.content else Message(message.role, screened.text))
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and then nothing is sent
            _refuse(guard, "input", error, verdicts)
        verdict = dataclasses.replace(strongest(found), spans=found[-1].spans, duration_s=time.perf_counter() - started)
        verdicts.append(verdict)
        _stop_if_blocked(verdict)
        if messages != list(request.messages):
            request = dataclasses.replace(request, messages=tuple(messages))
    return request


def screen_passages(
    texts: Sequence[str], guards: Iterable[Guard], *, request: Request
) -> tuple[list[str | None], list[Verdict]]:
    """The texts that were looked up, as a model may read them; None for one that a guard blocks.

    Each guard gives one verdict on all of them. A guard that raises blocks what it could not look at.
    """
    shown: list[str | None] = list(texts)
    verdicts: list[Verdict] = []
    for guard in guards:
        if "retrieved" not in guard.stages:
            continue
        started = time.perf_counter()
        found: list[Verdict] = []
        for number, text in enumerate(shown):
            if text is None:
                continue
            try:
                screened = guard.screen(text, stage="retrieved", request=request)
            except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and then the text is left out
                reason = f"the guard failed: {type(error).__name__}; the passage was left out"
                screened = Screened("", Verdict(guard.name, "retrieved", "block", reason))
            found.append(screened.verdict)
            shown[number] = None if screened.verdict.action == "block" else screened.text
        if found:
            verdicts.append(dataclasses.replace(strongest(found), duration_s=time.perf_counter() - started))
    return shown, verdicts


def strongest(found: Sequence[Verdict]) -> Verdict:
    """The verdict of several that counts: the first of those with the strongest action.

    >>> strongest([Verdict("g", "input", "warn", "why"), Verdict("g", "input", "allow")]).reason
    'why'
    """
    return max(found, key=lambda verdict: _STRENGTH[verdict.action])


class OutputScreen:
    """The answer on its way to the reader: what a guard holds back or changes is never shown.

    `open` it, `feed` pieces, then `finish` once. `shown` is all the text that was shown, and so what is recorded.
    """

    def __init__(self, guards: Iterable[Guard], on_text: OnText, verdicts: list[Verdict]) -> None:
        self._guards = [guard for guard in guards if "output" in guard.stages]
        self._streams: list[ScreenStream] = []
        self._spent_s = [0.0] * len(self._guards)
        self._on_text = on_text
        self._verdicts = verdicts
        self._shown: list[str] = []
        self.first_shown_at: float | None = None
        """`perf_counter` when the first text could be shown."""

    @property
    def shown(self) -> str:
        """All text that was shown so far."""
        return "".join(self._shown)

    @property
    def spent_s(self) -> float:
        """Seconds the guards took."""
        return sum(self._spent_s)

    def open(self, request: Request) -> None:
        """Begins the answer to a request; raises `Blocked` when a guard cannot begin."""
        for guard in self._guards:
            try:
                self._streams.append(_open(guard, request))
            except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and then nothing is asked
                _refuse(guard, "output", error, self._verdicts)

    def feed(self, text: str) -> None:
        """Shows what of `text`, and of what was held back before, may be shown now."""
        self._show(self._pass_on(text, start=0))

    def finish(self) -> None:
        """Shows the rest and adds each guard's verdict; raises `Blocked` when one blocks."""
        for index, (guard, stream) in enumerate(zip(self._guards, self._streams, strict=True)):
            started = time.perf_counter()
            try:
                rest = stream.finish()
            except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and then nothing more is shown
                _refuse(guard, "output", error, self._verdicts)
            self._spent_s[index] += time.perf_counter() - started
            self._verdicts.append(dataclasses.replace(rest.verdict, duration_s=self._spent_s[index]))
            _stop_if_blocked(rest.verdict)
            self._show(self._pass_on(rest.text, start=index + 1))

    def _pass_on(self, text: str, *, start: int) -> str:
        for index in range(start, len(self._streams)):
            if not text:
                break
            started = time.perf_counter()
            try:
                text = self._streams[index].feed(text)
            except Exception as error:  # noqa: BLE001 - as above
                _refuse(self._guards[index], "output", error, self._verdicts)
            self._spent_s[index] += time.perf_counter() - started
        return text

    def _show(self, text: str) -> None:
        if not text:
            return
        if self.first_shown_at is None:
            self.first_shown_at = time.perf_counter()
        self._shown.append(text)
        self._on_text(text)


class _Whole:
    """A guard that has to see the whole text: nothing is shown before the end."""

    def __init__(self, guard: Guard, request: Request) -> None:
        self._guard = guard
        self._request = request
        self._pieces: list[str] = []

    def feed(self, text: str) -> str:
        self._pieces.append(text)
        return ""

    def finish(self) -> Screened:
        return self._guard.screen("".join(self._pieces), stage="output", request=self._request)


def _open(guard: Guard, request: Request) -> ScreenStream:
    return cast("StreamingGuard", guard).open(request) if hasattr(guard, "open") else _Whole(guard, request)


def _refuse(guard: Guard, stage: Stage, error: Exception, verdicts: list[Verdict]) -> None:
    verdict = Verdict(guard.name, stage, "block", f"the guard failed: {type(error).__name__}")
    verdicts.append(verdict)
    raise Blocked(
        what=f"blocked: the guard {guard.name!r} failed on the {stage}",
        why=f"it raised {type(error).__name__}, and a guard that cannot look lets nothing through",
        fix=f"mend or uninstall the guard {guard.name!r}; %nbkit doctor lists the guards",
    ) from error


def _stop_if_blocked(verdict: Verdict) -> None:
    if verdict.action == "block":
        raise Blocked(
            what=f"blocked by the guard {verdict.guard!r} ({verdict.stage})",
            why=verdict.reason or "the guard gave no reason",
            fix="take it out of the prompt and run the cell again; nothing was sent"
            if verdict.stage == "input"
            else "ask for something else; what was shown before the block is kept in the record",
        )
