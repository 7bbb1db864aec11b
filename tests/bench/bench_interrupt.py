"""How long an interrupt of a streaming call takes to be felt, and whether the next call works, 100 random offsets.

`NBKIT_HOME=... python tests/bench/bench_interrupt.py [n] [model]`: the local provider where its weights are present,
and the HTTP provider against a loopback server that trickles tokens. The reference is a plain sleep, interrupted.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from nbkit.config import home_path
from nbkit.errors import NbkitError
from nbkit.protocols import Provider, ProviderOptions
from nbkit.types import Message, Request

GOAL_S = 0.3


def interrupted(call: Callable[[], object], after_s: float) -> float | None:
    """Seconds from SIGINT to `KeyboardInterrupt` at the caller; None when the call ended before."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.perf_counter())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    timer = threading.Timer(after_s, send)
    timer.start()
    try:
        call()
        timer.cancel()
        timer.join()
    except KeyboardInterrupt:
        return time.perf_counter() - sent[0]
    return None


def measure(name: str, provider: Provider, request: Request, *, n: int, span_s: float) -> None:
    """Prints the figures of one provider."""
    short = Request(request.provider, request.model, (Message("user", "hi"),), max_tokens=4, base_url=request.base_url)
    provider.complete(short, on_text=lambda _: None, timeout_s=120)
    delays, next_s, failed, cpu, wall = [], [], 0, time.process_time(), time.perf_counter()
    offsets = random.Random(7)
    while len(delays) < n:
        delay = interrupted(
            lambda: provider.complete(request, on_text=lambda _: None, timeout_s=120), offsets.uniform(0.005, span_s)
        )
        if delay is None:
            continue
        delays.append(delay)
        began = time.perf_counter()
        try:
            provider.complete(short, on_text=lambda _: None, timeout_s=30)
        except NbkitError:
            failed += 1
        next_s.append(time.perf_counter() - began)
    delays.sort()
    print(
        f"{name}: n={n} felt p50 {statistics.median(delays) * 1e3:.1f} ms,"
        f" p99 {delays[int(n * 0.99) - 1] * 1e3:.1f} ms,"
        f" max {delays[-1] * 1e3:.1f} ms; {sum(d < GOAL_S for d in delays)} of {n} below {GOAL_S} s;"
        f" next call failed {failed}, took p50 {statistics.median(next_s):.3f} s max {max(next_s):.3f} s;"
        f" wall {time.perf_counter() - wall:.1f} s, CPU {time.process_time() - cpu:.1f} s"
    )


@contextlib.contextmanager
def trickle() -> Iterator[str]:
    """A loopback server that streams a token every 10 ms for 5 s, or 4 tokens to a short prompt."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(min(500, body.get("max_tokens") or body.get("max_completion_tokens") or 500)):
                    self._event({"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]})
                    time.sleep(0.01)
                self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                self._event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 4}})
                self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True

        def _event(self, event: object) -> None:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Runs what can run here."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    offsets = random.Random(7)
    bare = [interrupted(lambda: time.sleep(5), offsets.uniform(0.005, 0.05)) or 0.0 for _ in range(20)]
    print(f"reference, time.sleep: n=20 felt p50 {statistics.median(bare) * 1e3:.1f} ms, max {max(bare) * 1e3:.1f} ms")
    long = Message("user", "Count the stars slowly, and tell a long story about each. " * 8)
    try:
        from nbkit.providers.openai import OpenAIProvider
    except ImportError as error:
        print(f"openai: skipped, {error}")
    else:
        with (
            trickle() as url,
            contextlib.closing(
                OpenAIProvider(ProviderOptions(home=home_path(), base_url=url, api_key="sk-loopback"))
            ) as http,
        ):
            measure("openai", http, Request("openai", "m", (long,), base_url=url), n=n, span_s=0.8)
    from nbkit.providers.local import LocalProvider

    with contextlib.closing(LocalProvider(ProviderOptions(home=home_path()))) as local:
        names = sys.argv[2:3] or local.models()
        if not names:
            print("local: skipped, no weights below NBKIT_HOME (nbkit models pull smollm2-135m)")
        for model in names:
            # Offsets from the first ms, in the prompt, to far into the answer.
            measure(f"local {model}", local, Request("local", model, (long,), max_tokens=400), n=n, span_s=2.5)


if __name__ == "__main__":
    main()
