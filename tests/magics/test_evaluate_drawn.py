"""What an evaluation draws: figures that say neither too much nor too little."""

from __future__ import annotations

import re

import pytest

import nbkit
from nbkit.evals.cases import Answer
from nbkit.session import current
from nbkit.testing import FakeProvider

QUESTIONS = [
    {"id": "tea", "input": "say tea", "expected": "say tea", "kind": "hot"},
    {"id": "milk", "input": "say milk", "expected": "say water", "kind": "cold"},
]


@pytest.fixture
def questions(notebook):
    notebook.user_ns["questions"] = QUESTIONS
    return notebook


def said(cell):
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain")) + cell.text


def test_what_asks_no_model_is_a_function_with_a_hash_and_without_a_price(questions):
    def answering(word):
        return lambda case: word

    said = [repr(nbkit.evaluate(answering(word), QUESTIONS, "exact_match", name="same")) for word in ("tea", "milk")]
    assert said[0].splitlines()[0] == "Evaluation same: 2 cases"
    assert len({re.search(r"function (\w{8})", one)[1] for one in said}) == 2


@pytest.mark.parametrize(
    ("answer", "is_refusal"),
    [
        ("Based on the passages, the sources do not say.", True),
        ("The sources do not say. The nearest passages: a.md", True),
        ("The fan needs 30 W. The sources do not say why.", False),
    ],
)
def test_who_only_says_that_the_sources_do_not_say_refuses(notebook, answer, is_refusal):
    current().providers["fake"] = FakeProvider(lambda request: answer)
    found = nbkit.evaluate("{{ input }}", [{"input": "How loud?", "expected": []}], "refusal", model="fake:m")
    assert found["refusal"].mean == is_refusal


def test_no_interval_of_seconds_or_dollars_is_below_nothing(questions):
    taken = iter([0.1, 9.0, 0.1])
    found = nbkit.evaluate(
        lambda case: Answer("x", latency_s=next(taken)), [{"input": f"q{n}"} for n in range(3)], "latency", workers=1
    )
    assert found["latency"].low == 0
    assert found["latency"].high > 9


def test_a_score_that_did_not_change_is_written_once_beside_the_words_that_did(questions):
    questions.run("%%evaluate questions --metrics exact_match,length --name first\nsay water")
    questions.run("%%evaluate questions --metrics exact_match,length --name second\n{{ input }}")
    rows = said(questions.run("%evaluate diff first second")).splitlines()
    assert [line.split("  ")[-1].strip() for line in rows if line.startswith(("tea", "milk"))] == [
        "0.000 → 1.000",
        "1.000 → 0.000",
    ]
    questions.run("%%evaluate questions --metrics contains --name third\nsay tea now")
    questions.run("%%evaluate questions --metrics contains --name fourth\nsay tea again")
    assert "→" not in said(questions.run("%evaluate diff third fourth"))


def test_figures_of_a_page_are_not_broken_over_lines(questions):
    questions.run("%%evaluate questions --metrics exact_match --name first\n{{ input }}")
    found = questions.user_ns["_eval"]
    pages = [found._repr_mimebundle_()["text/html"], found.by("kind")._repr_html_(), found.compare(found)._repr_html_()]
    assert [re.findall(r">(?:\d\S*\s)?\[[-+]?\d[^<\]]* ", page) for page in pages] == [[], [], []]


def test_a_case_is_drawn_with_its_prompt_and_with_reasons_where_there_are_any(questions):
    questions.run("%%evaluate questions --metrics length --name plain\nPlease {{ input }}")
    page = questions.user_ns["_eval"].case("tea")._repr_html_()
    assert "Please {{ input }}" in page.replace("&#123;", "{").replace("&#125;", "}")
    assert "reason" not in page
    questions.user_ns["questions"] = [{"id": "tea", "input": "say tea"}]
    questions.run("%%evaluate questions --metrics length,contains --name plain\n{{ input }}")
    assert "nothing to score" in questions.user_ns["_eval"].case("tea")._repr_html_()


def test_the_worst_answers_are_as_many_as_there_are(questions):
    questions.run("%%evaluate questions --metrics exact_match\n{{ input }}")
    assert "<summary>Worst 2 answers</summary>" in questions.user_ns["_eval"]._repr_mimebundle_()["text/html"]


def test_a_gate_that_passes_says_on_what_it_rests(questions):
    cell = questions.run("%%evaluate questions --metrics exact_match --fail-under exact_match=0.4\n{{ input }}")
    passed = "It passes: exact_match is 0.5 [0.0945, 0.905] (n 2), and at least 0.4 was asked, decided by the mean"
    assert passed in said(cell)
