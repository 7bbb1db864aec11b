"""Hosts that a project's own file may not choose."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nbkit.config import Layer
from nbkit.errors import BadSetting
from nbkit.session import Session
from nbkit.session.trust import is_here, refuse_strangers
from nbkit.testing import FakeProvider

FILE = "/repo/pyproject.toml"


@pytest.mark.parametrize(
    ("values", "sent", "key"),
    [
        ({"base_url": "https://x.example/v1"}, "prompts", "base_url"),
        ({"rag_embedder_url": "https://x.example/v1"}, "documents", "rag.embedder_url"),
        ({"records_otlp": "https://x.example"}, "records", "records.otlp"),
        ({"aliases": {"house": {"model": "openai:m", "base_url": "https://x.example"}}}, "prompts", "base_url"),
    ],
)
def test_the_error_says_what_would_be_sent_and_which_setting_says_so(values, sent, key):
    with pytest.raises(BadSetting) as caught:
        refuse_strangers([Layer(FILE, values)], ())
    assert f"sends {sent} and keys to 'x.example'" in caught.value.what
    assert f"sets {key}," in caught.value.why
    assert "NBKIT_TRUSTED_HOSTS=x.example" in caught.value.fix
    refuse_strangers([Layer(FILE, values)], ("x.example",))
    refuse_strangers([Layer("config.toml", values)], ())


def test_each_of_several_addresses_is_looked_at():
    values = {"base_url": "http://localhost:1/v1", "rag_embedder_url": "https://x.example/v1"}
    with pytest.raises(BadSetting, match="documents"):
        refuse_strangers([Layer("NBKIT_X", {}), Layer(FILE, values)], ())


@pytest.mark.parametrize(
    "url",
    [
        "https://trusted.example.evil.example/v1",
        "https://trusted.example@evil.example/v1",
        "https://127.0.0.1.evil.example/",
        "//evil.example/v1",
        "evil.example/v1",
        "https:///v1",
    ],
)
def test_what_only_looks_like_a_trusted_host_is_none(url):
    with pytest.raises(BadSetting):
        refuse_strangers([Layer(FILE, {"rag_embedder_url": url})], ("trusted.example",))


@pytest.mark.parametrize(
    "url", ["http://localhost:9/v1", "http://127.0.0.1/v1", "http://[::1]:9", "https://TRUSTED.example"]
)
def test_this_machine_and_trusted_hosts_are_asked(url):
    refuse_strangers([Layer(FILE, {"rag_embedder_url": url})], ("trusted.example",))


def test_nothing_that_is_not_set_is_refused():
    refuse_strangers([Layer(FILE, {"base_url": None, "rag_embedder_url": None, "aliases": {"a": "openai:m"}})], ())


@pytest.mark.parametrize("host", ["x.example", "*.x.example"])
def test_a_projects_file_lets_no_answer_lead_to_a_stranger(tmp_path, host):
    (tmp_path / "pyproject.toml").write_text(f'[tool.nbkit]\nlinks.allowed_hosts = ["docs.example", "{host}"]\n')
    session = Session(home=tmp_path / "home", environment={"NBKIT_TRUSTED_HOSTS": "docs.example"}, folder=tmp_path)
    with pytest.raises(BadSetting) as caught:
        session.config()
    assert caught.value.what == f"this project's file lets links and images in answers lead to {host!r}"
    session.close()
    trusting = {"NBKIT_TRUSTED_HOSTS": f"docs.example, {host}"}
    session = Session(home=tmp_path / "home", environment=trusting, folder=tmp_path)
    assert session.config().settings.allowed_hosts == ("docs.example", host)
    session.close()


def test_names_of_this_machine():
    assert is_here("localhost")
    assert not is_here("10.0.0.1")


def test_a_projects_file_sends_no_documents_to_a_stranger(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbkit.rag]\nembedder_url = "https://x.example/v1"\n')
    session = Session(home=tmp_path / "home", environment={"OPENAI_API_KEY": "sk-0123456789"}, folder=tmp_path)
    with pytest.raises(BadSetting, match="documents"):
        session.config()
    session.close()


def test_a_projects_file_may_not_have_prompts_sent_to_a_receiver_that_the_user_chose():
    with pytest.raises(BadSetting, match=r"records\.otlp_content cannot be set"):
        refuse_strangers([Layer(FILE, {"records_otlp_content": True})], ("x.example",))
    refuse_strangers([Layer(FILE, {"records_otlp_content": False}), Layer("config.toml", {})], ())
    refuse_strangers([Layer("config.toml", {"records_otlp_content": True})], ())


def test_a_projects_file_cannot_switch_the_receiver_on(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbkit.records]\notlp = "https://x.example"\n')
    own = Session(home=tmp_path / "home", folder=tmp_path, environment={})
    with pytest.raises(BadSetting, match="sends records and keys"):
        own.config()
    trusting = Session(home=tmp_path / "home", folder=tmp_path, environment={"NBKIT_TRUSTED_HOSTS": "x.example"})
    assert trusting.config().settings.records_otlp == "https://x.example"


PROJECT = """
[tool.nbkit]
guard.allow = ["price:unknown", "secret:openai-key"]
[tool.nbkit.budget]
day = {day}
cell = 0.5
session = "none"
[tool.nbkit.price.fake-1]
input = 0
output = 0
"""


@pytest.mark.parametrize(("day", "holds"), [("9", "2"), ("1", "1"), ('"none"', "2")])
def test_a_projects_budget_stands_beside_the_users_and_the_lower_one_holds(tmp_path, day, holds):
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(day=day))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("[budget]\nday = 2\nsession = 3\n")
    session = Session(home=tmp_path / "home", environment={}, folder=tmp_path)
    found = session.config().settings
    assert (found.budget_day, found.budget_session, found.budget_cell) == (Decimal(holds), Decimal(3), Decimal("0.5"))
    assert session.config({"budget_day": 50}).settings.budget_day == Decimal(50)
    session.close()


def test_a_projects_file_does_not_let_unknown_prices_pass_a_budget(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(day=1))
    session = Session(home=tmp_path / "home", environment={}, folder=tmp_path)
    assert session.config().settings.guard_allow == ("secret:openai-key",)
    assert session.config({"guard_allow": "price:unknown"}).settings.guard_allow == ("price:unknown",)
    session.close()


def test_a_cost_by_a_projects_price_says_so(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(day=1))
    session = Session(
        home=tmp_path / "home", environment={}, folder=tmp_path, providers={"fake": FakeProvider(["yes"])}
    )
    fake = session.config({"model": "fake:fake-1"}).settings
    assert session.ask("hi", settings=fake)[0].record.cost.prices_as_of == "this project's pyproject.toml"
    session.configure({"price": {"fake-1": {"input": 0, "output": 0}}})
    fake = session.config({"model": "fake:fake-1", "cache": "off"}).settings
    assert session.ask("hi", settings=fake)[0].record.cost.prices_as_of == "settings"
    session.close()
