"""Settings in force, and one cell after another."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbkit.errors import (
    BadSetting,
    MissingKey,
    NoModel,
    PromptError,
    RateLimited,
    UnknownModel,
    UnknownPlugin,
    UnknownSetting,
)
from nbkit.ledger.selection import Selection
from nbkit.recorded import Origin
from nbkit.session import Session, current, end_current
from nbkit.session.keys import read_env_file
from nbkit.testing import FakeProvider, Reply


@pytest.fixture
def open_session(tmp_path):
    opened = []

    def make(script=("Hello there.",), *, environment=None, **fields):
        provider = script if isinstance(script, FakeProvider) else FakeProvider(script)
        session = Session(
            home=tmp_path / "home",
            environment=environment or {},
            folder=tmp_path,
            providers={"fake": provider},
            **fields,
        )
        session.configure({"model": "fake"})
        opened.append(session)
        return session, provider

    yield make
    for session in opened:
        session.close()


def text_of(outcomes):
    return [outcome.record.response.text for outcome in outcomes]


def test_second_ask_is_a_hit(open_session):
    session, provider = open_session()
    session.ask("hi")
    again = session.ask("hi")[0].record
    assert (provider.calls, again.cache.status, again.response.text) == (1, "hit", "Hello there.")


def test_answers_outlive_the_session(open_session):
    first, _ = open_session()
    first.ask("hi")
    first.close()
    second, provider = open_session()
    assert second.ask("hi")[0].record.cache.status == "hit"
    assert provider.calls == 0


def test_closed_session_opens_again(open_session):
    session, _ = open_session()
    session.ask("hi")
    session.close()
    assert session.ask("hi")[0].error is None


def test_every_call_is_in_the_ledger(open_session):
    session, _ = open_session([RateLimited(what="w", why="y", fix="f"), "ok"])
    session.ask("one")
    session.ask("two", settings=session.config({"tag": "t"}).settings)
    kept = session.ledger.read(Selection(session_id=session.id))
    assert [(record.status, record.tag) for record in kept] == [("error", None), ("ok", "t")]


def test_record_content_can_be_switched_off(open_session, tmp_path):
    session, _ = open_session(["the answer is forty-two"])
    session.configure({"records.content": False})
    outcome = session.ask("what is the question")[0]
    session.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "home").glob("records*"))
    assert outcome.record.response.text == "the answer is forty-two"
    assert b"forty-two" not in kept
    assert b"what is the question" not in kept


def test_strongest_setting_wins_and_says_where_it_is_from(open_session, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbkit]\nseed = 1\nmax_tokens = 10\ntag = "file"\nsystem = "file"\n')
    session, _ = open_session(
        environment={"NBKIT_SEED": "2", "NBKIT_MAX_TOKENS": "20", "NBKIT_TAG": "env", "NBKIT_TTL": "7d"}
    )
    session.configure({"seed": 3, "max_tokens": 30})
    with session.settings({"seed": 4}):
        found = session.config({"temperature": 1})
    chosen = found.settings
    assert (chosen.temperature, chosen.seed, chosen.max_tokens, chosen.tag, chosen.system, chosen.ttl) == (
        1.0, 4, 30, "env", "file", 604800.0,
    )  # fmt: skip
    assert [found.origins[name] for name in ("temperature", "seed", "max_tokens", "tag", "ui")] == [
        "cell", "nbkit.settings", "configured", "NBKIT_TAG", "default",
    ]  # fmt: skip
    assert found.origins["system"] == str(tmp_path / "pyproject.toml")


def test_file_that_changes_is_read_again(open_session, tmp_path):
    session, _ = open_session()
    assert session.config().settings.seed is None
    (tmp_path / "pyproject.toml").write_text("[tool.nbkit]\nseed = 1\n")
    assert session.config().settings.seed == 1


def test_configure_with_none_goes_back(open_session):
    session, _ = open_session()
    session.configure({"seed": 3})
    session.configure({"seed": None})
    assert session.config().settings.seed is None


@pytest.mark.parametrize(
    ("values", "error", "hint"),
    [
        ({"temprature": 1}, UnknownSetting, "'temperature'"),
        ({"temperature": 3}, BadSetting, "0 to 2"),
        ({"temperature": "warm"}, BadSetting, "default is 0.0"),
        ({"records": {"contents": True}}, UnknownSetting, "records.content"),
        ({"max_tokens": 0}, BadSetting, "1 to"),
    ],
)
def test_bad_setting_is_refused_and_changes_nothing(open_session, values, error, hint):
    session, _ = open_session()
    with pytest.raises(error, match=hint):
        session.configure(values)
    assert session.config().settings.temperature == 0.0


def test_each_sample_is_cached_by_its_own_index(open_session):
    session, provider = open_session(["a", "b", "c"])
    first = session.ask("hi", settings=session.config({"samples": 3, "temperature": 1}).settings)
    again = session.ask("hi", settings=session.config({"samples": 3, "temperature": 1}).settings)
    assert text_of(first) == text_of(again) == ["a", "b", "c"]
    assert provider.calls == 3
    assert [outcome.record.notes for outcome in first] == [(), (), ()]


def test_samples_at_temperature_0_warn(open_session):
    session, _ = open_session()
    assert "temperature 0" in session.ask("hi", settings=session.config({"samples": 2}).settings)[0].record.notes[0]


def test_samples_stop_at_the_first_error(open_session):
    session, _ = open_session(["a", RateLimited(what="w", why="y", fix="f")])
    outcomes = session.ask("hi", settings=session.config({"samples": 5, "temperature": 1}).settings)
    assert [outcome.record.status for outcome in outcomes] == ["ok", "error"]


def test_samples_with_a_seed_differ_in_seed(open_session):
    session, provider = open_session()
    session.ask("hi", settings=session.config({"samples": 3, "temperature": 1, "seed": 10}).settings)
    assert [request.seed for request in provider.requests] == [10, 11, 12]


def test_thread_remembers_and_a_cell_run_again_rewrites_its_own_turn(open_session):
    session, provider = open_session(lambda request: request.messages[-1].content.upper())
    for count, (text, cell) in enumerate([("a", "one"), ("b", "two"), ("c", "one"), ("b", "two")]):
        session.ask(text, thread="t", origin=Origin(cell_id=cell, execution_count=count))
    contents = [[message.content for message in request.messages] for request in provider.requests]
    assert contents == [["a"], ["a", "A", "b"], ["c"], ["c", "C", "b"]]


def test_thread_drops_the_turn_of_a_cell_that_failed(open_session):
    session, provider = open_session(["ok", RateLimited(what="w", why="y", fix="f"), "fine"])
    for count, (text, cell) in enumerate([("a", "one"), ("changed", "one"), ("b", "two")]):
        session.ask(text, thread="t", origin=Origin(cell_id=cell, execution_count=count))
    assert [message.content for message in provider.requests[-1].messages] == ["b"]


def test_empty_answer_is_no_turn_and_is_not_cached(open_session):
    session, provider = open_session(lambda request: "" if len(request.messages) == 1 else "fine")
    session.ask("a", thread="t")
    assert session.ask("b", thread="t")[0].record.status == "ok"
    assert [len(request.messages) for request in provider.requests] == [1, 1]
    session.ask("a")
    assert provider.calls == 3


@pytest.mark.parametrize("name", ["n", "best_of", "candidateCount"])
def test_several_answers_in_one_response_are_refused(open_session, name):
    session, provider = open_session()
    with pytest.raises(BadSetting, match="-n"):
        session.ask("hi", params={name: 2})
    assert provider.calls == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_parameter_that_is_no_json_is_refused(open_session, value):
    session, _ = open_session()
    with pytest.raises(BadSetting, match="JSON"):
        session.ask("hi", params={"top_p": value})


@pytest.mark.parametrize("prompt", [5, None, b"hi", ["hi"]])
def test_prompt_that_is_no_text_is_refused(open_session, prompt):
    session, _ = open_session()
    with pytest.raises(PromptError, match="not text"):
        session.ask(prompt)


def test_answer_older_than_the_ttl_that_is_asked_for_is_a_miss(open_session):
    session, provider = open_session()
    session.ask("hi")
    brief = session.config({"ttl": 1e-9}).settings
    assert session.ask("hi", settings=brief)[0].record.cache.status == "miss"
    assert provider.calls == 2


def test_secrets_of_the_env_file_and_of_later_variables_are_blocked(open_session, tmp_path):
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=sk-ant-dotenv-12345678\n")
    environment = {"HOME": "/home/me"}
    session, provider = open_session(environment=environment)
    environment["HF_TOKEN"] = "hf_setlater12345"
    for text in ("sk-ant-dotenv-12345678", "hf_setlater12345"):
        assert session.ask(f"my key is {text}")[0].record.status == "blocked"
    assert provider.calls == 0


@pytest.mark.parametrize("word", ["postgres", "provider", "assistant", "Interrupted"])
def test_plain_word_in_a_password_variable_blocks_no_prompt(open_session, word):
    session, _ = open_session(environment={"DB_PASSWORD": word})
    assert session.ask(f"tell me about {word}s")[0].record.status == "ok"


@pytest.mark.parametrize("value", ["provider", "assistant", "started_at", "messages"])
def test_secret_that_is_a_word_of_the_record_itself_leaves_a_record(open_session, value):
    session, _ = open_session(environment={"OPENAI_API_KEY": value})
    assert session.ask("hi")[0].record.status == "ok"
    assert len(session.ledger.read()) == 1


@pytest.mark.parametrize(
    "table",
    [
        'base_url = "https://llm.example/v1"',
        '[tool.nbkit.aliases]\nhouse = { model = "openai:m", base_url = "https://llm.example/v1" }',
    ],
)
def test_host_of_a_projects_file_is_asked_only_when_the_user_trusts_it(open_session, tmp_path, table):
    (tmp_path / "pyproject.toml").write_text(f"[tool.nbkit]\n{table}\n")
    session, provider = open_session(environment={"OPENAI_API_KEY": "sk-0123456789"})
    with pytest.raises(BadSetting, match=r"(?s)llm\.example.*NBKIT_TRUSTED_HOSTS=llm\.example"):
        session.ask("hi")
    assert provider.calls == 0
    trusting, _ = open_session(environment={"NBKIT_TRUSTED_HOSTS": "llm.example"})
    assert trusting.ask("hi")[0].error is None


def test_projects_file_cannot_trust_itself(open_session, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbkit]\ntrusted_hosts = ["llm.example"]\n')
    session, _ = open_session()
    with pytest.raises(BadSetting, match="trusted_hosts"):
        session.ask("hi")


def test_own_machine_and_own_settings_need_no_trust(open_session, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbkit]\nbase_url = "http://127.0.0.1:9/v1"\n')
    session, _ = open_session()
    session.ask("hi")
    (tmp_path / "pyproject.toml").unlink()
    session.configure({"base_url": "https://llm.example/v1"})
    assert session.ask("hi")[0].error is None


def test_error_that_quotes_a_secret_has_it_named(open_session):
    session, _ = open_session(environment={"MY_API_KEY": "sk-abcd-efgh-ijkl"})
    for values in ({"model": "sk-abcd-efgh-ijkl"}, {"temperature": "sk-abcd-efgh-ijkl"}):
        with pytest.raises((UnknownModel, BadSetting)) as caught:
            session.ask("hi", settings=session.config(values).settings)
        assert "sk-abcd" not in str(caught.value)
        assert "[secret:MY_API_KEY]" in str(caught.value)


def test_threads_that_ask_first_at_once_share_one_session(monkeypatch, tmp_path):
    monkeypatch.setenv("NBKIT_HOME", str(tmp_path))
    end_current()
    barrier = threading.Barrier(16)

    def first():
        barrier.wait()
        return id(current())

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: first(), range(16)))
    end_current()
    assert len(found) == 1


def test_variables_are_filled_in_once(open_session):
    session, provider = open_session()
    session.ask("read {{doc}}", variables={"doc": "a {{secret}} text", "secret": "x"})
    assert provider.requests[0].messages[-1].content == "read a {{secret}} text"


def test_without_variables_braces_stay(open_session):
    session, provider = open_session()
    session.ask('{"a": {{x}}}')
    assert provider.requests[0].messages[-1].content == '{"a": {{x}}}'


def test_prompt_version_is_of_the_template_not_of_the_values(open_session):
    session, _ = open_session()
    versions = {session.ask("n {{x}}", variables={"x": x})[0].record.prompt_version for x in (1, 2)}
    assert len(versions) == 1


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_empty_prompt_is_refused_before_anything_is_sent(open_session, prompt):
    session, provider = open_session()
    with pytest.raises(PromptError, match="empty"):
        session.ask(prompt)
    assert provider.calls == 0


def test_parameter_that_is_a_setting_is_refused(open_session):
    session, _ = open_session()
    with pytest.raises(BadSetting, match="--temperature"):
        session.ask("hi", params={"temperature": 1})


def test_key_in_the_environment_never_chooses_a_paid_provider(tmp_path):
    session = Session(home=tmp_path, environment={"OPENAI_API_KEY": "sk-0123456789abcdef"}, folder=tmp_path)
    with pytest.raises(NoModel, match="nbkit models pull") as caught:
        session.ask("hi")
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "sk-0123" not in str(caught.value)
    session.close()


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("gpt-4o-mini", "openai", "gpt-4o-mini"),
        ("openai:gpt-4o-mini", "openai", "gpt-4o-mini"),
        ("claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("gemini-2.5-flash", "gemini", "gemini-2.5-flash"),
        ("ollama:llama3.2:3b", "ollama", "llama3.2:3b"),
        ("local:qwen2.5-coder-0.5b", "local", "qwen2.5-coder-0.5b"),
        ("smollm2-135m", "local", "smollm2-135m"),
        ("echo", "echo", "echo"),
        ("fast", "openai", "gpt-4o-mini"),
    ],
)
def test_names_of_models(open_session, name, provider, model):
    session, _ = open_session()
    session.configure({"aliases": {"fast": "openai:gpt-4o-mini"}})
    target = session.target(session.config({"model": name}).settings)
    assert (target.provider, target.model) == (provider, model)


def test_alias_has_its_own_endpoint_and_key(open_session):
    session, _ = open_session(environment={"HOUSE_KEY": "house-0123456789"})
    row = {"model": "openai:house-1", "base_url": "http://127.0.0.1:9/v1", "api_key_env": "HOUSE_KEY"}
    session.configure({"aliases": {"house": row}})
    ready, target = session.build("hi", settings=session.config({"model": "house"}).settings)
    assert (ready.request.base_url, ready.request.model) == ("http://127.0.0.1:9/v1", "house-1")
    assert target.key_env == ("HOUSE_KEY",)
    assert session.secrets.redact("house-0123456789") == "[secret:HOUSE_KEY]"


def test_alias_whose_key_is_not_set_says_which(open_session):
    session, _ = open_session()
    session.configure({"aliases": {"house": {"model": "openai:m", "api_key_env": "HOUSE_KEY"}}})
    with pytest.raises(MissingKey, match="HOUSE_KEY"):
        session.ask("hi", settings=session.config({"model": "house"}).settings)


@pytest.mark.parametrize("row", [{"base_url": "http://127.0.0.1"}, {"model": "echo", "url": "x"}, 3])
def test_alias_that_is_none_is_refused(open_session, row):
    session, _ = open_session()
    session.configure({"aliases": {"house": row}})
    with pytest.raises(BadSetting, match="alias 'house'"):
        session.ask("hi", settings=session.config({"model": "house"}).settings)


def test_alias_of_itself_ends(open_session):
    session, _ = open_session()
    session.configure({"aliases": {"a": "b", "b": "a"}})
    with pytest.raises(UnknownModel):
        session.ask("hi", settings=session.config({"model": "a"}).settings)


@pytest.mark.parametrize(
    ("name", "error", "near"),
    [
        ("opnai:gpt-4o", UnknownPlugin, "-m openai:gpt-4o"),
        ("qwen25-coder-0.5b", UnknownModel, "qwen2.5-coder-0.5b"),
        ("gtp-4o-mini", UnknownModel, "gpt-4o-mini"),
        ("openai", UnknownModel, "openai:MODEL"),
    ],
)
def test_unknown_name_answers_with_the_nearest(open_session, name, error, near):
    session, _ = open_session()
    with pytest.raises(error) as caught:
        session.ask("hi", settings=session.config({"model": name}).settings)
    assert near in str(caught.value)


def test_key_is_read_from_the_nearest_env_file(open_session, tmp_path):
    (tmp_path / ".env").write_text("# mine\nexport OPENAI_API_KEY='sk-from-the-file-1234' # prod\n")
    session, _ = open_session()
    assert session.key_for(("OPENAI_API_KEY",)) == "sk-from-the-file-1234"
    assert session.secrets.find("sk-from-the-file-1234")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A_KEY=abc#defgh123", "abc#defgh123"),
        ("A_KEY=abcdefgh123 # prod", "abcdefgh123"),
        ("A_KEY = 'a b # c'", "a b # c"),
        ('export A_KEY="x y"  # why', "x y"),
        ("A_KEY=", ""),
        ("A_KEY= # none", ""),
    ],
)
def test_env_file_is_read_as_shells_read_it(tmp_path, line, value):
    (tmp_path / ".env").write_text(f"# keys\n{line}\n")
    assert read_env_file(tmp_path) == {"A_KEY": value}


def test_secret_in_a_prompt_is_blocked_and_nothing_is_sent(open_session):
    session, provider = open_session(environment={"HF_TOKEN": "hf_0123456789abcdef"})
    outcome = session.ask("my token is hf_0123456789abcdef")[0]
    assert outcome.record.status == "blocked"
    assert provider.calls == 0
    assert "hf_0123456789abcdef" not in str(outcome.error)


def test_damaged_cache_is_moved_aside_with_one_notice_and_the_cell_answers(open_session, tmp_path):
    first, _ = open_session()
    first.ask("hi")
    first.close()
    (found,) = (tmp_path / "home" / "cache").rglob("cache.db")
    found.write_bytes(b"no database" * 1000)
    session, provider = open_session()
    notes = [session.ask("hi")[0].record.notes for _ in range(2)]
    assert provider.calls == 1
    assert [len(one) for one in notes] == [1, 0]
    assert "moved" in notes[0][0]


def test_threads_share_a_session(open_session):
    gate = threading.Event()
    session, provider = open_session([Reply(("ok",), gate=gate)])
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(session.ask, f"prompt {index}") for index in range(32)]
        gate.set()
        outcomes = [one.result()[0] for one in running]
    assert all(outcome.error is None and not outcome.record.notes for outcome in outcomes)
    assert provider.calls == 32
    assert len(session.ledger.read(Selection(session_id=session.id))) == 32


def test_identical_calls_at_once_are_one_call(open_session):
    gate = threading.Event()
    session, provider = open_session([Reply(("ok",), gate=gate)])
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(session.ask, "the same") for _ in range(8)]
        gate.set()
        statuses = sorted(one.result()[0].record.cache.status for one in running)
    assert provider.calls == 1
    assert statuses == ["hit"] * 7 + ["miss"]


def test_home_moves_everything(open_session, tmp_path):
    session, _ = open_session()
    session.ask("hi")
    session.close()
    assert {path.name for path in Path(tmp_path).iterdir()} == {"home"}


class Timed(FakeProvider):
    """Keeps how long each call may take."""

    def __init__(self, *, is_local):
        super().__init__()
        self.is_local = is_local
        self.allowed_s = []

    def complete(self, request, *, on_text, timeout_s):
        self.allowed_s.append(round(timeout_s))
        return super().complete(request, on_text=on_text, timeout_s=timeout_s)


@pytest.mark.parametrize(("is_local", "default_s"), [(True, 900), (False, 120)])
def test_a_model_on_this_machine_has_longer_where_no_deadline_was_set(open_session, is_local, default_s):
    session, provider = open_session(Timed(is_local=is_local))
    session.ask("one")
    session.configure({"timeout": "30s"})
    session.ask("two")
    assert provider.allowed_s == [default_s, 30]
