"""The corridor: one request in, one record out, whatever happens on the way.

The order of the rooms is the safety property, so it is code and not configuration:

1. guards, stage input. Nothing goes on that they did not see; one that raises blocks.
2. cache. A hit costs nothing; a cache that raises is a note and counts as a miss.
3. budget, on a miss only: the most that the call can cost is reserved; a hit is never refused.
4. provider, while guards of stage output screen each piece before it is shown.
5. cache again, on a miss that ended well: only screened text, never an error, a cut, nothing (see `again.is_kept`).
6. price, and a record whatever happened: also on error, block and interrupt. What is recorded is what was shown.
A hit passes the guards of stage output too: a new guard governs old text.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from nbkit import canonical
from nbkit.errors import Blocked, CacheMiss, ProviderError
from nbkit.pipeline.again import is_kept, redacted, refuse_misfit
from nbkit.pipeline.parts import Call, Stages
from nbkit.pipeline.recording import failure, partial, status, without_secrets, write
from nbkit.pipeline.screening import OutputScreen, screen_request
from nbkit.protocols import Cache, OnText
from nbkit.pseudonyms import Pseudonyms
from nbkit.recorded import Outcome, Record
from nbkit.types import CacheEntry, CacheMode, CacheOutcome, Cost, Request, Response, Timing, Verdict

Phase: TypeAlias = Literal["guards in", "cache", "provider", "guards out"]
REPLAY_CHARS = 120
"""A hit is shown in pieces of about this many characters, so that it looks like the stream it stands for."""


def run(
    request: Request, *, stages: Stages, call: Call, on_text: OnText, on_phase: Callable[[Phase], None] = lambda _: None
) -> Outcome:
    """The record of the call, with the error to raise once it was drawn; raises nothing itself."""
    walk = _Walk(request, stages, call, on_text, on_phase)
    error: BaseException | None = None
    try:
        try:
            walk.guards_in()
            walk.answer()
        except BaseException as raised:  # noqa: BLE001 - the record is written whatever happened
            error = raised
            walk.keep_partial(raised)
        return _close(walk, stages, error)
    except KeyboardInterrupt as raised:
        # The call may be paid already. A record of one id is kept once, however often it is written.
        return _close(walk, stages, error or raised)


def _close(walk: _Walk, stages: Stages, error: BaseException | None) -> Outcome:
    record = stages.replayed(walk.record(error))
    notes = write(record, stages.sinks)
    whole = dataclasses.replace(record, notes=(*record.notes, *notes)) if notes else record
    return Outcome(whole, error, walk.pseudonyms)


class _Walk:
    """What one call has gathered so far; each method is a room."""

    def __init__(
        self, request: Request, stages: Stages, call: Call, on_text: OnText, on_phase: Callable[[Phase], None]
    ) -> None:
        self._started = time.perf_counter()
        self._asked = request
        self._request = request
        self._stages = stages
        self._call = call
        self._on_phase = on_phase
        self._verdicts: list[Verdict] = list(call.verdicts)
        self._notes = list(call.notes)
        self._screen = OutputScreen(stages.guards, on_text, self._verdicts, may_fail=stages.may_fail)
        self._held: list[Pseudonyms] = []
        self._key: str | None = None
        self._cache = CacheOutcome()
        self._response: Response | None = None
        self._cost = Cost(usd=Decimal(0), source="none")
        self._spent: dict[Phase, float] = {}
        self._passed_in, self._attempts = False, 0
        self._called_at: float | None = None
        self._kept: Timing | None = None

    def guards_in(self) -> None:
        started = self._enter("guards in")
        asked, stages = self._asked, self._stages
        try:
            self._request = screen_request(
                asked, stages.guards, self._verdicts, may_fail=stages.may_fail, held=self._held, secrets=stages.secrets
            )
            self._key = canonical.request_key(self._request)
            self._screen.open(self._request, replaced=self.pseudonyms, restores=self._call.restores)
            self._passed_in = True
        finally:
            self._leave("guards in", started)

    @property
    def pseudonyms(self) -> Pseudonyms:
        """What guards replaced in the prompt, and by what."""
        return functools.reduce(Pseudonyms.including, self._held, Pseudonyms())

    def answer(self) -> None:
        assert self._key is not None
        mode, cache = self._call.cache_mode, self._stages.cache
        if mode == "off" or (cache is None and mode != "only"):
            self._cache = CacheOutcome("off" if mode == "off" else "skipped", self._key)
            self._ask()
            return
        held, entry = self._look_up(mode, cache)
        try:
            if entry is not None:
                self._replay(entry)
                return
            self._cache = CacheOutcome("miss", self._key)
            if mode == "only":
                raise CacheMiss(
                    what="the answer is not in the cache",
                    why="the cell asked with --cache only, and no entry has this request's key",
                    fix="run it with --cache use; %cache why shows what differs from the nearest entry",
                )
            self._ask()
            self._keep(cache)
        finally:
            self._release(held)

    def keep_partial(self, error: BaseException) -> None:
        """The text that was shown before the call ended early, with its tokens estimated: they were paid for."""
        if isinstance(error, ProviderError):
            self._attempts = error.attempts
        if self._response is not None or self._called_at is None:
            return
        self._spent.setdefault("provider", time.perf_counter() - self._called_at)
        if not isinstance(error, Blocked):
            try:
                self._screen.finish()
            except Exception as also:  # noqa: BLE001 - the first error is the one to raise
                self._notes.append(f"what was held back is lost: {type(also).__name__}")
        if not self._screen.received and not isinstance(error, KeyboardInterrupt):
            return
        self._attempts = max(self._attempts, 1)
        self._response = partial(
            self._request, self._screen, error, attempts=self._attempts, count=self._stages.estimate_tokens
        )
        self._cost = self._stages.price(self._request, self._response)

    def record(self, error: BaseException | None) -> Record:
        self._take_notice()
        prompt = self._asked.messages[-1].content if self._asked.messages else ""
        timing = Timing(
            # To the whole answer, as a hit on it will say: keeping it in cache and records comes after.
            total_s=self._kept.total_s if self._kept else time.perf_counter() - self._started,
            guards_in_s=self._spent.get("guards in", 0.0),
            cache_s=self._spent.get("cache", 0.0),
            provider_s=max(0.0, self._spent.get("provider", 0.0) - self._screen.spent_s),
            guards_out_s=self._screen.spent_s,
            first_token_s=self._screen.first_shown_after(self._started),
            attempts=self._attempts,
        )
        call = self._call
        record = Record(
            id=call.id,
            session_id=call.session_id,
            started_at=call.started_at,
            operation="chat",
            status=status(error),
            request=self._request if self._passed_in else None,
            asked=None if self._passed_in else f"{self._asked.provider}:{self._asked.model}",
            prompt_sha256=canonical.sha256(prompt),
            prompt_chars=len(prompt),
            request_sha256=self._key,
            response=self._response,
            verdicts=tuple(self._verdicts),
            cache=self._cache,
            timing=timing,
            cost=self._cost,
            error=failure(error),
            origin=call.origin,
            tag=call.tag,
            thread=call.thread,
            prompt_name=call.prompt_name,
            prompt_version=call.prompt_version,
            retrieval=call.retrieval,
            policy=call.policy,
            loosened=call.loosened,
            repairs=call.repairs,
            notes=(*self._notes, *(self._response.notes if self._response else ())),
        )
        return without_secrets(record, self._stages.secrets)

    def _ask(self) -> None:
        self._stages.reserve(self._call.id, self._request)
        started = self._called_at = self._enter("provider")
        complete = self._stages.provider.complete
        try:
            answered = complete(self._request, on_text=self._screen.feed, timeout_s=self._left_s())
        finally:
            self._leave("provider", started)
        self._attempts = answered.attempts
        # Before the last guard speaks: an answer that is blocked was paid for all the same.
        self._cost = self._stages.price(self._request, answered)
        self._on_phase("guards out")
        try:
            self._screen.finish()
        finally:
            self._response = dataclasses.replace(answered, text=self._screen.shown)
        refuse_misfit(self._verdicts, is_last=self._call.repairs is not None)

    def _look_up(
        self, mode: CacheMode, cache: Cache | None
    ) -> tuple[AbstractContextManager[CacheEntry | None] | None, CacheEntry | None]:
        assert self._key is not None
        if cache is None or mode == "refresh":
            return None, None
        started = self._enter("cache")
        try:
            entry = cache.get(self._key, max_age_s=self._call.ttl_s)
            if entry is not None or mode == "only":
                return None, entry
            lease = cache.lease(self._key, timeout_s=self._left_s(), max_age_s=self._call.ttl_s)
            entry = lease.__enter__()
        except Exception as error:  # noqa: BLE001 - a broken cache is not a reason to leave the cell unanswered
            self._notes.append(f"the cache could not be read ({type(error).__name__}); the provider was asked")
            return None, None
        else:
            return lease, entry
        finally:
            self._leave("cache", started)

    def _replay(self, entry: CacheEntry) -> None:
        age_s = max(0.0, (datetime.now(UTC) - entry.created_at).total_seconds())
        self._cache = CacheOutcome("hit", self._key, age_s, entry.timing, entry.redacted)
        self._cost = Cost(Decimal(0), entry.cost.usd, entry.cost.prices_as_of, "cache", entry.cost.is_estimate)
        self._on_phase("guards out")
        try:
            for start in range(0, len(entry.response.text), REPLAY_CHARS):
                self._screen.feed(entry.response.text[start : start + REPLAY_CHARS])
            self._screen.finish()
        finally:
            self._response = dataclasses.replace(entry.response, text=self._screen.shown)
        # Cached when a looser policy, or an older validator of the same schema, let it pass.
        refuse_misfit(self._verdicts, is_last=self._call.repairs is not None and self._call.cache_mode == "only")

    def _keep(self, cache: Cache | None) -> None:
        answered = self._response
        if cache is None or answered is None or self._key is None or not is_kept(answered, self._verdicts):
            return
        secrets, self._kept = self._stages.secrets, self._timing_so_far()
        made = CacheEntry(answered, self._kept, self._cost, datetime.now(UTC), redacted(self._verdicts))
        entry = without_secrets(made, secrets)
        self._on_phase("cache")
        try:
            cache.put(self._key, entry, request=without_secrets(self._request, secrets), ttl_s=self._call.ttl_s)
        except Exception as error:  # noqa: BLE001 - the answer is there; keeping it is a courtesy
            self._notes.append(f"the answer could not be cached ({type(error).__name__})")

    def _release(self, held: AbstractContextManager[CacheEntry | None] | None) -> None:
        if held is None:
            return
        try:
            held.__exit__(None, None, None)
        except Exception as error:  # noqa: BLE001 - a lease that is not given back runs out by itself
            self._notes.append(f"the cache could not be written ({type(error).__name__})")

    def _take_notice(self) -> None:
        if self._stages.cache is None or self._cache.status in ("off", "skipped"):
            return
        try:
            notice = self._stages.cache.take_notice()
        except Exception as error:  # noqa: BLE001 - as for all that the cache does
            notice = f"the cache could not say how it is ({type(error).__name__})"
        if notice:
            self._notes.append(notice)

    def _left_s(self) -> float:
        # Waiting for another who asks the same comes out of the call's time too.
        return max(0.0, self._started + self._call.timeout_s - time.perf_counter())

    def _timing_so_far(self) -> Timing:
        return Timing(
            total_s=time.perf_counter() - self._started,
            provider_s=self._spent.get("provider", 0.0),
            first_token_s=self._screen.first_shown_after(self._started),
            attempts=self._attempts,
        )

    def _enter(self, phase: Phase) -> float:
        self._on_phase(phase)
        return time.perf_counter()

    def _leave(self, phase: Phase, started: float) -> None:
        self._spent[phase] = self._spent.get(phase, 0.0) + time.perf_counter() - started
