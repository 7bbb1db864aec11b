"""2,000 calls from 64 threads at 50 ms server latency: wall time against the ideal, and CPU for 1,000 calls.

`python tests/bench/bench_threads.py [CALLS] [THREADS]`. Through the provider, through one `httpx.Client` for each
thread, through one shared `httpx.Client`, and, where the corridor is there, through `nbkit.ask` with cache, record and
guards. Goal: at most twice the ideal wall time, at most 1.2 CPU-s for 1,000 calls.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from nbkit.protocols import ProviderOptions
from nbkit.providers.openai import OpenAIProvider
from nbkit.types import Message, Request

LATENCY_S = 0.05
TOKENS = 5
SERVER = Path(__file__).parents[1] / "servers" / "streaming.py"

Call = Callable[[int], object]


def through_provider(url: str) -> Call:
    provider = OpenAIProvider(ProviderOptions(home=Path(), base_url=url, api_key="sk-0123456789"))

    def call(number: int) -> object:
        request = Request("openai", "m", (Message("user", f"question {number}"),))
        return provider.complete(request, on_text=lambda _: None, timeout_s=60.0)

    return call


def through_httpx(url: str, *, is_shared: bool) -> Call:
    context = httpx.create_ssl_context()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    local = threading.local()
    shared = httpx.Client(verify=context, limits=limits, timeout=60.0) if is_shared else None

    def call(number: int) -> object:
        client = shared or getattr(local, "client", None)
        if client is None:
            client = local.client = httpx.Client(verify=context, timeout=60.0)
        body = {"model": "m", "messages": [{"role": "user", "content": f"question {number}"}], "stream": True}
        return client.post(f"{url}/chat/completions", json=body).text

    return call


def through_ask(url: str) -> Call | None:
    try:
        import nbkit

        ask = nbkit.ask
    except (ImportError, AttributeError):
        return None
    return lambda number: ask(f"question {number}", model="openai:m", base_url=url)


def measure(call: Call, *, calls: int, threads: int) -> tuple[float, float]:
    """Wall and CPU seconds; the first call of each thread, which opens its connection, is among them."""
    call(-1)
    with ThreadPoolExecutor(threads) as pool:
        cpu, start = time.process_time(), time.perf_counter()
        for _ in pool.map(call, range(calls)):
            pass
        return time.perf_counter() - start, time.process_time() - cpu


def main() -> None:
    calls, threads = (int(text) for text in (sys.argv[1:] + ["2000", "64"][len(sys.argv) - 1 :]))
    ideal_s = LATENCY_S * calls / threads
    os.environ["NBKIT_HOME"] = tempfile.mkdtemp(prefix="nbkit-bench-")
    command = [sys.executable, str(SERVER), str(TOKENS), str(LATENCY_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        ways = {
            "provider": through_provider(url),
            "nbkit.ask": through_ask(url),
            "httpx.Client for each thread": through_httpx(url, is_shared=False),
            "one shared httpx.Client": through_httpx(url, is_shared=True),
        }
        print(f"{calls} calls, {threads} threads, {1000 * LATENCY_S:.0f} ms latency: ideal {ideal_s:.2f} s, n = 1")
        for name, call in ways.items():
            if call is None:
                print(f"  {name:30} not built yet")
                continue
            wall_s, cpu_s = measure(call, calls=calls, threads=threads)
            print(
                f"  {name:30} {wall_s:6.2f} s wall ({wall_s / ideal_s:5.2f} x ideal)   "
                f"{1000 * cpu_s / calls:5.2f} CPU-s for 1,000 calls"
            )
        server.kill()


if __name__ == "__main__":
    main()
