"""How long a record takes to write and a day takes to sum, beside a plain SQLite insert in the same run.

`python tests/bench/bench_ledger.py [rows]`, 200,000 unless said: rows over 30 days, so that a day holds 1 in 30.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from nbkit.canonical import canonical_json
from nbkit.ledger.selection import Selection
from nbkit.ledger.sqlite import SqliteSink
from nbkit.ledger.stored import stored_json
from nbkit.protocols import SinkOptions
from nbkit.recorded import Record
from nbkit.testing import factories
from nbkit.types import Cost, Timing

NOW = datetime(2026, 3, 31, 12, 7, tzinfo=UTC)
N = 2000


def record(number: int, rows: int) -> Record:
    """A record at its place in the 30 days."""
    started_at = NOW - timedelta(days=30) * ((rows - number) / rows)
    made = factories.record(number, timing=Timing(total_s=0.2 + number % 997 / 500), cost=Cost(Decimal("0.00021")))
    return dataclasses.replace(made, id=f"{number:010d}", started_at=started_at)


def fill(sink: SqliteSink, rows: int) -> None:
    """Writes all rows, many to a transaction."""
    for first in range(0, rows, 5000):
        with sink._database.transaction():
            for number in range(first, min(rows, first + 5000)):
                sink.write(record(number, rows))


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def show(name: str, samples: list[tuple[float, float]], unit_s: float, unit: str) -> float:
    """Prints median and p95, wall beside processor time; gives the median in seconds."""
    wall = sorted(sample[0] for sample in samples)
    cpu = statistics.median(sample[1] for sample in samples)
    median = statistics.median(wall)
    p95 = wall[int(0.95 * len(wall))]
    print(
        f"{name:34} p50 {median / unit_s:9.1f} {unit}  p95 {p95 / unit_s:9.1f} {unit}  "
        f"cpu {cpu / unit_s:9.1f} {unit}  n {len(wall)}"
    )
    return median


def main() -> None:
    """Prints the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        sink = SqliteSink(SinkOptions(Path(folder)))
        wall, _ = timed(lambda: fill(sink, rows))
        print(f"{rows:,} rows in {wall:.1f} s, {sink.path.stat().st_size / rows:,.0f} bytes a row")
        fresh = [record(number, rows) for number in range(rows, rows + N)]
        texts = [canonical_json(one) for one in fresh]
        plain = sqlite3.connect(Path(folder) / "plain.sqlite", isolation_level=None)
        plain.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE r (id, record)")
        reference = show(
            "plain insert of the JSON",
            [
                timed(lambda one=one, text=text: plain.execute("INSERT INTO r VALUES (?, ?)", (one.id, text)))
                for one, text in zip(fresh, texts, strict=True)
            ],
            1e-6,
            "us",
        )
        written = show("write", [timed(lambda one=one: sink.write(one)) for one in fresh], 1e-6, "us")
        as_json = show("  of it, JSON", [timed(lambda one=one: stored_json(one)) for one in fresh], 1e-6, "us")
        print(f"write / plain insert: {written / reference:.1f}; without JSON {(written - as_json) / reference:.1f}")
        since = NOW - timedelta(days=1)
        print(f"{sink.summary(Selection(since=since)).calls:,} calls in the last 24 h")
        show("summary of 24 h", [timed(lambda: sink.summary(Selection(since=since))) for _ in range(50)], 1e-3, "ms")
        chosen = Selection(since=since)
        both = [timed(lambda: (sink.summary(chosen), sink.cost_by_hour(chosen))) for _ in range(50)]
        show("  with hourly cost", both, 1e-3, "ms")
        show("summary of all", [timed(sink.summary) for _ in range(20)], 1e-3, "ms")
        show("find by id", [timed(lambda one=one: sink.find(one.id)) for one in fresh[:200]], 1e-6, "us")
        show("last 100 records", [timed(lambda: sink.read(limit=100)) for _ in range(20)], 1e-3, "ms")
        plain.close()
        sink.close()


if __name__ == "__main__":
    main()
