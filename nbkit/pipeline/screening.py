"""Text through guards: whole before it is sent, piece by piece while it is shown."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from typing import Final, cast

from nbkit.errors import Blocked
from nbkit.pipeline.parameters import judge_parameters, refuse_secrets
from nbkit.protocols import Guard, OnText, ScreenStream, StreamingGuard
from nbkit.pseudonyms import Pseudonyms, Restorer
from nbkit.secrets import SecretRegistry
from nbkit.types import Action, Message, Request, Screened, Stage, Verdict

_STRENGTH: dict[Action, int] = {"allow": 0, "warn": 1, "redact": 2, "reask": 3, "block": 4}
INPUT_FIRST = ("limits", "secrets")
"""Guards that see a prompt before the others: what these replace must not hide a secret from them."""


def screen_request(
    request: Request,
    guards: Iterable[Guard],
    verdicts: list[Verdict],
    *,
    may_fail: frozenset[str] = frozenset(),
    held: list[Pseudonyms] | None = None,
    secrets: SecretRegistry | None = None,
) -> Request:
    """The request as it may be sent; each guard adds one verdict on all messages to `verdicts`.

    `may_fail`: guards that are passed over with a warning when they raise; any other blocks. `held` takes what guards
    replaced, so that it can be put back. `secrets` may stand in no parameter either. Raises `Blocked` where something
    is refused.
    """
    for guard in in_order(guards):
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
            spans = found[-1].spans
            if guard.name in ("secrets", "pii"):
                found += judge_parameters(guard, request)
            if held is not None and hasattr(guard, "pseudonyms"):
                held.append(guard.pseudonyms(request))
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and then nothing is sent
            _refuse(guard, "input", error, verdicts, may_fail=may_fail)
            continue
        verdict = dataclasses.replace(strongest(found), spans=spans, duration_s=time.perf_counter() - started)
        verdicts.append(verdict)
        _stop_if_blocked(verdict)
        if messages != list(request.messages):
            request = dataclasses.replace(request, messages=tuple(messages))
    if secrets is not None:
        refuse_secrets(request, secrets, verdicts)
    return request


def in_order(guards: Iterable[Guard]) -> list[Guard]:
    """The guards in the order in which they look at prompts and passages."""
    return sorted(guards, key=lambda one: INPUT_FIRST.index(one.name) if one.name in INPUT_FIRST else len(INPUT_FIRST))


def strongest(found: Sequence[Verdict]) -> Verdict:
    """The verdict of several that counts: of those with the strongest action the first with the highest score.

    >>> strongest([Verdict("g", "input", "warn", "why"), Verdict("g", "input", "allow")]).reason
    'why'
    """
    return max(found, key=lambda verdict: (_STRENGTH[verdict.action], verdict.score or 0.0))


_NOTHING: Final = Screened("", Verdict("", "output", "allow"))


class OutputScreen:
    """The answer on its way to the reader: what a guard holds back or changes is never shown.

    `open` it, `feed` pieces, then `finish` once. `shown` is all the text that was shown, and so what is recorded.
    """

    def __init__(
        self,
        guards: Iterable[Guard],
        on_text: OnText,
        verdicts: list[Verdict],
        *,
        may_fail: frozenset[str] = frozenset(),
    ) -> None:
        self._guards = [guard for guard in guards if "output" in guard.stages]
        self._may_fail = may_fail
        self._restorer: Restorer | None = None
        self._streams: list[ScreenStream] = []
        self._spent_s = [0.0] * len(self._guards)
        self._on_text = on_text
        self._verdicts = verdicts
        self._shown: list[str] = []
        self._received: list[str] = []
        self.first_shown_at: float | None = None
        """`perf_counter` when the first text could be shown."""

    @property
    def shown(self) -> str:
        """All text that was shown so far."""
        return "".join(self._shown)

    @property
    def received(self) -> str:
        """All text that arrived so far, which was paid for."""
        return "".join(self._received)

    @property
    def spent_s(self) -> float:
        """Seconds the guards took."""
        return sum(self._spent_s)

    def first_shown_after(self, started: float) -> float | None:
        """Seconds from `started`, of `perf_counter`, until the first text could be shown."""
        return None if self.first_shown_at is None else self.first_shown_at - started

    def open(self, request: Request, *, replaced: Pseudonyms | None = None, restores: bool = False) -> None:
        """Begins the answer to a request; raises `Blocked` when a guard cannot begin.

        `replaced`: what stands for what in the request. Where it `restores`, the originals are shown; `shown` stays as
        it is without.
        """
        if replaced is not None and replaced.originals:
            self._restorer = Restorer(replaced) if restores else None
            self._guards = [guard.knowing(replaced) if hasattr(guard, "knowing") else guard for guard in self._guards]
        for guard in self._guards:
            try:
                self._streams.append(_open(guard, request, can_fail=guard.name in self._may_fail))
            except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and then nothing is asked
                _refuse(guard, "output", error, self._verdicts, may_fail=self._may_fail)
                self._streams.append(_Through())

    def feed(self, text: str) -> None:
        """Shows what of `text`, and of what was held back before, may be shown now."""
        self._received.append(text)
        try:
            self._show(self._pass_on(text, start=0))
        except Blocked:
            self._show_rest()
            raise

    def finish(self) -> None:
        """Shows the rest and adds each guard's verdict; raises `Blocked` when one blocks."""
        try:
            self._finish()
        finally:
            self._show_rest()

    def _finish(self) -> None:
        for index, (guard, stream) in enumerate(zip(self._guards, self._streams, strict=True)):
            started = time.perf_counter()
            try:
                rest = stream.finish()
            except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and then nothing more is shown
                _refuse(guard, "output", error, self._verdicts, may_fail=self._may_fail)
                rest = stream.left() if isinstance(stream, _Whole) else _NOTHING
            self._spent_s[index] += time.perf_counter() - started
            if rest.verdict.guard:
                self._verdicts.append(dataclasses.replace(rest.verdict, duration_s=self._spent_s[index]))
            _stop_if_blocked(rest.verdict)
            self._show(self._pass_on(rest.text, start=index + 1))

    def _show_rest(self) -> None:
        rest = "" if self._restorer is None else self._restorer.finish()
        if rest:
            self._on_text(rest)

    def _pass_on(self, text: str, *, start: int) -> str:
        for index in range(start, len(self._streams)):
            if not text:
                break
            started = time.perf_counter()
            try:
                text = self._streams[index].feed(text)
            except Exception as error:  # noqa: BLE001 - as above
                _refuse(self._guards[index], "output", error, self._verdicts, may_fail=self._may_fail)
                self._streams[index] = _Through()
            self._spent_s[index] += time.perf_counter() - started
        return text

    def _show(self, text: str) -> None:
        if not text:
            return
        if self.first_shown_at is None:
            self.first_shown_at = time.perf_counter()
        self._shown.append(text)
        restored = text if self._restorer is None else self._restorer.feed(text)
        if restored:
            self._on_text(restored)


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

    def left(self) -> Screened:
        """What it has not let go, without a verdict: for a guard that may fail."""
        return dataclasses.replace(_NOTHING, text="".join(self._pieces))


class _Through:
    """In the place of a guard that failed, and may."""

    def feed(self, text: str) -> str:
        return text

    def finish(self) -> Screened:
        return _NOTHING


def _open(guard: Guard, request: Request, *, can_fail: bool) -> ScreenStream:
    # What a stream holds back when it fails is lost: of a guard that may fail, the text is kept until it has not.
    if can_fail or not hasattr(guard, "open"):
        return _Whole(guard, request)
    return cast("StreamingGuard", guard).open(request)


def _refuse(guard: Guard, stage: Stage, error: Exception, verdicts: list[Verdict], *, may_fail: frozenset[str]) -> None:
    """Raises `Blocked`, unless the guard may fail; adds its verdict."""
    reason = f"the guard failed: {type(error).__name__}"
    if guard.name in may_fail:
        verdicts.append(Verdict(guard.name, stage, "warn", f"{reason}; it was let fail"))
        return
    verdicts.append(Verdict(guard.name, stage, "block", reason))
    raise Blocked(
        what=f"blocked: the guard {guard.name!r} failed on the {stage}",
        why=f"it raised {type(error).__name__}, and a guard that cannot look lets nothing through",
        fix=f"mend the guard {guard.name!r}, or pass it over in this cell: --allow guard:{guard.name}",
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
