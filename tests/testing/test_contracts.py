"""The contract suites catch what they are there to catch."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import threading

import pytest

from nbkit.canonical import from_plain, to_plain
from nbkit.recorded import Record
from nbkit.testing.contracts import CacheContract, GuardContract, ProviderContract, SinkContract
from nbkit.testing.fakes import FakeProvider
from nbkit.types import Screened, Span, Verdict


class DigitsGuard:
    """Replaces runs of digits; holds back a run until it has ended."""

    name = "digits"
    stages = ("input", "output")

    def screen(self, text, *, stage, request):
        spans = tuple(Span(m.start(), m.end(), "digits") for m in re.finditer("[0-9]+", text))
        verdict = Verdict(self.name, stage, "redact" if spans else "allow", "digits" if spans else "", spans)
        return Screened(re.sub("[0-9]+", "#", text), verdict)

    def open(self, request):
        return _DigitsStream(self, request)


class _DigitsStream:
    def __init__(self, guard, request):
        self.guard, self.request, self.whole, self.shown = guard, request, "", ""

    def feed(self, text):
        self.whole += text
        return self._pass_on(re.sub(r"[0-9]+\Z", "", self.whole))

    def finish(self):
        screened = self.guard.screen(self.whole, stage="output", request=self.request)
        return dataclasses.replace(screened, text=self._pass_on(self.whole))

    def _pass_on(self, settled):
        clean = self.guard.screen(settled, stage="output", request=self.request).text
        new, self.shown = clean[len(self.shown) :], clean
        return new


class ListSink:
    name = "list"

    def __init__(self):
        self.lines = []

    def write(self, record):
        self.lines.append(json.dumps(to_plain(record)))

    def read(self):
        return [from_plain(Record, json.loads(line)) for line in self.lines]

    def close(self):
        pass


class DictCache:
    def __init__(self, rows, now):
        self.rows, self.now, self.lock = rows, now, threading.Lock()

    def get(self, key, *, max_age_s=None):
        entry, expires = self.rows.get(key, (None, None))
        if entry is None or (max_age_s is not None and (self.now() - entry.created_at).total_seconds() > max_age_s):
            return None
        return entry if expires is None or self.now().timestamp() < expires else None

    def put(self, key, entry, *, request, ttl_s):
        self.rows[key] = (entry, None if ttl_s is None else self.now().timestamp() + ttl_s)

    @contextlib.contextmanager
    def lease(self, key, *, timeout_s, max_age_s=None):
        with self.lock:
            yield self.get(key, max_age_s=max_age_s)


class TestDigitsGuard(GuardContract):
    texts = ("1", "a1b22c", "12345678901", "1 2\n3")

    def guard(self):
        return DigitsGuard()


class TestListSink(SinkContract):
    def sink(self, folder):
        return ListSink()


class TestDictCache(CacheContract):
    @pytest.fixture(autouse=True)
    def _rows(self):
        self.rows = {}

    def cache(self, folder, now):
        return DictCache(self.rows, now)


class _Talkative(FakeProvider):
    def complete(self, request, *, on_text, timeout_s):
        on_text("er, ")
        return super().complete(request, on_text=on_text, timeout_s=timeout_s)


class _Deaf(FakeProvider):
    def complete(self, request, *, on_text, timeout_s):
        def quietly(piece):
            with contextlib.suppress(KeyboardInterrupt):
                on_text(piece)

        return super().complete(request, on_text=quietly, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("kind", "test"),
    [(_Talkative, "test_pieces_joined_are_the_text"), (_Deaf, "test_an_interrupt_while_streaming_comes_through")],
)
def test_a_provider_that_breaks_the_contract_is_caught(kind, test):
    class Contract(ProviderContract):
        def provider(self):
            return kind(["hello"])

    with pytest.raises(AssertionError):
        getattr(Contract(), test)()


class _Hasty(DigitsGuard):
    """Screens each piece alone, so a run of digits that is cut becomes two."""

    def open(self, request):
        stream = _DigitsStream(self, request)
        stream.feed = lambda text: self.screen(text, stage="output", request=request).text
        return stream


class _Quoting(DigitsGuard):
    def screen(self, text, *, stage, request):
        screened = super().screen(text, stage=stage, request=request)
        return dataclasses.replace(screened, verdict=dataclasses.replace(screened.verdict, reason=f"found {text}"))


class _Growing(DigitsGuard):
    def screen(self, text, *, stage, request):
        screened = super().screen(text, stage=stage, request=request)
        return dataclasses.replace(screened, text=screened.text + "!")


@pytest.mark.parametrize(
    ("kind", "test"),
    [
        (_Hasty, "test_pieces_passed_on_are_the_screened_text"),
        (_Quoting, "test_reason_does_not_quote_what_was_matched"),
        (_Growing, "test_text_that_is_allowed_is_unchanged"),
        (_Growing, "test_screened_text_passes_unchanged"),
    ],
)
def test_a_guard_that_breaks_the_contract_is_caught(kind, test):
    class Contract(GuardContract):
        texts = TestDigitsGuard.texts

        def guard(self):
            return kind()

    with pytest.raises(AssertionError):
        getattr(Contract(), test)()


class _Forgetful(ListSink):
    def write(self, record):
        super().write(dataclasses.replace(record, notes=()))


def test_a_sink_that_drops_a_field_is_caught(tmp_path):
    class Contract(SinkContract):
        def sink(self, folder):
            return _Forgetful()

    with pytest.raises(AssertionError):
        Contract().test_records_come_back_as_they_went(tmp_path)


class _Selfish(DictCache):
    @contextlib.contextmanager
    def lease(self, key, *, timeout_s, max_age_s=None):
        yield None


class _Immortal(DictCache):
    def put(self, key, entry, *, request, ttl_s):
        super().put(key, entry, request=request, ttl_s=None)


@pytest.mark.parametrize(
    ("kind", "test"),
    [
        (_Selfish, "test_one_caller_makes_the_answer_and_the_others_get_it"),
        (_Immortal, "test_an_entry_lives_as_long_as_it_was_given"),
    ],
)
def test_a_cache_that_breaks_the_contract_is_caught(tmp_path, kind, test):
    class Contract(CacheContract):
        def cache(self, folder, now):
            return kind({}, now)

    with pytest.raises(AssertionError):
        getattr(Contract(), test)(tmp_path)
