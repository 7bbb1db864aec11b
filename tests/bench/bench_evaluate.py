"""What the runner of evaluations adds: CPU a case beside the answers alone, and wall time beside the ideal.

`python tests/bench/bench_evaluate.py [CASES]`. Cached: the same prompts asked in a loop through the corridor, and by
the runner. Live: a function that waits 50 ms, with 64 workers; the ideal is that many waits in rows of 64. Runs are
kept on disk, as a cell keeps them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from nbkit.evals.asking import PromptTask
from nbkit.evals.calling import FunctionTask
from nbkit.evals.cases import Case, Score
from nbkit.evals.kept import KeptRuns
from nbkit.evals.running import Pace, run_cases
from nbkit.evals.runs import Pins
from nbkit.recorded import Origin
from nbkit.session import Session
from nbkit.testing import FakeProvider

_WAIT_S = 0.05
_WORKERS = 64


class Same:
    """The cheapest metric there is."""

    name, is_better_high, unit = "same", True, ""

    def score(self, case: Case, answer: object) -> Score:
        return Score(1.0)


class Slow(FakeProvider):
    """Waits before it answers, as a service does."""

    def complete(self, request, **given):
        time.sleep(_WAIT_S)
        return super().complete(request, **given)


def main(cases: int = 2000) -> None:
    asked = [Case(f"q{number}", f"What is {number} and why?", expected=str(number)) for number in range(cases)]
    pins = Pins("p", None, dataset="bench", dataset_sha256="d", cases=cases, metrics=("same",))
    with tempfile.TemporaryDirectory() as folder:
        session = Session(home=Path(folder), environment={})
        kept = KeptRuns(Path(folder))
        settings = session.config({"model": "echo"}).settings
        task = PromptTask(session, "{{ input }}", settings, names={}, origin=Origin())
        for case in asked:
            list(task.answers(case, samples=1))
        alone, ran = [], []
        for _ in range(3):
            started = time.process_time()
            for case in asked:
                list(task.answers(case, samples=1))
            alone.append(time.process_time() - started)
            started = time.process_time()
            run_cases(task, asked, [Same()], pins=pins, kept=kept, pace=Pace(workers=1))
            ran.append(time.process_time() - started)
        per = [1e3 * statistics.median(one) / cases for one in (alone, ran)]
        print(f"cached, {cases:,} cases: answers alone {per[0]:.2f} CPU-ms a case, in a run {per[1]:.2f}: "
              f"the runner adds {per[1] - per[0]:.2f}")  # fmt: skip
        ideal = -(-cases // _WORKERS) * _WAIT_S
        waits = FunctionTask(lambda case: time.sleep(_WAIT_S) or case.input)
        walls, spent = [], []
        for _ in range(3):
            started, cpu = time.perf_counter(), time.process_time()
            run_cases(waits, asked, [Same()], pins=pins, kept=kept, pace=Pace(workers=_WORKERS))
            walls.append(time.perf_counter() - started)
            spent.append(time.process_time() - cpu)
        wall = statistics.median(walls)
        print(f"live, {cases:,} cases of 50 ms, {_WORKERS} workers: {wall:.2f} s, ideal {ideal:.2f} s: "
              f"{wall / ideal:.2f} x; {1e3 * statistics.median(spent) / cases:.2f} CPU-ms a case")  # fmt: skip
        slow = Session(home=Path(folder, "slow"), environment={}, providers={"fake": Slow()})
        settings = slow.config({"model": "fake:m", "cache": "off"}).settings
        through = PromptTask(slow, "{{ input }}", settings, names={}, origin=Origin())
        started, cpu = time.perf_counter(), time.process_time()
        run_cases(through, asked, [Same()], pins=pins, kept=kept, pace=Pace(workers=_WORKERS))
        wall, spent_s = time.perf_counter() - started, time.process_time() - cpu
        print(f"the same through guards, records and budget of the corridor: {wall:.2f} s, {wall / ideal:.2f} x; "
              f"{1e3 * spent_s / cases:.2f} CPU-ms a case, which one interpreter does one after the other")  # fmt: skip
        slow.close()
        kept.close()
        session.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
