"""How long it takes to ask a large record store for metrics, for what has changed, and for all its rows.

`python tests/bench/bench_monitoring.py [rows]`, 200,000 unless said: rows over 30 days, so that a day holds 1 in 30.
Processor milliseconds; beside them a plain `SELECT COUNT(*)` with a condition that reads every row.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bench_ledger import NOW, fill, record

from nbkit.ledger.compared import compare
from nbkit.ledger.export import write_records
from nbkit.ledger.otel import OtelSink
from nbkit.ledger.prometheus import exposition
from nbkit.ledger.selection import Selection
from nbkit.ledger.sqlite import SqliteSink
from nbkit.protocols import SinkOptions

DAY = timedelta(days=1)


def cpu_ms(action: Callable[[], object], times: int = 1) -> float:
    """Median processor milliseconds of a call."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        action()
        taken.append(time.process_time() - begun)
    return statistics.median(taken) * 1e3


def main() -> None:
    """Prints the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        sink = SqliteSink(SinkOptions(Path(folder)))
        fill(sink, rows)
        sql = "SELECT COUNT(*) FROM record WHERE total_us > 0"
        print(f"{rows:,} rows")
        print(f"reference: count of all rows   {cpu_ms(lambda: sink._database.execute(sql), 3):10.1f} ms")
        print(f"metrics, the first time        {cpu_ms(lambda: exposition(sink.metered())):10.1f} ms")

        def again() -> None:
            exposition(sink.metered())

        print(f"metrics, nothing new           {cpu_ms(again, 50):10.2f} ms")
        new = iter(range(rows, rows + 10_000))
        taken = []
        for _ in range(20):
            for _ in range(100):
                sink.write(record(next(new), rows))
            taken.append(cpu_ms(again))
        print(f"metrics, 100 new records       {statistics.median(taken):10.2f} ms")

        def watch() -> None:
            before = sink.calls(Selection(since=NOW - 2 * DAY, until=NOW - DAY))
            compare(before, sink.calls(Selection(since=NOW - DAY, until=NOW)))

        print(f"watch, a day beside a day      {cpu_ms(watch, 5):10.1f} ms   n {rows // 30:,} each")
        for suffix in ("parquet", "csv", "jsonl"):
            path, chosen = Path(folder, f"calls.{suffix}"), Selection(since=NOW - DAY)
            taken_ms = cpu_ms(lambda path=path, chosen=chosen: write_records(path, sink.each(chosen)))
            print(f"records of a day as {suffix:<11}{taken_ms:10.1f} ms   {path.stat().st_size / 1e6:.1f} MB")
        sink.close()
        otel = OtelSink(SinkOptions(Path(folder), endpoint="http://127.0.0.1:9"))
        one = record(1, rows)
        begun = time.perf_counter()
        for _ in range(10_000):
            otel.write(one)
        print(f"otel, handing a record over    {(time.perf_counter() - begun) * 100:10.2f} µs wall")
        otel.close()


if __name__ == "__main__":
    main()
