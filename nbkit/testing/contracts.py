"""What every plug-in must do, as tests to subclass.

    class TestMyProvider(ProviderContract):
        def provider(self) -> Provider:
            return MyProvider(ProviderOptions(home=Path(".")))

Each class has one method to write, the one that makes the plug-in; the others may be overridden where a plug-in needs
other examples. They need pytest, but do not import it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import get_args

from nbkit.canonical import from_plain, request_key, to_plain
from nbkit.protocols import Cache, Guard, Provider, Sink
from nbkit.testing import factories
from nbkit.testing.factories import Clock
from nbkit.types import Action, FinishReason, Record, Request, Response, Screened, Stage

_TIMEOUT_S = 60.0


class ProviderContract:
    """Behaviours of every provider, asked with a prompt that it can answer without cost."""

    is_deterministic = True
    """Whether the same request has the same answer at temperature 0."""

    def provider(self) -> Provider:
        """The provider under test, new."""
        raise NotImplementedError

    def request(self) -> Request:
        """A request that the provider answers."""
        return factories.request("Say hello.", max_tokens=8)

    def test_says_what_it_is(self) -> None:
        """The class attributes have values of their types."""
        provider = self.provider()
        assert isinstance(provider.name, str)
        assert provider.name
        assert isinstance(provider.is_local, bool)
        assert all(isinstance(name, str) for name in (*provider.key_env, *provider.model_prefixes))
        provider.close()

    def test_pieces_joined_are_the_text(self) -> None:
        """What was streamed is what is answered."""
        pieces, answered = self._ask(self.request())
        assert "".join(pieces) == answered.text

    def test_counts_tokens(self) -> None:
        """Usage is there, its parts are no larger than their wholes."""
        _, answered = self._ask(self.request())
        usage = answered.usage
        assert min(usage.cached_input_tokens, usage.cache_write_tokens, usage.reasoning_tokens) >= 0
        assert usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert usage.reasoning_tokens <= usage.output_tokens
        assert answered.finish_reason in get_args(FinishReason)
        assert answered.attempts >= 1

    def test_same_request_has_the_same_answer(self) -> None:
        """At temperature 0, where the provider can promise it."""
        if self.is_deterministic:
            assert self._ask(self.request())[1].text == self._ask(self.request())[1].text

    def test_an_interrupt_while_streaming_comes_through(self) -> None:
        """`KeyboardInterrupt` from `on_text` is not swallowed, and the next call works."""
        provider = self.provider()

        def interrupt(_: str) -> None:
            raise KeyboardInterrupt

        try:
            provider.complete(self.request(), on_text=interrupt, timeout_s=_TIMEOUT_S)
        except KeyboardInterrupt:
            pass
        else:
            msg = "the interrupt was swallowed"
            raise AssertionError(msg)
        assert provider.complete(self.request(), on_text=_ignore, timeout_s=_TIMEOUT_S).text
        provider.close()

    def test_several_threads_may_call_at_once(self) -> None:
        """Each call gets its own pieces."""
        provider = self.provider()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: _complete(provider, self.request()), range(8)))
        assert all("".join(pieces) == answered.text for pieces, answered in answers)
        provider.close()

    def test_names_its_models(self) -> None:
        """`models` gives names."""
        provider = self.provider()
        assert all(isinstance(name, str) and name for name in provider.models())
        provider.close()

    def test_answers_again_after_close(self) -> None:
        """`close` may be called at any time, and twice."""
        provider = self.provider()
        provider.close()
        assert provider.complete(self.request(), on_text=_ignore, timeout_s=_TIMEOUT_S).text
        provider.close()
        provider.close()

    def _ask(self, request: Request) -> tuple[list[str], Response]:
        provider = self.provider()
        try:
            return _complete(provider, request)
        finally:
            provider.close()


class GuardContract:
    """Behaviours of every guard, on texts that are plain, odd, and of the guard's own concern."""

    texts: Sequence[str] = ()
    """Texts the guard acts on."""

    def guard(self) -> Guard:
        """The guard under test, new."""
        raise NotImplementedError

    def request(self) -> Request:
        """The request that the texts belong to."""
        return factories.request()

    def test_says_what_it_is(self) -> None:
        """A name, and stages that exist."""
        guard = self.guard()
        assert isinstance(guard.name, str)
        assert guard.name
        assert guard.stages
        assert set(guard.stages) <= set(get_args(Stage))

    def test_verdicts_are_whole(self) -> None:
        """Guard, stage and action are named; spans lie in the text as it came."""
        for guard, stage, text, screened in self._screened():
            verdict = screened.verdict
            assert (verdict.guard, verdict.stage) == (guard.name, stage)
            assert verdict.action in get_args(Action)
            assert all(0 <= span.start <= span.end <= len(text) for span in verdict.spans)

    def test_same_text_has_the_same_verdict(self) -> None:
        """Screening is pure; only the time it took may differ."""
        for guard, stage, text, screened in self._screened():
            again = guard.screen(text, stage=stage, request=self.request())
            assert _timeless(again) == _timeless(screened)

    def test_text_that_is_allowed_is_unchanged(self) -> None:
        """Changing text is `redact`."""
        for _, _, text, screened in self._screened():
            assert screened.text == text or screened.verdict.action in ("redact", "block")

    def test_screened_text_passes_unchanged(self) -> None:
        """A cached answer is screened again and must not change again."""
        for guard, stage, _, screened in self._screened():
            if screened.verdict.action != "block":
                assert guard.screen(screened.text, stage=stage, request=self.request()).text == screened.text

    def test_reason_does_not_quote_what_was_matched(self) -> None:
        """Reasons are recorded and drawn."""
        for _, _, text, screened in self._screened():
            matched = {text[span.start : span.end] for span in screened.verdict.spans}
            assert not any(len(part) >= 8 and part in screened.verdict.reason for part in matched)  # noqa: PLR2004 - shorter is a word

    def test_pieces_passed_on_are_the_screened_text(self) -> None:
        """However the text is split; for guards that screen while it arrives."""
        guard = self.guard()
        if "output" not in guard.stages or not hasattr(guard, "open"):
            return
        for text in self._texts():
            whole = guard.screen(text, stage="output", request=self.request())
            for pieces in _splits(text):
                stream = guard.open(self.request())
                shown = "".join(stream.feed(piece) for piece in pieces)
                last = stream.finish()
                assert last.verdict.action == whole.verdict.action, (text, pieces)
                if whole.verdict.action == "block":
                    assert whole.text.startswith(shown) or not shown
                else:
                    assert shown + last.text == whole.text, (text, pieces)

    def _texts(self) -> list[str]:
        return ["", "plain text", "line\nline\n", "{{name}} {x} %", "é 漢字 🙂", "\ud800", *self.texts]

    def _screened(self) -> Iterator[tuple[Guard, Stage, str, Screened]]:
        guard = self.guard()
        for stage in guard.stages:
            for text in self._texts():
                yield guard, stage, text, guard.screen(text, stage=stage, request=self.request())


class SinkContract:
    """Behaviours of every sink."""

    def sink(self, folder: Path) -> Sink:
        """The sink under test, new, writing below `folder`."""
        raise NotImplementedError

    def read(self, sink: Sink, folder: Path) -> list[Record] | None:  # noqa: ARG002 - a file sink reads the folder
        """The records that were kept, in order; None when they cannot be read back."""
        read: Callable[[], list[Record]] | None = getattr(sink, "read", None)
        return None if read is None else sorted(read(), key=lambda one: one.started_at)

    def test_records_come_back_as_they_went(self, tmp_path: Path) -> None:
        """All of a record survives, an error's too."""
        sink, wanted = self.sink(tmp_path), [*_records()]
        for one in wanted:
            sink.write(one)
        found = self.read(sink, tmp_path)
        sink.close()
        assert found is None or found == wanted

    def test_several_threads_may_write_at_once(self, tmp_path: Path) -> None:
        """No record is lost."""
        sink = self.sink(tmp_path)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: sink.write(factories.record(number)), range(1, 41)))
        found = self.read(sink, tmp_path)
        sink.close()
        assert found is None or {one.id for one in found} == {f"record-{number:04d}" for number in range(1, 41)}

    def test_close_may_be_called_twice(self, tmp_path: Path) -> None:
        """And on a sink that was never written to."""
        sink = self.sink(tmp_path)
        sink.close()
        sink.close()


class CacheContract:
    """Behaviours of every answer cache."""

    def cache(self, folder: Path, now: Callable[[], datetime]) -> Cache:
        """The cache under test, keeping its entries in `folder`; `now` is the clock it goes by."""
        raise NotImplementedError

    def test_what_was_put_comes_back(self, tmp_path: Path) -> None:
        """The whole entry, also through another instance on the same folder."""
        key, entry, clock = request_key(factories.request()), factories.entry(), Clock()
        self.cache(tmp_path, clock).put(key, entry, request=factories.request(), ttl_s=None)
        assert self.cache(tmp_path, clock).get(key) == entry

    def test_another_key_is_a_miss(self, tmp_path: Path) -> None:
        """Nothing is near."""
        cache = self.cache(tmp_path, Clock())
        cache.put(request_key(factories.request()), factories.entry(), request=factories.request(), ttl_s=None)
        assert cache.get(request_key(factories.request(sample=1))) is None

    def test_an_entry_lives_as_long_as_it_was_given(self, tmp_path: Path) -> None:
        """Seconds by the clock; None is for ever."""
        clock, brief, lasting = Clock(), factories.request("brief"), factories.request("lasting")
        cache = self.cache(tmp_path, clock)
        cache.put(request_key(brief), factories.entry(), request=brief, ttl_s=60)
        cache.put(request_key(lasting), factories.entry(), request=lasting, ttl_s=None)
        clock.advance(59)
        assert cache.get(request_key(brief)) is not None
        clock.advance(2)
        assert cache.get(request_key(brief)) is None
        clock.advance(10**9)
        assert cache.get(request_key(lasting)) is not None

    def test_one_caller_makes_the_answer_and_the_others_get_it(self, tmp_path: Path) -> None:
        """The lease is held by one at a time, and gives the entry that another made meanwhile."""
        request, made = factories.request(), []
        cache = self.cache(tmp_path, Clock())

        def answer(number: int) -> None:
            with cache.lease(request_key(request), timeout_s=_TIMEOUT_S) as entry:
                if entry is None:
                    made.append(number)
                    cache.put(request_key(request), factories.entry(), request=request, ttl_s=None)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(answer, range(8)))
        assert len(made) == 1


def _ignore(_: str) -> None:
    pass


def _complete(provider: Provider, request: Request) -> tuple[list[str], Response]:
    pieces: list[str] = []
    answered = provider.complete(request, on_text=pieces.append, timeout_s=_TIMEOUT_S)
    return pieces, answered


def _timeless(screened: Screened) -> Screened:
    return dataclasses.replace(screened, verdict=dataclasses.replace(screened.verdict, duration_s=0.0))


def _splits(text: str) -> Iterator[list[str]]:
    yield list(text)
    yield [text]
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]


def _records() -> Iterator[Record]:
    from nbkit.errors import Blocked
    from nbkit.types import Failure

    yield factories.record(1)
    yield factories.record(2, response=factories.response("é 漢字 🙂 \ud800"), tag="t", notes=("a note",))
    blocked = Blocked(what="blocked", why="a secret", fix="take it out")
    yield factories.record(3, status="blocked", request=None, response=None, error=blocked.failure)
    yield factories.record(4, status="interrupted", error=Failure("KeyboardInterrupt", "interrupted", "stopped", "run"))
    # JSON in between, as every sink that writes text has.
    yield from_plain(Record, json.loads(json.dumps(to_plain(factories.record(5)))))
