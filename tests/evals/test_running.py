"""Cases answered and scored: what a run is, how it fails, and how it goes on."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from nbkit.canonical import canonical_json
from nbkit.errors import BadSetting, BudgetExceeded, MissingKey, ProviderError, ProviderUnreachable
from nbkit.evals.asking import PromptTask
from nbkit.evals.calling import FunctionTask
from nbkit.evals.cases import NOTHING, Answer, Case, Score
from nbkit.evals.datasets import dataset
from nbkit.evals.kept import KeptRuns
from nbkit.evals.plans import Plan
from nbkit.evals.running import Pace, run_cases
from nbkit.evals.runs import Graded, Pins, Run
from nbkit.evals.shown import Sieve
from nbkit.evals.tally import Progress
from nbkit.evaluation import carry_out
from nbkit.recorded import Failure, Origin
from nbkit.session import Session
from nbkit.testing import FakeProvider

CASES = [Case(f"q{number}", f"What is {number}?", expected=str(number)) for number in range(6)]


class Broken(Exception):
    """What somebody else's code raises."""

    def __str__(self):
        return "no such thing"


class Says:
    """Scores 1 where the answer has what is expected."""

    name, is_better_high, unit = "says", True, ""

    def score(self, case, answer):
        return Score(float(case.acceptable[0] in answer.text)) if case.acceptable else NOTHING


_METRICS = (Says(),)


def pins(task, cases=CASES, **changes):
    return dataclasses.replace(
        Pins(task.name, task.sha256, dataset_sha256="d", cases=len(cases), metrics=("says",)), **changes
    )


def run(function, cases=CASES, metrics=_METRICS, *, samples=1, **given):
    task = function if hasattr(function, "answers") else FunctionTask(function)
    return run_cases(task, cases, list(metrics), pins=pins(task, cases, samples=samples), **given)


@pytest.fixture
def kept(tmp_path):
    runs = KeptRuns(tmp_path)
    yield runs
    runs.close()


def test_every_case_is_answered_and_scored_in_the_order_of_the_data_set():
    found = run(lambda case: case.input[-2:])
    assert [one.case.id for one in found.graded] == [case.id for case in CASES]
    assert found.of("says").means == (1.0,) * 6
    assert found.finished_at is not None


def test_a_case_that_fails_is_an_error_and_in_no_mean():
    def answer(case):
        if case.id == "q3":
            raise Broken
        return "nothing" if case.id == "q4" else case.input

    found = run(answer)
    assert found.of("says").means == (1.0, 1.0, 1.0, 0.0, 1.0)
    assert found.of("says").failed == 1
    (failed,) = found.failed
    assert failed.answer is None
    assert (failed.error.kind, failed.error.what) == ("Broken", "Broken: no such thing")
    assert re.fullmatch(r"the function raised it, line \d+ of answer", failed.error.why)


def test_a_metric_that_raises_or_gives_no_number_is_an_error_of_its_own():
    class Breaks:
        name, is_better_high, unit = "breaks", True, ""

        def score(self, case, answer):
            if case.id == "q0":
                raise Broken
            return Score(float("nan")) if case.id == "q1" else Score(0.5)

    found = run(lambda case: "x", metrics=[Breaks(), Says()])
    assert found.of("breaks").means == (0.5,) * 4
    assert found.of("breaks").failed == 2
    assert found.graded[0].scores["breaks"] == Score(None, "error", "Broken: no such thing")
    assert len(found.of("says").means) == 6


def test_a_case_with_nothing_to_score_is_neither_a_failure_nor_a_zero():
    found = run(lambda case: "0", [Case("a", "?"), Case("b", "0?", expected="0")])
    assert (found.of("says").means, found.of("says").unscored, found.of("says").failed) == ((1.0,), 1, 0)


def test_samples_of_a_case_are_one_value():
    said = iter(["0", "x", "0", "x"])
    cases = [Case("a", "?", expected="0"), Case("b", "?", expected="0")]
    found = run(lambda case: next(said), cases, samples=2, pace=Pace(workers=1))
    assert found.of("says").means == (0.5, 0.5)
    assert found.of("says").repeats == ((1.0, 0.0), (1.0, 0.0))


def test_cases_of_one_cluster_are_said_to_be_and_one_without_stands_for_itself():
    cases = [Case("a", "0", "0", cluster="x"), Case("b", "0", "0", cluster="x"), Case("c", "0", "0")]
    clusters = run(lambda case: "0", cases).of("says").clusters
    assert clusters == ("x", "x", None)


def test_a_run_that_was_interrupted_goes_on_and_asks_no_case_twice(kept):
    asked = []

    def answer(case):
        asked.append(case.id)
        if len(asked) == 3:
            signal.raise_signal(signal.SIGINT)
        return case.input

    task = FunctionTask(answer)
    with pytest.raises(KeyboardInterrupt):
        run(task, kept=kept, pace=Pace(workers=1))
    first = len(asked)
    assert first >= 3
    (stopped,) = kept.all()
    assert stopped.finished_at is None
    found = run(task, kept=kept, pace=Pace(workers=1))
    assert sorted(asked) == [case.id for case in CASES]
    assert found.id == stopped.id
    assert found.of("says").means == (1.0,) * 6
    assert [one.finished_at is None for one in kept.all()] == [False]


def test_a_stopped_run_of_another_name_is_left_alone_and_one_without_is_gone_on_with(kept):
    def stops(case):
        raise KeyboardInterrupt

    task = FunctionTask(stops)
    for name in ("one", "two", "", "three", "two"):
        with pytest.raises(KeyboardInterrupt):
            run(task, kept=kept, name=name)
    assert [one.name for one in kept.all()] == ["one", "two", "three"]


def test_a_finished_run_is_not_gone_on_with(kept):
    task = FunctionTask(lambda case: case.input)
    first, second = (run(task, kept=kept) for _ in range(2))
    assert first.id != second.id
    assert len(kept.all()) == 2


def test_a_failed_case_is_asked_again_when_the_run_goes_on(kept):
    broken = [True]

    def answer(case):
        if case.id == "q1" and broken[0]:
            raise Broken
        if case.id == "q4" and broken[0]:
            raise KeyboardInterrupt
        return case.input

    task = FunctionTask(answer)
    with pytest.raises(KeyboardInterrupt):
        run(task, kept=kept, pace=Pace(workers=1))
    broken[0] = False
    assert run(task, kept=kept).of("says").failed == 0


def test_another_prompt_data_set_or_metric_is_another_run():
    one = Pins("p", "a", dataset_sha256="d", cases=3, metrics=("f1",))
    others = [{"task_sha256": "b"}, {"dataset_sha256": "e"}, {"cases": 2}, {"metrics": ("f1", "em")}, {"samples": 2}]
    assert len({one.identity, *(dataclasses.replace(one, **change).identity for change in others)}) == 6
    assert dataclasses.replace(one, prices_as_of="later").identity == one.identity
    assert dataclasses.replace(one, task_sha256=None).identity is None


def test_a_case_whose_metric_failed_is_not_finished(kept):
    broken = [True]

    class Breaks:
        name, is_better_high, unit = "says", True, ""

        def score(self, case, answer):
            if broken[0] and case.id == "q1":
                raise Broken
            return Score(1.0)

    def answer(case):
        if broken[0] and case.id == "q3":
            raise KeyboardInterrupt
        return case.input

    task = FunctionTask(answer)
    with pytest.raises(KeyboardInterrupt):
        run(task, metrics=[Breaks()], kept=kept, pace=Pace(workers=1))
    broken[0] = False
    assert run(task, metrics=[Breaks()], kept=kept).of("says").failed == 0


def test_a_variable_of_the_notebook_that_the_prompt_reads_makes_another_run(tmp_path):
    session = Session(home=tmp_path, environment={})
    settings = session.config({"model": "echo"}).settings

    def pinned(template="{{ style }}: {{ input }}", own=settings, **names):
        return PromptTask(session, template, own, names=names, origin=Origin()).settings

    def of(**names):
        return canonical_json(pinned(**names))

    assert of(style="dry") == of(style="dry", other="x")
    rows = [*range(5000)]
    assert len({of(style="dry"), of(style="wild"), of(style=rows), of(style=[*rows, 1])}) == 4
    assert "dry" not in of(style="dry")
    denied = session.config({"model": "echo", "guard_deny": ("falcon",)}).settings
    assert pinned(style="x") != pinned(style="x", own=denied)
    assert "falcon" not in canonical_json(pinned(style="x", own=denied))
    session.close()


def test_a_budget_that_a_function_or_a_metric_meets_stops_the_run():
    def spends(*_):
        raise BudgetExceeded(what="it is used up", why="spent", fix="raise it")

    class Spends:
        name, is_better_high, unit = "says", True, ""
        score = staticmethod(spends)

    for function, metrics in ((spends, _METRICS), (lambda case: "x", [Spends()])):
        with pytest.raises(BudgetExceeded):
            run(function, metrics=metrics)


def test_what_would_stop_every_case_stops_the_run():
    class Locked:
        name, sha256, settings, index, index_version, workers = "locked", "s", {}, None, None, 2
        asked = 0

        def answers(self, case, *, samples):
            Locked.asked += 1
            raise MissingKey(what="no key", why="none", fix="set it")

    with pytest.raises(MissingKey):
        run(Locked(), [Case(str(number), "?") for number in range(500)])
    assert Locked.asked <= 4


def test_a_provider_that_never_answers_stops_the_run_and_a_guard_that_blocks_does_not():
    def task(failure):
        class Silent:
            name, sha256, settings, index, index_version, workers = "silent", "s", {}, None, None, 1

            def answers(self, case, *, samples):
                return [failure]

        return Silent()

    cases = [Case(str(number), "?") for number in range(30)]
    silent = ProviderUnreachable(what="nobody there", why="refused", fix="start it").failure
    with pytest.raises(ProviderError, match="10 cases in a row"):
        run(task(silent), cases)
    assert len(run(task(Failure("Blocked", "a", "b", "c")), cases).failed) == 30


def test_no_more_cases_begin_in_a_minute_than_were_allowed():
    begun = []

    def answer(case):
        begun.append(time.monotonic())
        return ""

    run(answer, CASES[:4], pace=Pace(workers=4, per_minute=1200))
    assert max(begun) - min(begun) >= 3 * 0.05 - 0.01


def test_several_cases_are_asked_at_once():
    met = threading.Barrier(6, timeout=20)
    found = run(lambda case: met.wait() >= 0 and case.input, pace=Pace(workers=6))
    assert found.answered == 6


def test_progress_is_told_on_the_callers_thread_and_ends_whole():
    told = []
    run(lambda case: case.input, on_progress=lambda one: told.append((threading.current_thread(), one)))
    assert {thread for thread, _ in told} == {threading.main_thread()}
    assert told[-1][1].done == told[-1][1].planned == 6


def test_a_prompt_is_asked_through_the_corridor_once_for_each_sample(tmp_path):
    session = Session(home=tmp_path, environment={})
    settings = session.config({"model": "echo", "temperature": 0.5}).settings
    cases = [Case("a", "one", "one", metadata={"lang": "en"}), Case("b", "two", "two", metadata={"lang": "de"})]
    task = PromptTask(session, "{{ lang }}: {{ input }}", settings, names={}, origin=Origin())
    found = run(task, cases, samples=2)
    assert [one.answer.text for one in found.graded] == ["en: one", "en: one", "de: two", "de: two"]
    assert [one.sample for one in found.graded] == [0, 1, 0, 1]
    records = session.ledger.read()
    assert {one.id for one in records} == {name for one in found.graded for name in one.answer.record_ids}
    again = run(task, cases, samples=2)
    assert all(one.answer.is_cached for one in again.graded)
    hits = {one.id: one.cache.original.total_s for one in session.ledger.read() if one.cache.original is not None}
    assert [one.answer.latency_s for one in again.graded] == [hits[one.answer.record_ids[0]] for one in again.graded]
    assert [one.answer.latency_s for one in again.graded] == [one.answer.latency_s for one in found.graded]
    session.close()


@pytest.mark.parametrize("made", [str, Answer], ids=["text", "answer"])
def test_a_function_that_says_that_nobody_knows_has_refused(made):
    said = ["The sources do not say.", "I can't help with that.", "I do not know.", "30 W"]
    found = run(lambda case: made(said[int(case.input)]), [Case(str(at), str(at)) for at in range(len(said))])
    assert [one.answer.is_refusal for one in found.graded] == [True, True, True, False]


def test_a_variable_that_no_case_has_stops_the_run(tmp_path):
    session = Session(home=tmp_path, environment={})
    task = PromptTask(session, "{{ inputs }}", session.config({"model": "echo"}).settings, names={}, origin=Origin())
    with pytest.raises(Exception, match="inputs"):
        run(task)
    session.close()


def test_personal_data_and_secrets_are_not_kept(tmp_path):
    session = Session(home=tmp_path / "home", environment={"OPENAI_API_KEY": "sk-" + "q7Zp" * 8})
    settings = session.config({"model": "echo"}).settings
    kept = KeptRuns(tmp_path, sieve=Sieve(session.secrets.redact))
    cases = [Case("a", "Write to jane@example.org", "jane@example.org", metadata={"who": "jane@example.org"})]
    found = run(PromptTask(session, "{{ input }}", settings, names={}, origin=Origin()), cases, kept=kept)
    assert found.graded[0].answer.text == "Write to jane@example.org"
    assert found.of("says").means == (1.0,)
    secret = "sk-" + "q7Zp" * 8
    run(lambda case: f"the key is {secret}", [Case("b", secret, secret)], kept=kept)
    kept.close()
    session.close()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert b"jane@example.org" not in held, path
            assert secret.encode() not in held, path


@pytest.mark.parametrize("keeps_content", [True, False])
def test_of_a_case_without_an_answer_no_more_is_kept_than_guards_would_send(tmp_path, keeps_content):
    def silent(request):
        raise ProviderUnreachable(what="nobody there", why="refused", fix="start it")

    session = Session(home=tmp_path, environment={}, providers={"fake": FakeProvider(silent)})
    own = {"model": "fake:m", "system": "Serve jim@example.org.", "records_content": keeps_content}
    settings = session.config(own).settings
    key = "sk-proj-" + "".join(hashlib.sha256(bytes([at])).hexdigest()[:20] for at in range(3))
    cases = [{"input": "Write to jane@example.org", "note": "jack@example.org"}, {"input": f"What is {key}?"}]
    task = PromptTask(session, "For bob@example.org: {{ input }}", settings, names={}, origin=Origin())
    found = carry_out(session, task, Plan(dataset(cases)), settings=settings)
    assert [one.error.kind for one in found.run.graded] == ["ProviderUnreachable", "Blocked"]
    session.close()
    drawn = found._repr_mimebundle_()["text/html"].encode()
    for held in (drawn, *(path.read_bytes() for path in tmp_path.glob("evals.sqlite*"))):
        assert b"@example.org" not in held
        assert key.encode() not in held


def test_without_content_only_figures_are_kept(tmp_path):
    kept = KeptRuns(tmp_path, sieve=Sieve(keeps_content=False))
    found = run(lambda case: f"The answer is {case.expected}", kept=kept)
    (one, *_) = kept.find(found.id).graded
    assert (one.case.input, one.case.expected, one.answer.text) == ("", "", "")
    assert one.scores == {"says": Score(1.0)}
    secret = "What is not to be kept"
    kept.begin(Run("r", "r", datetime.now(UTC), Pins(secret, "s", settings={"system": secret})))
    assert secret not in repr(kept.find("r"))
    case = Case("a", "?", metadata={"said": secret})
    assert secret not in repr(Sieve(keeps_content=False).graded(Graded(case, 0, Answer("x"))))
    kept.close()


def test_what_is_kept_reads_back_as_it_was(kept):
    def answer(case):
        if case.id == "q1":
            raise Broken
        return Answer(case.input, usd=Decimal("0.001"), latency_s=0.5, record_ids=("r",))

    found = run(answer, kept=kept, name="first")
    assert kept.find("first") == kept.find(found.id[:6]) == kept.find("last") == found


def test_a_run_that_is_not_there_is_refused_with_the_nearest(kept):
    with pytest.raises(BadSetting, match="no evaluation has run yet"):
        kept.find("first")
    run(lambda case: "", kept=kept, name="baseline")
    with pytest.raises(BadSetting, match="use 'baseline'"):
        kept.find("baselin")


def test_the_scores_of_a_kept_run_are_read_without_its_texts(kept):
    def answer(case):
        if case.id == "q1":
            raise Broken
        return case.input if case.id != "q2" else "x"

    cases = [dataclasses.replace(case, cluster="c") for case in CASES[:4]] + [Case("n", "?")]
    found = run(answer, cases, kept=kept)
    (one,) = kept.all()
    assert kept.scores(one).of("says") == found.of("says")
    assert len(kept.scores(one).graded) == 5


def test_a_baseline_is_a_whole_run(kept):
    def stops(case):
        raise KeyboardInterrupt

    whole = run(lambda case: "", kept=kept, name="base")
    with pytest.raises(KeyboardInterrupt):
        run(stops, kept=kept, name="base")
    assert kept.find("base").finished_at is None
    assert kept.find("base", is_whole=True).id == whole.id


_KILLED = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_running import CASES, Says, pins
from nbkit.evals.calling import FunctionTask
from nbkit.evals.kept import KeptRuns
from nbkit.evals.running import Pace, run_cases

def answer(case):
    with open(sys.argv[1] + "/paid", "a") as file:
        file.write(case.id + "\\n")
    return case.input

task = FunctionTask(answer)
kept = KeptRuns(Path(sys.argv[1]))
add = kept.add
def counted(run_id, place, graded):
    add(run_id, place, graded)
    if place == int(sys.argv[3]):
        os.kill(os.getpid(), 9)
kept.add = counted
run_cases(task, CASES, [Says()], pins=pins(task, task_sha256="s"), kept=kept, pace=Pace(workers=1))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("place", [0, 2, 4])
def test_after_kill_9_no_finished_case_is_paid_again(tmp_path, place):
    def go(at):
        command = [sys.executable, "-c", _KILLED, str(tmp_path), str(Path(__file__).parent), str(at)]
        return subprocess.run(command, check=False, env=os.environ, capture_output=True, text=True)

    assert go(place).returncode == -9
    assert go(99).returncode == 0
    paid = (tmp_path / "paid").read_text().split()
    assert sorted(paid) == [case.id for case in CASES]


def test_the_calls_of_a_run_share_the_budget_of_their_cell(tmp_path):
    session = Session(home=tmp_path, environment={}, providers={"fake": FakeProvider(lambda request: "x " * 50)})
    own = {"model": "fake:m", "max_tokens": 100, "price": {"m": {"input": 0, "output": 1000}}, "cache": "off"}
    settings = session.config({**own, "budget_cell": 0.5}).settings
    task = PromptTask(session, "{{ input }}", settings, names={}, origin=Origin())
    cases = [Case(str(number), f"What is {number}?") for number in range(100)]
    with pytest.raises(BudgetExceeded, match="the cell's budget"), session.cell.of(settings.budget_cell):
        run(task, cases, pace=Pace(workers=8))
    spent = sum(one.cost.usd for one in session.ledger.read() if one.cost.usd is not None)
    assert Decimal("0.2") < spent <= Decimal("0.5")
    session.close()


def test_what_an_earlier_try_had_is_counted_from_the_first_moment(kept):
    held = {"broken": True}

    class Stops(FunctionTask):
        sha256 = "same"

    def stops(case):
        if case.id == "q4" and held["broken"]:
            raise MissingKey(what="no key", why="none is set", fix="set it")
        return case.input

    with pytest.raises(MissingKey):
        run(Stops(stops), kept=kept, pace=Pace(workers=1))
    held["broken"] = False
    seen: list[Progress] = []
    run(Stops(stops), kept=kept, on_progress=seen.append)
    assert {(one.resumed, one.planned) for one in seen} == {(4, 6)}
    assert seen[0].done >= 4
    assert seen[-1].done == 6


def test_a_function_that_fills_a_list_goes_on_and_one_whose_list_was_changed_begins_anew(kept):
    asked, examples = [], ["one"]
    stopping = {"at": "q3"}

    def answers(case):
        asked.append(case.id)
        if case.id == stopping["at"]:
            raise MissingKey(what="no key", why="none is set", fix="set it")
        return f"{examples} {case.input}"

    def again():
        task = FunctionTask(answers)
        return run(task, kept=kept, pace=Pace(workers=1))

    with pytest.raises(MissingKey):
        again()
    with pytest.raises(MissingKey):
        again()
    assert asked == ["q0", "q1", "q2", "q3", "q3"]
    examples[0] = "another"
    with pytest.raises(MissingKey):
        again()
    assert asked[5:] == ["q0", "q1", "q2", "q3"]


def test_of_two_kernels_at_one_run_the_answer_that_was_paid_for_stays(kept):
    started = Run("r" * 32, "r", datetime.now(UTC), Pins("p", "s", cases=1))
    kept.begin(started)
    paid_for = Graded(CASES[0], 0, Answer("0", usd=Decimal("0.01")), {"says": Score(1.0)})
    from_cache = dataclasses.replace(paid_for, answer=Answer("0", usd=Decimal("0.01"), is_cached=True))
    failed = Graded(CASES[0], 0, None, error=Failure("Broken", "w", "y", "f"))
    kept.add(started.id, 0, failed)
    kept.add(started.id, 0, paid_for)
    for later in (from_cache, failed):
        kept.add(started.id, 0, later)
        assert kept.find(started.id).usd == Decimal("0.01")


def test_an_answer_that_is_scored_once_more_was_paid_for_by_its_run(kept):
    class Fails(Says):
        broken = True

        def score(self, case, answer):
            if case.id == "q0" and self.broken:
                raise Broken
            return super().score(case, answer)

    stops = {"at": "q3"}

    def answers(case):
        if case.id == stops["at"]:
            raise MissingKey(what="no key", why="none is set", fix="set it")
        return Answer(case.input, usd=Decimal("0.01"), is_cached=stops["at"] == "" and case.id == "q0")

    class Fixed(FunctionTask):
        sha256 = "s"

    metric = Fails()
    with pytest.raises(MissingKey):
        run(Fixed(answers), metrics=[metric], kept=kept, pace=Pace(workers=1))
    stops["at"], metric.broken = "", False
    found = run(Fixed(answers), metrics=[metric], kept=kept)
    assert found.graded[0].scores["says"].value == 1
    assert (found.usd, kept.find(found.id).usd) == (Decimal("0.06"), Decimal("0.06"))


def test_samples_that_were_answered_before_the_budget_was_used_up_are_kept(kept, tmp_path):
    provider = FakeProvider(lambda request: "0 " * 50)
    session = Session(home=tmp_path / "home", environment={}, providers={"fake": provider})
    own = {"model": "fake:m", "max_tokens": 100, "price": {"m": {"input": 0, "output": 1000}}}
    settings = session.config({**own, "budget_cell": "0.14"}).settings
    task = PromptTask(session, "{{ input }}", settings, names={}, origin=Origin())
    with pytest.raises(BudgetExceeded), session.cell.of(settings.budget_cell):
        run(task, CASES[:1], samples=3, kept=kept)
    asked = provider.calls
    assert 0 < asked < 3
    (stopped,) = kept.all()
    assert kept.find(stopped.id).answered == asked
    found = run(task, CASES[:1], samples=3, kept=kept)
    assert (provider.calls, found.of("says").repeats) == (3, ((1.0, 1.0, 1.0),))
    assert found.usd == sum(one.answer.usd for one in found.graded)
    session.close()


def test_the_beginning_of_several_ids_names_none_of_them(kept):
    for run_id in ("abcd1" + "0" * 27, "abcd2" + "0" * 27, "ef" * 16):
        kept.begin(Run(run_id, "same" if run_id.startswith("a") else "abcd", datetime.now(UTC), Pins("p", None)))
    assert kept.find("abcd").id == "ef" * 16
    assert kept.find("abcd2").id.startswith("abcd2")
    assert kept.find("same").id.startswith("abcd2")
    kept.remove("ef" * 16)
    with pytest.raises(BadSetting, match="is the beginning of 2 ids"):
        kept.find("abcd")
