"""What a look-up in the answer cache costs at 1,000 and at 100,000 entries, beside diskcache alone in the same run.

Goals: get <= 0.1 ms p50 at 100,000 entries, and <= 1.3 x of the same at 1,000. Run: python tests/bench/bench_cache.py
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import hashlib
import inspect
import json
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import diskcache

from nbkit.cache.answers import AnswerCache
from nbkit.cache.entries import encode
from nbkit.store.disk import SafeDisk
from nbkit.testing.factories import entry, request, response

ANSWER_CHARS = 2000
WORDS = inspect.getsource(json.decoder).split()


@functools.lru_cache(maxsize=1000)
def _text(seed: int) -> str:
    """Words of `ANSWER_CHARS` characters, others for each seed."""
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) for _ in range(ANSWER_CHARS // 4))[:ANSWER_CHARS]


def answer(number: int) -> str:
    """One of a thousand texts, numbered."""
    return f"{number} {_text(number % 1000)}"


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def measure(action: Callable[[int], object], numbers: Sequence[int]) -> tuple[float, float, float]:
    """Median and 95th percentile of the wall time, and the mean CPU time, in microseconds."""
    walls, started_cpu = [], time.process_time()
    for number in numbers:
        started = time.perf_counter()
        action(number)
        walls.append(time.perf_counter() - started)
    cpu = (time.process_time() - started_cpu) / len(numbers)
    return statistics.median(walls) * 1e6, statistics.quantiles(walls, n=20)[-1] * 1e6, cpu * 1e6


def show(name: str, figures: tuple[float, float, float], n: int) -> float:
    print(f"{name:44} p50 {figures[0]:7.1f} us   p95 {figures[1]:7.1f} us   CPU {figures[2]:7.1f} us   n={n}")
    return figures[0]


def fill(cache: AnswerCache, plain: diskcache.Cache, first: int, last: int) -> None:
    asked = request()
    for number in range(first, last):
        cache.put(key(number), entry(response=response(answer(number))), request=asked, ttl_s=None)
        plain.set(key(number), answer(number))


def gets(cache: AnswerCache, plain: diskcache.Cache, entries: int, n: int) -> tuple[float, float]:
    rng = random.Random(entries)
    numbers = [rng.randrange(entries) for _ in range(n)]
    for number in numbers[:200]:
        assert cache.get(key(number)) is not None
        assert plain.get(key(number)) is not None
    print(f"\n{entries:,} entries")
    ours = show("AnswerCache.get, decoded to a CacheEntry", measure(lambda number: cache.get(key(number)), numbers), n)
    show("  of it the store's bytes", measure(lambda number: cache._store().get(key(number)), numbers), n)
    theirs = show("diskcache.Cache.get, a text", measure(lambda number: plain.get(key(number)), numbers), n)
    show("AnswerCache.get, a miss", measure(lambda number: cache.get(key(-number - 1)), numbers), n)
    print(f"AnswerCache / diskcache: {ours / theirs:.2f}")
    return ours, theirs


def writes(cache: AnswerCache, plain: diskcache.Cache, n: int) -> None:
    asked, kept = request(), entry(response=response(answer(1)))
    text, numbers = answer(1), range(10_000_000, 10_000_000 + n)
    print("\nwrites")

    def leased(number: int) -> None:
        with cache.lease(key(-number), timeout_s=60):
            cache.put(key(-number), kept, request=asked, ttl_s=None)

    show("AnswerCache.put", measure(lambda i: cache.put(key(i), kept, request=asked, ttl_s=None), numbers), n)
    ours = show("lease, put and release (what a miss adds)", measure(leased, numbers), n)
    theirs = show("diskcache.Cache.set, a text", measure(lambda i: plain.set(key(i), text), numbers), n)
    print(f"lease, put and release / diskcache set: {ours / theirs:.2f}")


def sizes(folder: Path, n: int = 2000) -> None:
    """Bytes of file for each answer, stored as it is and compressed."""

    class Uncompressed(SafeDisk):
        def store(self, value: bytes, read: object, key: object = None) -> tuple[int, int, None, bytes]:
            return 0, 1, None, b"\0" + value

    print(f"\nfile bytes for each answer of {ANSWER_CHARS} characters, n={n}")
    for disk in (Uncompressed, SafeDisk):
        with contextlib.closing(diskcache.Cache(str(folder / disk.__name__), disk=disk)) as cache:
            for number in range(n):
                kept = dataclasses.replace(entry(), response=response(answer(number)))
                cache.set(key(number), encode(key(number), kept, request=request(), expires_at=None))
            print(f"{disk.__name__:44} {cache.volume() / n:7.0f} B")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--n", type=int, default=5000)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, answers of {ANSWER_CHARS} characters")
    with (
        tempfile.TemporaryDirectory() as name,
        contextlib.closing(AnswerCache(Path(name, "ours"), limit_bytes=4 << 30)) as cache,
        contextlib.closing(diskcache.Cache(str(Path(name, "plain")), size_limit=4 << 30)) as plain,
    ):
        fill(cache, plain, 0, 1000)
        small = gets(cache, plain, 1000, options.n)
        fill(cache, plain, 1000, options.entries)
        large = gets(cache, plain, options.entries, options.n)
        ours, theirs = large[0] / small[0], large[1] / small[1]
        print(f"\nget at {options.entries:,} / get at 1,000: {ours:.2f} (goal <= 1.3; diskcache {theirs:.2f})")
        print(f"get at {options.entries:,}: {large[0] / 1000:.3f} ms (goal <= 0.1)")
        writes(cache, plain, 2000)
        stats = cache.stats()
        print(f"\n{stats.entries:,} entries in {stats.size_bytes / 1e6:.0f} MB")
        sizes(Path(name))


if __name__ == "__main__":
    main()
