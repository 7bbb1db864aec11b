from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nbkit.cache.answers import AnswerCache
from nbkit.canonical import request_key
from nbkit.errors import ConfigError, StoreError
from nbkit.testing.factories import entry, request, response
from nbkit.types import Message

KEY = request_key(request())


def put(
    cache: AnswerCache, prompt: str = "Why is the sky blue?", *, ttl_s: float | None = None, **fields: object
) -> str:
    asked = request(prompt, **fields)
    cache.put(request_key(asked), entry(), request=asked, ttl_s=ttl_s)
    return request_key(asked)


def database(cache: AnswerCache) -> Path:
    return cache.folder / "cache.db"


def test_importing_and_making_a_cache_loads_neither_diskcache_nor_sqlite(tmp_path):
    script = """
        import sys
        from pathlib import Path
        from nbkit.cache.answers import AnswerCache
        cache = AnswerCache(Path(sys.argv[1], "answers"))
        cache.close()
        print(sorted({"diskcache", "sqlite3"} & set(sys.modules)), cache.folder.exists())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[]", "False"]


def test_answer_comes_back_with_the_figures_of_the_call_that_made_it(cache):
    put(cache)
    assert cache.get(KEY) == entry()


def test_answer_outlives_its_cache_object(cache, clock):
    put(cache)
    cache.close()
    with contextlib.closing(AnswerCache(cache.folder, now=clock)) as other:
        assert other.get(KEY) == entry()


def test_answer_expires_when_its_life_is_over(cache, clock):
    put(cache, ttl_s=60)
    clock.advance(59)
    assert cache.get(KEY) is not None
    clock.advance(1)
    assert cache.get(KEY) is None
    assert cache.explain(request()).status == "expired"


def test_prompt_is_nowhere_in_the_folder(cache):
    put(cache, "the codename is heliotrope")
    cache.close()
    assert all(b"heliotrope" not in path.read_bytes() for path in cache.folder.iterdir())


def test_values_swapped_between_keys_are_misses(cache):
    first, second = put(cache, "one"), put(cache, "two")
    cache.close()
    with contextlib.closing(sqlite3.connect(database(cache))) as connection, connection:
        (value,) = connection.execute("SELECT value FROM Cache WHERE key = ?", (first,)).fetchone()
        connection.execute("UPDATE Cache SET value = ? WHERE key = ?", (value, second))
    assert cache.get(first) is not None
    assert cache.get(second) is None
    assert [row.key for row in cache.entries()] == [first]


def test_garbage_is_moved_aside_with_one_notice_and_the_cache_works(cache):
    cache.folder.mkdir()
    database(cache).write_bytes(b"garbage" * 999)
    assert cache.get(KEY) is None
    put(cache)
    assert cache.get(KEY) == entry()
    assert "moved" in (cache.take_notice() or "")
    assert cache.take_notice() is None


def test_file_in_place_of_the_folder_leaves_the_cache_off_with_one_notice(cache):
    cache.folder.write_text("")
    assert cache.get(KEY) is None
    with cache.lease(KEY, timeout_s=1) as found:
        assert found is None
        put(cache)
    assert cache.get(KEY) is None
    assert "answers are not cached" in (cache.take_notice() or "")
    cache.get(KEY)
    assert cache.notice is None
    with pytest.raises(StoreError):
        cache.clear()


def test_locked_store_leaves_the_cell_its_answer(cache):
    put(cache)
    with contextlib.closing(sqlite3.connect(database(cache), isolation_level=None)) as other:
        cache._opened.database._busy_s = 0.01
        cache._opened.close()
        other.execute("BEGIN IMMEDIATE")
        with cache.lease("f" * 64, timeout_s=1) as found:
            assert found is None
            put(cache, "another")
        other.execute("ROLLBACK")
    assert cache.notice is not None
    assert cache.get(KEY) is not None


def test_full_disk_is_one_notice_and_what_was_stored_still_answers(tmp_path):
    script = """
        import os, resource, sys
        from pathlib import Path
        from nbkit.cache.answers import AnswerCache
        from nbkit.testing.factories import entry, request, response
        cache = AnswerCache(Path(sys.argv[1]))
        cache.put("first", entry(), request=request(), ttl_s=None)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        for number in range(60):
            key = str(number)
            with cache.lease(key, timeout_s=1):
                big = entry(response=response(os.urandom(20_000).hex()))
                cache.put(key, big, request=request(), ttl_s=None)
        print(cache.get("first") == entry(), cache.take_notice() is not None, cache.take_notice())
        cache.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), tmp_path / "store"], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["True", "True", "None"], done.stderr


def test_size_limit_is_kept_and_stated(tmp_path):
    rng = random.Random(3)
    with contextlib.closing(AnswerCache(tmp_path / "answers", limit_bytes=1 << 20)) as cache:
        for number in range(60):
            answer = entry(response=response(rng.randbytes(20_000).hex()))
            cache.put(f"{number}", answer, request=request(), ttl_s=None)
        stats = cache.stats()
    assert stats.size_bytes <= stats.limit_bytes == 1 << 20
    assert 10 < stats.entries < 60
    assert "longest ago go first" in stats.eviction


def test_stats_count_hits_and_misses_and_name_the_oldest(cache):
    put(cache)
    cache.get(KEY)
    cache.get("0" * 64)
    stats = cache.stats()
    assert (stats.entries, stats.hits, stats.misses, stats.oldest_at) == (1, 1, 1, entry().created_at)


def test_entries_are_listed_newest_first_without_text(cache, clock):
    keys = [put(cache, f"question {number}", sample=number, ttl_s=60) for number in range(3)]
    clock.advance(90)
    rows = cache.entries(2)
    assert [row.key for row in rows] == [keys[2], keys[1]]
    assert (rows[0].sample, rows[0].age_s, rows[0].is_expired, rows[0].output_tokens) == (2, 90, True, 5)


def test_entry_is_removed_by_the_start_of_its_key(cache):
    key = put(cache)
    assert cache.remove("no such key") == 0
    assert cache.remove(key[:8]) == 1
    assert cache.get(key) is None


def test_start_of_several_keys_removes_none(cache):
    keys = [put(cache, f"question {number}") for number in range(17)]
    shared = next(key[0] for key in keys if sum(other[0] == key[0] for other in keys) > 1)
    for prefix in (shared, ""):
        with pytest.raises(ConfigError) as caught:
            cache.remove(prefix)
        assert str(caught.value).count("\n") == 2
    assert cache.stats().entries == 17


def test_clear_removes_all_and_counts_them(cache):
    put(cache, "one")
    put(cache, "two")
    assert cache.clear() == 2
    assert cache.entries() == []


def test_wildcards_in_a_key_prefix_are_text(cache):
    put(cache)
    assert cache.remove("%") == 0
    assert cache.remove("_") == 0


def test_explain_says_that_a_hit_is_one_and_how_old(cache, clock):
    put(cache)
    clock.advance(30)
    found = cache.explain(request())
    assert (found.is_hit, found.age_s, str(found)) == (True, 30, "hit: stored 30 s ago")


def test_explain_names_the_fields_that_differ_from_the_nearest_entry(cache):
    put(cache, "another question entirely", seed=1)
    near = put(cache)
    found = cache.explain(request(temperature=0.7, max_tokens=5))
    assert (found.status, found.nearest_key) == ("near", near)
    assert [str(one) for one in found.differences] == ["temperature: 0.0 -> 0.7", "max_tokens: 1024 -> 5"]


def asked_of(text, question, *, sources=(("a.md, characters 1 to 9", "id"),)):
    asked = f"⟪passage 1⟫ a.md\n{text}\n⟪end of passage 1⟫\n\nQuestion: {question}"
    return request(messages=(Message("user", asked),), sources=sources)


def test_explain_compares_a_question_with_the_same_one_whatever_was_found_for_it(cache):
    first, other = (
        asked_of("It weighs 10 kg.", "How heavy?"),
        asked_of("It weighs 11 kg.", "How long?", sources=(("a.md, characters 1 to 9", "new"),)),
    )
    for one in (first, other):
        cache.put(request_key(one), entry(), request=one, ttl_s=None)
    changed = (("a.md, characters 1 to 9", "new"),)
    found = cache.explain(asked_of("It weighs 11 kg.", "How heavy?", sources=changed))
    assert found.nearest_key == request_key(first)
    assert [one.field for one in found.differences] == ["sources"]
    assert "a.md, characters 1 to 9 (changed)" in str(found)


def test_explain_gives_texts_by_length_only(cache):
    put(cache, "heliotrope")
    texts = [str(cache.explain(request(prompt))) for prompt in ("heliotropes", "sunflowers")]
    assert "messages[0].content: 10 chars -> 11 chars" in texts[0]
    assert "messages[0].content: 10 chars -> 10 chars, other text" in texts[1]
    assert "helio" not in "".join(texts)


def test_explain_says_when_nothing_is_like_it(cache):
    put(cache)
    found = cache.explain(request("something else", model="other", temperature=1.0, seed=4))
    assert (found.status, str(found)) == ("none", "miss: nothing like it is stored")


def test_entries_that_were_acknowledged_outlive_a_kill(cache):
    script = """
        import sys
        from pathlib import Path
        from nbkit.cache.answers import AnswerCache
        from nbkit.testing.factories import entry, request
        cache, turn = AnswerCache(Path(sys.argv[1])), sys.argv[2]
        for number in range(10**9):
            key = f"{turn}-{number}"
            with cache.lease(key, timeout_s=60):
                cache.put(key, entry(), request=request(), ttl_s=None)
            print(key, flush=True)
    """
    acknowledged = []
    for turn in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), cache.folder, str(turn)], stdout=subprocess.PIPE, text=True
        ) as writer:
            acknowledged += [writer.stdout.readline() for _ in range(10 + turn)]
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += writer.stdout.readlines()
    assert all(cache.get(key.strip()) == entry() for key in acknowledged)
    assert cache.notice is None
