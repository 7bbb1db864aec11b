"""What a cell leaves in `_llm` and in `-o NAME`, and what `nbkit.ask` returns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from nbkit import registry
from nbkit.canonical import map_text
from nbkit.display.answer import answers_bundle
from nbkit.display.error import error_bundle
from nbkit.display.markdown import table_rows, unfenced
from nbkit.display.rows import record_row
from nbkit.errors import BadResponse
from nbkit.figures import count, duration, money
from nbkit.guards.markdown import MarkdownGuard
from nbkit.protocols import GuardOptions
from nbkit.pseudonyms import Pseudonyms
from nbkit.recorded import Outcome, Record, final
from nbkit.secrets import SecretRegistry
from nbkit.types import Request, Usage, Verdict

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Result:
    """The answer of a cell with its figures; of several samples the first answer, and the sums.

    Made from the outcomes of one cell, one for each sample. Two results are equal when their records are. What a guard
    replaced in the prompt by ⟦EMAIL_1⟧ and the like is put back in `text`, `samples` and `json()`, which live in
    memory; records keep the stand-ins, and so does what is drawn, unless it `restores`.
    """

    records: tuple[Record, ...]
    """One for each call, in order: one for each sample, and one before it where the answer was asked for again."""
    _finals: tuple[Outcome, ...] = field(compare=False)
    _restores: bool = field(compare=False)
    _allowed_hosts: tuple[str, ...] = field(compare=False)

    def __init__(
        self,
        outcomes: Sequence[Outcome],
        *,
        restores: bool = False,
        allowed_hosts: tuple[str, ...] = (),
    ) -> None:
        if not outcomes:
            msg = "a result is made of at least one outcome"
            raise ValueError(msg)
        object.__setattr__(self, "records", tuple(outcome.record for outcome in outcomes))
        object.__setattr__(self, "_finals", tuple(final(outcomes)))
        object.__setattr__(self, "_restores", restores)
        object.__setattr__(self, "_allowed_hosts", allowed_hosts)

    @property
    def text(self) -> str:
        """The answer; empty when there is none."""
        return next(iter(self.samples), "")

    @property
    def samples(self) -> tuple[str, ...]:
        """The answers of all samples that have one, in order."""
        return tuple(one.pseudonyms.restore(text) for one, text in self._answered())

    @property
    def drawn(self) -> tuple[str, ...]:
        """The same as they may reach a page: as recorded, or restored and then made inert once more."""
        return tuple(self._inert(one, text) if self._restores else text for one, text in self._answered())

    def _answered(self) -> list[tuple[Outcome, str]]:
        return [(one, one.record.response.text) for one in self._finals if one.record.response is not None]

    def _inert(self, outcome: Outcome, text: str) -> str:
        if not outcome.pseudonyms.originals or outcome.record.request is None:
            return text
        restored = outcome.pseudonyms.restore(text)
        # A value from the prompt may hold Markdown that the guard has not seen in the answer.
        guard = MarkdownGuard(GuardOptions(SecretRegistry(), self._allowed_hosts))
        return guard.screen(restored, stage="output", request=outcome.record.request).text

    def json(self) -> Any:  # noqa: ANN401 - JSON has any shape
        """The answer as JSON data, also when it stands in a code block or between sentences.

        Raises an `NbkitError` naming the position when it cannot be read.
        """
        answer = self._finals[0].record.response
        return _restored(read_json(answer.text if answer is not None else ""), self._finals[0].pseudonyms)

    @property
    def usage(self) -> Usage:
        """Tokens, summed over the samples; on a hit those of the original call."""
        found = [record.response.usage for record in self.records if record.response is not None]
        return Usage(
            sum(usage.input_tokens for usage in found),
            sum(usage.output_tokens for usage in found),
            sum(usage.cached_input_tokens for usage in found),
            sum(usage.cache_write_tokens for usage in found),
            sum(usage.reasoning_tokens for usage in found),
            next((s for s in ("estimate", "exact") if any(usage.source == s for usage in found)), "provider"),
        )

    @property
    def cost(self) -> Decimal | None:
        """USD, summed over the samples; None when the price of any is unknown, which is never 0."""
        return _sum([record.cost.usd for record in self.records])

    @property
    def cached(self) -> bool:
        """Whether every sample came from the cache."""
        return all(record.cache.status == "hit" for record in self.records)

    @property
    def saved(self) -> Decimal | None:
        """USD that hits would have cost, summed; 0 without a hit, None when the price of any is unknown."""
        return _sum([record.cost.saved_usd for record in self.records if record.cache.status == "hit"])

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What the guards said, of all samples."""
        return tuple(verdict for record in self.records for verdict in record.verdicts)

    @property
    def record(self) -> Record:
        """The record of the first sample; where its answer was asked for again, of the answer that took its place."""
        return self._finals[0].record

    @property
    def request(self) -> Request | None:
        """What was sent for the first sample, as guards left it; None when it was blocked."""
        return self.record.request

    def to_frame(self) -> pd.DataFrame:
        """The answers as a table, by the format that was asked for; needs the extra `[data]`.

        `table`: the rows of the answer's table; `json`: one row for each object. With several samples a column
        `sample` comes first. Other formats: one row for each sample, with its answer and its figures.
        Raises an `NbkitError` when pandas is missing, or when the answer is no table.
        """
        with registry.pandas_for("to_frame()"):
            import pandas as pd
        form = self.request.format if self.request else "md"
        if form not in ("table", "json"):
            return pd.DataFrame([record_row(one.record) for one in self._finals])
        frames = [_frame(text, form, one.pseudonyms) for one, text in self._answered()]
        if len(frames) == 1:
            return frames[0]
        return pd.concat(frames, keys=range(len(frames)), names=["sample", None]).reset_index(level="sample")

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The answer, or the error of a call that has none; an output of the cell that called carries the records."""
        if not self.samples and self.record.error is not None:
            return error_bundle(self.record.error)
        return answers_bundle(self.drawn or ("",), self.request.format if self.request else "text")

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        model = self.request.model if self.request else "no request"
        figures = [money(self.cost), duration(sum(record.timing.total_s for record in self.records))]
        if len(self._finals) > 1:
            figures.append(count(len(self._finals), "sample"))
        if len(self._finals) < len(self.records):
            figures.append("asked again")
        if self.cached:
            figures.append("cached")
        return f"<Result {self.record.status} {model!r} {len(self.text)} chars, {', '.join(figures)}>"


def read_json(text: str) -> Any:  # noqa: ANN401 - JSON has any shape
    """JSON data from an answer: the whole text, else its first code block, else the first value among sentences.

    Raises an `NbkitError` that names line and column.

    >>> read_json('Sure! {"a": [1, 2]} Anything else?')
    {'a': [1, 2]}
    """
    block = unfenced(text)
    shown = text if block is None else block[0]
    try:
        return json.loads(shown, parse_constant=_no_constant)
    except ValueError as error:
        for value in _embedded(shown if block is None else text):
            return value
        _unreadable(error, shown)
    except RecursionError as error:
        _unreadable(ValueError("it is nested too deeply"), shown, error)


def _embedded(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    # A bracket in a sentence is no JSON: only objects and arrays that are whole count, and few places are tried.
    starts = [place for place, character in enumerate(text[:10_000]) if character in "{["]
    for start in starts[:20]:
        try:
            yield decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue


def _no_constant(name: str) -> NoReturn:
    msg = f"JSON has no {name}"
    raise ValueError(msg)


def _unreadable(error: ValueError, text: str, cause: BaseException | None = None) -> NoReturn:
    place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "the text"
    said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    raise BadResponse(
        what="the answer is not JSON",
        why=f"{said} at {place} of {len(text):,} characters",
        fix="say in the prompt that the answer is JSON alone, and raise --max-tokens if it was cut",
    ) from (cause or error)


def _restored(value: T, pseudonyms: Pseudonyms) -> T:
    """What was read from an answer, values put back: before, a quotation mark in one would change how it is read."""
    return map_text(value, pseudonyms.restore) if pseudonyms.originals else value


def _frame(text: str, form: str, pseudonyms: Pseudonyms) -> pd.DataFrame:
    import pandas as pd

    if form == "table":
        block = unfenced(text)
        rows = table_rows(text) or (table_rows(block[0]) if block else None)
        if rows is None:
            raise BadResponse(
                what="the answer holds no table",
                why=f"no Markdown table was found in its {len(text):,} characters",
                fix="say in the prompt which columns the table has; .text holds the answer",
            )
        rows = _restored(rows, pseudonyms)
        return pd.DataFrame(rows[1:], columns=rows[0])
    value = _restored(read_json(text), pseudonyms)
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), list):
        value = next(iter(value.values()))
    return pd.DataFrame(value if isinstance(value, list) else [value])


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None
