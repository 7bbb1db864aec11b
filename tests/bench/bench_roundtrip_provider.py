"""One call to a zero-latency loopback server: CPU and wall for the provider, against raw httpx in a few ways.

`python tests/bench/bench_roundtrip_provider.py [RUNS]`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from nbkit.protocols import ProviderOptions
from nbkit.providers.openai import OpenAIProvider
from nbkit.types import Message, Request

SERVER = Path(__file__).parents[1] / "servers" / "streaming.py"
REQUEST = Request("openai", "m", (Message("user", "hi"),))
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
BATCH = 20


def measure(call: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall milliseconds of one call, from a batch: the CPU clock is coarse."""
    cpu, start = time.process_time(), time.perf_counter()
    for _ in range(BATCH):
        call()
    return 1000 * (time.process_time() - cpu) / BATCH, 1000 * (time.perf_counter() - start) / BATCH


def parsed(text: str) -> list[object]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with subprocess.Popen([sys.executable, str(SERVER), "5", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        path = f"{url}/chat/completions"
        provider = OpenAIProvider(ProviderOptions(home=Path(), base_url=url, api_key="sk-0123456789"))
        with httpx.Client() as client:
            ways: dict[str, Callable[[], object]] = {
                "httpx.Client.post, parsed": lambda: parsed(client.post(path, json=BODY).text),
                "httpx.Client.post": lambda: client.post(path, json=BODY).content,
                "provider": lambda: provider.complete(REQUEST, on_text=lambda _: None, timeout_s=60.0),
            }
            rows: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
            for run in range(runs + 3):
                for name, way in ways.items():
                    row = measure(way)
                    if run >= 3:  # the first ones open connections and fill caches
                        rows[name].append(row)
        provider.close()
        server.kill()
    medians = {name: [statistics.median(column) for column in zip(*row, strict=True)] for name, row in rows.items()}
    reference_ms = medians["httpx.Client.post, parsed"][0]
    print(f"one call, 5 tokens, medians of n = {runs} x {BATCH}")
    for name, (cpu_ms, wall_ms) in medians.items():
        print(f"  {name:28} {cpu_ms:6.3f} CPU-ms ({cpu_ms / reference_ms:.2f} x)   {wall_ms:6.3f} ms wall")


if __name__ == "__main__":
    main()
