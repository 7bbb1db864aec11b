"""One request in, one record out, whatever happens on the way."""

import contextlib
import dataclasses
import time
import uuid
from decimal import Decimal

import pytest

from nbkit.canonical import canonical_json, request_key
from nbkit.display.guards import summed
from nbkit.errors import AuthFailed, Blocked, CacheMiss, ProviderUnreachable
from nbkit.guards.markdown import MarkdownGuard
from nbkit.guards.pii import PiiGuard
from nbkit.guards.secrets import SecretsGuard
from nbkit.pipeline import Call, Stages, run
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.testing import START, FakeProvider, Reply, entry, request, response
from nbkit.types import Cost, Message, Request, Screened, Span, Verdict

TOKEN = "ghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzA1B"
SECRET = "sk-abcdefgh12345678"


class Memory:
    """A cache in a dictionary."""

    def __init__(self):
        self.entries = {}
        self.requests = []
        self.leases = []
        self.notices = []

    def get(self, key, *, max_age_s=None):
        return self.entries.get(key)

    def put(self, key, entry, *, request, ttl_s):
        self.entries[key] = entry
        self.requests.append(request)

    def take_notice(self):
        return self.notices.pop() if self.notices else None

    @contextlib.contextmanager
    def lease(self, key, *, timeout_s, max_age_s=None):
        self.leases.append(key)
        yield self.entries.get(key)
        self.leases.remove(key)


class Broken:
    def get(self, key, *, max_age_s=None):
        raise OSError(5)

    def take_notice(self):
        raise OSError(5)

    def put(self, key, entry, *, request, ttl_s):
        raise OSError(28)

    def lease(self, key, *, timeout_s, max_age_s=None):
        raise OSError(5)


class Kept:
    name = "kept"

    def __init__(self):
        self.records = []

    def write(self, record):
        self.records.append(record)

    def close(self):
        pass


class Full:
    name = "full"

    def write(self, record):
        raise OSError(28)

    def close(self):
        pass


class Word:
    """Blocks, redacts or fails on a word, at one stage."""

    name = "word"

    def __init__(self, word, action, *, stage="input"):
        self.word, self.action, self.stages = word, action, (stage,)
        self.seen = []

    def screen(self, text, *, stage, request):
        self.seen.append(text)
        at = text.find(self.word)
        if at < 0:
            return Screened(text, Verdict(self.name, stage, "allow"))
        if self.action == "raise":
            raise RuntimeError(text)
        spans = (Span(at, at + len(self.word), "word"),)
        changed = text.replace(self.word, "…") if self.action == "redact" else text
        return Screened(changed, Verdict(self.name, stage, self.action, "a word", spans))


def price(asked: Request, answered) -> Cost:
    return Cost(Decimal(answered.usage.output_tokens) / 100, prices_as_of="today", source="table")


def walk(asked=None, *, script=("Hello there.",), guards=(), cache=None, sinks=(), secrets=None, on_text=None, **call):
    provider = script if isinstance(script, FakeProvider) else FakeProvider(script)
    shown = []
    stages = Stages(
        provider=provider,
        guards=tuple(guards),
        cache=cache,
        price=price,
        estimate_tokens=lambda text: len(text) // 4,
        sinks=tuple(sinks),
        secrets=secrets or SecretRegistry(),
    )
    made = Call(id=uuid.uuid4().hex, session_id="s", started_at=START, **call)
    outcome = run(asked or request(), stages=stages, call=made, on_text=on_text or shown.append)
    return outcome, provider, "".join(shown)


def test_answer_is_shown_recorded_priced_and_cached():
    cache, sink = Memory(), Kept()
    outcome, _, shown = walk(cache=cache, sinks=[sink])
    record = outcome.record
    assert outcome.error is None
    assert record.response.text == shown == "Hello there."
    assert (record.status, record.cache.status, record.cost.usd) == ("ok", "miss", Decimal("0.03"))
    assert sink.records == [record]
    assert cache.entries[record.request_sha256].response.text == "Hello there."
    assert cache.leases == []


def test_hit_costs_nothing_states_the_saving_and_keeps_the_original_figures():
    cache = Memory()
    first, _, _ = walk(cache=cache)
    outcome, provider, shown = walk(cache=cache)
    record = outcome.record
    assert provider.calls == 0
    assert shown == "Hello there."
    assert record.cache.status == "hit"
    assert (record.cost.usd, record.cost.saved_usd) == (0, Decimal("0.03"))
    assert record.response.usage == first.record.response.usage
    assert record.cache.original.attempts == 1
    assert record.timing.attempts == 0


def test_hit_says_what_was_changed_in_the_answer_before_it_was_kept():
    cache = Memory()
    guards = [SecretsGuard(GuardOptions(SecretRegistry())), MarkdownGuard(GuardOptions(SecretRegistry()))]
    given = {"cache": cache, "guards": guards, "script": [f"[a](http://a.example/b) {TOKEN} ![c](http://d.example/e)"]}
    first, _, shown = walk(**given)
    second, provider, again = walk(**given)
    assert (provider.calls, again) == (0, shown)
    for outcome in (first, second):
        found = {one.guard: one for one in outcome.record.drawn_verdicts if one.stage == "output"}
        assert sorted(span.kind for span in found["markdown"].spans) == ["address", "address", "image", "link"]
        assert found["secrets"].action == "redact"
        said = "guards ✓ 1 redacted (github-token 1) · 4 made inert ("
        assert summed([outcome.record]).startswith(said)
    # What guards did to the hit itself is another thing, and counted by itself.
    assert {one.action for one in second.record.verdicts if one.stage == "output"} == {"allow"}
    assert canonical_json(cache.entries).find(TOKEN) == -1


def test_hit_says_what_is_found_now_where_that_is_more():
    cache, registry = Memory(), SecretRegistry()
    walk(cache=cache, guards=[SecretsGuard(GuardOptions(registry))], script=[f"{TOKEN} and {SECRET}"])
    registry.add("NEW_KEY", SECRET)
    outcome, *_ = walk(cache=cache, guards=[SecretsGuard(GuardOptions(registry))])
    (found,) = [one for one in outcome.record.verdicts if one.stage == "output"]
    assert [span.kind for span in found.spans] == ["NEW_KEY"]


def test_hit_says_as_long_as_the_call_that_it_stands_for():
    cache = Memory()
    live, hit = (walk(cache=cache)[0].record for _ in range(2))
    assert hit.cache.original.total_s == live.timing.total_s


def test_refresh_asks_again_and_replaces_the_entry():
    cache = Memory()
    walk(cache=cache)
    outcome, provider, _ = walk(cache=cache, script=["Other."], cache_mode="refresh")
    assert provider.calls == 1
    assert cache.entries[outcome.record.request_sha256].response.text == "Other."


def test_cache_off_neither_reads_nor_writes():
    cache = Memory()
    outcome, _, _ = walk(cache=cache, cache_mode="off")
    assert (cache.entries, outcome.record.cache.status) == ({}, "off")


def test_cache_only_without_an_entry_asks_nobody():
    outcome, provider, _ = walk(cache=Memory(), cache_mode="only")
    assert isinstance(outcome.error, CacheMiss)
    assert (provider.calls, outcome.record.cost.usd) == (0, 0)


def test_broken_cache_is_a_note_and_a_miss():
    outcome, provider, _ = walk(cache=Broken())
    assert outcome.error is None
    assert (provider.calls, outcome.record.cache.status) == (1, "miss")
    assert any("OSError" in note for note in outcome.record.notes)


def test_notice_of_the_store_reaches_the_reader_once():
    cache = Memory()
    cache.notices.append("the cache was damaged and moved aside")
    first, _, _ = walk(cache=cache)
    again, _, _ = walk(cache=cache)
    assert (first.record.notes, again.record.notes) == (("the cache was damaged and moved aside",), ())


def test_entry_made_by_another_kernel_while_waiting_is_a_hit():
    class Other(Memory):
        def get(self, key, *, max_age_s=None):
            return None

        @contextlib.contextmanager
        def lease(self, key, *, timeout_s, max_age_s=None):
            yield entry()

    outcome, provider, _ = walk(cache=Other())
    assert (provider.calls, outcome.record.cache.status) == (0, "hit")


@pytest.mark.parametrize("reason", ["length", "content_filter", "other"])
def test_answer_that_did_not_end_by_itself_is_not_cached(reason):
    cache = Memory()
    outcome, _, _ = walk(cache=cache, script=[Reply(("half",), finish_reason=reason)])
    assert outcome.record.response.finish_reason == reason
    assert cache.entries == {}


def test_blocked_request_never_reaches_the_provider_and_leaves_only_its_hash():
    sink = Kept()
    outcome, provider, _ = walk(request(f"use {SECRET}"), guards=[Word(SECRET, "block")], sinks=[sink])
    record = sink.records[0]
    assert isinstance(outcome.error, Blocked)
    assert provider.calls == 0
    assert (record.status, record.request, record.cost.usd, record.cache.status) == ("blocked", None, 0, "skipped")
    assert record.prompt_chars == len(f"use {SECRET}")
    assert SECRET not in canonical_json(record)


def test_guard_that_raises_blocks_and_its_words_stay_out_of_the_record():
    outcome, provider, _ = walk(request("the word"), guards=[Word("word", "raise")])
    assert isinstance(outcome.error, Blocked)
    assert provider.calls == 0
    assert outcome.record.verdicts[-1].action == "block"
    assert "the word" not in canonical_json(outcome.record)


def test_redacted_text_is_what_is_sent_keyed_and_recorded():
    asked = request("call Ann now", messages=(Message("system", "Ann is here"), Message("user", "call Ann now")))
    outcome, provider, _ = walk(asked, guards=[Word("Ann", "redact")])
    assert [m.content for m in provider.requests[0].messages] == ["… is here", "call … now"]
    assert outcome.record.request == provider.requests[0]
    assert outcome.record.request_sha256 == request_key(provider.requests[0])
    assert outcome.record.verdicts[0].action == "redact"


def test_output_guard_without_a_stream_shows_nothing_before_the_end():
    pieces = []
    outcome, _, _ = walk(guards=[Word("there", "redact", stage="output")], on_text=pieces.append)
    assert pieces == ["Hello …."]
    assert outcome.record.response.text == "Hello …."


def test_blocked_answer_is_not_shown_not_cached_and_still_priced():
    cache = Memory()
    outcome, _, shown = walk(guards=[Word("there", "block", stage="output")], cache=cache)
    assert isinstance(outcome.error, Blocked)
    assert shown == outcome.record.response.text == ""
    assert outcome.record.cost.usd == Decimal("0.03")
    assert cache.entries == {}


def test_new_output_guard_governs_a_cached_answer():
    cache = Memory()
    walk(cache=cache)
    outcome, _, shown = walk(cache=cache, guards=[Word("there", "redact", stage="output")])
    assert outcome.record.cache.status == "hit"
    assert shown == outcome.record.response.text == "Hello …."


def test_interrupt_keeps_the_partial_text_priced_and_uncached():
    cache = Memory()
    outcome, _, shown = walk(cache=cache, script=[Reply(("Once ", "upon "), KeyboardInterrupt())])
    record = outcome.record
    assert isinstance(outcome.error, KeyboardInterrupt)
    assert record.response.text == shown == "Once upon "
    assert (record.status, record.response.finish_reason) == ("interrupted", "interrupted")
    assert record.response.usage.source == "estimate"
    assert record.cost.usd > 0
    assert (cache.entries, cache.leases) == ({}, [])


def test_interrupt_flushes_what_a_guard_held_back():
    outcome, _, shown = walk(
        script=[Reply(("Hello there",), KeyboardInterrupt())], guards=[Word("there", "redact", stage="output")]
    )
    assert outcome.record.response.text == shown == "Hello …"


def test_error_before_the_first_token_costs_nothing():
    error = AuthFailed(what="refused", why="401", fix="set the key")
    outcome, _, _ = walk(script=[error], cache=Memory())
    record = outcome.record
    assert outcome.error is error
    assert (record.status, record.response, record.cost.usd) == ("error", None, 0)
    assert (record.error.kind, record.error.what) == ("AuthFailed", "refused")


def test_error_after_tokens_keeps_them_with_an_estimate():
    cut = ProviderUnreachable(what="cut", why="reset", fix="again", attempts=3)
    outcome, _, _ = walk(script=[Reply(("Once upon ",), cut)])
    assert outcome.record.response.text == "Once upon "
    assert outcome.record.response.usage.source == "estimate"
    assert outcome.record.timing.attempts == 3


def test_bug_in_a_provider_is_recorded_without_its_text_and_keeps_its_traceback():
    outcome, _, _ = walk(script=[ZeroDivisionError(SECRET)])
    assert isinstance(outcome.error, ZeroDivisionError)
    assert outcome.error.__traceback__ is not None
    assert outcome.record.error.kind == "ZeroDivisionError"
    assert SECRET not in canonical_json(outcome.record)


@pytest.mark.parametrize(
    "where", [{"params": (("user", {"a": [SECRET]}),)}, {"stop": (SECRET,)}, {"model": f"m-{SECRET}"}]
)
def test_secret_beside_the_messages_is_not_sent(where):
    sink = Kept()
    asked = dataclasses.replace(request(), **where)
    outcome, provider, _ = walk(asked, sinks=[sink], secrets=SecretRegistry({"KEY": SECRET}))
    assert (outcome.record.status, provider.calls, sink.records[0].request) == ("blocked", 0, None)
    assert outcome.record.verdicts[-1].reason.startswith("a parameter of the call holds the value of KEY")


@pytest.mark.parametrize(
    "where",
    [
        {"params": (("user", {"a": [TOKEN]}),)},
        {"stop": ("x", TOKEN)},
        {"model": f"m {TOKEN}"},
        {"schema": f'["{TOKEN}"]'},
    ],
)
def test_what_has_the_format_of_a_secret_is_not_sent_beside_the_messages_either(where):
    asked = dataclasses.replace(request(), **where)

    def screened(**options):
        return walk(asked, guards=[SecretsGuard(GuardOptions(SecretRegistry(), **options))])

    outcome, provider, _ = screened(actions={"input": "redact"})
    assert (outcome.record.status, provider.calls, outcome.record.request) == ("blocked", 0, None)
    reason = "a parameter of the call holds github-token: take it out of the cell's options"
    assert outcome.record.verdicts[-1] == dataclasses.replace(
        outcome.record.verdicts[-1], action="block", reason=reason, spans=()
    )
    outcome, provider, _ = screened(actions={"input": "warn"})
    assert (outcome.record.status, outcome.record.verdicts[0].action, provider.calls) == ("ok", "warn", 1)
    outcome, _, _ = screened(allowed_kinds=frozenset({"github-token"}))
    assert (outcome.record.status, outcome.record.verdicts[0].action) == ("ok", "allow")


@pytest.mark.parametrize("where", [{"params": (("user", "jane@example.org"),)}, {"stop": ("jane@example.org",)}])
def test_personal_data_is_not_sent_beside_the_messages_where_nothing_can_stand_for_it(where):
    asked = dataclasses.replace(request(), **where)
    outcome, provider, _ = walk(asked, guards=[PiiGuard(GuardOptions(SecretRegistry()))])
    assert (outcome.record.status, provider.calls) == ("blocked", 0)
    assert "jane@example.org" not in str(outcome.record)
    allowed = GuardOptions(SecretRegistry(), allowed_kinds=frozenset({"EMAIL"}))
    assert walk(asked, guards=[PiiGuard(allowed)])[0].record.status == "ok"


def test_secret_in_an_endpoint_is_sent_and_neither_recorded_nor_cached():
    sink, cache = Kept(), Memory()
    asked = dataclasses.replace(request(), base_url=f"http://localhost/{SECRET}/v1")
    walk(asked, sinks=[sink], cache=cache, secrets=SecretRegistry({"KEY": SECRET}))
    assert sink.records[0].request.base_url == "http://localhost/[secret:KEY]/v1"
    assert cache.requests[-1].base_url == "http://localhost/[secret:KEY]/v1"


def test_what_a_provider_says_beside_the_answer_is_cached_without_secrets():
    class Telling(FakeProvider):
        def complete(self, request, **how):
            return dataclasses.replace(super().complete(request, **how), response_id=f"id-{SECRET}")

    cache = Memory()
    walk(cache=cache, script=Telling(["fine"]), secrets=SecretRegistry({"KEY": SECRET}))
    assert [one.response.response_id for one in cache.entries.values()] == ["id-[secret:KEY]"]


def test_secret_that_json_escapes_is_found_all_the_same():
    secret = 'p"ä\\ssword-12345'
    sink = Kept()
    asked = dataclasses.replace(request(), base_url=f"http://localhost/{secret}")
    walk(asked, sinks=[sink], secrets=SecretRegistry({"K": secret}))
    assert sink.records[0].request.base_url == "http://localhost/[secret:K]"


def test_sink_that_fails_does_not_lose_the_others_records():
    sink = Kept()
    outcome, _, _ = walk(sinks=[Full(), sink])
    assert len(sink.records) == 1
    assert "'full'" in outcome.record.notes[-1]


def test_what_is_recorded_is_what_was_shown_for_a_longer_answer():
    text = "".join(chr(97 + index % 26) for index in range(1000))
    outcome, _, shown = walk(script=[text], cache=Memory())
    assert outcome.record.response.text == shown == text


def test_first_token_is_timed_from_the_start_of_the_call():
    outcome, _, _ = walk()
    timing = outcome.record.timing
    assert 0 <= timing.first_token_s <= timing.total_s
    assert timing.provider_s <= timing.total_s


def test_dropped_parameter_of_the_provider_is_a_note():
    class Dropping(FakeProvider):
        def complete(self, request, *, on_text, timeout_s):
            return dataclasses.replace(response(), notes=("seed was dropped: not supported",))

    outcome, _, _ = walk(script=Dropping())
    assert outcome.record.notes == ("seed was dropped: not supported",)


class Interrupted(Kept):
    """A sink that the user interrupts the first time it is written to."""

    def write(self, record):
        if not self.records:
            self.records.append(None)
            raise KeyboardInterrupt
        self.records.append(record)


def test_interrupt_while_the_record_is_written_loses_no_record():
    sink = Interrupted()
    outcome, _, _ = walk(sinks=[sink])
    assert isinstance(outcome.error, KeyboardInterrupt)
    assert (outcome.record.status, outcome.record.response.text) == ("interrupted", "Hello there.")
    assert sink.records == [None, outcome.record]


@pytest.mark.parametrize("stop", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_what_stops_the_program_is_recorded_as_an_interrupt(stop):
    sink = Kept()
    outcome, _, _ = walk(script=[Reply(("Hel",), error=stop)], sinks=[sink])
    assert outcome.error is stop
    assert [(record.status, record.error.kind) for record in sink.records] == [("interrupted", type(stop).__name__)]


def test_guard_that_cannot_begin_blocks_before_anything_is_asked():
    class Faulty(Word):
        def open(self, request):
            raise RuntimeError(request)

    sink = Kept()
    outcome, provider, _ = walk(guards=[Faulty("x", "allow", stage="output")], sinks=[sink])
    assert isinstance(outcome.error, Blocked)
    assert provider.calls == 0
    assert [record.status for record in sink.records] == ["blocked"]


def test_sink_whose_notice_fails_is_a_note():
    class Mute(Kept):
        def take_notice(self):
            raise OSError(5)

    outcome, _, _ = walk(sinks=[Mute()])
    assert outcome.error is None
    assert any("kept" in note and "OSError" in note for note in outcome.record.notes)


def test_waiting_for_another_who_asks_the_same_comes_out_of_the_deadline():
    class Slow(Memory):
        @contextlib.contextmanager
        def lease(self, key, *, timeout_s, max_age_s=None):
            waited.append(timeout_s)
            time.sleep(0.05)
            yield None

    class Timed(FakeProvider):
        def complete(self, request, *, on_text, timeout_s):
            waited.append(timeout_s)
            return super().complete(request, on_text=on_text, timeout_s=timeout_s)

    waited = []
    walk(script=Timed(["ok"]), cache=Slow(), timeout_s=30)
    wait_s, call_s = waited
    assert call_s <= wait_s - 0.05


def test_empty_answer_is_not_cached():
    cache = Memory()
    walk(cache=cache, script=[" \n"])
    assert cache.entries == {}
