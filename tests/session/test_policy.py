"""What guards do about what they find: by policy, by setting, by cell."""

import pytest

from nbkit.display.card import card_text
from nbkit.errors import BadSetting, Blocked
from nbkit.session import Session
from nbkit.session.policy import Policy
from nbkit.setting import Settings
from nbkit.testing import FakeProvider

KEY = "sk-abcdefgh12345678"


@pytest.fixture
def open_session(tmp_path):
    opened = []

    def make(script=("Hello there.",), *, project="", environment=None):
        (tmp_path / "pyproject.toml").write_text(f'[tool.nbkit]\nmodel = "fake"\n{project}')
        session = Session(
            home=tmp_path / "home",
            environment=environment or {},
            folder=tmp_path,
            providers={"fake": FakeProvider(script)},
        )
        opened.append(session)
        return session

    yield make
    for session in opened:
        session.close()


def ask(session, prompt="hi", **explicit):
    return session.ask(prompt, settings=session.config(explicit).settings)[-1]


def did(record):
    return {(one.guard, one.stage): one.action for one in record.verdicts}


def test_a_project_that_turns_guards_off_says_so_in_record_and_card(open_session, add_guards):
    add_guards("MailGuard")
    session = open_session(project='[tool.nbkit.guard]\npolicy = "off"\n')
    record = ask(session, "write to ann@example.org").record
    assert (record.policy, did(record)["mail", "input"]) == ("off", "allow")
    assert record.request.messages[0].content == "write to ann@example.org"
    assert "mail: allow instead of redact (input)" in record.loosened
    card = card_text(record)
    assert "policy off · looser than standard" in card
    assert "! guards looser than the standard: " in card


def test_a_cell_takes_back_what_a_project_turned_off(open_session, add_guards):
    add_guards("MailGuard")
    session = open_session(project='[tool.nbkit.guard]\npolicy = "off"\n')
    record = ask(session, "write to ann@example.org", guard_policy="standard").record
    assert (record.policy, record.loosened) == ("standard", ())
    assert record.request.messages[0].content == "write to ⟦EMAIL_1⟧"


@pytest.mark.parametrize(
    ("project", "what", "fix"),
    [
        ('actions = { lables = "allow" }', "no guard named 'lables'", "use 'labels'"),
        ('allow = ["labls:refusal"]', "no guard named 'labls'", "use 'labels'"),
        ('allow = ["guard:shema"]', "no guard named 'shema'", "use 'schema'"),
        ('allow = ["openai-key"]', "--allow cannot be 'openai-key'", "--allow secret:openai-key"),
        ('allow = ["secret:"]', "--allow cannot be 'secret:'", "--allow secret:openai-key"),
        ('actions = { markdown = "allow" }', "the guard 'markdown' cannot be set", "leave it out"),
        ('actions = { labels = "alow" }', "cannot set 'labels' to 'alow'", 'labels = "warn"'),
        ('actions = { labels = { input = "warn" } }', "cannot set 'labels'", 'labels = { output = "warn" }'),
        ("actions = { labels = 3 }", "cannot set 'labels' to 3", 'labels = "warn"'),
        ('policy = "strickt"', "guard.policy cannot be 'strickt'", "another value"),
    ],
)
def test_what_a_project_sets_wrong_is_three_lines_with_a_way_out(open_session, project, what, fix):
    session = open_session(project=f"[tool.nbkit.guard]\n{project}\n")
    with pytest.raises(BadSetting) as raised:
        ask(session)
    assert what in raised.value.what
    assert fix in raised.value.fix
    assert str(raised.value).count("\n") == 2
    assert session.providers["fake"].calls == 0


def test_only_an_answer_can_be_asked_for_again(add_guards):
    add_guards("RudeGuard")
    with pytest.raises(BadSetting, match="only an answer can be asked for again") as raised:
        Policy.of(Settings(guard_actions={"rude": "reask"}))
    assert raised.value.fix == 'rude = { output = "reask" }'
    assert Policy.of(Settings(guard_actions={"rude": {"output": "reask"}})).loosened() == ()


def test_off_keeps_the_secrets_in_use_blocked_and_markdown_inert(open_session):
    session = open_session(["![x](https://evil.example/a)"], environment={"OPENAI_API_KEY": KEY})
    blocked = ask(session, f"use {KEY}", guard_policy="off")
    assert isinstance(blocked.error, Blocked)
    assert session.providers["fake"].calls == 0
    drawn = ask(session, "draw", guard_policy="off").record
    assert "](" not in drawn.response.text
    assert did(drawn)["markdown", "output"] == "redact"


def test_off_takes_a_secret_out_of_an_answer(open_session):
    session = open_session([f"it is {KEY}"], environment={"OPENAI_API_KEY": KEY})
    assert ask(session, "tell", guard_policy="off").record.response.text == "it is [secret:OPENAI_API_KEY]"


def test_strict_does_what_the_guard_says_and_is_not_looser(open_session, add_guards):
    add_guards("MailGuard")
    session = open_session()
    outcome = ask(session, "write to ann@example.org", guard_policy="strict")
    assert isinstance(outcome.error, Blocked)
    assert (outcome.record.policy, outcome.record.loosened) == ("strict", ())


def test_a_kind_that_is_allowed_passes_and_is_recorded(open_session, add_guards):
    add_guards("MailGuard")
    record = ask(open_session(), "write to ann@example.org", guard_allow=("mail:EMAIL", "pii:EMAIL")).record
    assert record.request.messages[0].content == "write to ann@example.org"
    assert record.loosened == ("mail: EMAIL allowed", "pii: EMAIL allowed")
    assert "mail: EMAIL allowed; pii: EMAIL allowed" in card_text(record)


def test_a_guard_that_may_fail_is_said_to(open_session):
    record = ask(open_session(), guard_allow=("guard:labels",)).record
    assert record.loosened == ("labels: may fail",)


def test_a_setting_for_one_guard_wins_over_the_policy_either_way(add_guards):
    planted = add_guards("MailGuard")
    looser = Policy.of(Settings(guard_policy="strict", guard_actions={"mail": "warn"}))
    assert looser.of_guard(planted.MailGuard) == {"input": "warn"}
    assert looser.loosened() == ("mail: warn instead of redact (input)",)
    stronger = Policy.of(Settings(guard_actions={"mail": "block"}))
    assert (stronger.of_guard(planted.MailGuard), stronger.loosened()) == ({"input": "block"}, ())


def test_a_guard_without_a_strict_table_does_as_in_standard(add_guards):
    planted = add_guards("RudeGuard")
    strict = Policy.of(Settings(guard_policy="strict"))
    assert strict.of_guard(planted.RudeGuard) == {"input": "warn", "output": "warn"}
