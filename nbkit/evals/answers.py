"""What metrics say of an answer beside the right one: its words, its numbers, its form, its meaning, what it took.

Where several answers are acceptable, each metric takes the one that fits best. Where nobody knows the answer it says
nothing. Where there is none, `exact_match` and `f1` are 1 for a refusal or an empty answer and 0 for any other, as in
version 2 of SQuAD; the other comparisons say nothing, and `refusal` says whether it was seen. What was refused though
there is an answer is compared as an empty text. Citation marks are no part of an answer that was given passages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from nbkit.errors import BadSetting
from nbkit.evals.cases import NOTHING, Answer, Case, Metric, Score
from nbkit.evals.numbers import Number, is_near, numbers_in
from nbkit.evals.overlap import is_same, rouge_l, rouge_tokens, says, token_f1
from nbkit.evals.tools import FunctionMetric, MetricOptions
from nbkit.protocols import Embedder
from nbkit.rag.marking import without_marks

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_TOLERANCE: Final = re.compile(
    r"(?:rel=)?(?P<relative>\d+(?:\.\d+)?(?:e-?\d+)?)(?P<percent>%?)(?:,abs=(?P<also>\d+(?:\.\d+)?(?:e-?\d+)?))?"
    r"|abs=(?P<absolute>\d+(?:\.\d+)?(?:e-?\d+)?)"
)


def said(answer: Answer) -> str:
    """What an answer says, to be compared: without citation marks where it had passages; nothing when it refused.

    >>> said(Answer("I can't help with that.", is_refusal=True))
    ''
    """
    if answer.is_refusal:
        return ""
    return without_marks(answer.text, known=len(answer.passages))[0] if answer.passages else answer.text


def exact_match(case: Case, answer: Answer) -> Score:
    """1 where the answer is a right one by SQuAD's normalisation, else 0.

    >>> exact_match(Case("q", "When?", expected=["May 9", "9th of May"]), Answer("The 9th of May.")).value
    1.0
    """
    return _as_squad(case, answer, is_same)


def f1(case: Case, answer: Answer) -> Score:
    """Token F1 as SQuAD has it.

    >>> round(f1(Case("q", "When?", expected="9th May"), Answer("on the 9th of May")).value, 4)
    0.6667
    """
    return _as_squad(case, answer, token_f1)


def rouge(case: Case, answer: Answer) -> Score:
    """ROUGE-L, its F measure, without stemming.

    >>> rouge(Case("q", "When?", expected="on May 9"), Answer("On May 9.")).value
    1.0
    """
    return _best([one for one in case.acceptable if rouge_tokens(one)], lambda right: rouge_l(said(answer), right))


def contains(case: Case, answer: Answer) -> Score:
    """1 where the answer has the words of a right one, whole and in its order, by SQuAD's normalisation.

    >>> contains(Case("q", "How much?", expected="30 W"), Answer("It needs 30 W at night.")).value
    1.0
    """
    return _best([one for one in case.acceptable if one.strip()], lambda right: says(said(answer), right))


def refusal(case: Case, answer: Answer) -> Score:
    """1 where an answer was refused and there is none, or was given and there is one; an empty answer is a refusal.

    >>> refusal(Case("q", "Who sang?", expected=[]), Answer("The sources do not say.", is_refusal=True)).value
    1.0
    """
    if case.is_answerable is None:
        return NOTHING
    return Score(float(case.is_answerable == bool(said(answer).strip())))


def latency(case: Case, answer: Answer) -> Score:
    """Seconds that the live call took, as they were recorded."""
    del case
    return NOTHING if answer.latency_s is None else Score(answer.latency_s)


def cost(case: Case, answer: Answer) -> Score:
    """Dollars that the live call cost; nothing where no price is known, for that is not 0."""
    del case
    return NOTHING if answer.usd is None else Score(float(answer.usd))


def length(case: Case, answer: Answer) -> Score:
    """Words of the answer, as white space parts them.

    >>> length(Case("q", "Hi?"), Answer("It needs 30 W.")).value
    4.0
    """
    del case
    return Score(float(len(answer.text.split())))


def regex(options: MetricOptions) -> Metric:
    """1 where the pattern is found in the answer, or without one a pattern that the case expects; `(?i)` as in Python.

    >>> regex(MetricOptions("regex", r"[0-9]+ W")).score(Case("q", "How much?"), Answer("It needs 30 W.")).value
    1.0
    """
    pattern = _compiled(options) if options.parameter else None

    def found(case: Case, answer: Answer) -> Score:
        if pattern is not None:
            return Score(float(pattern.search(answer.text) is not None))
        return _best(case.acceptable, lambda right: re.search(right, answer.text) is not None)

    return FunctionMetric(options.name, found)


def numeric(options: MetricOptions) -> Metric:
    """1 where the last number of the answer is the expected one, within a tolerance: `0.01` or `1%` of it, `abs=0.5`.

    With both, `0.01,abs=0.5`, it has to be within one of them. How numbers are read: `nbkit.evals.numbers`.

    >>> near = numeric(MetricOptions("numeric:0.01", "0.01"))
    >>> near.score(Case("q", "How many?", expected=1234), Answer("There are 1,230 of them.")).value
    1.0
    """
    relative, absolute = _tolerance(options)

    def near(case: Case, answer: Answer) -> Score:
        wanted = _wanted(case)
        named = numbers_in(said(answer))[-1:]
        if not wanted:
            return NOTHING
        hits = [is_near(one, right, relative=relative, absolute=absolute) for one in named for right in wanted]
        return Score(float(any(hits)), note="" if named else "the answer has no number")

    return FunctionMetric(options.name, near)


def similarity(options: MetricOptions) -> Metric:
    """Cosine of the answer's vector and that of a right answer, 0 where it is below; it does not see what is true.

    Of a text beyond the embedder's window the beginning counts.

    >>> from nbkit.evals.tools import Tools
    >>> from nbkit.testing import FakeEmbedder
    >>> alike = similarity(MetricOptions("similarity", tools=Tools(embedder=FakeEmbedder)))
    >>> round(alike.score(Case("q", "What?", expected="red apples"), Answer("red apples")).value, 4)
    1.0
    """
    _no_parameter(options)
    embedder = options.tools.embedder_for(options.name)

    def alike(case: Case, answer: Answer) -> Score:
        rights = [one for one in case.acceptable if one.strip()]
        if not rights:
            return NOTHING
        text = said(answer)
        if not text.strip():
            return Score(0.0)
        first, *others = vectors(embedder(), [text, *rights])
        return Score(max(cosine(first, other) for other in others))

    return FunctionMetric(options.name, alike)


def vectors(embedder: Embedder, texts: Sequence[str], *, is_query: bool = False) -> NDArray[float32]:
    """A vector of each text, of its beginning where it is beyond the embedder's window."""
    cut = []
    for text in texts:
        starts = embedder.token_starts(text)
        cut.append(text if len(starts) <= embedder.max_tokens else text[: starts[embedder.max_tokens]])
    return embedder.embed(cut, is_query=is_query)


def cosine(one: NDArray[float32], other: NDArray[float32]) -> float:
    """Of two unit vectors, between 0 and 1: what points away is 0."""
    return min(1.0, max(0.0, float(one @ other)))


def plain(of: Callable[[Case, Answer], Score], *, is_better_high: bool = True, unit: str = "") -> Callable[
    [MetricOptions], Metric
]:  # fmt: skip
    """What makes a metric of a function that takes no parameter."""

    def make(options: MetricOptions) -> Metric:
        _no_parameter(options)
        return FunctionMetric(options.name, of, is_better_high, unit)

    return make


def _as_squad(case: Case, answer: Answer, compared: Callable[[str, str], float]) -> Score:
    if case.is_answerable is None:
        return NOTHING
    # Right answers of articles and punctuation alone are none, as in version 2 of the script.
    rights = [one for one in case.acceptable if not is_same(one, "")] or [""]
    return Score(float(max(compared(said(answer), right) for right in rights)))


def _best(rights: Sequence[str], compared: Callable[[str], float]) -> Score:
    return Score(float(max(compared(right) for right in rights))) if rights else NOTHING


def _wanted(case: Case) -> list[Number]:
    """The numbers that are right."""
    found: list[Number] = []
    for one in case.expected if isinstance(case.expected, list) else [case.expected]:
        if isinstance(one, str):
            found += numbers_in(one)[-1:]
        elif isinstance(one, int | float) and not isinstance(one, bool):
            found.append(Number(float(one)))
    return found


def _tolerance(options: MetricOptions) -> tuple[float, float]:
    if not options.parameter:
        return 1e-9, 0.0
    found = _TOLERANCE.fullmatch(options.parameter.replace(" ", ""))
    if found is None:
        raise BadSetting(
            what=f"{options.name!r} has no tolerance that can be read",
            why="a tolerance is a share such as 0.01 or 1%, an amount such as abs=0.5, or both",
            fix="use numeric:0.01, numeric:abs=0.5 or numeric:0.01,abs=0.5",
        )
    relative = float(found["relative"] or 0.0) / (100 if found["percent"] else 1)
    return relative, float(found["absolute"] or found["also"] or 0.0)


def _compiled(options: MetricOptions) -> re.Pattern[str]:
    try:
        return re.compile(options.parameter)
    except re.error as error:
        raise BadSetting(
            what=f"the pattern of {options.name!r} cannot be used",
            why=f"{error.msg} at position {error.pos}",
            fix="write it as Python's `re` reads it, such as regex:[0-9]+ W",
        ) from None


def _no_parameter(options: MetricOptions) -> None:
    if options.parameter:
        base = options.name.split(":", 1)[0].split("@", 1)[0]
        raise BadSetting(
            what=f"the metric {base!r} takes no parameter",
            why=f"{options.parameter!r} was given",
            fix=f"use {base!r}",
        )
