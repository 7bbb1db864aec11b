"""An evaluation killed at random moments and run again: which finished cases are paid for twice.

`python tests/bench/bench_evaluate_kill.py [KILLS]`. A case is finished once its answer is kept. Each round is a run of
200 cases by 8 workers, killed with signal 9 after a random time, and run again to its end in a second process.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from nbkit.evals.calling import FunctionTask
from nbkit.evals.cases import Case, Score
from nbkit.evals.kept import KeptRuns
from nbkit.evals.running import Pace, run_cases
from nbkit.evals.runs import Pins

_CASES, _WORKERS, _WAIT_S = 200, 8, 0.01


class Same:
    """The cheapest metric there is."""

    name, is_better_high, unit = "same", True, ""

    def score(self, case: Case, answer: object) -> Score:
        return Score(1.0)


def work(folder: Path) -> None:
    """One run, as far as it comes; each call that is paid for is a line of a file."""
    paid = (folder / "paid").open("a", buffering=1)

    def answer(case: Case) -> str:
        paid.write(f"{case.id}\n")
        time.sleep(_WAIT_S)
        return case.input

    kept = KeptRuns(folder)
    cases = [Case(f"q{number}", f"What is {number}?") for number in range(_CASES)]
    pins = Pins("answer", "s", dataset_sha256="d", cases=_CASES, metrics=("same",))
    found = run_cases(FunctionTask(answer), cases, [Same()], pins=pins, kept=kept, pace=Pace(workers=_WORKERS))
    print(json.dumps([one.case.id for one in found.graded if one.answer is not None]))
    kept.close()


def main(kills: int = 50) -> None:
    rng = random.Random(6)
    whole = twice = torn = finished_in_all = 0
    for _ in range(kills):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            command = [sys.executable, __file__, "--work", name]
            first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while not (folder / "paid").exists():
                time.sleep(0.005)
            time.sleep(rng.uniform(0, _CASES * _WAIT_S / _WORKERS * 1.1))
            first.kill()
            first.wait()
            kept = KeptRuns(folder)
            runs = kept.all()
            had = {one.case.id for one in kept.find(runs[-1].id).graded} if runs else set()
            kept.close()
            rest = subprocess.run(command, check=True, capture_output=True, text=True)
            answered = json.loads(rest.stdout)
            times = Counter((folder / "paid").read_text().split())
            is_whole = bool(runs) and runs[-1].finished_at is not None
            finished_in_all += len(had)
            # A run that was whole before the kill is not gone on with: the second is another.
            twice += 0 if is_whole else sum(times[case] > 1 for case in had)
            torn += sorted(answered) != sorted(f"q{number}" for number in range(_CASES))
            whole += is_whole
    print(f"{kills} kills, {finished_in_all:,} cases finished before them ({whole} runs were whole by then): "
          f"{twice} paid twice, {torn} runs not whole after the second try")  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(Path(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))
