from __future__ import annotations

import pytest

from nbkit.documents import Passage
from nbkit.evals.cases import NOTHING, Answer, Case
from nbkit.evals.cited import Citations, Claim, by_wording, claims_of, judge_citations
from nbkit.evals.metrics import resolve
from nbkit.evals.tools import Tools
from nbkit.testing import FakeEmbedder

FAN = Passage("1", "The K200 fan needs 30 W and weighs 2 kg.", "fan.md")
NONE = Tools()
CASE = Case("q", "How much power does it need?")
LAMP = Passage("2", "The lamp is made of brass.", "lamp.md")
WALL = Passage("3", "The fan is mounted on a wall with four screws.", "wall.md")


class Table:
    """A judge that knows which sets of passages support which sentence, and is asked no more than it has to be."""

    def __init__(self, known):
        self.known = {sentence: {frozenset(each) for each in sets} for sentence, sets in known.items()}
        self.asked = []

    def __call__(self, sentence, passages):
        self.asked.append((sentence, tuple(passages)))
        return any(one <= frozenset(passages) for one in self.known.get(sentence, ()))


def judged(claims, known, passages=("A", "B", "C")):
    return judge_citations([Claim(*one) for one in claims], passages, supports=Table(known))


def test_a_case_worked_by_hand_has_alces_values():
    """Five sentences. S1 [1]: A supports it. S2 [1][2]: A and B only together. S3 [1][2]: A alone, so B is idle.
    S4 [3]: nothing supports it. S5: cites nothing.
    Recall: S1, S2, S3 of five. Precision: 1 + 2 + 1 + 0 of 1 + 2 + 2 + 1."""  # fmt: skip
    found = judged(
        [("s1", (1,)), ("s2", (1, 2)), ("s3", (1, 2)), ("s4", (3,)), ("s5", ())],
        {"s1": ["A"], "s2": ["AB"], "s3": ["A"]},
    )
    assert found == Citations(sentences=5, supported=3, cited=6, right=4)
    assert (found.recall, found.precision) == (3 / 5, 4 / 6)


def test_of_two_passages_that_each_support_both_are_right():
    assert judged([("s", (1, 2))], {"s": ["A", "B"]}).right == 2


def test_a_passage_that_supports_nothing_is_wrong_beside_two_that_do_together():
    assert judged([("s", (1, 2, 3))], {"s": ["AB"]}) == Citations(1, 1, 3, 2)


def test_a_number_that_names_no_passage_makes_its_sentence_unsupported_and_is_wrong():
    assert judged([("s", (1, 9)), ("t", (0,))], {"s": ["A"], "t": ["A"]}) == Citations(2, 0, 3, 0)


def test_an_answer_that_cites_nothing_has_no_precision_but_0():
    found = judged([("s", ())], {"s": ["A"]})
    assert (found.recall, found.precision) == (0.0, 0.0)


def test_an_answer_that_claims_nothing_has_neither():
    found = judged([], {})
    assert (found.recall, found.precision) == (None, None)


def test_the_judge_is_asked_once_for_one_citation():
    judge = Table({"s": ["A"]})
    judge_citations([Claim("s", (1,))], ["A"], supports=judge)
    assert judge.asked == [("s", ("A",))]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("It needs 30 W [1]. It sings [2, 3].", [("It needs 30 W.", (1,)), ("It sings.", (2, 3))]),
        ("It needs 30 W. [1][1]", [("It needs 30 W.", (1,))]),
        ("Sure! It needs 30 W【2】.", [("It needs 30 W.", (2,))]),
        ("# Fans [1]\n\n```\nx[1]\n```\n| a | [2] |\n|---|---|\n", []),
        ("The sources do not say. [1]", []),
        ("- one fan [1]\n- two lamps [2]", [("one fan", (1,)), ("two lamps", (2,))]),
        ("It is loud [?].", [("It is loud.", ())]),
        ("Use `x[2]` here [1-3].", [("Use `x[2]` here.", (1, 2, 3))]),
        ("", []),
    ],
)
def test_sentences_are_read_with_what_they_cite(text, claims):
    assert claims_of(text, known=3) == [Claim(*one) for one in claims]


def score(name, answer, *, tools=NONE, case=CASE):
    [metric] = resolve(name, tools=tools)
    return metric.score(case, answer)


ANSWER = Answer(
    "The K200 fan needs 30 W [1][2]. It is mounted on a wall [3]. It sings Verdi arias [2].", (FAN, LAMP, WALL)
)


@pytest.mark.parametrize(
    ("name", "value"), [("citation_recall", 2 / 3), ("citation_precision", 2 / 4), ("groundedness", 2 / 3)]
)
def test_without_a_judge_wording_tells(name, value):
    assert score(name, ANSWER).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "value"), [("citation_recall", 1.0), ("citation_precision", 1.0), ("groundedness", 1.0)]
)
def test_a_judge_that_is_handed_in_is_believed(name, value):
    assert score(name, ANSWER, tools=Tools(supports=lambda sentence, passages: True)).value == value


@pytest.mark.parametrize("name", ["citation_recall", "citation_precision", "groundedness"])
def test_there_is_nothing_to_score_in_a_refusal_or_without_passages_or_claims(name):
    for answer in (
        Answer("The fan needs 30 W [1].", (FAN,), is_refusal=True),
        Answer("The fan needs 30 W [1]."),
        Answer("Sure!", (FAN,)),
        Answer("", (FAN,)),
    ):
        assert score(name, answer) == NOTHING


@pytest.mark.parametrize("name", ["citation_recall", "citation_precision", "groundedness"])
def test_passages_whose_texts_were_not_kept_are_an_error_and_no_0(name):
    assert score(name, Answer("It needs 30 W [1].", (Passage("1", "", "fan.md"),))).status == "error"


def test_groundedness_reads_the_texts_of_the_case_where_there_are_no_passages():
    case = Case("q", "?", contexts=(FAN.text,))
    assert score("groundedness", Answer("The K200 fan needs 30 W. Lamps are green."), case=case).value == 0.5


def test_the_words_of_the_question_need_no_source():
    assert by_wording("Which K200 fan?")("The K200 fan needs 30 W.", ["It is a fan, the K200. It needs 30 W."])


def test_relevance_is_higher_for_what_keeps_to_the_question():
    tools, case = Tools(embedder=FakeEmbedder), Case("q", "How much power does the fan need?")
    near = score("answer_relevance", Answer("The fan does need much power [1].", (FAN,)), tools=tools, case=case)
    far = score("answer_relevance", Answer("Tax forms are due in May."), tools=tools, case=case)
    assert near.value > far.value >= 0


@pytest.mark.parametrize("answer", [Answer("I can't.", is_refusal=True), Answer(" "), Answer("[1]", (FAN,))])
def test_what_says_nothing_has_no_relevance(answer):
    assert score("answer_relevance", answer, tools=Tools(embedder=FakeEmbedder)) == NOTHING
