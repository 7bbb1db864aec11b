from __future__ import annotations

import atexit
import io
import threading
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbkit.display.live import Cell
from nbkit.display.result import Result
from nbkit.display.surface import PageSurface, SilentSurface, TextSurface, WidgetSurface, surface
from nbkit.recorded import RECORD_MIME, Outcome
from nbkit.setting import Settings


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeSurface:
    def __init__(self, clock):
        self.clock, self.drawn, self.cards, self.ended, self.threads = clock, [], [], None, set()

    def stream(self, text, card=None):
        self.threads.add(threading.get_ident())
        self.drawn.append((self.clock.now, "answer", text))
        if card is not None:
            self.cards.append((self.clock.now, "card", card["text/plain"]))

    def live(self, bundle):
        self.threads.add(threading.get_ident())
        self.drawn.append((self.clock.now, "card", bundle["text/plain"]))
        self.cards.append(self.drawn[-1])

    def end(self, answer, card):
        self.ended = (answer, card)


@pytest.fixture
def page():
    """A shell whose page keeps what was published, with updates applied as a front end applies them."""
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.display_pub = CapturingDisplayPublisher()
    yield shell.display_pub
    atexit.unregister(shell.atexit_operations)
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()


def shown(publisher):
    outputs: dict[str, dict] = {}
    for number, message in enumerate(publisher.outputs):
        name = (message["transient"] or {}).get("display_id", str(number))
        assert message.get("update", False) == (name in outputs)
        outputs[name] = message["data"]
    return list(outputs.values())


def run(cell, records, *, pieces=("2, 3", " and 5.")):
    cell.on_phase("guards in")
    cell.on_phase("provider")
    for piece in pieces:
        cell.on_text(0, piece)
    outcomes = [Outcome(record) for record in records]
    cell.finish(outcomes, Result(outcomes))


def test_page_ends_with_the_answer_and_the_card_below_and_nothing_live(page, record):
    run(Cell(Settings(), model="gpt-4o-mini", on=PageSurface()), [record()])
    answer, card = shown(page)
    assert answer == {"text/markdown": "2, 3 and 5.", "text/plain": "2, 3 and 5."}
    assert set(card) == {"text/html", "text/plain", RECORD_MIME}
    assert "running" not in card["text/plain"]
    assert [one["id"] for one in card[RECORD_MIME]] == ["r1"]


@pytest.mark.parametrize("name", ["blocked", "error"])
def test_call_without_an_answer_leaves_the_card_alone(name, page, gallery):
    run(Cell(Settings(), model="gpt-4o-mini", on=PageSurface()), [gallery[name]], pieces=())
    (card,) = shown(page)
    assert RECORD_MIME in card


def test_card_of_a_blocked_cell_names_the_model_all_the_same(page, gallery):
    run(Cell(Settings(), model="gpt-4o-mini", on=PageSurface()), [gallery["blocked"]], pieces=())
    assert shown(page)[0]["text/plain"].startswith("nbkit · gpt-4o-mini · blocked")


def test_interrupted_answer_is_kept_and_marked(page, gallery):
    run(Cell(Settings(), model="gpt-4o-mini", on=PageSurface()), [gallery["interrupted"]])
    answer, _ = shown(page)
    assert answer["text/plain"] == "2, 3 and 5.\n\nInterrupted here: the answer is not complete."


def test_hit_is_drawn_once_without_a_live_state(page, gallery):
    clock = Clock()
    cell = Cell(Settings(), model="m", clock=clock, on=PageSurface())
    cell.on_phase("guards in")
    cell.on_phase("cache")
    cell.on_text(0, "2, 3 and 5.")
    outcomes = [Outcome(gallery["hit"])]
    cell.finish(outcomes, Result(outcomes))
    assert len(page.outputs) == 2


def test_content_that_is_not_to_be_kept_is_not_carried(page, record):
    run(Cell(Settings(records_content=False), model="m", on=PageSurface()), [record()])
    assert shown(page)[1][RECORD_MIME][0]["response"]["text"] == ""


def test_quiet_cell_draws_nothing_and_carries_its_record(page, record):
    run(Cell(Settings(quiet=True), model="m", on=surface("html", is_quiet=True)), [record()])
    assert [set(data) for data in shown(page)] == [{RECORD_MIME}]


def test_cell_without_streaming_shows_the_answer_at_its_end_only(record):
    clock = Clock()
    fake = FakeSurface(clock)
    run(Cell(Settings(stream=False), model="m", clock=clock, on=fake), [record()])
    assert [kind for _, kind, _ in fake.drawn] == ["card"]
    assert fake.ended[0]["text/plain"] == "2, 3 and 5."


def test_widget_is_closed_with_its_models_and_leaves_static_outputs(page, record):
    from ipywidgets import Widget

    before = set(Widget.get_manager_state()["state"])
    cell = Cell(Settings(ui="widget"), model="m", on=WidgetSurface())
    cell.on_phase("provider")
    assert any("application/vnd.jupyter.widget-view+json" in data for data in shown(page))
    cell.on_text(0, "2, 3 and 5.")
    outcomes = [Outcome(record())]
    cell.finish(outcomes, Result(outcomes))
    assert set(Widget.get_manager_state()["state"]) == before
    answer, card = shown(page)
    assert set(answer) == {"text/markdown", "text/plain"}
    assert set(card) == {"text/html", "text/plain", RECORD_MIME}


def printed(settings, pieces, records):
    out = io.StringIO()
    with redirect_stdout(out):
        clock = Clock()
        cell = Cell(settings, model="m", clock=clock, on=TextSurface())
        for piece in pieces:
            clock.now += 1
            cell.on_text(0, piece)
        outcomes = [Outcome(one) for one in records]
        cell.finish(outcomes, Result(outcomes))
    return out.getvalue()


@pytest.mark.parametrize("stream", [True, False])
def test_text_is_printed_once_and_the_card_after_it(stream, record):
    out = printed(Settings(stream=stream), ["2, ", "3 and", " 5."], [record()])
    assert out.startswith("2, 3 and 5.\n")
    assert out.count("2, 3") == 1


def test_text_mode_carries_the_record_on_a_page(page, record):
    printed(Settings(), ["2, 3 and 5."], [record()])
    (card,) = shown(page)
    assert set(card) == {"text/plain", RECORD_MIME}


def test_text_mode_says_that_an_answer_was_interrupted(gallery):
    assert "2, 3 and 5.\n\nInterrupted here" in printed(Settings(), ["2, 3", " and 5."], [gallery["interrupted"]])


@given(st.lists(st.text(alphabet="a\r\n\x1b", max_size=4), max_size=6))
def test_printed_pieces_are_the_clean_text_however_it_was_split(pieces):
    from nbkit.escape import clean

    out, on = io.StringIO(), TextSurface()
    whole = ""
    with redirect_stdout(out):
        for piece in pieces:
            whole += piece
            on.stream(whole)
    assert clean(whole).startswith(out.getvalue())
    assert len(clean(whole)) - len(out.getvalue()) <= 1


def test_surface_follows_the_setting_where_there_is_a_page(page):
    assert isinstance(surface("html", is_quiet=False), PageSurface)
    assert isinstance(surface("widget", is_quiet=False), WidgetSurface)
    assert isinstance(surface("text", is_quiet=False), TextSurface)
    assert isinstance(surface("html", is_quiet=True), SilentSurface)


@pytest.mark.parametrize("ui", ["html", "widget", "text"])
def test_terminal_prints_text_whatever_the_setting(ui):
    assert isinstance(surface(ui, is_quiet=False), TextSurface)


@given(st.lists(st.tuples(st.floats(0, 0.4), st.integers(1, 30)), min_size=1, max_size=60))
def test_no_second_has_more_than_twelve_messages_and_the_end_is_always_sent(steps):
    clock = Clock()
    fake = FakeSurface(clock)
    cell = Cell(Settings(), model="m", clock=clock, on=fake)
    cell.on_phase("provider")
    for pause, size in steps:
        clock.now += pause
        cell.on_text(0, "x" * size)
    times = [at for at, _, _ in fake.drawn]
    for start in times:
        # Two messages end the cell: answer and card.
        assert sum(start <= at < start + 1 for at in times) + 2 <= 12
    assert fake.threads == {threading.get_ident()}


def test_first_piece_is_shown_at_once(record):
    clock = Clock()
    fake = FakeSurface(clock)
    cell = Cell(Settings(), model="m", clock=clock, on=fake)
    cell.on_phase("provider")
    clock.now += 0.01
    cell.on_text(0, "2")
    assert (100.01, "answer", "2") in fake.drawn


def test_samples_stream_under_their_numbers():
    clock = Clock()
    fake = FakeSurface(clock)
    cell = Cell(Settings(samples=2), model="m", clock=clock, on=fake)
    cell.on_phase("provider")
    cell.on_text(0, "one")
    clock.now += 1
    cell.on_text(1, "two")
    assert fake.drawn[-1][2] == "Sample 1\none\n\nSample 2\ntwo"
    assert "sample 2 of 2" in fake.cards[-1][2]


def test_page_is_sent_the_end_of_a_very_long_running_answer(page):
    on = PageSurface()
    on.stream("<" * 1_000_000, {"text/html": "card", "text/plain": "card"})
    assert all(len(str(content)) < 200_000 for data in shown(page) for content in data.values())


def test_card_of_a_streaming_cell_adds_two_messages_to_those_of_its_answer(page, record):
    clock = Clock()
    cell = Cell(Settings(), model="m", clock=clock, on=PageSurface())
    cell.on_phase("provider")
    for _ in range(200):
        clock.now += 0.02
        cell.on_text(0, "word ")
    streamed = len(page.outputs) - 1  # the first is the card alone, before there is an answer
    outcomes = [Outcome(record())]
    cell.finish(outcomes, Result(outcomes))
    assert streamed == pytest.approx(4 / 0.125, abs=6)
    # The answer's last update and the card that stays.
    assert len(page.outputs) - 1 - streamed == 2
    running = [one["data"]["text/plain"] for one in page.outputs[1 : 1 + streamed]]
    assert len({text.partition("nbkit · m")[2] for text in running}) > 5


def test_widget_shows_the_words_of_the_card_where_there_is_no_widget(page, gallery):
    cell = Cell(Settings(ui="widget"), model="m", on=WidgetSurface())
    cell.on_phase("provider")
    (data,) = shown(page)
    outcomes = [Outcome(gallery["error"])]
    cell.finish(outcomes, Result(outcomes))
    assert data["text/plain"].startswith("nbkit · m · running: provider")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_widget_is_closed_when_a_call_ends_without_an_answer(page, gallery):
    from ipywidgets import Widget

    before = set(Widget.get_manager_state()["state"])
    cell = Cell(Settings(ui="widget"), model="m", on=WidgetSurface())
    cell.on_phase("provider")
    outcomes = [Outcome(gallery["error"])]
    cell.finish(outcomes, Result(outcomes))
    assert set(Widget.get_manager_state()["state"]) == before
    (card,) = shown(page)
    assert set(card) == {"text/html", "text/plain", RECORD_MIME}
