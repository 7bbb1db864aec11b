"""Cases answered and scored by several threads, each kept as it comes, so that a run that is stopped goes on.

The caller's thread draws and waits; threads never print. What is asked when a reader interrupts is waited for, since
it is paid for, unless the reader interrupts once more.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nbkit.errors import NbkitError, ProviderError
from nbkit.evals.alike import marked
from nbkit.evals.asking import Task, raise_common
from nbkit.evals.cases import Answer, Case, Metric, Score
from nbkit.evals.kept import KeptRuns
from nbkit.evals.runs import ID_CHARS, Graded, Pins, Run
from nbkit.evals.tally import Progress, Tally
from nbkit.recorded import Failure

_MOST_IN_A_ROW = 10
"""Failures of the provider with no answer between them, after which it is no use to go on."""
_OF_PROVIDERS = frozenset((ProviderError.__name__, *(kind.__name__ for kind in ProviderError.__subclasses__())))
_EVERY_S = 0.1
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run may ask."""

    workers: int | None = None
    """Cases at once; None is what fits the task."""
    per_minute: float | None = None
    """Most cases begun in a minute."""


def run_cases(  # noqa: PLR0913 - all by name
    task: Task,
    cases: Sequence[Case],
    metrics: Sequence[Metric],
    *,
    pins: Pins,
    name: str = "",
    kept: KeptRuns | None = None,
    pace: Pace = Pace(),
    pins_now: Callable[[], Pins] | None = None,
    asked_by: str = "",
    notes: tuple[str, ...] = (),
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Run:
    """The run, whole, with every answer scored; it goes on with one that measures the same and was stopped.

    `pins_now`: what the next try will measure if this one stops; a function may have filled what it holds.
    A case without an answer is a failure with its reason, and in no mean. Raises what would stop every case, such as a
    budget that is used up or a key that is refused, and `KeyboardInterrupt`: what was answered by then is kept.
    """
    earlier = kept.unfinished(pins.identity, name=name) if kept is not None else None
    run = earlier or Run(uuid.uuid4().hex, name, datetime.now(UTC), pins)
    run = dataclasses.replace(
        run,
        name=name or run.name or run.id[:ID_CHARS],
        pins=pins,
        asked_by=asked_by,
        notes=notes,
        units={one.name: one.unit for one in metrics if one.unit},
        lower_is_better=tuple(one.name for one in metrics if not one.is_better_high),
    )
    if kept is not None:
        kept.begin(run)
    had = {(one.case.id, one.sample): one for one in run.graded}
    try:
        graded = _Crew(task, cases, metrics, run=run, had=had, kept=kept, pace=pace).work(on_progress)
    except BaseException as error:
        if kept is not None:
            now = dataclasses.replace(pins, task_sha256=task.sha256) if pins_now is None else pins_now()
            kept.begin(dataclasses.replace(run, pins=now))
        if kept is not None and isinstance(error, NbkitError):
            kept.drop_empty(run.id)
        raise
    whole = dataclasses.replace(run, graded=tuple(graded), finished_at=datetime.now(UTC))
    if kept is not None:
        kept.finish(whole)
    return whole


def scored(metric: Metric, case: Case, answer: Answer) -> Score:
    """What a metric says; one that raises, or gives what is no number, has failed."""
    try:
        score = metric.score(case, answer)
    except NbkitError as error:
        raise_common(error)
        return Score(None, "error", f"{error.what}: {error.why}")
    except Exception as error:  # noqa: BLE001 - somebody else's code: one score fails, not the run
        return Score(None, "error", f"{type(error).__name__}: {error}")
    if score.value is not None and not math.isfinite(score.value):
        return Score(None, "error", f"the metric gave {score.value}, which is no number")
    return score


class _Crew:
    """The threads of one run."""

    def __init__(
        self,
        task: Task,
        cases: Sequence[Case],
        metrics: Sequence[Metric],
        *,
        run: Run,
        had: Mapping[tuple[str, int], Graded],
        kept: KeptRuns | None,
        pace: Pace,
    ) -> None:
        self._task, self._cases, self._metrics, self._run, self._kept = task, cases, metrics, run, kept
        self._samples = run.pins.samples
        self._had = had
        self._found = dict(self._finished(had))
        self._tally = Tally(run.planned, resumed=list(itertools.chain.from_iterable(self._found.values())))
        self._todo = ((place, case) for place, case in enumerate(cases) if place not in self._found)
        self._workers = max(1, min(pace.workers or task.workers, len(cases) - len(self._found)))
        self._gap_s = _MINUTE_S / pace.per_minute if pace.per_minute else 0.0
        self._next_at = 0.0
        self._lock = threading.Lock()
        self._came: queue.SimpleQueue[tuple[int, list[Graded]] | BaseException | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._in_a_row = 0

    def work(self, on_progress: Callable[[Progress], None]) -> Iterator[Graded]:
        """What came of all samples, in order; calls `on_progress` on the caller's thread, ten times a second."""
        threads = [threading.Thread(target=self._one, daemon=True, name="nbkit-eval") for _ in range(self._workers)]
        for thread in threads:
            thread.start()
        error: BaseException | None = None
        working, drawn_at = len(threads), 0.0
        while working:
            try:
                came = self._next()
                if came is None:
                    working -= 1
                elif isinstance(came, BaseException):
                    error = error or came
                elif came:
                    self._came_back(*came)
                # Of what fails before anything came there is nothing to tell.
                if (error is None or self._found) and time.monotonic() - drawn_at >= _EVERY_S:
                    drawn_at = time.monotonic()
                    on_progress(self._tally.progress())
            except KeyboardInterrupt as interrupt:
                if self._stopped.is_set() and isinstance(error, KeyboardInterrupt):
                    raise
                self._stopped.set()
                error = interrupt
        self._tell_and_raise(error, on_progress)
        return itertools.chain.from_iterable(self._found[place] for place in range(len(self._cases)))

    def _tell_and_raise(self, error: BaseException | None, on_progress: Callable[[Progress], None]) -> None:
        if error is None or self._found:
            on_progress(self._tally.progress())
        if error is not None:
            raise error

    def _next(self) -> tuple[int, list[Graded]] | BaseException | tuple[()] | None:
        try:
            return self._came.get(timeout=_EVERY_S)
        except queue.Empty:
            return ()

    def _finished(self, had: Mapping[tuple[str, int], Graded]) -> Iterator[tuple[int, list[Graded]]]:
        """What an earlier try had whole, by its place."""
        for place, case in enumerate(self._cases):
            own = [had[key] for at in range(self._samples) if (key := (case.id, at)) in had]
            if len(own) == self._samples and not any(_is_unmeasured(one) for one in own):
                # The case as it is now: what it says beside the question may have been corrected.
                yield place, [marked(dataclasses.replace(one, case=case), case) for one in own]

    def _came_back(self, place: int, graded: list[Graded]) -> None:
        self._found[place] = graded
        self._tally.add(graded)

    def _one(self) -> None:
        try:
            while (given := self._take()) is not None:
                place, case = given
                graded: list[Graded] = []
                try:
                    graded.extend(self._graded(case))
                finally:
                    # Also those before the sample that stops the run: they are paid for.
                    if self._kept is not None:
                        for one in graded:
                            self._kept.add(self._run.id, place, one)
                self._came.put((place, graded))
        except BaseException as error:  # noqa: BLE001 - raised on the thread that waits
            self._stopped.set()
            self._came.put(error)
        finally:
            self._came.put(None)

    def _take(self) -> tuple[int, Case] | None:
        with self._lock:
            if self._stopped.is_set():
                return None
            given = next(self._todo, None)
            now = time.monotonic()
            wait_s, self._next_at = max(0.0, self._next_at - now), max(now, self._next_at) + self._gap_s
        if given is not None and wait_s and self._stopped.wait(wait_s):
            return None
        return given

    def _graded(self, case: Case) -> Iterator[Graded]:
        for sample, given in enumerate(self._answers(case)):
            if isinstance(given, Failure):
                yield marked(Graded(case, sample, None, error=given), case)
                continue
            had = self._had.get((case.id, sample))
            if had is not None and had.answer is not None and not had.answer.is_cached:
                # It is asked for once more, by a run that has paid for it before.
                given = dataclasses.replace(given, is_cached=False)  # noqa: PLW2901 - the same answer
            scores = {metric.name: scored(metric, case, given) for metric in self._metrics}
            yield marked(Graded(case, sample, given, scores), case)

    def _answers(self, case: Case) -> Iterator[Answer | Failure]:
        number, failed = 0, None
        try:
            for given in self._task.answers(case, samples=self._samples):
                number, failed = number + 1, given if isinstance(given, Failure) else failed
                yield given
        except ProviderError as error:
            failed = error.failure
        self._count(failed)
        if failed is not None:
            # The first sample that fails is the last.
            yield from itertools.repeat(failed, self._samples - number)

    def _count(self, failed: Failure | None) -> None:
        """Raises `ProviderError` once the provider has been silent so often that it is no use to go on."""
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if failed is not None and failed.kind in _OF_PROVIDERS else 0
            is_hopeless = self._in_a_row >= _MOST_IN_A_ROW
        if failed is not None and is_hopeless:
            raise ProviderError(
                what=f"{_MOST_IN_A_ROW} cases in a row have no answer: {failed.what}",
                why=failed.why,
                fix=f"{failed.fix}; then run the evaluation again: it goes on where it was",
            )


def _is_unmeasured(graded: Graded) -> bool:
    """Whether a metric failed on an answer: the case is not finished, and its answer may come from the cache."""
    return any(score.status == "error" for score in graded.scores.values())
