from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from nbkit.documents import Passage
from nbkit.errors import BadSetting, NbkitError, UnknownPlugin
from nbkit.evals.cases import NOTHING, Answer, Case, Score
from nbkit.evals.metrics import BUILT_IN, metric_names, resolve
from nbkit.evals.tools import FunctionMetric, MetricOptions, Tools
from nbkit.testing import FakeEmbedder
from nbkit.testing.contracts import MetricContract

CASE, ANSWER = Case("q", "How much?", expected="30 W"), Answer("30 W")
TOOLS = Tools(embedder=FakeEmbedder)
EXAMPLES = {
    "regex": "regex:[0-9]+",
    "json_schema": "json_schema:name",
    "numeric": "numeric:0.01",
    "ndcg": "ndcg@3",
    "recall": "recall@3",
    "precision": "precision@3",
    "success": "success@3",
}
VALUED = (
    Case("v", "How much?", "30", ("The fan needs 30 W.",), {"source": "fan.md"}),
    Answer("It needs 30 [1].", (Passage("1", "The fan needs 30 W.", "fan.md"),), latency_s=1.0, usd=Decimal("0.1")),
)


def calm(case, answer):
    return 0.5


@pytest.mark.parametrize("name", BUILT_IN)
class TestBuiltIn(MetricContract):
    """Each of nbkit's own."""

    cases = (VALUED,)

    @pytest.fixture(autouse=True)
    def _name(self, name):
        self.name = EXAMPLES.get(name, name)

    def metric(self):
        return resolve(self.name, tools=TOOLS)[0]


class TestOwn(MetricContract):
    cases = (VALUED,)

    def metric(self):
        return resolve(calm)[0]


class Drifting:
    """Breaks one rule of the contract, as it is told to."""

    is_better_high, unit = True, ""

    def __init__(self, fault):
        self.name, self.fault, self.calls = fault, fault, 0

    def score(self, case, answer):
        self.calls += 1
        return {
            "not a number": Score(math.nan),
            "a whole number": Score(1),
            "above 1": Score(2.0),
            "failed with a value": Score(0.0, "error", "no verdict"),
            "failed without a word": Score(None, "error"),
            "changing": Score(1 / self.calls),
            "silent": NOTHING,
        }[self.fault]


@pytest.mark.parametrize(
    "fault",
    ["not a number", "a whole number", "above 1", "failed with a value", "failed without a word", "changing", "silent"],
)
def test_the_contract_catches(fault):
    class Suite(MetricContract):
        cases = (VALUED,)

        def metric(self):
            return Drifting(fault)

    failed = []
    for name in dir(Suite):
        if name.startswith("test_"):
            try:
                getattr(Suite(), name)()
            except AssertionError:
                failed.append(name)
    assert failed, f"no test of the contract minds a metric that is {fault}"


def test_metrics_come_in_the_order_asked_for_and_have_the_name_asked_by():
    names = ["recall@5", "regex:a:b@c, d", "f1", "numeric:abs=0.5"]
    assert [one.name for one in resolve([*names, calm])] == [*names, "calm"]
    assert [one.name for one in resolve("f1")] == [one.name for one in resolve(" f1 ")] == ["f1"]


@pytest.mark.parametrize(
    ("name", "near"), [("rogue_l", "rouge_l"), ("F-1", "f1"), ("recal@5", "recall"), ("exactmatch", "exact_match")]
)
def test_a_name_that_is_not_there_is_three_lines_with_the_nearest(name, near):
    with pytest.raises(UnknownPlugin) as raised:
        resolve(name)
    assert near in raised.value.fix
    assert "rouge_l" in raised.value.why
    assert str(raised.value).count("\n") == 2


@pytest.mark.parametrize("name", ["", "x y", ":", "@5", "f1\n"])
def test_what_is_no_name_is_refused(name):
    if name.strip() == "f1":
        assert resolve(name)
        return
    with pytest.raises(NbkitError):
        resolve(name)


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(BadSetting, match="'f1' is there twice"):
        resolve(["f1", "contains", "f1"])


@pytest.mark.parametrize("name", ["similarity", "answer_relevance"])
def test_a_metric_whose_tool_is_missing_is_refused_before_anything_is_asked(name):
    with pytest.raises(BadSetting, match="needs an embedder"):
        resolve(name)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (1, 1.0),
        (True, 1.0),
        (False, 0.0),
        (0.25, 0.25),
        (np.float32(0.5), 0.5),
        (np.bool_(True), 1.0),
        (np.array([0.5]), 0.5),
        (np.int64(3), 3.0),
        (Fraction(1, 4), 0.25),
        (Score(0.5, note="why"), 0.5),
    ],
)
def test_a_function_may_give_any_number(given, value):
    [metric] = resolve(named(lambda case, answer: given))
    score = metric.score(CASE, ANSWER)
    assert (score.value, score.status) == (value, "ok")
    assert type(score.value) is float


def test_none_says_that_there_is_nothing_to_score():
    [metric] = resolve(named(lambda case, answer: None))
    assert metric.score(CASE, ANSWER) == NOTHING


@pytest.mark.parametrize(
    "given", [math.nan, math.inf, "0.5", [1], np.float64("nan"), np.array([1, 2]), 1j, 10**400, Decimal("NaN")]
)
def test_what_is_no_number_is_an_error_with_its_reason_and_never_0(given):
    [metric] = resolve(named(lambda case, answer: given))
    score = metric.score(CASE, ANSWER)
    assert (score.value, score.status) == (None, "error")
    assert "which is no number" in score.note


def named(function):
    function.__name__ = "mine"
    return function


@dataclasses.dataclass(frozen=True)
class Polite:
    name: str = "polite"
    is_better_high: bool = True
    unit: str = ""

    def score(self, case, answer):
        return Score(float("please" in answer.text))


def test_an_object_with_a_score_is_a_metric():
    polite = Polite()
    assert resolve([polite]) == [polite]
    assert resolve(polite) == [polite]


class Half:
    name = "half"

    def score(self, case, answer):
        return NOTHING


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Polite, "make one: Polite"),
        (Half(), "no `is_better_high` and no `unit`"),
        (lambda case, answer: 1, "without a name"),
        (3, "a int without a name is no metric"),
    ],
)
def test_what_is_no_metric_is_told_what_one_is(given, said):
    with pytest.raises(BadSetting) as raised:
        resolve([given])
    assert said in str(raised.value)


def test_a_metric_of_an_installed_package_is_there_by_its_name(tmp_path):
    """As an author would ship it: a class that takes `MetricOptions`, named in an entry point."""
    (tmp_path / "shouting.py").write_text(
        "from nbkit.evals.tools import FunctionMetric\n"
        "def shouts(options):\n"
        "    least = float(options.parameter or 1)\n"
        "    return FunctionMetric(options.name, lambda case, answer: answer.text.count('!') >= least)\n"
    )
    (tmp_path / "shouting-1.0.dist-info").mkdir()
    (tmp_path / "shouting-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n"
    )
    (tmp_path / "shouting-1.0.dist-info" / "entry_points.txt").write_text("[nbkit.metrics]\nshouts = shouting:shouts\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from nbkit.evals.cases import Answer, Case\n"
        "from nbkit.evals.metrics import metric_names, resolve\n"
        "[metric] = resolve('shouts:2')\n"
        "print('shouts' in metric_names(), metric.name, metric.score(Case('q', '?'), Answer('Hi!!')).value)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "True shouts:2 1.0\n", ran.stderr


def test_naming_metrics_loads_nothing_heavy():
    code = (
        "import sys\nfrom nbkit.evals.metrics import resolve\nimport nbkit.evals.datasets\n"
        "resolve(['f1', 'recall@5', 'groundedness'])\n"
        "print({'numpy', 'pandas', 'pyarrow', 'onnxruntime', 'tantivy', 'jsonschema', 'httpx'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "set()\n", ran.stderr


def test_all_names_are_listed():
    assert {*BUILT_IN} <= {*metric_names()}
    assert MetricOptions("f1").tools == Tools()
    assert FunctionMetric("x", calm).score(CASE, ANSWER) == Score(0.5)
