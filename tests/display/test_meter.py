from decimal import Decimal

import pytest

from nbkit.display.card import card_text
from nbkit.display.live import Cell
from nbkit.display.meter import Meter, cell_meter
from nbkit.display.tiles import running_tiles
from nbkit.display.view import Live
from nbkit.pricing.tokens import estimate_tokens
from nbkit.recorded import Outcome
from nbkit.session import Session
from nbkit.setting import Settings
from nbkit.testing import factories
from nbkit.types import Cost

PRICES = {"m": {"input": 2, "output": 10}}
MILLION = 1_000_000


def by_tokens(request, response):
    usage = response.usage
    return Cost(Decimal(usage.input_tokens * 2 + usage.output_tokens * 10) / MILLION, source="own")


def metered(price=by_tokens, prompt="Name three primes, and say why each is one."):
    meter = Meter(price)
    meter.prepare(factories.request(prompt), None)
    return meter, estimate_tokens(prompt)


def test_cost_so_far_is_that_of_the_input_and_of_what_has_arrived():
    meter, sent = metered()
    meter.begin()
    assert meter.reading().cost.usd == Decimal(sent * 2) / MILLION
    meter.take("Two, three and five are primes, ")
    meter.take("since nothing else divides them.")
    made = estimate_tokens("Two, three and five are primes, since nothing else divides them.")
    found = meter.reading()
    assert (found.input_tokens, found.output_tokens, found.call_tokens) == (sent, made, made)
    assert found.cost.usd == Decimal(sent * 2 + made * 10) / MILLION


def test_each_call_of_a_cell_counts_once_more():
    meter, sent = metered()
    for _ in range(3):
        meter.begin()
        meter.take("one two three four five six")
    made = estimate_tokens("one two three four five six")
    found = meter.reading()
    assert (found.input_tokens, found.output_tokens, found.call_tokens) == (3 * sent, 3 * made, made)
    assert found.cost.usd == Decimal(3 * (sent * 2 + made * 10)) / MILLION


def test_what_comes_from_the_cache_costs_nothing_and_counts_nothing():
    meter, _ = metered()
    meter.take("an answer that was kept")
    assert meter.reading().cost is None
    assert meter.reading().output_tokens == 0


def test_unknown_price_is_never_zero():
    meter, _ = metered(lambda request, response: Cost(None))
    meter.begin()
    meter.take("text")
    cost, *_ = running_tiles(meter.reading(), elapsed_s=1, first_token_s=0.5, provider_s=1, received_chars=4)
    assert (cost.value, cost.details) == ("?", ("price unknown",))


def test_one_unpriced_call_makes_the_sum_unknown():
    prices = iter([Cost(Decimal(1)), Cost(None)])
    meter, _ = metered(lambda request, response: next(prices))
    meter.begin()
    meter.begin()
    assert meter.reading().cost.usd is None


@pytest.fixture
def session(tmp_path):
    opened = Session(home=tmp_path, environment={}, folder=tmp_path)
    yield opened
    opened.close()


def meter_of(session, **explicit):
    settings = session.config(explicit).settings
    meter = cell_meter(session, settings, session.target(settings))
    meter.prepare(session.build("hello", settings=settings)[0].request, None)
    meter.begin()
    return meter


def test_own_prices_count(session):
    found = meter_of(session, model="echo:m", price=PRICES).reading()
    assert found.cost.usd == Decimal(estimate_tokens("hello") * 2) / MILLION


def test_local_model_says_local(session):
    found = meter_of(session, model="echo").reading()
    cost, *_ = running_tiles(found, elapsed_s=1, first_token_s=None, provider_s=0, received_chars=0)
    assert cost.value == "$0 local"


def test_table_has_the_price_of_a_vendors_model(session):
    session.environment = {"OPENAI_API_KEY": "sk-0123456789abcdef0123"}
    found = meter_of(session, model="openai:gpt-4o-mini").reading()
    assert found.cost.usd == Decimal("0.15") * estimate_tokens("hello") / MILLION


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class FakeSurface:
    def __init__(self):
        self.cards = []

    def stream(self, text, card=None):
        self.cards += [card] if card is not None else []

    def live(self, bundle):
        self.cards.append(bundle)

    def end(self, answer, card):
        pass


def test_live_card_shows_elapsed_first_token_rate_and_cost():
    clock, fake = Clock(), FakeSurface()
    meter, sent = metered()
    cell = Cell(Settings(), model="m", meter=meter, clock=clock, on=fake)
    cell.on_phase("guards in")
    cell.on_phase("provider")
    clock.now += 0.2
    cell.on_text(0, "one two three four five six seven eight nine ten")
    clock.now += 1.8
    cell.on_text(0, " and ten more words that say nothing at all to anybody")
    text = fake.cards[-1]["text/plain"]
    made = meter.reading().output_tokens
    assert "2.00 s (first token 200 ms" in text
    assert f"~{made / 2:.0f} tokens/s" in text
    assert f"~{sent:,} → ~{made:,}" in text
    assert f"~${Decimal(sent * 2 + made * 10) / MILLION}" in text
    assert "$" in fake.cards[-1]["text/html"]


def test_live_card_has_the_same_lines_before_and_after_the_first_token():
    before = card_text(Live("m"))
    after = card_text(Live("m", phase="provider", elapsed_s=2, first_token_s=1, received_chars=9))
    assert len(before.splitlines()) == len(after.splitlines())
    assert "waiting for first token, … tokens/s" in before


def test_budget_is_not_charged_by_what_is_only_shown(session):
    settings = session.config({"model": "echo:m", "price": PRICES, "budget_session": "1"}).settings
    meter = cell_meter(session, settings, session.target(settings))
    cell = Cell(settings, model="m", meter=meter, on=FakeSurface())
    outcomes: list[Outcome] = session.ask(
        "hello", settings=settings, prepare=cell.prepare, on_text=cell.on_text, on_phase=cell.on_phase
    )
    (standing,) = session.standings(settings, notebook=None)
    assert standing.spent_usd == outcomes[0].record.cost.usd
    assert standing.reserved_usd == 0
