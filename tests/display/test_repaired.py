"""A cell whose answer was asked for again, while it runs and when it has ended."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from nbkit.display.card import card_html, card_text
from nbkit.display.live import Cell
from nbkit.display.result import Result
from nbkit.display.surface import TextSurface
from nbkit.display.view import view
from nbkit.pseudonyms import Pseudonyms
from nbkit.recorded import Failure, Outcome
from nbkit.setting import Settings
from nbkit.types import Cost, Verdict

WRONG, RIGHT = '{"name": "Ada"}', '{"name": "Ada", "age": 36}'
REASK = Verdict("schema", "output", "reask", "age is missing", duration_s=0.0002)
FITS = Verdict("schema", "output", "allow", duration_s=0.0002)


class Page:
    def __init__(self):
        self.streamed, self.ended = [], None

    def stream(self, text, card=None):
        self.streamed.append(text)

    def live(self, bundle):
        pass

    def end(self, answer, card):
        self.ended = (answer, card)


class Clock:
    now = 100.0

    def __call__(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def made(record):
    def make(number, text, verdict, **changes):
        base = record(id=f"r{number}")
        return dataclasses.replace(
            base,
            request=dataclasses.replace(base.request, format="json"),
            response=dataclasses.replace(base.response, text=text),
            verdicts=(Verdict("limits", "input", "allow"), verdict),
            **changes,
        )

    return make


@pytest.fixture
def pair(made):
    return [made(1, WRONG, REASK), made(2, RIGHT, FITS, repairs="r1", cost=Cost(Decimal("0.0002"), source="table"))]


@pytest.fixture
def refused(made):
    failed = Failure("SchemaMismatch", "the answer does not fit its schema", "age is missing", "make it simpler")
    return [made(1, WRONG, REASK), made(2, WRONG, REASK, repairs="r1", status="error", error=failed)]


def test_card_speaks_of_one_sample_that_was_asked_again(pair, golden):
    golden("card-repaired.txt", card_text(pair))
    golden("card-repaired.html", card_html(pair).replace("><", ">\n<"))
    card = view(pair)
    assert card.caption == "nbkit · gpt-4o-mini · asked again"
    assert [row[0] for row in card.rows] == ["1", "1, asked again"]
    assert "1 sample, 2 calls" in card_html(pair)
    assert "2 samples" not in card_html(pair)


def test_cost_is_of_both_calls(pair):
    assert card_text(pair).splitlines()[1].split()[:2] == ["Cost", "$0.000323"]


def test_rows_of_several_samples_are_counted_by_sample(pair, made):
    card = view([*pair, made(3, RIGHT, FITS), made(4, WRONG, REASK), made(5, RIGHT, FITS, repairs="r4")])
    assert card.caption == "nbkit · gpt-4o-mini · 3 samples · 2 asked again"
    assert [row[0] for row in card.rows] == ["1", "1, asked again", "2", "3", "3, asked again"]


def test_samples_without_repairs_read_as_before(made):
    card = card_html([made(1, RIGHT, FITS), made(2, RIGHT, FITS)])
    assert "<summary>2 samples</summary>" in card
    assert "Each sample alone" in card


def test_repair_that_stands_alone_is_a_call_like_any_other(pair):
    card = view(pair[1])
    assert (card.caption, card.rows) == ("nbkit · gpt-4o-mini", ())


def test_names_of_rows_and_figures_are_apart(pair):
    (row,) = [line for line in card_text(pair).splitlines() if "asked again  " in line]
    assert row.startswith("  Sample 1, asked again  ok · ")


def test_guards_line_says_what_was_asked_again(pair):
    assert "guards ✓ 1 asked again (schema)" in card_text(pair)
    assert "answer asked again" in card_text(pair)


def test_card_of_a_second_failure_says_that_it_was_refused(refused):
    text = card_text(refused)
    assert text.startswith("nbkit · gpt-4o-mini · asked again · 1 error\n")
    assert "guards ✗ schema: age is missing" in text
    assert "✗ refused (by schema)" in text
    assert "✓" not in text


def run(cell, *answers):
    for sample, text in answers:
        cell.on_phase("guards in")
        cell.on_phase("provider")
        for piece in (text[:5], text[5:]):
            cell.on_text(sample, piece)


def test_repaired_answer_takes_the_place_of_the_first_while_it_arrives():
    page = Page()
    run(Cell(Settings(), model="m", clock=Clock(), on=page), (0, WRONG), (0, RIGHT))
    assert page.streamed == [WRONG[:5], WRONG, RIGHT[:5], RIGHT]


def test_sample_that_is_repaired_leaves_the_others_alone():
    page = Page()
    cell = Cell(Settings(samples=2), model="m", clock=Clock(), on=page)
    run(cell, (0, "first"), (1, "wrong"), (1, "right"))
    assert page.streamed[-1] == "Sample 1\nfirst\n\nSample 2\nright"


def test_what_stays_is_the_repaired_answer_alone(pair):
    page = Page()
    cell = Cell(Settings(format="json"), model="m", clock=Clock(), on=page)
    run(cell, (0, WRONG), (0, RIGHT))
    outcomes = [Outcome(record) for record in pair]
    cell.finish(outcomes, Result(outcomes))
    assert page.ended[0]["text/plain"] == RIGHT
    assert "asked again" in page.ended[1]["text/plain"]


def test_second_failure_leaves_its_text_and_says_so(refused):
    page = Page()
    cell = Cell(Settings(format="json"), model="m", clock=Clock(), on=page)
    run(cell, (0, WRONG), (0, WRONG))
    outcomes = [Outcome(record) for record in refused]
    cell.finish(outcomes, Result(outcomes))
    assert page.ended[0]["text/plain"].startswith(WRONG)
    assert page.ended[0]["text/plain"].endswith("This answer does not fit its schema.")


def test_printed_lines_are_whole_answers_one_below_the_other(pair, capsys):
    cell = Cell(Settings(format="json"), model="m", clock=Clock(), on=TextSurface())
    run(cell, (0, WRONG), (0, RIGHT))
    outcomes = [Outcome(record) for record in pair]
    cell.finish(outcomes, Result(outcomes))
    printed = capsys.readouterr().out
    assert printed.startswith(f"{WRONG}\n\n{RIGHT}\nnbkit · ")


def test_answer_that_begins_as_the_first_did_is_printed_whole(pair, capsys):
    surface = TextSurface()
    for text in ("{", '{"a', "{", '{"b":1}'):
        surface.stream(text)
    surface.end({"text/plain": '{"b":1}'}, {"text/plain": "card"})
    assert capsys.readouterr().out == '{"a\n\n{"b":1}\ncard\n'


def test_restored_value_brings_no_live_markdown_into_the_page(made):
    told = made(1, "see ⟦NAME_1⟧", FITS)
    told = dataclasses.replace(told, request=dataclasses.replace(told.request, format="md"))
    outcome = Outcome(told, None, Pseudonyms({"⟦NAME_1⟧": "![x](http://evil.example/a)"}))
    assert Result([outcome], restores=True).drawn == ("see ![x] (http[:]//evil.example/a)",)
    assert Result([outcome], restores=True).text == "see ![x](http://evil.example/a)"
    allowed = Result([outcome], restores=True, allowed_hosts=("evil.example",))
    assert allowed.drawn == ("see ![x](http://evil.example/a)",)


def test_drawn_bundle_of_a_result_is_restored_only_where_asked(made):
    outcome = Outcome(made(1, '{"to": "⟦EMAIL_1⟧"}', FITS), None, Pseudonyms({"⟦EMAIL_1⟧": "ann@example.org"}))
    assert "EMAIL_1" in Result([outcome])._repr_mimebundle_()["text/plain"]
    assert "ann@example.org" in Result([outcome], restores=True)._repr_mimebundle_()["text/plain"]
