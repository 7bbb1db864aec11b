"""A judge against labels: its card, and what cannot be a label."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from scipy import stats

from nbkit.display.judges import CardDrawing, stretch
from nbkit.errors import BadSetting
from nbkit.evals.agreement import cohen_kappa
from nbkit.evals.calibrating import calibrate
from nbkit.evals.datasets import dataset
from nbkit.evals.judge_card import LEAST_LABELS
from nbkit.evals.judging import Judge
from nbkit.evals.kept import KeptRuns
from nbkit.evals.runs import Values
from nbkit.session import Session
from nbkit.testing import FakeProvider


def passes(request):
    """A judge that passes what says yes, and gives no verdict on what says nothing."""
    asked = request.messages[-1].content
    if "silence" in asked:
        return "I would rather not."
    return json.dumps({"reason": "So it is.", "verdict": "pass" if "yes" in asked else "fail"})


@pytest.fixture
def judge(tmp_path):
    session = Session(home=tmp_path, environment={}, providers={"fake": FakeProvider(passes)})
    yield Judge(session, "It agrees.", settings=session.config({"model": "fake:m"}).settings)
    session.close()


def rows(*given):
    # No two answers are the same: copies are one label.
    return dataset([
        {"id": f"q{number}", "input": "Is it?", "answer text": f"{said} {number}", "label": label}
        for number, (said, label) in enumerate(given)
    ])  # fmt: skip


def test_a_card_says_how_often_judge_and_people_agree_and_beyond_chance(judge):
    # 4 passed by both, 1 only by people, 2 only by the judge, 3 failed by both: kappa by hand is (.7 - .5) / .5.
    given = [("yes", 1)] * 4 + [("nope", 1)] + [("yes", 0)] * 2 + [("nope", 0)] * 3
    card = calibrate(judge, rows(*given), answer="answer text")
    assert (card.labels, card.failed, card.is_calibrated) == (10, 0, False)
    assert card.agreement.mean == pytest.approx(0.7)
    assert card.kappa.value == pytest.approx(0.4)
    assert card.pairs.count((False, True)) == 1


def test_an_answer_without_a_verdict_is_no_agreement_and_no_disagreement(judge):
    card = calibrate(judge, rows(("yes", "pass"), ("silence", "pass"), ("nope", "fail")), answer="answer text")
    assert (card.labels, card.failed, card.agreement.mean) == (2, 1, 1.0)


def test_fifty_labels_calibrate_and_the_rate_is_corrected_by_the_errors_on_them(judge):
    # Sensitivity 24/30, specificity 18/20: an observed .5 is corrected to (.5 + .9 - 1) / (.8 + .9 - 1).
    given = [("yes", True)] * 24 + [("nope", True)] * 6 + [("yes", False)] * 2 + [("nope", False)] * 18
    card = calibrate(judge, rows(*given), answer="answer text")
    assert card.labels == LEAST_LABELS
    assert card.is_calibrated
    means = (1.0, 0.0) * 50
    found = card.corrected(Values(tuple(map(str, range(100))), means, (None,) * 100, ()))
    assert found.rate == pytest.approx(0.4 / 0.7)
    assert found.low < found.rate < found.high


def test_a_judge_that_does_not_agree_beyond_chance_is_no_gate(judge):
    given = [("yes", at % 2) for at in range(30)] + [("nope", at % 2) for at in range(30)]
    card = calibrate(judge, rows(*given), answer="answer text")
    assert not card.is_calibrated
    assert "better than chance" in card.flaw
    alike = calibrate(judge, rows(*[("yes", 1)] * 60), answer="answer text")
    assert (alike.kappa.low, alike.is_calibrated) == (None, False)


def test_a_corrected_rate_knows_of_clusters_and_of_samples_and_of_no_value(judge):
    given = [("yes", True)] * 24 + [("nope", True)] * 6 + [("yes", False)] * 2 + [("nope", False)] * 18
    card = calibrate(judge, rows(*given), answer="answer text")
    names, means = tuple(map(str, range(100))), (1.0,) * 50 + (0.0,) * 50
    alone = card.corrected(Values(names, means, (None,) * 100, ()))
    shared = card.corrected(Values(names, means, tuple(str(at // 10) for at in range(100)), ()))
    assert shared.rate == alone.rate
    assert shared.high - shared.low > 1.3 * (alone.high - alone.low)
    # Half of the answers to each case pass: not all of them.
    halves = card.corrected(Values(names, (0.5,) * 100, (None,) * 100, ((1.0, 0.0),) * 100))
    assert halves.observed == 0.5
    assert card.corrected(Values((), (), (), ())).rate is None


def test_a_card_outlives_the_kernel(judge, tmp_path):
    card = calibrate(judge, rows(("yes", 1), ("nope", 0)), answer="answer text")
    kept = KeptRuns(tmp_path)
    kept.keep_card(card)
    kept.close()
    again = KeptRuns(tmp_path)
    assert again.card(judge.identity) == card
    assert again.card("other") is None
    again.close()
    assert card.usd_per_verdict is None or card.usd_per_verdict >= Decimal(0)


def test_the_answer_of_a_table_with_answers_and_labels_is_what_is_judged_and_not_the_right_one(tmp_path):
    provider = FakeProvider(passes)
    session = Session(home=tmp_path, environment={}, providers={"fake": provider})
    judge = Judge(session, "It agrees.", settings=session.config({"model": "fake:m"}).settings)
    card = calibrate(judge, dataset([{"question": "Is it?", "answer": "yes", "label": "pass"}]))
    assert card.pairs == ((True, True),)
    assert "right answer" not in provider.requests[0].messages[-1].content
    session.close()


@pytest.mark.parametrize("label", ["perhaps", 3, -1, None])
def test_a_label_that_is_none_is_refused_by_name(judge, label):
    with pytest.raises(BadSetting, match="the label of the case 'q0'"):
        calibrate(judge, rows(("yes", label)), answer="answer text")


def test_a_column_that_is_not_there_is_refused_with_the_nearest(judge):
    with pytest.raises(BadSetting, match="name it: 'answer text'"):
        calibrate(judge, rows(("yes", 1)), answer="answer_text")


def test_answers_to_one_question_are_not_as_many_labels_as_they_seem(judge):
    # Of each question one answer is right and one wrong; the judge sees it of all answers to a question, or of none.
    given = []
    for at in range(30):
        sees = at % 5 > 0
        given += [("yes", 1), ("yes" if not sees else "nope", 0), ("yes" if sees else "nope", 1), ("nope", 0)]
    rows_of = [
        {"id": f"q{at}", "input": f"Is it {at // 4}?", "answer text": f"{said} {at}", "label": label}
        for at, (said, label) in enumerate(given)
    ]
    card = calibrate(judge, dataset(rows_of), answer="answer text")
    alone = cohen_kappa(*zip(*card.pairs, strict=True))
    assert card.kappa.value == alone.value
    assert card.kappa.high - card.kappa.low > 1.3 * (alone.high - alone.low)
    assert (card.agreement.n, card.agreement.clusters) == (120, 30)
    said = repr(CardDrawing(card))
    assert "120 in 30 clusters" in said
    assert "Answers of one cluster, such as a question, count as fewer" in said


def test_a_card_says_how_people_go_with_length_and_draws_no_interval_of_what_was_chosen(judge):
    given = [("yes, it is so", 1), ("yes", 1), ("no, it is not so at all", 0), ("nope", 0), ("yes, and so on", 1)]
    card = calibrate(judge, rows(*given), answer="answer text")
    expected = stats.spearmanr([1, 1, 0, 0, 1], [len(said) for said, _ in given])
    assert card.people_by_length.correlation == pytest.approx(expected.statistic)
    said = repr(CardDrawing(card)).splitlines()
    assert next(line for line in said if line.startswith("people pass")).split() == ["people", "pass", "0.600", "5"]


def test_all_cases_passed_in_clusters_are_no_surer_than_the_clusters_are_many(judge):
    given = [("yes", True)] * 30 + [("nope", False)] * 30
    card = calibrate(judge, rows(*given), answer="answer text")
    names = tuple(map(str, range(100)))
    shared = card.corrected(Values(names, (1.0,) * 100, tuple(str(at // 10) for at in range(100)), ()))
    ten = card.corrected(Values(names[:10], (1.0,) * 10, (None,) * 10, ()))
    assert shared.low < ten.low
    assert shared.high == ten.high == 1


def test_a_judge_says_by_how_much_its_differences_are_smaller(judge):
    given = [("yes", True)] * 24 + [("nope", True)] * 6 + [("yes", False)] * 2 + [("nope", False)] * 18
    card = calibrate(judge, rows(*given), answer="answer text")
    assert card.youden == pytest.approx(24 / 30 + 18 / 20 - 1)
    assert stretch(card) == ", whose errors on them make differences 0.70 times as large as people's"
    assert stretch(calibrate(judge, rows(*given[:9]), answer="answer text")) == ""


def test_what_is_paid_while_a_judge_is_measured_is_known(tmp_path):
    told, prices = [], {"m": {"input": 1, "output": 1}}
    session = Session(home=tmp_path, environment={}, providers={"fake": FakeProvider(passes)})
    settings = session.config({"model": "fake:m", "price": prices}).settings
    given = rows(("yes", 1), ("nope", 0), ("silence", 0))
    judge = Judge(session, "It agrees.", settings=settings)
    card = calibrate(judge, given, answer="answer text", on_progress=told.append)
    # What could not be read was paid all the same.
    assert (card.labels, card.failed) == (2, 1)
    assert card.usd_per_verdict == told[-1].usd / 2
    session.close()


def test_copies_of_an_answer_are_one_label(judge):
    ten = [(f"{'yes' if at % 2 else 'nope'} {at}", at % 2) for at in range(10)]
    copied = dataset([
        {"id": f"{at}-{copy}", "input": "Is it?", "answer text": said, "label": label}
        for copy in range(6) for at, (said, label) in enumerate(ten)
    ])  # fmt: skip
    card = calibrate(judge, copied, answer="answer text")
    assert (card.labels, card.is_calibrated) == (10, False)
