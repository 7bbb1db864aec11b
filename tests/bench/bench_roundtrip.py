"""One `%%llm` cell against a zero-latency loopback server, beside a three-line httpx magic, in CPU-ms.

`python tests/bench/bench_roundtrip.py [RUNS]`. Both cells run in one shell whose display publisher turns each message
into JSON, as a kernel's does. The cell has guards, cache (a miss that is written), record and card; the magic posts,
parses and draws Markdown. Goal: at most 1.6 times the magic.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import Markdown, display

SERVER = Path(__file__).parents[1] / "servers" / "streaming.py"
BATCH = 20


class Publisher(DisplayPublisher):
    """Turns each message into JSON, as a kernel does."""

    messages = 0

    def publish(self, data, metadata=None, **kwargs):
        Publisher.messages += 1
        json.dumps({"data": data, "metadata": metadata, "transient": kwargs.get("transient")})


class Shell(InteractiveShell):
    """A shell as a kernel has, without the kernel."""

    display_pub_class = Publisher

    def init_history(self):
        super().init_history()
        self.history_manager.enabled = False


def three_lines(url: str):
    client = httpx.Client()

    def bare(line, cell):
        body = {"model": "m", "messages": [{"role": "user", "content": cell}], "stream": True}
        lines = client.post(f"{url}/chat/completions", json=body).text.splitlines()
        pieces = [json.loads(one[6:])["choices"] for one in lines if one.startswith("data: {")]
        display(Markdown("".join(piece[0]["delta"].get("content") or "" for piece in pieces if piece)))

    return bare


def measure(shell: Shell, cell: str, start: int) -> float:
    """CPU-ms of one cell, from a batch: the CPU clock is coarse."""
    cpu = time.process_time()
    for number in range(start, start + BATCH):
        outcome = shell.run_cell(f"{cell}\nquestion {number}")
        assert outcome.success
    return 1000 * (time.process_time() - cpu) / BATCH


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    os.environ["NBKIT_HOME"] = tempfile.mkdtemp(prefix="nbkit-bench-")
    with subprocess.Popen([sys.executable, str(SERVER), "5", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        shell = Shell.instance()
        shell.run_line_magic("load_ext", "nbkit")
        shell.run_cell(f"import nbkit; nbkit.configure(model='openai:m', base_url={url!r})")
        shell.register_magic_function(three_lines(url), "cell", "bare")
        rows: dict[str, list[float]] = {"%%bare": [], "%%llm": []}
        for run in range(runs + 3):
            for name, found in rows.items():
                cpu_ms = measure(shell, name, run * BATCH)
                if run >= 3:  # the first ones open connections and fill caches
                    found.append(cpu_ms)
        shell.run_line_magic("unload_ext", "nbkit")
        server.kill()
    bare_ms, llm_ms = (statistics.median(found) for found in rows.values())
    print(f"one cell, 5 tokens, medians of n = {runs} x {BATCH}")
    print(f"  three-line httpx magic {bare_ms:6.2f} CPU-ms")
    print(f"  %%llm                  {llm_ms:6.2f} CPU-ms   {llm_ms / bare_ms:.2f} x (goal 1.6)")


if __name__ == "__main__":
    main()
