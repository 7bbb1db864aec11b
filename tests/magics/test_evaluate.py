"""`%%evaluate` and `%evaluate`: a data set in, means with intervals out, and what stops it."""

from __future__ import annotations

import json
import re

import pytest

import nbkit
from nbkit.errors import BadSetting, CollectionError, EvaluationFailed, PromptError, UnknownPlugin, UnknownSetting
from nbkit.evals.cases import Score
from nbkit.evals.judging import Judge
from nbkit.evaluation import kept_runs
from nbkit.recorded import RECORD_MIME
from nbkit.session import current
from nbkit.testing import FakeProvider


def said(cell):
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain")) + cell.text


def table(text, name):
    return re.split(r"  +", next(line for line in text.splitlines() if line.startswith(f"{name} ")))


def test_the_prompt_is_asked_of_each_case_and_each_mean_has_its_interval_and_n(questions):
    cell = questions.run("%%evaluate questions --metrics exact_match,f1 --name first\n{{ input }}")
    assert table(said(cell), "exact_match")[1:4] == ["0.500", "[0.095, 0.905]", "2"]
    found = questions.user_ns["_eval"]
    assert found["exact_match"].mean == 0.5
    assert [record.prompt_sha256 for record in current().ledger.read()]
    html = cell.bundles("text/html")[-1]
    assert "<caption" in html
    assert '<th scope="row"' in html
    assert "<style" not in html


def test_names_of_columns_and_variables_fill_the_prompt_and_the_case_comes_first(questions):
    questions.user_ns |= {"input": "the notebook's own", "greeting": "Hello"}
    questions.run("%%evaluate questions --metrics length -o found\n{{ greeting }} {{ kind }}: {{ input }}")
    answers = [one.answer.text for one in questions.user_ns["found"].run.graded]
    assert answers == ["Hello hot: say tea", "Hello cold: say milk"]


def test_without_metrics_those_that_fit_the_data_set_are_measured(questions):
    questions.run("%%evaluate questions\n{{ input }}")
    assert list(questions.user_ns["_eval"]) == ["exact_match", "f1", "latency", "cost"]
    questions.user_ns["questions"] = [{"input": "Who?", "expected": []}]
    questions.run("%%evaluate questions\n{{ input }}")
    assert list(questions.user_ns["_eval"]) == ["refusal", "latency", "cost"]


def test_a_function_of_the_notebook_is_a_metric(questions):
    questions.run("def shouts(case, answer):\n    return answer.text.isupper()")
    assert table(said(questions.run("%%evaluate questions --metrics shouts\n{{ input }}")), "shouts")[1] == "0.000"


def test_a_table_in_a_cell_is_a_data_set(notebook):
    cell = notebook.run("%%evaluate --table short\n| question | answer |\n|---|---|\n| say tea | say tea |\n")
    assert "1 case" in said(cell)
    assert notebook.user_ns["short"].cases[0].expected == "say tea"
    assert table(said(notebook.run("%%evaluate short --metrics exact_match\n{{ input }}")), "exact_match")[1] == "1.000"


def test_a_file_is_a_data_set_and_only_its_first_cases_are_asked(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.csv").write_text("input,expected\n" + "say tea,tea\n" * 5)
    notebook.run("%%evaluate q.csv --metrics contains --limit 2\n{{ input }}")
    assert notebook.user_ns["_eval"]["contains"].n == 2


def test_a_mean_below_its_least_fails_the_cell_after_drawing_it(questions):
    cell = questions.run("%%evaluate questions --metrics exact_match --fail-under exact_match=0.6\n{{ input }}")
    assert isinstance(cell.error, EvaluationFailed)
    assert "exact_match is 0.5 [0.0945, 0.905] (n 2), and at least 0.6 was asked" in str(cell.error)
    assert cell.bundles("text/html")
    assert questions.user_ns["_eval"]["exact_match"].mean == 0.5


def test_a_baseline_is_compared_case_by_case_and_in_words(questions):
    questions.run("%%evaluate questions --metrics exact_match --name first\n{{ input }}")
    cell = questions.run("%%evaluate questions --metrics exact_match --name second --baseline first\n{{ expected }}")
    assert isinstance(cell.error, PromptError)
    assert cell.error.what == "{{ expected }} is not given to the prompt"
    cell = questions.run("%%evaluate questions --metrics exact_match --name second --baseline first\nsay water")
    assert "second against first, paired by case" in said(cell)
    assert "not decisive on exact_match" in said(cell)
    worse = questions.run(
        "%%evaluate questions --metrics exact_match --baseline first --tolerance exact_match=0.2\nnothing"
    )
    assert isinstance(worse.error, EvaluationFailed)


@pytest.mark.parametrize(
    ("line", "kind", "fix"),
    [
        ("qestions", BadSetting, "use questions"),
        ("", BadSetting, "names no data set"),
        ("questions --metrics f2", UnknownPlugin, "use 'f1'"),
        ("questions --metrics f1 --fail-under em=1", BadSetting, "not measured"),
        ("questions --limit 0", BadSetting, "--limit"),
        ("questions --baseline none", BadSetting, "no evaluation has run yet"),
        ("questions --metric f1", UnknownSetting, "--metrics"),
        ("--table 2x", BadSetting, "no name that a variable can have"),
    ],
)
def test_a_line_that_cannot_be_is_refused_and_nothing_is_asked(questions, line, kind, fix):
    cell = questions.run(f"%%evaluate {line}\n{{{{ input }}}}")
    assert isinstance(cell.error, kind)
    assert fix in str(cell.error)
    assert current().ledger.read() == []


def test_a_judge_is_no_gate_before_it_was_calibrated(questions):
    questions.run("import nbkit\nclear = nbkit.judge('It is clear.', name='clear', model='echo')")
    cell = questions.run("%%evaluate questions --metrics clear --fail-under clear=0.5\n{{ input }}")
    assert isinstance(cell.error, BadSetting)
    assert "was never set against what people said" in str(cell.error)
    cell = questions.run("%%evaluate questions --metrics clear,length\n{{ input }}")
    assert "2 failed, a judge that was never set against labels" in said(cell)


def test_runs_are_listed_shown_compared_and_removed(questions):
    questions.run("%%evaluate questions --metrics exact_match --name first\n{{ input }}")
    questions.run("%%evaluate questions --metrics exact_match --name second\nsay water")
    listed = said(questions.run("%evaluate ls"))
    assert "exact_match 0.500 [0.095, 0.905]" in listed
    assert "Evaluation second" in said(questions.run("%evaluate show"))
    assert "Answer: say water" in said(questions.run("%evaluate show second tea"))
    assert "second against first" in said(questions.run("%evaluate compare first second"))
    changed = questions.run("%evaluate diff first second")
    assert "<s>tea</s> <u>water</u>" in changed.bundles("text/html")[0]
    assert "1 run deleted" in said(questions.run("%evaluate rm first"))
    assert "first" not in said(questions.run("%evaluate ls"))


def test_a_command_that_is_none_is_refused(notebook):
    assert isinstance(notebook.run("%evaluate list").error, UnknownSetting)
    assert isinstance(notebook.run("%evaluate diff one").error, BadSetting)
    assert isinstance(notebook.run("%evaluate ls more").error, BadSetting)


def test_rated_answers_become_cases(notebook):
    assert isinstance(notebook.run("%%evaluate @rated\n{{ input }}").error, BadSetting)
    notebook.run("%%llm\nsay tea")
    notebook.run("%cost rate 👍 short")
    notebook.run("%%llm\nsay milk")
    notebook.run("%cost rate 0.2")
    notebook.run("%%evaluate @rated --metrics exact_match\n{{ input }}")
    found = notebook.user_ns["_eval"]
    assert [(one.case.input, one.case.expected) for one in found.run.graded] == [
        ("say tea", "say tea"),
        ("say milk", None),
    ]
    assert found.run.graded[0].case.metadata["note"] == "short"
    assert found.run.of("exact_match").unscored == 1


def test_groups_of_cases_have_means_of_their_own_and_a_case_is_shown_whole(questions):
    questions.run("%%evaluate questions --metrics exact_match\n{{ input }}")
    found = questions.user_ns["_eval"]
    assert table(repr(found.by("kind")), "cold")[1:3] == ["1", "0.000 [0.000, 0.793]"]
    assert "Expected: say water" in repr(found.case("milk"))
    assert repr(found.worst(1)).splitlines()[-1].startswith("milk")
    for wrong in (lambda: found.by("kin"), lambda: found.case("mlk")):
        with pytest.raises(BadSetting, match="use '"):
            wrong()


def test_a_run_that_is_stopped_goes_on_in_the_next_cell(questions):
    questions.run(
        "calls = []\ndef stops(case, answer):\n    calls.append(case.id)\n"
        "    if len(calls) == 1:\n        raise KeyboardInterrupt\n    return 1"
    )
    cell = questions.run("%%evaluate questions --metrics stops --cache off --workers 1\n{{ input }}")
    assert isinstance(cell.error, KeyboardInterrupt)
    assert "stopped at" in said(questions.run("%evaluate ls"))
    cell = questions.run("%%evaluate questions --metrics stops --cache off --workers 1\n{{ input }}")
    assert questions.user_ns["_eval"]["stops"].n == 2
    kept = kept_runs(current(), current().config().settings)
    assert len(kept.all()) == 1
    kept.close()


def test_a_stopped_run_does_not_go_on_with_another_value_function_or_metric(questions):
    stop = (
        "{}\ndef once(case, answer):\n    calls.append(case.id)\n"
        "    if len(calls) == 2:\n        raise KeyboardInterrupt\n    return {}"
    )
    line = "%%evaluate questions --metrics once --workers 1\n{{ greeting }} {{ input }}"
    questions.run(stop.format("greeting = 'Hello'\ncalls = []", "1"))
    assert isinstance(questions.run(line).error, KeyboardInterrupt)
    questions.run("greeting = 'Goodbye'\ncalls = [1, 2]")
    questions.run(line)
    assert {one.answer.text.split()[0] for one in questions.user_ns["_eval"].run.graded} == {"Goodbye"}
    questions.run(stop.format("calls = []", "1"))
    assert isinstance(questions.run(line).error, KeyboardInterrupt)
    questions.run(stop.format("calls = [1, 2]", "0"))
    questions.run(line)
    assert questions.user_ns["_eval"]["once"].mean == 0


def test_an_evaluation_without_a_prompt_is_a_line_since_a_cell_cannot_be_empty(notebook, tmp_path):
    notebook.user_ns["short"] = [{"question": "How loud?", "answer": []}]
    cell = notebook.run("%evaluate short --rag none")
    assert isinstance(cell.error, CollectionError)
    assert isinstance(notebook.run("%evaluate --make 3 --index none").error, CollectionError)
    assert "%%evaluate short" in str(notebook.run("%evaluate short --metrics refusal").error)


def test_a_run_that_nothing_came_of_is_not_kept(questions):
    assert isinstance(questions.run("%%evaluate questions --name first\n{{ inptu }}").error, PromptError)
    assert "none yet" in said(questions.run("%evaluate ls"))
    questions.run("%%evaluate questions --metrics exact_match\n{{ question }}")
    assert questions.user_ns["_eval"]["exact_match"].mean == 0.5


@pytest.mark.parametrize(("labels", "why"), [(10, "a gate needs 50"), (60, "better than chance")])
def test_a_judge_that_passes_everything_is_no_gate_and_says_so_wherever_its_score_is_shown(questions, labels, why):
    passes = json.dumps({"reason": "So it is.", "verdict": "pass"})
    current().providers["fake"] = FakeProvider(lambda request: passes)
    questions.user_ns["clear"] = nbkit.judge("It is clear.", name="clear", model="fake:m")
    rows = [{"input": f"q{n}", "answer": "yes", "label": "pass" if n % 2 else "fail"} for n in range(labels)]
    card = nbkit.calibrate(questions.user_ns["clear"], rows)
    assert why in repr(card)
    assert table(repr(card), "kappa, beyond chance")[1:3] == ["0.000", "—"]
    cell = questions.run("%%evaluate questions --metrics clear --fail-under clear=0.5\n{{ input }}")
    assert isinstance(cell.error, BadSetting)
    assert why in str(cell.error)
    for name in ("first", "second"):
        questions.run(f"%%evaluate questions --metrics clear --name {name}\n{name} {{{{ input }}}}")
    for line in ("%evaluate ls", "%evaluate show", "%evaluate compare first second"):
        assert "a judge, κ 0.000" in said(questions.run(line))


def test_power_says_how_many_cases_a_difference_takes(questions):
    questions.run("%%evaluate questions --metrics exact_match\n{{ input }}")
    found = nbkit.power(questions.user_ns["_eval"], delta=0.1)
    assert found.needed > 100
    assert "takes" in repr(found)
    with pytest.raises(BadSetting):
        nbkit.power(questions.user_ns["_eval"], delta=0)


def test_samples_of_each_case_say_how_much_is_noise(notebook):
    answers = iter(["yes", "no", "yes", "yes", "no", "no"])
    rows = [{"id": str(number), "input": "?", "expected": "yes"} for number in range(3)]
    found = nbkit.evaluate(lambda case: next(answers), rows, ["exact_match"], samples=2, workers=1)
    assert found["exact_match"].n == 3
    # Within: only the first case varies, .5 of variance over 3 degrees; the means are .5, 1 and 0.
    line = table(repr(found), "exact_match  0.408")
    assert line[1:4] == ["0.408", "0.408", "33%"]
    notebook.user_ns["found"] = found
    assert "worth a case" in notebook.run("found").result._repr_mimebundle_()["text/html"]


def test_the_notebook_carries_every_call_of_an_evaluation_once(questions):
    questions.run("def asks(case):\n    return nbkit.ask(case.input)")
    questions.run("import nbkit")
    for source in ("%%evaluate questions --metrics f1\n{{ input }}", "nbkit.evaluate(asks, questions, ['f1'])"):
        cell = questions.run(source)
        assert cell.error is None, cell.error
        carried = [record for rows in cell.bundles(RECORD_MIME) for record in rows]
        assert len(carried) == len({record["id"] for record in carried}) == 2
        assert {record["id"] for record in carried} <= {record.id for record in current().ledger.read()}


def test_a_judge_is_flagged_also_where_its_run_is_shown_again_and_listed(questions):
    questions.run("import nbkit\nkind = nbkit.judge('It is kind.', name='kind', model='echo')")
    assert questions.run("%%evaluate questions --metrics kind --name judged\n{{ input }}").error is None
    assert "never set against labels" in said(questions.run("%evaluate show judged"))


def test_a_case_that_asks_something_else_under_the_same_name_is_not_paired(questions):
    questions.run("%%evaluate questions --metrics exact_match --name before\n{{ input }}")
    tea, milk = questions.user_ns["questions"]
    questions.user_ns["questions"] = [tea, {**milk, "input": "say water"}]
    questions.run("%%evaluate questions --metrics exact_match --baseline before -o found\n{{ input }}")
    found = questions.user_ns["found"]
    compared = found.compare(found.baseline)["exact_match"]
    assert (compared.n, compared.left_out) == (1, 2)


@pytest.mark.parametrize("line", ["--tolerance f1=0.1", "--name last", "--workers 0", "--rate 0"])
def test_what_could_never_hold_is_refused_before_anything_is_asked(questions, line):
    assert isinstance(questions.run(f"%%evaluate questions --metrics f1 {line}\n{{{{ input }}}}").error, BadSetting)
    assert current().ledger.read() == []


def test_answers_are_set_against_those_of_a_run_by_a_judge_which_is_no_gate(questions):
    questions.run("%%evaluate questions --metrics exact_match -o before\n{{ input }}")
    questions.run("import nbkit\nbetter = nbkit.preferred('It is shorter.', before, model='echo')")
    cell = questions.run("%%evaluate questions --metrics better --limit 1\n{{ input }}")
    # The same answers need no judge.
    assert table(said(cell), "preferred")[1] == "0.500"
    assert "never set against labels" in said(cell)
    refused = questions.run("%%evaluate questions --metrics better --fail-under preferred=0.5\n{{ input }}")
    assert "the judge of pairs 'preferred' cannot be a gate" in str(refused.error)
    assert "nbkit.judge(criterion" in str(refused.error)
    labelled = questions.run("nbkit.calibrate(better, [{'input': 'q', 'answer': 'a', 'label': 1}])")
    assert "only a judge of single answers can be set against labels" in str(labelled.error)


@pytest.mark.parametrize("line", ["questions --rag handbook", "--make 3 --index handbook"])
def test_what_needs_no_prompt_is_asked_on_one_line_since_a_cell_without_a_body_is_refused(questions, line):
    cell = questions.run(f"%evaluate {line}")
    assert isinstance(cell.error, CollectionError)
    assert "no index named 'handbook'" in str(cell.error)


def test_a_named_prompt_is_evaluated_on_one_line(questions):
    questions.run("%%evaluate questions --metrics exact_match --prompt plain\n{{ input }}")
    cell = questions.run("%evaluate questions --metrics exact_match --prompt plain")
    assert table(said(cell), "exact_match")[1] == "0.500"
    assert isinstance(questions.run("%evaluate shwo").error, Exception)


def test_a_judge_is_not_told_how_the_model_that_it_judges_should_answer(questions):
    judge = nbkit.judge("It is kind.", model="echo")
    nbkit.configure(system="You are a pirate.", temperature=0.9, stop=("arr",))
    assert nbkit.judge("It is kind.", model="echo").identity == judge.identity
    assert nbkit.judge("It is kind.", model="echo", system="Be strict.").identity != judge.identity
    questions.run("import nbkit\nkind = nbkit.judge('It is kind.', name='kind', model='echo')")
    questions.run("%%evaluate questions --metrics kind\n{{ input }}")
    judged = [one.request for one in current().ledger.read() if "Criterion" in one.request.messages[-1].content]
    assert judged
    assert {("pirate" in repr(one.messages), one.stop, one.temperature) for one in judged} == {(False, (), 0.0)}


def test_an_uncalibrated_judge_is_flagged_in_the_list(questions, monkeypatch):
    questions.run("import nbkit\nkind = nbkit.judge('It is kind.', name='kind', model='echo')")
    monkeypatch.setattr(Judge, "score", lambda self, case, answer: Score(1.0))
    questions.run("%%evaluate questions --metrics kind --name judged\n{{ input }}")
    assert "kind (a judge that was never set against labels) 1.000" in said(questions.run("%evaluate ls"))


@pytest.mark.parametrize("quoted", ["'contains,{}'", "contains,{}", '"contains,{}"'])
def test_a_comma_inside_a_pattern_parts_no_metrics(questions, quoted):
    pattern = r"regex:^\w{2,3}.[em,ti]+" if quoted[0] == "'" else "regex:^[a-z]{2,3}.[em,ti]+"
    questions.run(f"%%evaluate questions --metrics {quoted.format(pattern)}\n{{{{ input }}}}")
    assert list(questions.user_ns["_eval"]) == ["contains", pattern]
    assert questions.user_ns["_eval"][pattern].mean == 1.0


def test_metrics_with_commas_are_quoted_or_bracketed_and_may_be_gates(questions):
    line = """--metrics "'json_schema:name, age int',numeric:0.01,abs=0.5,regex:(a,b)" --fail-under 'regex:(a,b)=0.5'"""
    cell = questions.run(f"%%evaluate questions {line}\n{{{{ input }}}}")
    names = ["json_schema:name, age int", "numeric:0.01,abs=0.5", "regex:(a,b)"]
    assert list(questions.user_ns["_eval"]) == names
    assert "regex:(a,b) is 0 [0, 0.658] (n 2), and at least 0.5 was asked" in str(cell.error)


@pytest.mark.parametrize("way", ["%%evaluate rows --metrics json_schema:{0}\n{{{{ input }}}}", "{1}"])
def test_a_schema_of_the_notebook_is_named_and_one_that_is_not_there_is_refused(questions, way):
    python = "import nbkit; _eval = nbkit.evaluate('{{{{ input }}}}', rows, ['json_schema:{0}'])"
    questions.user_ns["rows"] = [{"input": '{"a": "x"}'}, {"input": '{"a": 3}'}]
    questions.user_ns["Person"] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert questions.run(way.format("Person", python.format("Person"))).error is None
    assert questions.user_ns["_eval"]["json_schema:Person"].mean == 0.5
    cell = questions.run(way.format("Nope", python.format("Nope")))
    assert isinstance(cell.error, BadSetting)
    assert "there are Person" in str(cell.error)


def test_runs_are_meant_by_their_names_wherever_a_run_is(questions):
    questions.run("%%evaluate questions --metrics exact_match --name first\n{{ input }}")
    questions.run("%%evaluate questions --metrics exact_match --name second\nsay water")
    found = questions.user_ns["_eval"]
    assert "second against first" in repr(found.compare("first"))
    assert "that first" in repr(found.diff("first"))
    assert nbkit.preferred("It is shorter.", over="first", model="echo").name == "preferred"
    assert "exact_match" in repr(nbkit.power("second", delta=0.5))
    for wrong in (found.compare, found.diff, lambda run: nbkit.preferred("It is shorter.", over=run, model="echo")):
        with pytest.raises(BadSetting, match="there is no run named 'frist'"):
            wrong("frist")
        with pytest.raises(BadSetting, match="a function is no run"):
            wrong(nbkit.evaluate)


def test_rated_answers_are_a_data_set_by_name_in_python_too(questions):
    with pytest.raises(BadSetting, match="no rated answer"):
        nbkit.dataset("@rated")
    questions.run("%%llm\nsay tea")
    assert questions.run("%cost rate 👍").error is None
    assert [case.expected for case in nbkit.dataset("@rated").cases] == ["say tea"]
    assert nbkit.evaluate("{{ input }}", "@rated", ["exact_match"])["exact_match"].mean == 1.0


@pytest.mark.parametrize("name", ["expected", "answer"])
def test_what_is_expected_is_not_given_to_the_prompt_and_the_error_says_why(questions, name):
    cell = questions.run(f"%%evaluate questions --metrics f1\n{{{{ input }}}} {{{{ {name} }}}}")
    assert cell.error.what == f"{{{{ {name} }}}} is not given to the prompt"
    assert "exit" not in cell.error.fix
    questions.user_ns["answer"] = "the notebook's own"
    cell = questions.run("%%evaluate questions --metrics length\n{{ answer }}")
    assert cell.error is None
