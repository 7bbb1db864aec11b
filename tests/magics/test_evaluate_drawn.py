"""What an evaluation draws: figures that say neither too much nor too little."""

from __future__ import annotations

import re

import pytest

import nbkit
from nbkit.display.evaluated import Evaluated
from nbkit.display.evaluation_cases import changed_words
from nbkit.errors import BadSetting
from nbkit.evals.cases import Answer
from nbkit.session import current
from nbkit.testing import FakeProvider


def said(cell):
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain")) + cell.text


def test_what_asks_no_model_is_a_function_with_a_hash_and_without_a_price(questions):
    def answering(word):
        return lambda case: word

    said = [
        repr(nbkit.evaluate(answering(word), questions.user_ns["questions"], "exact_match", name="same"))
        for word in ("tea", "milk")
    ]
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
    assert "Please say tea" in page
    assert "reason" not in page
    questions.user_ns["questions"] = [{"id": "tea", "input": "say tea"}]
    questions.run("%%evaluate questions --metrics length,contains --name plain\n{{ input }}")
    assert "nothing to score" in questions.user_ns["_eval"].case("tea")._repr_html_()


def test_a_case_says_how_its_record_is_had(questions):
    questions.run("%%evaluate questions --metrics length --name plain\nPlease {{ input }}")
    found = questions.user_ns["_eval"].case("tea")
    (call,) = re.findall(r"nbkit\.records\(id='\w{8}'\)", repr(found))
    assert call in found._repr_html_().replace("&#x27;", "'").replace("&#39;", "'")
    assert list(eval(call).answer) == ["Please say tea"]


def test_without_the_texts_of_records_a_case_shows_the_prompt_as_it_was_written(questions):
    questions.run("%%evaluate questions --metrics length --name plain\nPlease {{ input }}")
    evaluated = questions.user_ns["_eval"]
    bare = Evaluated(evaluated.run)
    assert "Prompt, as it was written: Please {{ input }}" in repr(bare.case("tea"))
    assert "Prompt, as it was sent: Please say tea" in repr(evaluated.case("tea"))
    assert "Prompt, as it was sent: Please say tea" in said(questions.run("%evaluate show plain tea"))


def test_a_run_that_was_stopped_says_so_wherever_it_is_shown(questions):
    questions.run("def stops(case, answer):\n    if case.id == 'milk':\n        raise KeyboardInterrupt\n    return 1")
    cell = questions.run("%%evaluate questions --metrics stops --workers 1 --name half\n{{ input }}")
    assert isinstance(cell.error, KeyboardInterrupt)
    assert "Evaluation half: 2 cases, stopped at 1 of 2 answers, $0" in said(questions.run("%evaluate show half"))


def test_an_interrupt_is_drawn_in_three_lines(questions):
    questions.run("def stops(case, answer):\n    if case.id == 'milk':\n        raise KeyboardInterrupt\n    return 1")
    for cell in (
        "%%evaluate questions --metrics stops --workers 1 --name half\n{{ input }}",
        "import nbkit; nbkit.evaluate('{{ input }}', questions, stops, workers=1, name='other', quiet=True)",
    ):
        first, *more = questions.run(cell).error._render_traceback_()
        assert first.endswith("the evaluation was stopped at 1 of 2 answers")
        assert [line.partition(":")[0] for line in more] == ["  why", "  fix"]


def test_a_run_that_was_stopped_is_no_baseline_and_says_how_it_goes_on(questions):
    questions.run("def stops(case, answer):\n    if case.id == 'milk':\n        raise KeyboardInterrupt\n    return 1")
    questions.run("%%evaluate questions --metrics stops --workers 1 --name half\n{{ input }}")
    assert "stopped: evaluated again, it goes on where it was" in said(questions.run("%evaluate show half"))
    cell = questions.run("%%evaluate questions --metrics length --baseline half\n{{ input }}")
    assert cell.error.what == "the run 'half' was stopped at 1 of 2 answers"
    assert "it goes on where it was" in cell.error.fix


def test_what_asks_nobody_names_no_prices(questions):
    found = nbkit.evaluate(lambda case: "tea", questions.user_ns["questions"], "contains", quiet=True)
    assert "prices" not in repr(found)


def test_prices_of_the_readers_own_are_said(questions):
    questions.run("import nbkit; nbkit.configure(price={'echo': {'input': 20.0, 'output': 80.0}})")
    cell = questions.run("%%evaluate questions --metrics cost --name own\n{{ input }}")
    assert cell.error is None
    for text in (said(cell), said(questions.run("%evaluate show own"))):
        assert "· your own prices" in text
        assert "genai-prices" not in text


def test_what_fails_before_anything_came_leaves_no_line_of_progress(questions):
    cell = questions.run("%%evaluate questions --metrics contains\n{{ absent }}")
    assert cell.error is not None
    assert cell.bundles("text/plain") == []


def test_runs_that_share_no_metric_are_not_compared(questions):
    for metric in ("contains", "length"):
        questions.run(f"%%evaluate questions --metrics {metric} --name {metric}\n{{{{ input }}}}")
    error = questions.run("%evaluate compare contains length").error
    assert "share no metric" in str(error)


def test_an_unknown_price_is_said_in_words(questions):
    current().providers["fake"] = FakeProvider(lambda request: "tea")
    cell = questions.run("%%evaluate questions -m fake:m --metrics cost --name free\n{{ input }}")
    assert said(cell).splitlines()[0] == "Evaluation free: 2 cases, price not known"
    assert "2 answers of unknown price" in said(cell)


def test_an_error_of_a_function_stands_in_its_case_with_its_line(questions):
    def breaks(case):
        return 1 / 0

    found = nbkit.evaluate(breaks, questions.user_ns["questions"], "contains", name="broken")
    text = repr(found.case("tea"))
    assert "Answer: ✗ ZeroDivisionError: division by zero" in text
    assert re.search(r"Why: the function raised it, line \d+ of breaks; call", text)
    assert "Why" in found.case("tea")._repr_html_()


def test_what_failed_says_why_in_the_table(questions):
    def breaks(case):
        return {}[case.id]

    def wrong(case, answer):
        return 1 / 0

    found = nbkit.evaluate(breaks, questions.user_ns["questions"], "contains", name="broken")
    assert repr(found).startswith("Evaluation broken: 2 cases, 2 failed (KeyError: 'tea')")
    found = nbkit.evaluate(lambda case: "tea", questions.user_ns["questions"], [wrong], name="wrong")
    assert "2 failed, ZeroDivisionError: division by zero" in repr(found)


def test_an_async_function_is_waited_for_and_one_that_gives_nothing_has_failed(questions):
    async def says(case):
        return case.input

    cases = questions.user_ns["questions"]
    assert nbkit.evaluate(says, cases, "contains")["contains"].mean == 0.5
    found = nbkit.evaluate(lambda case: None, cases, "contains", name="nothing")
    assert (found["contains"].n, len(found.run.failed)) == (0, 2)
    with pytest.raises(BadSetting, match="it is of type int"):
        nbkit.evaluate(3, cases, "contains")


def test_the_worst_answers_are_as_many_as_there_are(questions):
    questions.run("%%evaluate questions --metrics exact_match\n{{ input }}")
    assert "<summary>Worst 2 answers</summary>" in questions.user_ns["_eval"]._repr_mimebundle_()["text/html"]


def test_two_runs_of_one_name_are_told_apart_by_their_ids(questions):
    for prompt in ("say water", "{{ input }}"):
        questions.run(f"%%evaluate questions --metrics exact_match --name same\n{prompt}")
    ids = re.findall(r"^same +(\w{8})", said(questions.run("%evaluate ls")), re.MULTILINE)
    assert len(set(ids)) == 2
    assert f"run {ids[0]} ·" in said(questions.run(f"%evaluate show {ids[0]}"))
    assert f"run {ids[1]} ·" in said(questions.run("%evaluate show same"))
    titles = [f"same ({one})" for one in ids]
    assert f"of {titles[1]} that {titles[0]} answered otherwise" in said(questions.run(f"%evaluate diff {ids[0]} same"))
    cell = questions.run(
        "%%evaluate questions --metrics exact_match --name same --baseline same --tolerance exact_match=0\nno"
    )
    assert f"worse than {titles[1]} by" in str(cell.error)
    assert titles[0] in said(questions.run(f"%evaluate rm {ids[0]} {ids[0]}"))
    assert len(re.findall(r"^same ", said(questions.run("%evaluate ls")), re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("before", "after", "drawn"),
    [
        ("It is 77 purple parrots.", "every sixth batch", "<s>It is 77 purple parrots.</s> <u>every sixth batch</u>"),
        (
            "The fan needs 30 W at night.",
            "The fan needs 45 W at night.",
            "The fan needs <s>30</s> <u>45</u> W at night.",
        ),
        ("open at nine", "open at nine sharp", "open at nine<u> sharp</u>"),
        ("same", "same", "same"),
        ("", "new", "<u>new</u>"),
    ],
)
def test_words_that_changed_side_by_side_are_one_change(before, after, drawn):
    assert changed_words(before, after) == drawn


def test_a_gate_that_passes_says_on_what_it_rests(questions):
    cell = questions.run("%%evaluate questions --metrics exact_match --fail-under exact_match=0.4\n{{ input }}")
    passed = "It passes: exact_match is 0.5 [0.0945, 0.905] (n 2), and at least 0.4 was asked, decided by the mean"
    assert passed in said(cell)
