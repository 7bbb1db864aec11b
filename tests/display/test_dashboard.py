"""The dashboard's numbers beside what SQL says of the same file, with nothing of nbkit in between."""

from __future__ import annotations

import base64
import contextlib
import math
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from nbkit.display.board import Board, Choice, Group, board
from nbkit.display.dashboard import dashboard_bundle
from nbkit.display.figures_cost import cost_by_step, cumulative_cost
from nbkit.display.figures_latency import latency_distribution
from nbkit.display.figures_usage import blocked_by_guard, hits_by_step, tokens_by_step
from nbkit.display.pictures import steps_of
from nbkit.ledger.budgets import Standing
from nbkit.ledger.spread import Sums
from nbkit.session import Session
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing, Usage, Verdict

NOW = datetime.now(UTC)
HOUR = NOW.replace(minute=0, second=0, microsecond=0)
CHOICES = [
    Choice("24h"),
    Choice("7d"),
    Choice("all"),
    Choice("session"),
    Choice("project", by="day"),
    Choice("24h", by="model"),
    Choice("all", by="tag", model="openai:gpt-4o"),
    Choice("session", by="cell", tag="draft"),
    Choice("90m", by="hour"),
]
LIVE = "status = 'ok' AND answer_chars IS NOT NULL AND cache_status <> 'hit'"


def calls():
    """Four hundred calls of thirty days, every kind among them; the last of them a minute old."""
    for number in range(400):
        ago = timedelta(minutes=1) + timedelta(days=30) * ((399 - number) / 400) ** 3
        usage = Usage(100 + number, 10 + number % 50)
        cost = Cost(Decimal(number + 1) / 1000, source="table", is_estimate=number % 11 == 0)
        timing = Timing(0.05 * (1 + number * 7919 % 97), attempts=1)
        fields = {"cost": cost, "timing": timing, "response": factories.response(usage=usage)}
        if number % 3 == 0:
            hit = {"cache": CacheOutcome("hit"), "cost": Cost(Decimal(0), cost.usd, source="cache")}
            fields |= {**hit, "timing": Timing(0.003)}
        elif number % 10 == 1:
            verdicts = (Verdict(("pii", "secrets", "injection")[number % 4 % 3], "input", "block"),)
            nothing = {"response": None, "verdicts": verdicts, "cost": Cost(Decimal(0), source="none")}
            fields |= {"status": "blocked", "request": None, **nothing}
        elif number % 10 == 4:
            fields |= {"status": "error", "response": None, "cost": Cost(Decimal(0), source="none")}
        elif number % 17 == 0:
            fields |= {"cost": Cost(None)}
        model = ("gpt-4o", "gpt-4o-mini", "o3")[number // 3 % 3]
        yield factories.record(
            number,
            started_at=NOW - ago,
            session_id=("here", "elsewhere")[number % 5 == 0],
            tag=("draft", "final", None)[number % 4 % 3],
            **{"request": factories.request(provider="openai", model=model), **fields},
        )


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    opened = Session(home=home, environment={}, folder=home)
    opened.id = "here"
    for record in calls():
        opened.ledger.write(record)
    yield opened
    opened.close()


def asked(session, sql, *values):
    with contextlib.closing(sqlite3.connect(session.ledger.path)) as file:
        return file.execute(sql, values).fetchall()


def where(choice, found):
    """The choice as a condition, written anew."""
    parts, values = ["1"], []
    hours = {"24h": 24, "7d": 168, "90m": 1.5}.get(choice.period)
    if hours is not None:
        parts.append("started_us >= ?")
        values.append(round((found.drawn_at - timedelta(hours=hours)).timestamp() * 1e6))
    if choice.period == "session":
        parts.append("session_id = 'here'")
    if choice.period == "project":
        parts.append("project IS NOT NULL")
    if choice.model:
        parts.append("provider || ':' || model = ?")
        values.append(choice.model)
    if choice.tag:
        parts.append("tag = ?")
        values.append(choice.tag)
    return " AND ".join(parts), values


@pytest.fixture(params=CHOICES, ids=lambda choice: choice.title())
def chosen(request, session):
    found = board(session, request.param)
    return request.param, found, *where(request.param, found)


def test_sums_are_those_of_sql(chosen, session):
    _, found, condition, values = chosen
    ((calls_, failed, blocked, hits, misses, sent, made, pusd, unpriced, saved),) = asked(
        session,
        "SELECT COUNT(*), TOTAL(status = 'error'), TOTAL(status = 'blocked'), TOTAL(cache_status = 'hit'), "
        "TOTAL(cache_status = 'miss'), TOTAL(input_tokens), TOTAL(output_tokens), SUM(IFNULL(cost_pusd, 0)), "
        f"TOTAL(is_unpriced), SUM(IFNULL(saved_pusd, 0)) FROM record WHERE {condition}",
        *values,
    )
    sums = found.sums
    assert (sums.calls, sums.failures, sums.blocked) == (calls_, failed, blocked)
    assert (sums.hits, sums.misses, sums.unpriced) == (hits, misses, unpriced)
    assert (sums.input_tokens, sums.output_tokens) == (sent, made)
    assert (sums.cost_pusd, sums.saved_pusd) == (pusd, saved)
    assert calls_ > 0


def test_latencies_are_those_of_sql(chosen, session):
    _, found, condition, values = chosen
    took = [
        total_us / 1e6
        for (total_us,) in asked(
            session, f"SELECT total_us FROM record WHERE {condition} AND {LIVE} ORDER BY total_us", *values
        )
    ]
    exact = [took[math.ceil(part * len(took)) - 1] for part in (0.5, 0.95)]
    bound = 1e-12 if found.live.is_exact else 0.006
    assert found.live.n == len(took) == sum(found.bins.values())
    assert [found.live.p50_s, found.live.p95_s] == pytest.approx(exact, rel=bound)
    assert found.live.mean_s == pytest.approx(sum(took) / len(took))


def test_each_step_costs_what_sql_says(chosen, session):
    _, found, condition, values = chosen
    steps = steps_of(found)
    size_us = steps.hours * 3_600_000_000
    first_us = round(steps.starts[0].timestamp() * 1e6)
    expected = dict(
        asked(
            session,
            f"SELECT (started_us - {first_us}) / {size_us}, SUM(IFNULL(cost_pusd, 0)) FROM record WHERE {condition} "
            "GROUP BY 1",
            *values,
        )
    )
    drawn = [one.cost_pusd for one in steps.of(found.hours)]
    assert {at: pusd for at, pusd in enumerate(drawn) if pusd} == {at: pusd for at, pusd in expected.items() if pusd}
    assert sum(drawn) == found.sums.cost_pusd


def test_blocked_calls_are_those_of_sql(chosen, session):
    _, found, condition, values = chosen
    sql = f"SELECT blocked_by, COUNT(*) FROM record WHERE {condition} AND status = 'blocked' GROUP BY 1"
    assert found.blocked == dict(asked(session, sql, *values))


def test_groups_are_those_of_sql(chosen, session):
    choice, found, condition, values = chosen
    if choice.by is None:
        assert found.groups == ()
        return
    own = {"model": "provider || ':' || model", "tag": "tag", "cell": "cell_id",
           "day": "strftime('%Y-%m-%d', started_us / 1000000, 'unixepoch')",
           "hour": "strftime('%Y-%m-%d %H:00', started_us / 1000000, 'unixepoch')"}[choice.by]  # fmt: skip
    sql = (
        f"SELECT IFNULL({own}, '(none)'), COUNT(*), SUM(IFNULL(cost_pusd, 0)) FROM record WHERE {condition} GROUP BY 1"
    )
    expected = {name: (n, pusd) for name, n, pusd in asked(session, sql, *values)}
    assert {one.name: (one.sums.calls, one.sums.cost_pusd) for one in found.groups} == expected


def test_text_says_the_numbers_that_sql_says(session):
    choice = Choice("session", by="model")
    found = board(session, choice)
    text = dashboard_bundle(found)["text/plain"]
    ((calls_, hits, misses),) = asked(
        session,
        "SELECT COUNT(*), SUM(cache_status = 'hit'), SUM(cache_status = 'miss') FROM record WHERE session_id = 'here'",
    )
    assert re.search(rf"Calls +{calls_:,} \(", text)
    assert f"Cache hit rate {hits / (hits + misses):.1%}, n = {hits + misses:,} calls" in text
    assert "≥ $" in text


def test_html_and_text_say_the_same_numbers(session):
    bundle = dashboard_bundle(board(session, Choice("7d", by="tag")))
    in_html = re.sub(r"<[^>]*>", " ", bundle["text/html"])
    words = set(re.findall(r"[$~≥]?[\d.,]+\d", bundle["text/plain"]))
    assert {word for word in words if word not in in_html} == set()


def test_every_figure_has_units_n_and_words(session):
    found = board(session, Choice("7d", by="model"))
    for draw in (cost_by_step, cumulative_cost, latency_distribution, tokens_by_step, hits_by_step, blocked_by_guard):
        picture = draw(found)
        assert picture.address.startswith("data:image/svg+xml;base64,")
        assert picture.title in picture.alt
        assert picture.says in picture.alt
        assert re.search(r"n = |calls?\b|\$", picture.says), picture.says
    assert "n = " in latency_distribution(found).says
    assert "n = " in hits_by_step(found).says


def test_markup_is_what_an_untrusted_page_keeps(session):
    html = dashboard_bundle(board(session, Choice("all", by="model")), hint="--since")["text/html"]
    assert set(re.findall(r"<([a-z]+)", html)) <= {
        "div", "p", "b", "br", "span", "img", "table", "caption", "thead", "tbody", "tr", "th", "td", "details",
        "summary",
    }  # fmt: skip
    assert not re.search(r"\b(id|role|aria-\w+|data-\w+|onclick)=", html)
    assert "var(" not in html
    assert "http" not in html


HOSTILE = '<img src=x onerror="window.acted=1">$x^2$\x1b[31m'


def hostile_board():
    sums = Sums(calls=3, blocked=3, cost_pusd=10**12, priced=3)
    return Board(
        HOSTILE, NOW, HOUR, by="tag", sums=sums, hours={HOUR: sums},
        groups=(Group(HOSTILE, sums, {}),), blocked={HOSTILE: 3},
    )  # fmt: skip


def test_hostile_names_are_only_shown():
    html = dashboard_bundle(hostile_board())["text/html"]
    assert "<img src=x" not in html
    assert "\x1b" not in html
    assert "&lt;img src=x" in html


def test_secrets_in_names_are_not_drawn(tmp_path):
    secret = "sk-proj-0123456789abcdefghijABCDEFGHIJ0123456789"
    session = Session(home=tmp_path, environment={"OPENAI_API_KEY": secret}, folder=tmp_path)
    session.ledger.write(factories.record(1, tag=f"x {secret}", started_at=NOW))
    found = board(session, Choice("all", by="tag", tag=f"x {secret}"))
    bundle = dashboard_bundle(found)
    session.close()
    assert found.sums.calls == 1
    assert secret not in bundle["text/html"] + bundle["text/plain"]


def test_nothing_recorded_is_said_and_draws_no_figure():
    bundle = dashboard_bundle(Board("all calls", NOW, NOW))
    assert "No calls in this time" in bundle["text/plain"]
    assert "<img" not in bundle["text/html"]


def budget(scope="session", limit="1", spent="0.4", reserved="0"):
    return Standing(scope, Decimal(limit), Decimal(spent), Decimal(reserved))


@pytest.mark.parametrize(
    ("standing", "is_filtered", "is_drawn"),
    [(budget(), False, True), (budget(limit="100"), False, False), (budget(), True, False)],
    ids=["near", "far above", "of other calls too"],
)
def test_budget_is_drawn_where_it_would_be_used_up(standing, is_filtered, is_drawn):
    sums = Sums(calls=1, cost_pusd=4 * 10**11, priced=1)
    found = Board("session", NOW, HOUR, sums=sums, hours={HOUR: sums}, standings=(standing,), is_filtered=is_filtered)
    picture = cumulative_cost(found)
    svg = base64.b64decode(picture.address.partition(",")[2]).decode()
    assert ("session budget used up" in svg) is is_drawn
    assert f"left of ${standing.limit_usd:.2f}" in picture.says
