"""What everything that keeps records or answers must do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from nbkit.canonical import from_plain, request_key, to_plain
from nbkit.errors import Blocked
from nbkit.protocols import Cache, Sink
from nbkit.recorded import Failure, Record
from nbkit.testing import factories
from nbkit.testing.factories import Clock

_TIMEOUT_S = 60.0


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

    def test_an_entry_older_than_the_caller_takes_is_a_miss(self, tmp_path: Path) -> None:
        """Whatever life it was given when it was kept."""
        clock, request = Clock(), factories.request()
        cache, key = self.cache(tmp_path, clock), request_key(request)
        cache.put(key, dataclasses.replace(factories.entry(), created_at=clock()), request=request, ttl_s=None)
        clock.advance(60)
        assert cache.get(key, max_age_s=61) is not None
        assert cache.get(key, max_age_s=59) is None
        with cache.lease(key, timeout_s=_TIMEOUT_S, max_age_s=59) as entry:
            assert entry is None

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


def _records() -> Iterator[Record]:
    yield factories.record(1)
    yield factories.record(2, response=factories.response("é 漢字 🙂 \ud800"), tag="t", notes=("a note",))
    blocked = Blocked(what="blocked", why="a secret", fix="take it out")
    yield factories.record(3, status="blocked", request=None, response=None, error=blocked.failure)
    yield factories.record(4, status="interrupted", error=Failure("KeyboardInterrupt", "interrupted", "stopped", "run"))
    # JSON in between, as every sink that writes text has.
    yield from_plain(Record, json.loads(json.dumps(to_plain(factories.record(5)))))
