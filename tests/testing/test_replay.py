from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.canonical import sha256, to_plain
from nbkit.errors import BadResponse, Blocked, NoModel, NotebookError, RateLimited
from nbkit.ledger.content import without_content
from nbkit.protocols import ProviderOptions
from nbkit.recorded import RECORD_MIME, Failure
from nbkit.session import Session
from nbkit.testing.contracts import ProviderContract
from nbkit.testing.factories import record, request, response, usage
from nbkit.testing.replay import ReplayProvider, read_records
from nbkit.types import CacheOutcome, Message, Timing


def _notebook(path, *outputs):
    """A notebook with one cell for each output: a record, or a list of records."""
    plain = [[to_plain(one) for one in out] if isinstance(out, list) else to_plain(out) for out in outputs]
    cells = [
        {"cell_type": "code", "outputs": [{"output_type": "display_data", "data": {RECORD_MIME: one}}]} for one in plain
    ]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "# Title"}, *cells]}))
    return path


def _replay(path, *outputs):
    return ReplayProvider(ProviderOptions(path.parent, base_url=str(_notebook(path, *outputs))))


def _ask(provider, asked):
    pieces = []
    return pieces, provider.complete(asked, on_text=pieces.append, timeout_s=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ipynb"


class TestReplayIsAProvider(ProviderContract):
    @pytest.fixture(autouse=True)
    def _folder(self, path):
        self.path = path

    def provider(self):
        return _replay(self.path, record(request=self.request(), response=response("Hello there.\n")))


@given(text=st.text(), tokens=st.integers(0, 9999))
def test_what_was_recorded_is_given_again(tmp_path_factory, text, tokens):
    said = response(text, usage=usage(output_tokens=tokens))
    pieces, answered = _ask(_replay(tmp_path_factory.mktemp("r") / "n.ipynb", record(response=said)), request())
    assert "".join(pieces) == text
    assert answered == said


def test_several_records_in_one_output_are_all_found(path):
    drawn = [record(n, request=request(sample=n), response=response(f"draw {n}")) for n in range(3)]
    replay = _replay(path, drawn)
    assert [_ask(replay, request(sample=n))[1].text for n in (2, 0, 1)] == ["draw 2", "draw 0", "draw 1"]


def test_a_request_that_was_sent_twice_gets_its_answers_in_order(path):
    replay = _replay(path, record(1, response=response("first")), record(2, response=response("second")))
    assert [_ask(replay, request())[1].text for _ in range(3)] == ["first", "second", "second"]


def test_a_record_that_is_drawn_twice_is_one_answer(path):
    first, second = record(1, response=response("first")), record(2, response=response("second"))
    replay = _replay(path, first, [first], second)
    assert [_ask(replay, request())[1].text for _ in range(2)] == ["first", "second"]


def test_close_starts_again_from_the_first_answer(path):
    replay = _replay(path, record(1, response=response("first")), record(2, response=response("second")))
    _ask(replay, request())
    replay.close()
    assert _ask(replay, request())[1].text == "first"


def test_a_hit_only_stands_in_where_the_call_itself_was_not_kept(path):
    hit = CacheOutcome("hit")
    both = _replay(path, record(1, response=response("live")), record(2, response=response("hit"), cache=hit))
    assert [_ask(both, request())[1].text for _ in range(2)] == ["live", "live"]
    alone = _replay(path, record(2, response=response("hit"), cache=hit))
    assert _ask(alone, request())[1].text == "hit"


@pytest.mark.parametrize("kind", [RateLimited, Blocked])
def test_a_recorded_error_is_raised_again_after_its_partial_text(path, kind):
    error = kind(what="it happened", why="because", fix="do this")
    failed = record(status="error", response=response("half an"), error=error.failure, timing=Timing(attempts=3))
    pieces = []
    with pytest.raises(kind) as raised:
        _replay(path, failed).complete(request(), on_text=pieces.append, timeout_s=1)
    assert "".join(pieces) == "half an"
    assert raised.value.failure == error.failure
    assert getattr(raised.value, "attempts", 3) == 3


def test_a_recorded_interrupt_interrupts_again(path):
    stopped = record(status="interrupted", error=Failure("KeyboardInterrupt", "interrupted", "stopped", "run again"))
    with pytest.raises(KeyboardInterrupt):
        _ask(_replay(path, stopped), request())


def test_an_error_that_is_not_ours_does_not_pass_for_an_answer(path):
    broken = record(status="error", response=None, error=Failure("ZeroDivisionError", "a bug", "in a plug-in", "see"))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        _ask(_replay(path, broken), request())


def test_an_unknown_request_names_what_differs_from_the_nearest_and_keeps_the_prompt_to_itself(path):
    replay = _replay(path, record(1, request=request("something else", model="other")), record(2))
    with pytest.raises(BadResponse) as raised:
        _ask(replay, request("Why is the sky green?", temperature=0.5))
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert "not among the 2 that run.ipynb recorded" in lines[0]
    assert "temperature (recorded 0.0, now 0.5)" in lines[1]
    assert f"sha256 {sha256('Why is the sky green?')[:8]}" in lines[1]
    assert "sky" not in str(raised.value)
    assert "pytest -m live --update-notebooks" in lines[2]


@given(field=st.sampled_from(["model", "temperature", "max_tokens", "seed", "stop", "sample", "messages", "params"]))
def test_a_request_that_differs_anywhere_is_not_answered(tmp_path_factory, field):
    other = {
        "model": "m2", "temperature": 1.0, "max_tokens": 5, "seed": 1, "stop": ("x",), "sample": 9,
        "messages": (Message("system", "s"), *request().messages), "params": (("top_p", 0.5),),
    }  # fmt: skip
    replay = _replay(tmp_path_factory.mktemp("r") / "n.ipynb", record())
    with pytest.raises(BadResponse, match=field):
        _ask(replay, dataclasses.replace(request(), **{field: other[field]}))


def test_the_first_record_names_the_default_model_and_whether_it_is_local(path):
    local = _replay(path, record(request=None), record(request=request(provider="echo", model="echo")))
    assert local.default_model() == "echo:echo"
    assert local.is_local
    assert local.models() == ["echo"]


def test_a_paid_model_is_not_local(path):
    assert not _replay(path, record(request=request(provider="openai", model="gpt-4o-mini"))).is_local


def test_a_notebook_without_records_has_no_model(path):
    with pytest.raises(NoModel, match="no record"):
        _replay(path).default_model()


def test_an_answer_whose_text_was_not_kept_is_an_error(path):
    with pytest.raises(BadResponse, match=r"records\.content"):
        _ask(_replay(path, record(response=None)), request())


def test_an_answer_that_was_emptied_is_no_empty_answer(path):
    with pytest.raises(BadResponse, match=r"records\.content"):
        _ask(_replay(path, without_content(record())), request())


def test_an_answer_that_is_empty_is_given_again(path):
    assert _ask(_replay(path, record(response=response(""))), request())[1].text == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 1}', '{"cells": [{"outputs": [{"data": 1}]}]}'])
def test_a_file_that_is_no_notebook_is_three_lines(path, text):
    path.write_text(text)
    with pytest.raises(NotebookError, match=r"run\.ipynb"):
        read_records(path)


def test_a_missing_file_is_three_lines():
    with pytest.raises(NotebookError):
        read_records(Path("nowhere.ipynb"))


def test_replay_leaves_the_users_own_cache_and_records_alone(path, tmp_path):
    forged = request("2+2?", provider="openai", model="gpt-4o-mini", format="md")
    _notebook(path, record(request=forged, response=response("5")))
    home, environment = tmp_path / "home", {"NBKIT_REPLAY": str(path)}
    replayed = Session(home=home, environment=environment, folder=tmp_path)
    settings = replayed.config({"model": "openai:gpt-4o-mini"}).settings
    assert [replayed.ask("2+2?", settings=settings)[0].record.cache.status for _ in range(2)] == ["miss", "hit"]
    assert replayed.ledger.summary().calls == 2
    kept = replayed.ledger.path
    replayed.close()
    assert not kept.exists()
    own = Session(home=home, environment={}, folder=tmp_path)
    assert (own.cache.entries(), own.ledger.summary().calls) == ([], 0)
    own.close()


def test_local_call_beside_a_paid_one_stays_free(path, tmp_path):
    asked = [request("hi", provider=name, model="m", format="md") for name in ("openai", "local")]
    _notebook(path, [record(number, request=one, response=response("yes")) for number, one in enumerate(asked)])
    session = Session(home=tmp_path / "home", environment={"NBKIT_REPLAY": str(path)}, folder=tmp_path)
    costs = [
        session.ask("hi", settings=session.config({"model": f"{name}:m"}).settings)[0].record.cost
        for name in ("openai", "local")
    ]
    session.close()
    assert [(cost.usd, cost.source) for cost in costs] == [(None, "unknown"), (0, "local")]


def test_a_session_that_replays_says_so_in_its_records_and_how_long_the_call_took(path, tmp_path):
    asked = request("2+2?", provider="openai", model="gpt-4o-mini", format="md")
    _notebook(path, record(request=asked, response=response("4"), timing=Timing(total_s=9.0, attempts=1)))
    session = Session(home=tmp_path / "home", environment={"NBKIT_REPLAY": str(path)}, folder=tmp_path)
    settings = session.config({"model": "openai:gpt-4o-mini"}).settings
    miss, hit = (session.ask("2+2?", settings=settings)[0].record for _ in range(2))
    kept = session.ledger.read()
    session.close()
    assert [(one.cache.status, one.replayed.total_s) for one in (miss, hit)] == [("miss", 9.0), ("hit", 9.0)]
    assert miss.timing.total_s < 9
    assert [one.replayed.total_s for one in kept] == [9.0, 9.0]
    blocked = Session(home=tmp_path / "other", environment={"NBKIT_REPLAY": str(path)}, folder=tmp_path)
    with pytest.raises(BadResponse):
        raise blocked.ask("3+3?", settings=settings)[0].error
    assert blocked.ask("3+3?", settings=settings)[0].record.replayed is None
    blocked.close()


SEALED = "The door code is [secret:HF_TOKEN]    , says Ann. ⟪passage 1⟫"


@pytest.mark.parametrize("name", ["[secret:OTHER_TOKEN]", "[secret:huggingface-token] ", "[secret]"])
def test_what_a_secret_is_called_is_no_part_of_the_request(path, name):
    sources = (("doors.md, characters 1 to 40", "1234"),)
    held = dataclasses.replace(request(SEALED), sources=sources)
    replay = _replay(path, record(request=held, response=response("It is secret.")))
    again = dataclasses.replace(
        request(SEALED.replace("[secret:HF_TOKEN]    ", name)), sources=((sources[0][0], "5678"),)
    )
    assert _ask(replay, again)[1].text == "It is secret."


def test_request_that_lacks_a_secret_of_the_recorded_one_says_which_variable_to_set(path):
    replay = _replay(path, record(request=request(SEALED), response=response("It is secret.")))
    with pytest.raises(BadResponse) as raised:
        _ask(replay, request(SEALED.replace("[secret:HF_TOKEN]", "hf_in_the_document")))
    assert "set HF_TOKEN, whose value that run had in its texts, or record the notebook again" in str(raised.value)
    assert "in_the_document" not in str(raised.value)


def test_other_words_around_a_secret_are_another_request(path):
    replay = _replay(path, record(request=request(SEALED), response=response("It is secret.")))
    with pytest.raises(BadResponse):
        _ask(replay, request(SEALED.replace("door", "gate")))


def test_of_what_was_itself_given_again_the_call_that_was_made_counts(path):
    made, again = Timing(total_s=9.0, attempts=1), Timing(total_s=0.1, attempts=1)
    twice = dataclasses.replace(record(timing=again), replayed=made)
    hit = record(1, timing=again, cache=CacheOutcome("hit", original=made))
    for one in (twice, hit):
        replay = _replay(path, one)
        _ask(replay, request())
        assert replay.replayed(one).replayed == made
