"""CPU and memory of `%load_ext nbkit` above a bare IPython shell, each in a fresh process with bytecode written.

The references run in the same way, in the same run: a shell alone, the smallest extension there can be, and two
packages that nbkit does not load. What loading puts off is shown too: the first `%config NbKit` and the first cell,
and the time of completions once they are warm. Run: python tests/bench/bench_load.py [ROUNDS]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 11
GOAL_CPU_S, GOAL_RSS_BYTES = 0.030, 5 << 20
HEAVY = (
    "torch", "sentence_transformers", "onnxruntime", "matplotlib", "ipywidgets", "httpx", "genai_prices", "jinja2",
    "diskcache", "numpy", "pandas", "sqlite3", "importlib.metadata", "nbkit.session", "nbkit.display", "nbkit.config",
)  # fmt: skip
PROBE = """
import gc, json, sys, time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
quiet = Config()
quiet.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=quiet)
shell.run_cell("1 + 1", silent=True)
def rss():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
gc.collect()
before, loaded = rss(), set(sys.modules)
cpu, wall = time.process_time(), time.perf_counter()
shell.run_cell(sys.argv[1], silent=True)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps({"cpu": cpu, "wall": wall, "rss": rss() - before, "modules": sorted(set(sys.modules) - loaded)}))
"""
COMPLETE = """
import json, statistics, time, warnings
from nbkit.testing.interactive import shell
from IPython.core.completer import provisionalcompleter
found = {}
with shell() as s, provisionalcompleter():
    s.run_cell("question = 1")
    for text in ("%%llm --ma", "%%llm -m lo", "%%llm --cache re", "%nbkit config te", "%%llm\\nhi {{ que", "x.re"):
        list(s.Completer.completions(text, len(text)))
        times = []
        for _ in range(50):
            started = time.perf_counter()
            list(s.Completer.completions(text, len(text)))
            times.append(time.perf_counter() - started)
        found[text] = statistics.median(times)
print(json.dumps(found))
"""
CASES = {
    "bare shell (pass)": "pass",
    "smallest extension": "%load_ext smallest",
    "nbkit": "%load_ext nbkit",
    "+ first %config NbKit": "%load_ext nbkit\n%config NbKit.seed",
    "+ first %llm (echo)": "%load_ext nbkit\n_ = %llm --quiet -m echo hello",
    "import jinja2": "import jinja2",
    "import httpx": "import httpx",
}


def measure(code: str, folder: str) -> dict[str, object]:
    """One fresh process."""
    own = dict.fromkeys(("PYTHONPATH", "IPYTHONDIR", "HOME", "NBKIT_HOME"), folder)
    command = [sys.executable, "-c", PROBE, code]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=own)
    return json.loads(ran.stdout.splitlines()[-1])


def main(rounds: int) -> int:
    """Prints the table; 1 when a goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "smallest.py").write_text("def load_ipython_extension(shell): pass\n")
        runs: dict[str, list[dict[str, object]]] = {name: [] for name in CASES}
        for at in range(rounds + 1):
            for name, code in CASES.items():
                found = measure(code, folder)
                if at:  # the first round writes bytecode
                    runs[name].append(found)
    base = statistics.median(run["cpu"] for run in runs["bare shell (pass)"])
    heads = ("CPU ms", "min", "max", "above bare", "wall ms", "RSS MB", "modules")
    widths = (9, 8, 8, 12, 9, 8, 9)
    print(f"{f'n = {rounds}':<22}" + "".join(head.rjust(width) for head, width in zip(heads, widths, strict=True)))
    for name, found in runs.items():
        cpu = [run["cpu"] * 1e3 for run in found]
        wall, rss = (statistics.median(run[key] for run in found) for key in ("wall", "rss"))
        print(
            f"{name:<22}{statistics.median(cpu):>9.2f}{min(cpu):>8.2f}{max(cpu):>8.2f}"
            f"{statistics.median(cpu) - base * 1e3:>12.2f}{wall * 1e3:>9.2f}{rss / 2**20:>8.2f}"
            f"{len(found[0]['modules']):>9}"
        )
    ours = runs["nbkit"]
    above_s = statistics.median(run["cpu"] for run in ours) - base
    rss_bytes = statistics.median(run["rss"] for run in ours)
    loaded = ours[0]["modules"]
    heavy = [name for name in HEAVY if name in loaded]
    print(f"\nmodules loaded: {', '.join(loaded)}\nheavy among them: {', '.join(heavy) or 'none'}")
    print(f"goal: CPU {above_s:.4f} s of {GOAL_CPU_S} s ({above_s / GOAL_CPU_S:.2f} x)", end="; ")
    print(f"RSS {rss_bytes / 2**20:.2f} MB of {GOAL_RSS_BYTES / 2**20:.0f} MB ({rss_bytes / GOAL_RSS_BYTES:.2f} x)")
    print("\ncompletion, median ms of 50:")
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [sys.executable, "-c", COMPLETE],
            check=True, capture_output=True, text=True, env={"IPYTHONDIR": folder, "HOME": folder},
        )  # fmt: skip
    for text, seconds in json.loads(ran.stdout.splitlines()[-1]).items():
        print(f"{text!r:<28}{seconds * 1e3:>8.3f}")
    return int(above_s > GOAL_CPU_S or rss_bytes > GOAL_RSS_BYTES or bool(heavy))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
