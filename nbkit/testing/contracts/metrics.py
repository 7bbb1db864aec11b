"""What every metric must do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import get_args

from nbkit.documents import Passage
from nbkit.evals.cases import Answer, Case, Metric, Score, ScoreStatus


class MetricContract:
    """Behaviours of every metric, on answers that are plain, odd and empty, and on the metric's own."""

    cases: Sequence[tuple[Case, Answer]] = ()
    """Cases and answers that the metric has a value for."""

    def metric(self) -> Metric:
        """The metric under test, new."""
        raise NotImplementedError

    def test_says_what_it_is(self) -> None:
        """A name, which way is better, and a unit, empty for what runs from 0 to 1."""
        metric = self.metric()
        assert isinstance(metric.name, str)
        assert metric.name
        assert isinstance(metric.is_better_high, bool)
        assert isinstance(metric.unit, str)

    def test_scores_are_whole(self) -> None:
        """A value that is a finite number where the status is `ok`, and none elsewhere; what failed says why."""
        for _, _, score in self._scored():
            assert score.status in get_args(ScoreStatus)
            assert (score.value is not None) == (score.status == "ok")
            assert score.value is None or (type(score.value) is float and math.isfinite(score.value))
            assert score.status != "error" or score.note

    def test_without_a_unit_it_runs_from_0_to_1(self) -> None:
        """So that metrics can be drawn side by side."""
        if not self.metric().unit:
            assert all(0 <= (score.value or 0) <= 1 for _, _, score in self._scored())

    def test_has_a_value_for_its_own_cases(self) -> None:
        """A metric that never scores passes every other test."""
        metric = self.metric()
        for case, answer in self.cases:
            assert metric.score(case, answer).status == "ok"

    def test_same_answer_has_the_same_score_in_several_threads(self) -> None:
        """Scoring is pure."""
        metric = self.metric()
        first = [(case, answer, score) for case, answer, score in self._scored()]
        with ThreadPoolExecutor(4) as pool:
            again = list(pool.map(lambda one: metric.score(one[0], one[1]), first * 4))
        assert again == [score for _, _, score in first] * 4

    def _scored(self) -> Iterator[tuple[Case, Answer, Score]]:
        metric = self.metric()
        for case, answer in [*_pairs(), *self.cases]:
            yield case, answer, metric.score(case, answer)


def _pairs() -> list[tuple[Case, Answer]]:
    passages = (
        Passage("1", "The fan needs 30 W.", "fan.md"),
        Passage("2", "", "empty.md"),
        Passage("3", "é 漢字 🙂", "b.md"),
    )
    given = [
        Case("plain", "How much?", expected="30 W", contexts=("The fan needs 30 W.",), metadata={"source": "fan.md"}),
        Case("several", "When?", expected=["9th of May", "the", ""], contexts=("",)),
        Case("none", "Who sang?", expected=[]),
        Case("unknown", "Why?"),
        Case("number", "How many?", expected=0),
        Case("object", "Who?", expected={"type": "object"}, metadata={"source": {"fan.md": 2, "b.md": 0}}),
        Case("", "", expected=""),
    ]
    texts = [
        "",
        " \n",
        "30 W",
        "The fan needs 30 W [1]. It sings [2][9].",
        "[1]",
        '{"name": "Ada"}',
        "{{x}} %",
        "漢字",
        "\ud800",
    ]
    answers = [Answer(text, passages=own) for text in texts for own in ((), passages)]
    answers += [
        Answer("I can't help with that.", is_refusal=True),
        Answer("x " * 300, latency_s=1.5, usd=Decimal("0.01")),
    ]
    return [(case, answer) for case in given for answer in answers]
