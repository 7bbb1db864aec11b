"""The values of an evaluation: a case, what was answered to it, and what a metric says of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

from nbkit.documents import Passage
from nbkit.types import JsonValue

ScoreStatus: TypeAlias = Literal["ok", "none", "error"]
"""Scored; nothing to score, as where a case has no expected answer; the metric failed, as a judge without a verdict."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question of a data set.

    >>> Case("q1", "When is it open?", expected="9 to 17").acceptable
    ('9 to 17',)
    >>> Case("q2", "Who sang?", expected=[]).is_answerable
    False
    """

    id: str
    """Unique within the data set; the same for the same case when the set is read again."""
    input: str
    """The question: `{{ input }}` in a prompt."""
    expected: JsonValue = None
    """What a right answer says: a text, a list of texts each of which is right, a number, or data. An empty list says
    that there is no answer, so that a refusal is right; None that nobody knows."""
    contexts: tuple[str, ...] = ()
    """Texts that hold the answer: `{{ contexts }}` in a prompt, and the gold passages of retrieval."""
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    """Further columns, for slices: those whose name is an identifier can be used in a prompt."""
    cluster: str | None = None
    """What it shares with other cases, such as a document: their scores are not independent."""

    @property
    def acceptable(self) -> tuple[str, ...]:
        """The right answers as texts; empty where there is none, or nobody knows it."""
        given = self.expected if isinstance(self.expected, list) else [self.expected]
        return tuple(str(one) for one in given if one is not None)

    @property
    def is_answerable(self) -> bool | None:
        """Whether there is an answer; None where nobody knows."""
        return None if self.expected is None else self.expected != []


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a case, with what it took."""

    text: str
    passages: tuple[Passage, ...] = ()
    """Those that the model was given, in the order of their numbers, from 1."""
    latency_s: float | None = None
    """Of the live call, also where the answer came from the cache; None where it was not measured."""
    usd: Decimal | None = None
    """What the live call cost, also where the answer came from the cache; None where no price is known."""
    is_cached: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    is_refusal: bool = False
    """Whether the guards labelled it a refusal, or said that the sources do not have it."""
    record_ids: tuple[str, ...] = ()
    is_searched: bool = True
    """False where nothing was looked up for it, so that it has no passages that could be judged."""
    kept_text: str | None = None
    """What may be kept and drawn, where it is not the text: personal data has its stand-ins there."""
    originals: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """What each stand-in stands for; in memory alone."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one metric says of one answer.

    >>> Score(0.5).status
    'ok'
    """

    value: float | None
    """None unless the status is `ok`: what failed is never 0, and never a number that is none."""
    status: ScoreStatus = "ok"
    note: str = ""
    """Why, for the reader: the judge's reason, or what failed."""
    repeats: tuple[float, ...] = ()
    """Of a judge: each of its verdicts, whose mean the value is; of a pair, one for each order."""
    usd: Decimal | None = None
    """What the verdicts cost as they were made live; None where nobody was asked, or no price is known."""
    paid_usd: Decimal | None = None
    """What they cost this time: nothing where they came from the cache."""
    record_ids: tuple[str, ...] = ()
    longer_chars: int | None = None
    """Of a pair that was judged: how many characters longer the answer is than the other one."""


NOTHING = Score(None, "none")
"""There is nothing to score."""


class Metric(Protocol):
    """One measure of answers. Pure, and called from several threads at once."""

    @property
    def name(self) -> str:
        """As it was asked for, parameter included."""
        ...

    @property
    def is_better_high(self) -> bool:
        """False for cost and latency."""
        ...

    @property
    def unit(self) -> str:
        """Such as `s` and `USD`; empty for what runs from 0 to 1."""
        ...

    def score(self, case: Case, answer: Answer) -> Score:
        """What it says of one answer; it may raise, which is a score of status `error`."""
        ...
