"""Budgets in front of calls."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from nbkit.errors import BadSetting, BudgetExceeded
from nbkit.recorded import Origin
from nbkit.session import Session
from nbkit.session.spending import Purse, most, most_tokens, priced
from nbkit.testing import FakeProvider, factories
from nbkit.types import Message

PRICES = {"priced": {"input": 1000, "output": 1000}}
"""A thousandth of a dollar for a token."""


@pytest.fixture
def open_session(tmp_path):
    opened = []

    def make(*answers, is_local=False, **settings):
        provider = FakeProvider(list(answers) or ["yes"] * 50)
        provider.is_local = is_local
        session = Session(home=tmp_path / "home", environment={}, folder=tmp_path, providers={"fake": provider})
        session.configure({"model": "fake:priced", "price": PRICES, "max_tokens": 10, **settings})
        opened.append(session)
        return session, provider

    yield make
    for session in opened:
        session.close()


HERE = Origin(notebook="/somewhere/a.ipynb")


def ask(session, prompt="hi", *, origin=HERE, **settings):
    explicit = session.config(settings).settings
    return session.ask(prompt, settings=explicit, origin=origin)[-1]


def test_a_call_that_fits_is_made_and_its_reservation_gives_way_to_its_cost(open_session):
    session, provider = open_session(budget_day=1)
    outcome = ask(session)
    assert outcome.error is None
    (day,) = session.standings(session.config().settings, notebook=None)
    assert (day.spent_usd, day.reserved_usd) == (outcome.record.cost.usd, Decimal(0))
    assert len(provider.requests) == 1


@pytest.mark.parametrize("scope", ["cell", "notebook", "session", "day", "project"])
def test_a_call_that_does_not_fit_is_not_sent_and_says_which_budget_and_how_to_raise_it(open_session, scope):
    session, provider = open_session(**{f"budget_{scope}": "0.01"})
    outcome = ask(session)
    error = outcome.error
    assert isinstance(error, BudgetExceeded)
    assert provider.requests == []
    assert f"the {scope}'s budget of $0.01" in error.what
    assert "$0 is spent" in error.why
    assert "$0.01 is left" in error.why
    assert "up to $0.092" in error.why
    assert "--max-cost" in error.fix if scope == "cell" else f"budget_{scope} = 0.092" in error.fix
    record = outcome.record
    assert (record.status, record.cost.usd, record.error.kind) == ("blocked", Decimal(0), "BudgetExceeded")


def test_all_runs_of_a_notebook_share_its_budget(open_session):
    for number in range(2):
        session, _ = open_session(budget_notebook="0.091")
        assert (ask(session, "a", cache="off").error is None) == (number == 0)
        assert ask(session, "b", origin=Origin(notebook="/somewhere/b.ipynb"), budget_notebook=1).error is None


def test_a_notebook_without_a_name_has_no_budget_that_could_hold(open_session):
    session, provider = open_session(budget_notebook=100)
    error = ask(session, origin=Origin()).error
    assert isinstance(error, BudgetExceeded)
    assert provider.requests == []
    assert "has no name" in error.what
    assert all(word in error.fix for word in ("nbkit run", "JPY_SESSION_NAME", "budget.day"))
    free, _ = open_session(budget_notebook=100, price={"priced": {"input": 0, "output": 0}})
    assert ask(free, origin=Origin()).error is None


def test_the_amount_that_the_error_names_is_enough(open_session):
    session, _ = open_session(budget_cell="0.01")
    amount = ask(session).error.fix.split("--max-cost ")[1].split(";")[0]
    assert ask(session, budget_cell=amount).error is None


def test_a_hit_is_never_refused(open_session):
    session, _ = open_session()
    assert ask(session).error is None
    hit = ask(session, budget_day=0)
    assert (hit.error, hit.record.cache.status) == (None, "hit")


def test_local_models_and_free_ones_are_never_refused(open_session):
    session, provider = open_session(is_local=True, price={}, budget_day=0, budget_cell=0)
    assert ask(session).error is None
    assert len(provider.requests) == 1


def test_an_unknown_price_asks_for_leave(open_session):
    session, provider = open_session(price={}, budget_day=100)
    error = ask(session).error
    assert isinstance(error, BudgetExceeded)
    assert "--allow price:unknown" in error.fix
    assert provider.requests == []
    outcome = ask(session, guard_allow=("price:unknown",))
    assert (outcome.error, outcome.record.loosened) == (None, ("price: unknown allowed",))


def test_without_a_budget_an_unknown_price_passes(open_session):
    session, _ = open_session(price={})
    assert ask(session).error is None


def test_samples_of_a_cell_share_its_budget(open_session):
    session, provider = open_session()
    one = ask(session, "ho").record.cost.usd
    session.configure({"budget_cell": Decimal("0.092") + one, "samples": 3, "temperature": 0.5})
    outcomes = session.ask("hi")
    assert isinstance(outcomes[-1].error, BudgetExceeded)
    # Each may cost 92 thousandths: there is room for that before the first and the second.
    assert len(provider.requests) - 1 == len(outcomes) - 1 == 2


def test_what_a_failed_call_did_not_cost_is_free_again(open_session):
    session, _ = open_session(ValueError("broken"), "yes", budget_day="0.094")
    assert isinstance(ask(session).error, ValueError)
    assert ask(session).error is None


def test_calls_at_once_do_not_overrun(open_session):
    session, _ = open_session(*["yes"] * 64, budget_session="0.2")
    settings = session.config().settings
    outcomes = []

    def one(number):
        outcomes.extend(session.ask(f"hi {number:02d}", settings=settings))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = sum(outcome.record.cost.usd for outcome in outcomes)
    assert 0 < spent <= Decimal("0.2")
    assert {type(outcome.error) for outcome in outcomes} == {type(None), BudgetExceeded}
    assert session.ledger.summary().cost_usd == spent


def test_a_call_waits_for_what_others_hold_and_is_refused_by_what_they_spent():
    purse, done = Purse(Decimal("0.10")), threading.Event()

    def call():
        assert purse.hold(Decimal("0.08"))
        done.wait(20)
        purse.settle(Decimal("0.08"), Decimal("0.01"))

    thread = threading.Thread(target=call)
    thread.start()
    while not purse.state[1]:
        pass
    threading.Timer(0.05, done.set).start()
    assert purse.hold(Decimal("0.09"))
    thread.join()
    assert purse.state == (Decimal("0.01"), Decimal("0.09"))
    # A thread that holds something waits for nobody; what is spent is no matter of waiting.
    assert not purse.hold(Decimal("0.01"))
    purse.settle(Decimal("0.09"), Decimal("0.05"))
    assert not purse.hold(Decimal("0.05"))


def test_a_cell_of_many_cheap_calls_at_once_is_not_refused_by_what_they_may_cost(open_session):
    session, provider = open_session(budget_cell="0.25")
    errors, answers, complete = [], threading.Event(), provider.complete

    def slow(request, **given):
        answers.wait(0.2)
        return complete(request, **given)

    provider.complete = slow
    with session.cell.of(Decimal("0.25")):
        threads = [
            threading.Thread(target=lambda: errors.append(ask(session, "hi", cache="off").error)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == [None] * 8
    assert len(provider.requests) == 8


def test_a_replay_costs_nothing_and_is_not_refused(open_session, tmp_path):
    session, _ = open_session(budget_day=0)
    session.environment = {"NBKIT_REPLAY": str(tmp_path / "none.ipynb")}
    assert (
        session._furniture.spending(session.config().settings, lambda *_: None, session_id="s", notebook=None) is None
    )


def test_the_most_is_never_less_than_what_any_answer_costs():
    request = factories.request("é漢字🙂 " * 20, max_tokens=7)
    asked = lambda request, response: priced(request, response, is_local=False, own={})  # noqa: E731
    openai = factories.request("hello", provider="openai", model="gpt-4o-mini", max_tokens=100)
    assert most_tokens(request) >= len(request.messages[0].content.encode())
    for cached in (0, 3, 6):
        usage = factories.usage(input_tokens=6, output_tokens=100, cached_input_tokens=cached)
        cost = asked(openai, factories.response(model="gpt-4o-mini", usage=usage))
        assert most(openai, asked).usd >= cost.usd > 0


def test_system_prompts_and_schemas_count():
    short = factories.request("hi")
    long = factories.request(messages=(Message("system", "x" * 100), Message("user", "hi")), schema="{}" * 50)
    assert most_tokens(long) > most_tokens(short) + 200


@pytest.mark.parametrize("amount", ["-1", "nan", "inf", "a dollar", True, "1e12"])
def test_amounts_that_cannot_be_are_refused_when_they_are_set(open_session, amount):
    session, _ = open_session()
    with pytest.raises(BadSetting, match="an amount in USD"):
        session.configure({"budget_day": amount})
