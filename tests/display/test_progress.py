"""The line that `%rag add` draws while it works."""

from __future__ import annotations

import pytest

from nbkit.display.progress import Bar
from nbkit.rag.progress import Progress
from nbkit.secrets import SecretRegistry
from nbkit.tables import Table


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Drawn(Bar):
    """Keeps what it would draw."""

    def __init__(self, secrets, clock):
        super().__init__(secrets, clock=clock)
        self.bundles = []

    def _draw(self, bundle):
        self.bundles.append(bundle)

    _display = _draw

    @property
    def lines(self):
        return [bundle["text/plain"] for bundle in self.bundles]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bar(clock):
    return Drawn(SecretRegistry(), clock)


def moment(share=0.0, *, done=0, files=3, chunks=0, step="", in_hand=(0, 0)):
    return Progress(done, files, chunks, share, step, in_hand)


def test_the_first_moment_is_drawn_and_then_four_a_second(bar, clock):
    for _ in range(100):
        bar.show(moment())
        clock.now += 0.01
    assert len(bar.bundles) == 4


def test_all_that_is_known_is_said(bar, clock):
    bar.show(moment(step="embedding a.pdf", files=1200))
    clock.now += 2.0
    bar.show(moment(0.1, chunks=64, step="embedding a.pdf", in_hand=(64, 1000), files=1200))
    clock.now += 2.0
    bar.show(moment(0.25, done=2, chunks=104, step="embedding a.pdf", in_hand=(104, 1000), files=1200))
    assert bar.lines == [
        "0 of 1,200 files · embedding a.pdf · <0.1 ms",
        "0 of 1,200 files · 64 chunks · embedding a.pdf (64 of 1,000) · 2.00 s · about 18.0 s left",
        "2 of 1,200 files · 104 chunks · 20 chunks/s · embedding a.pdf (104 of 1,000) · 4.00 s · about 12.0 s left",
    ]


def test_one_is_one(bar):
    bar.show(moment(files=1, chunks=1))
    assert bar.lines == ["0 of 1 file · 1 chunk · <0.1 ms"]


def test_the_speed_leaves_out_the_time_before_the_first_chunks(bar, clock):
    clock.now += 60.0
    bar.show(moment(0.1, chunks=10))
    clock.now += 10.0
    bar.show(moment(0.2, chunks=15))
    assert "0.5 chunks/s" in bar.lines[-1]


def test_a_moment_that_is_not_drawn_starts_the_speed_too(bar, clock):
    bar.show(moment())
    clock.now += 0.1
    bar.show(moment(0.1, chunks=10))
    clock.now += 1.0
    bar.show(moment(0.2, chunks=40))
    assert "30 chunks/s" in bar.lines[-1]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_is_guessed_at_the_start_or_the_end(bar, clock, share):
    clock.now += 1.0
    bar.show(moment(share))
    assert "left" not in bar.lines[-1]


def test_chunks_in_hand_are_left_out_when_all_are_done(bar):
    bar.show(moment(0.5, chunks=4, step="reading b.md", in_hand=(4, 4)))
    assert "reading b.md ·" in bar.lines[-1]


def test_the_page_has_a_meter_and_names_are_escaped(bar):
    bar.show(moment(0.256, step="embedding <img src=x>.md"))
    [page] = [bundle["text/html"] for bundle in bar.bundles]
    assert page.startswith('<meter min="0" max="1" value="0.256">26%</meter> ')
    assert "<img" not in page


def test_secrets_and_control_characters_are_not_drawn(clock):
    secrets = SecretRegistry()
    secrets.add("MY_KEY", "sk-0123456789-abcdef")
    bar = Drawn(secrets, clock)
    bar.show(moment(step="fetching https://a.org/sk-0123456789-abcdef\x1b[2J"))
    bar.end(Table("Index docs", ("file",), (("sk-0123456789-abcdef",),)))
    assert "sk-0123456789" not in repr(bar.bundles)
    assert "\\x1b" not in repr(bar.bundles)


def test_the_end_stands_in_its_place_however_soon_it_comes(bar):
    bar.show(moment())
    bar.end(Table("Index docs", ("file",), (("a.md",),), note="1 file"))
    assert bar.lines[-1].splitlines() == ["Index docs", "file", "a.md", "1 file"]
    assert bar.bundles[-1]["text/html"].startswith("<table")
