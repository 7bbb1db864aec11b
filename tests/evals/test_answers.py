from __future__ import annotations

import re
from decimal import Decimal

import pytest

from nbkit.documents import Passage
from nbkit.errors import BadSetting
from nbkit.evals.cases import NOTHING, Answer, Case
from nbkit.evals.metrics import resolve
from nbkit.evals.tools import Tools
from nbkit.testing import FakeEmbedder

FAN = (Passage("1", "The fan needs 30 W.", "fan.md"),)
REFUSED = Answer("I cannot find it in the sources.", is_refusal=True)


def value(name, expected, text, **fields):
    [metric] = resolve(name, tools=Tools(embedder=FakeEmbedder))
    answer = text if isinstance(text, Answer) else Answer(text)
    return metric.score(Case("q", "How much?", expected=expected, **fields), answer).value


@pytest.mark.parametrize("name", ["exact_match", "f1", "rouge_l", "contains", "numeric", "similarity"])
def test_the_best_of_several_right_answers_counts(name):
    assert value(name, ["12 apples", "30 W"], "30 W") == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["exact_match", "f1", "rouge_l", "contains", "numeric", "similarity", "refusal"])
def test_where_nobody_knows_the_answer_there_is_nothing_to_score(name):
    assert value(name, None, "30 W") is None


@pytest.mark.parametrize("name", ["exact_match", "f1"])
def test_where_there_is_no_answer_silence_is_right_as_in_squad_2(name):
    assert value(name, [], REFUSED) == value(name, [], "") == value(name, [], " the ") == 1.0
    assert value(name, [], "30 W") == 0.0
    assert value(name, "30 W", "") == 0.0


@pytest.mark.parametrize("name", ["exact_match", "f1", "rouge_l", "contains", "numeric", "similarity"])
def test_a_refusal_is_never_right_where_there_is_an_answer(name):
    assert value(name, "sources 30", Answer("The sources 30", is_refusal=True)) == 0.0


@pytest.mark.parametrize("name", ["rouge_l", "contains", "numeric", "similarity"])
def test_other_comparisons_say_nothing_where_there_is_no_answer(name):
    assert value(name, [], "30 W") is None


@pytest.mark.parametrize("name", ["exact_match", "contains", "rouge_l", "numeric"])
def test_citations_are_no_part_of_what_is_compared(name):
    assert value(name, "30", Answer("30 [1].", FAN)) == 1.0


def test_without_passages_a_number_in_brackets_is_part_of_the_answer():
    assert value("exact_match", "30 1", "30 [1].") == 1.0


def test_right_answers_of_articles_alone_are_none():
    assert value("f1", ["the", "30 W"], "") == 0.0
    assert value("f1", ["the"], "") == 1.0


def test_rouge_says_nothing_of_a_script_that_it_has_no_tokens_for():
    assert value("rouge_l", "東京", "東京") is None


def test_refusal_is_right_exactly_when_there_is_no_answer():
    table = {(True, True): 0.0, (True, False): 1.0, (False, True): 1.0, (False, False): 0.0}
    for (has_answer, refuses), right in table.items():
        given = REFUSED if refuses else Answer("30 W")
        assert value("refusal", "30 W" if has_answer else [], given) == right
    assert value("refusal", [], "") == 1.0


def test_regex_takes_its_pattern_from_the_name_or_the_case():
    assert value("regex:(?i)WATT|[0-9]+ w", None, "it needs 30 W") == 1.0
    assert value("regex:^[0-9]", None, "it needs 30 W") == 0.0
    assert value("regex", ["^x", "[0-9]{2}"], "it needs 30 W") == 1.0
    assert value("regex", None, "it needs 30 W") is None


def test_json_has_to_fit_its_schema():
    asked = "json_schema:name, age int"
    assert value(asked, None, '{"name": "Ada", "age": 36}') == 1.0
    assert value(asked, None, '```json\n{"name": "Ada", "age": 36}\n```') == 1.0
    assert value(asked, None, '{"name": "Ada"}') == 0.0
    assert value(asked, None, "Ada, 36") == 0.0
    assert value('json_schema:{"type": "array"}', None, "[1]") == 1.0
    assert value("json_schema", {"type": "array"}, "{}") == 0.0
    assert value("json_schema", "text", "{}") is None


def test_what_misses_its_schema_says_where():
    [metric] = resolve("json_schema:name, age int")
    assert metric.score(Case("q", "?"), Answer('{"name": "Ada", "age": "old"}')).note == "age is text, not integer"


@pytest.mark.parametrize(
    ("name", "expected", "text", "right"),
    [
        ("numeric", 1234.5, "It is $1,234.50.", 1.0),
        ("numeric", "1,234.5 W", "of 3 parts, 1234.5", 1.0),
        ("numeric", 3, "of 3 parts, 1234.5", 0.0),  # the last number is the answer
        ("numeric", 0.45, "45 %", 1.0),
        ("numeric:0.01", 100, "101", 1.0),
        ("numeric:1%", 100, "102", 0.0),
        ("numeric:abs=2", 100, "102", 1.0),
        ("numeric:0.01,abs=2", 100, "102", 1.0),
        ("numeric:rel=1e-3, abs=0.5", 100, "100.4", 1.0),
        ("numeric", 12, "twelve", 0.0),
        ("numeric", "twelve", "12", None),
        ("numeric", True, "1", None),
    ],
)
def test_numbers_are_right_within_a_tolerance(name, expected, text, right):
    assert value(name, expected, text) == right


def test_similarity_is_a_cosine_and_never_below_0():
    assert value("similarity", "red apples", "red apples") == pytest.approx(1.0)
    assert 0 <= value("similarity", "red apples", "tax forms") < 0.9
    assert value("similarity", "red apples", "") == 0.0


def test_similarity_reads_the_beginning_of_a_text_beyond_the_window():
    assert value("similarity", "word " * 5000, "word " * 300) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "answer", "unit", "wanted"),
    [
        ("latency", Answer("x", latency_s=1.5), "s", 1.5),
        ("cost", Answer("x", usd=Decimal("0.0125")), "USD", 0.0125),
        ("cost", Answer("x", usd=Decimal(0)), "USD", 0.0),
        ("length", Answer("it needs\n30 W"), "words", 4.0),
    ],
)
def test_what_it_took_has_a_unit_and_is_better_low(name, answer, unit, wanted):
    [metric] = resolve(name)
    assert (metric.unit, metric.is_better_high) == (unit, False)
    assert metric.score(Case("q", "?"), answer).value == wanted


@pytest.mark.parametrize("name", ["latency", "cost"])
def test_what_is_not_known_is_not_0(name):
    [metric] = resolve(name)
    assert metric.score(Case("q", "?"), Answer("x")) == NOTHING


@pytest.mark.parametrize(
    "name", ["regex:[", "numeric:much", "numeric:abs=", "json_schema:{", "json_schema:1", "f1:2", "similarity:x"]
)
def test_a_parameter_that_cannot_be_used_is_refused_in_three_lines(name):
    with pytest.raises(BadSetting) as raised:
        resolve(name, tools=Tools(embedder=FakeEmbedder))
    assert str(raised.value).count("\n") == 2


def test_a_pattern_of_a_case_that_is_none_is_an_error_and_no_0():
    [metric] = resolve("regex")
    with pytest.raises(re.error):
        metric.score(Case("q", "?", expected="["), Answer("x"))
