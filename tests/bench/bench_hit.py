"""A cache hit through the whole corridor, request to record, with 1,000 and with 100,000 entries stored.

`python tests/bench/bench_hit.py [ENTRIES]`. Guards, cache, price, record written to SQLite and log; against the cache's
own get and a plain diskcache get of the same bytes in the same run. Goal: p50 at most 0.8 ms, of it at most 0.1 ms in
the cache, and at most 1.3 times that of 1,000 entries.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import diskcache

from nbkit.canonical import canonical_json, request_key
from nbkit.pipeline import Call, run
from nbkit.session import Session
from nbkit.testing import entry, request

SAMPLES = 1000


def asked(number: int):
    return request(f"question {number}", provider="echo", model="echo")


def medians(ways: dict[str, Callable[[int], object]], *, entries: int) -> dict[str, tuple[float, float]]:
    """p50 in ms, wall and CPU, of each way; the ways take turns, so that all see the same machine."""
    walls: dict[str, list[float]] = {name: [] for name in ways}
    cpus = dict.fromkeys(ways, 0.0)
    for turn in range(SAMPLES + 50):
        number = turn * 7919 % entries
        for name, way in ways.items():
            cpu, start = time.thread_time(), time.perf_counter()
            way(number)
            if turn >= 50:  # the first ones warm up
                walls[name].append(1000 * (time.perf_counter() - start))
                cpus[name] += 1000 * (time.thread_time() - cpu)
    return {name: (statistics.median(walls[name]), cpus[name] / SAMPLES) for name in ways}


def measure(entries: int) -> dict[str, tuple[float, float]]:
    with tempfile.TemporaryDirectory(prefix="nbkit-bench-") as folder:
        session = Session(home=Path(folder, "home"), environment={}, folder=Path(folder))
        session.configure({"model": "echo"})
        settings = session.config().settings
        stages = session._furniture.stages(settings, session.target(settings))
        stored = entry(created_at=datetime.now(UTC))
        with diskcache.Cache(str(Path(folder, "plain"))) as plain, plain.transact():
            for number in range(entries):
                stages.cache.put(request_key(asked(number)), stored, request=asked(number), ttl_s=None)
                plain.set(request_key(asked(number)), canonical_json(stored).encode())
        plain = diskcache.Cache(str(Path(folder, "plain")))

        def corridor(number: int) -> None:
            call = Call(id=f"{time.perf_counter_ns():032x}", session_id=session.id, started_at=datetime.now(UTC))
            outcome = run(asked(number), stages=stages, call=call, on_text=lambda _: None)
            assert outcome.record.cache.status == "hit"

        keys = [request_key(asked(number)) for number in range(entries)]
        found = medians(
            {
                "request to record": corridor,
                "cache alone": lambda number: stages.cache.get(keys[number]),
                "plain diskcache get": lambda number: plain.get(keys[number]),
            },
            entries=entries,
        )
        plain.close()
        session.close()
    return found


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    few_found, many_found = measure(1000), measure(many)
    print(f"a hit, p50 of n = {SAMPLES}, ms wall (mean CPU)")
    for name, (wall_ms, cpu_ms) in many_found.items():
        few_ms = few_found[name][0]
        print(
            f"  {name:22} {many:,} entries {wall_ms:.3f} ({cpu_ms:.3f})   1,000 entries {few_ms:.3f}"
            f"   ratio {wall_ms / few_ms:.2f}"
        )


if __name__ == "__main__":
    main()
