"""Processes that race for one budget: how much is spent of it, and what a reservation takes.

`python tests/bench/bench_budgets.py [processes] [calls]`, 8 and 1,000 unless said. Each process reserves the most that
a call may cost, writes a record of what it did cost, and goes on when it is refused. The budget has room for a quarter
of the calls. Goal: overrun $0.00. The reference is writing the same records without a budget, by one process.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from nbkit.ledger.budgets import Spender
from nbkit.ledger.sqlite import SqliteSink
from nbkit.protocols import SinkOptions
from nbkit.testing import factories
from nbkit.types import Cost

MOST, COST = Decimal("0.0001"), Decimal("0.00008")


def record(name: str, number: int):
    cost = Cost(COST, source="table")
    return factories.record(number, id=f"{name}-{number}", session_id=name, cost=cost, started_at=datetime.now(UTC))


def race(folder: str, name: str, calls: int, limit: Decimal, made) -> None:
    """One process: reserves, and writes what it may."""
    sink = SqliteSink(SinkOptions(Path(folder)))
    took, kept = [], 0
    for number in range(calls):
        one = record(name, number)
        cpu = time.process_time()
        found = sink.budgets.reserve(one.id, MOST, {"day": limit}, of=Spender(name), at=datetime.now().astimezone())
        took.append(time.process_time() - cpu)
        if found is None:
            sink.write(one)
            kept += 1
    sink.close()
    made.put((kept, statistics.median(took)))


def main() -> None:
    processes, calls = (int(word) for word in (*sys.argv[1:], *("8", "1000")[len(sys.argv) - 1 :]))
    limit = MOST * processes * calls / 4
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        made = context.Queue()
        started = time.perf_counter()
        racers = [
            context.Process(target=race, args=(folder, f"p{number}", calls, limit, made)) for number in range(processes)
        ]
        for racer in racers:
            racer.start()
        found = [made.get() for _ in racers]
        for racer in racers:
            racer.join()
        wall = time.perf_counter() - started
        sink = SqliteSink(SinkOptions(Path(folder)))
        spent = sink.summary().cost_usd
        sink.close()
    with tempfile.TemporaryDirectory() as folder:
        sink = SqliteSink(SinkOptions(Path(folder)))
        took = []
        for number in range(calls):
            one, cpu = record("alone", number), time.process_time()
            sink.write(one)
            took.append(time.process_time() - cpu)
        sink.close()
    kept = sum(one for one, _ in found)
    print(f"{processes} processes x {calls:,} calls for ${limit}: {kept:,} made, ${spent} spent, in {wall:.1f} s")
    print(f"overrun ${max(Decimal(0), spent - limit)} (goal $0.00); unspent ${limit - spent}, a call is ${COST}")
    reserve = statistics.median(median for _, median in found)
    print(f"reserve {1e6 * reserve:.0f} CPU-us (median), writing a record {1e6 * statistics.median(took):.0f} CPU-us")


if __name__ == "__main__":
    main()
