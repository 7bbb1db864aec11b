"""What is put into a request as it is sent, and only then."""

import pytest

from nbkit.errors import Blocked
from nbkit.marks import MARK_LINE
from nbkit.prompts.schema import shape_of
from nbkit.session import Session
from nbkit.session.sealing import secret_for_marks
from nbkit.testing import FakeProvider

TOLD = "You are terse."


@pytest.fixture
def opened(tmp_path):
    made = []

    def make(provider, home="home", **environment):
        session = Session(home=tmp_path / home, environment=environment, folder=tmp_path, providers={"fake": provider})
        session.configure({"model": "fake"})
        made.append(session)
        return session

    yield make
    for one in made:
        one.close()


def ask(session, prompt="hi", *, shape=None, **explicit):
    return session.ask(prompt, settings=session.config(explicit).settings, shape=shape)


def mark_in(request):
    return request.messages[0].content.partition(MARK_LINE)[2]


def repeating(request):
    return f"I was told: {request.messages[0].content}"


def test_system_prompt_is_marked_as_it_is_sent_and_nowhere_else(opened):
    provider = FakeProvider()
    session = opened(provider)
    record = ask(session, system=TOLD)[0].record
    mark = mark_in(provider.requests[0])
    assert len(mark) == 16
    assert provider.requests[0].messages[0].content == f"{TOLD}\n\n{MARK_LINE}{mark}"
    assert record.request.messages[0].content == TOLD
    assert mark not in str(session.ledger.read())


def test_prompt_without_a_system_prompt_goes_as_it_is(opened):
    provider = FakeProvider(['{"a": "b"}'])
    session = opened(provider)
    for shape in (None, shape_of("a")):
        record = ask(session, shape=shape)[0].record
        assert provider.requests[-1] == record.request
    assert not (session.home / "install.key").exists()


def test_mark_is_the_same_for_the_same_prompt_and_another_elsewhere(opened):
    here, there = FakeProvider(), FakeProvider()
    records = [ask(opened(here), system=told)[0].record for told in (TOLD, TOLD, "Else.")]
    other = ask(opened(there, home="other"), system=TOLD)[0].record
    assert [one.cache.status for one in records] == ["miss", "hit", "miss"]
    marks = {mark_in(request) for request in (*here.requests, *there.requests)}
    assert len(marks) == 3
    assert other.request_sha256 == records[0].request_sha256


def test_answer_that_repeats_the_mark_loses_it_also_from_the_cache(opened):
    provider = FakeProvider(repeating, piece_chars=3)
    session = opened(provider)
    for status in ("miss", "hit"):
        record = ask(session, system=TOLD)[0].record
        assert record.cache.status == status
        assert mark_in(provider.requests[0]) not in record.response.text
        assert record.response.text.endswith(f"{MARK_LINE}[secret:system-prompt]")
    assert next(one.action for one in record.verdicts if one.guard == "canary") == "allow"


def test_an_answer_that_repeats_the_mark_is_blocked_where_that_is_asked_for(opened):
    provider = FakeProvider(repeating)
    # Alone: under the strict policy other guards hold back the beginning too.
    outcome = ask(opened(provider), system=TOLD, guard_actions={"canary": "block"})[0]
    assert isinstance(outcome.error, Blocked)
    assert outcome.record.response.text.startswith("I was told: ")
    assert mark_in(provider.requests[0]) not in outcome.record.response.text


def test_answer_that_is_asked_for_again_is_asked_for_with_the_mark(opened):
    provider = FakeProvider(["no", '{"a": "b"}'])
    ask(opened(provider), system=TOLD, shape=shape_of("a"))
    first, second = map(mark_in, provider.requests)
    assert first == second != ""


def test_replay_is_asked_without_a_mark(opened, tmp_path):
    assert opened(FakeProvider(), NBKIT_REPLAY="some.ipynb")._furniture.secret_for_marks() is None


def test_where_nothing_can_be_kept_a_secret_of_the_process_is_taken(tmp_path):
    (tmp_path / "file").write_text("no directory")
    first, second = (secret_for_marks(tmp_path / "file") for _ in range(2))
    assert len(first) == len(second) == 32
    assert first != second
