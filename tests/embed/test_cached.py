"""The embedding cache: known texts cost no call, and nothing in the store can make a vector wrong or a cell fail."""

from __future__ import annotations

import contextlib
import sqlite3
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbkit.embed.cached import CachedEmbedder, store_in
from nbkit.errors import EmbedError
from nbkit.testing import EmbedderContract, FakeEmbedder

LIMIT = 1 << 24


@pytest.fixture
def home(tmp_path):
    return tmp_path


@pytest.fixture
def cached(home):
    with contextlib.closing(CachedEmbedder(FakeEmbedder(), store_in(home, limit_bytes=LIMIT))) as made:
        yield made


def reopened(home, embedder=None):
    return CachedEmbedder(embedder or FakeEmbedder(), store_in(home, limit_bytes=LIMIT))


class TestFakeIsAnEmbedder(EmbedderContract):
    def embedder(self):
        return FakeEmbedder()


class TestIsAnEmbedder(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _home(self, home):
        self.home = home

    def embedder(self):
        return reopened(self.home)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(st.text(max_size=20), max_size=12), st.booleans()), max_size=5))
def test_vectors_are_the_embedders_own_bit_for_bit_whatever_was_asked_before(cached, calls):
    for texts, is_query in calls:
        wanted = FakeEmbedder().embed(texts, is_query=is_query)
        assert np.array_equal(cached.embed(texts, is_query=is_query), wanted)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=30))
def test_known_texts_are_never_embedded_again_also_not_by_another_process(tmp_path_factory, texts):
    home = tmp_path_factory.mktemp("home")
    with contextlib.closing(reopened(home)) as first:
        wanted = first.embed(texts)
        assert sorted(first.embedder.texts) == sorted(set(texts))
    with contextlib.closing(reopened(home)) as second:
        assert np.array_equal(second.embed(texts[::-1]), wanted[::-1])
        assert (second.embedder.calls, second.hits, second.misses) == (0, len(texts), 0)


def test_only_what_is_not_known_is_embedded(cached):
    cached.embed(["one", "two"])
    cached.embed(["three", "two", "one", "three"])
    assert cached.embedder.texts == ["one", "two", "three"]
    assert (cached.hits, cached.misses) == (2, 3)


def test_vectors_are_float32_bytes(cached):
    cached.embed(["one"])
    [row] = cached._store.newest(10)
    assert len(row.value) == 16 + 4 * cached.dimensions
    assert np.array_equal(np.frombuffer(row.value[16:], "<f4"), FakeEmbedder().embed(["one"])[0])


def test_another_embedder_does_not_find_them(cached, home):
    cached.embed(["one"])
    with contextlib.closing(reopened(home, FakeEmbedder(seed="other"))) as other:
        other.embed(["one"])
        assert other.embedder.calls == 1


def test_a_query_and_a_text_are_two_entries(cached):
    cached.embed(["one"])
    cached.embed(["one"], is_query=True)
    assert cached.embedder.calls == 2


def test_no_text_is_in_the_store(cached, home):
    cached.embed(["a very private sentence"])
    cached.close()
    assert all(b"private" not in path.read_bytes() for path in home.rglob("*") if path.is_file())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.data())
def test_a_damaged_entry_is_a_miss_and_made_again(cached, damage):
    [wanted] = cached.embed(["one"])
    [row] = cached._store.newest(1)
    cut = damage.draw(st.integers(0, len(row.value) - 1))
    kind = damage.draw(st.sampled_from(["flip", "cut", "grow"]))
    flipped = row.value[:cut] + bytes([row.value[cut] ^ 1 + damage.draw(st.integers(0, 254))]) + row.value[cut + 1 :]
    broken = {"flip": flipped, "cut": row.value[:cut], "grow": row.value + b"\0\0\0\0"}[kind]
    cached._store.put(row.key, broken)
    before = cached.misses
    assert np.array_equal(cached.embed(["one"])[0], wanted)
    assert cached.misses == before + 1
    cached.embed(["one"])
    assert cached.misses == before + 1


def test_an_entry_under_anothers_key_is_a_miss(cached):
    wanted = cached.embed(["one", "two"])
    first, second = cached._store.newest(2)
    cached._store.put_many({first.key: second.value, second.key: first.value})
    assert np.array_equal(cached.embed(["one", "two"]), wanted)
    assert cached.misses == 4


def test_a_store_that_fails_is_said_once_and_costs_no_vector(cached, home):
    cached.embed(["one"])
    other = sqlite3.connect(cached._store.database.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    cached._store.database._busy_s = 0.01
    try:
        with contextlib.closing(reopened(home)) as blocked:
            blocked._store.database._busy_s = 0.01
            assert np.array_equal(blocked.embed(["two"]), FakeEmbedder().embed(["two"]))
            blocked.embed(["three"])
            assert "embeddings are not cached" in blocked.take_notice()
            assert blocked.take_notice() is None
    finally:
        other.close()


def test_a_file_that_is_no_database_is_moved_aside_and_said(home):
    folder = home / "cache" / "embeddings"
    folder.mkdir(parents=True)
    (folder / "cache.db").write_bytes(b"no database at all" * 100)
    with contextlib.closing(reopened(home)) as made:
        made.embed(["one"])
        assert "a new one was begun" in made.take_notice()
        made.embed(["one"])
        assert made.hits == 1


def test_what_was_embedded_before_an_error_is_kept(home):
    class Tired(FakeEmbedder):
        def embed(self, texts, *, is_query=False):
            if self.calls == 2:
                raise KeyboardInterrupt
            return super().embed(texts, is_query=is_query)

    texts = [f"text {number}" for number in range(1000)]
    with contextlib.closing(reopened(home, Tired())) as made, pytest.raises(KeyboardInterrupt):
        made.embed(texts)
    with contextlib.closing(reopened(home)) as again:
        again.embed(texts)
        assert again.hits == 512


def test_a_text_that_is_refused_is_refused_with_the_cache_too(cached):
    with pytest.raises(EmbedError):
        cached.embed(["word " * 300])
    with pytest.raises(EmbedError):
        cached.embed(["word " * 300])


def test_threads_share_one_cache(cached):
    texts = [f"text {number}" for number in range(60)]
    wanted = FakeEmbedder().embed(texts)
    found = []
    threads = [threading.Thread(target=lambda: found.append(cached.embed(texts))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(np.array_equal(one, wanted) for one in found)
    assert cached.take_notice() is None


def test_an_embedder_with_batches_is_asked_for_one_at_a_time_and_each_is_kept(home):
    class Service(FakeEmbedder):
        def batches(self, texts):
            yield from ((start, min(start + 3, len(texts))) for start in range(0, len(texts), 3))

        def embed(self, texts, *, is_query=False):
            if self.calls == 2:
                raise EmbedError(what="no more", why="it is tired", fix="wait")
            return super().embed(texts, is_query=is_query)

    texts = [f"text {number}" for number in range(8)]
    with contextlib.closing(reopened(home, Service())) as made, pytest.raises(EmbedError, match="no more"):
        made.embed(texts)
    with contextlib.closing(reopened(home)) as again:
        assert np.array_equal(again.embed(texts), FakeEmbedder().embed(texts))
        assert (again.hits, again.misses) == (6, 2)
