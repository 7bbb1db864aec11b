"""A function as what is evaluated."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from nbkit.canonical import canonical_json
from nbkit.errors import BadSetting, NbkitError
from nbkit.evals.asking import answer_of, raise_common
from nbkit.evals.cases import Answer, Case
from nbkit.evals.declined import is_declined
from nbkit.evals.made import made_of
from nbkit.recorded import Failure, Record
from nbkit.types import JsonValue

_NO_ANSWER = Failure(
    "NoAnswer", "the function gave None", "an answer is a text, also an empty one", "return the answer"
)


@runtime_checkable
class _HasRecords(Protocol):
    """What `nbkit.ask` gives."""

    text: str
    records: Sequence[Record]


class FunctionTask:
    """A function from a case to an answer: a text, what `nbkit.ask` gives, or an `Answer`. It may be an async one."""

    def __init__(self, function: Callable[[Case], object]) -> None:
        if not callable(function):
            raise BadSetting(
                what=f"{function!r} cannot be evaluated",
                why=f"it is of type {type(function).__name__}",
                fix="give a prompt with {{ input }} in it, or a function of a case",
            )
        self.name = getattr(function, "__name__", type(function).__name__)
        self.settings: Mapping[str, JsonValue] = {}
        self.index = self.index_version = None
        self.workers = 8
        self._function = function

    @property
    def sha256(self) -> str | None:
        """Of what it is made of now; a function may fill what it holds."""
        return made_of(self._function)

    def answers(self, case: Case, *, samples: int) -> Iterator[Answer | Failure]:
        """One call of the function for each sample."""
        for _ in range(samples):
            started = time.perf_counter()
            try:
                given = self._function(case)
                if inspect.iscoroutine(given):
                    given = asyncio.run(given)
            except NbkitError as error:
                raise_common(error)
                yield error.failure
            except Exception as error:  # noqa: BLE001 - somebody else's code: one case fails, not the run
                yield _raised(error)
            else:
                yield _given(given, latency_s=time.perf_counter() - started) if given is not None else _NO_ANSWER


def _raised(error: Exception) -> Failure:
    """What somebody else's code raised, and where in it."""
    kind, frames = type(error).__name__, traceback.extract_tb(error.__traceback__)[1:]
    where = f", line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
    fix = "call the function with this case alone to see the whole traceback"
    return Failure(kind, f"{kind}: {error}", f"the function raised it{where}", fix)


def _given(given: object, *, latency_s: float) -> Answer:
    if isinstance(given, Answer):
        return given if given.is_refusal or not is_declined(given.text) else dataclasses.replace(given, is_refusal=True)
    # Whether something has the shape of a protocol takes longer to find out than all else here.
    if not isinstance(given, str | dict | list) and isinstance(given, _HasRecords) and given.records:
        records = list(given.records)
        said = records[-1].response.text if records[-1].response is not None else ""
        return answer_of(records, given.text, kept_text=said)
    text = given if isinstance(given, str) else canonical_json(given) if isinstance(given, dict | list) else str(given)
    return Answer(text, latency_s=latency_s, is_refusal=is_declined(text), is_searched=False)
