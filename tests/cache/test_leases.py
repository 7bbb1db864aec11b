"""Identical calls at once: one caller makes the answer, the others wait for it, and nobody waits for the dead."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from nbkit.cache.answers import LEASE_MARGIN_S, AnswerCache
from nbkit.canonical import request_key
from nbkit.testing.factories import entry, request

KEY = request_key(request())


def ask(cache: AnswerCache, calls: list[int], *, duration_s: float = 0.1) -> None:
    with cache.lease(KEY, timeout_s=20) as found:
        if found is None:
            calls.append(1)
            time.sleep(duration_s)
            cache.put(KEY, entry(), request=request(), ttl_s=None)


def test_identical_calls_of_threads_make_one_call(cache):
    calls: list[int] = []
    threads = [threading.Thread(target=ask, args=(cache, calls)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def _ask_in_process(folder: Path, start: object, log: Path) -> None:
    with contextlib.closing(AnswerCache(folder)) as cache:
        calls: list[int] = []
        start.wait()
        ask(cache, calls, duration_s=0.3)
        with log.open("a") as file:
            file.write("call\n" * len(calls))
        assert cache.get(KEY) == entry()


def test_identical_calls_of_processes_make_one_call(tmp_path):
    context = multiprocessing.get_context("spawn")
    start, log = context.Barrier(3), tmp_path / "log"
    workers = [context.Process(target=_ask_in_process, args=(tmp_path / "answers", start, log)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert log.read_text() == "call\n"


def test_lease_of_a_call_that_failed_goes_to_the_next(cache):
    def fail() -> None:
        with cache.lease(KEY, timeout_s=1):
            msg = "the provider failed"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError):
        fail()
    assert cache._store().holder(KEY) is None


def test_lease_is_given_back_when_the_answer_is_kept(cache):
    with cache.lease(KEY, timeout_s=1):
        assert cache._store().holder(KEY) is not None
        cache.put(KEY, entry(), request=request(), ttl_s=None)
        assert cache._store().holder(KEY) is None


def test_lease_of_a_live_holder_is_waited_for_no_longer_than_the_call_may_take(cache, clock):
    with contextlib.closing(AnswerCache(cache.folder, now=clock)) as other, cache.lease(KEY, timeout_s=60):
        with other.lease(KEY, timeout_s=0.05) as found:
            assert found is None
        assert other.notice is None
        assert cache._store().holder(KEY) is not None


def test_lease_that_ran_out_is_taken_over(cache, clock):
    with contextlib.closing(AnswerCache(cache.folder, now=clock)) as other, cache.lease(KEY, timeout_s=60):
        clock.advance(60 + LEASE_MARGIN_S)
        with other.lease(KEY, timeout_s=20) as found:
            assert found is None
            assert other._store().holder(KEY)[0] == other._owner


def test_lease_of_a_process_that_was_killed_is_taken_over_at_once(cache):
    script = """
        import sys, time
        from pathlib import Path
        from nbkit.cache.answers import AnswerCache
        with AnswerCache(Path(sys.argv[1])).lease(sys.argv[2], timeout_s=10**9):
            print("held", flush=True)
            time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), cache.folder, KEY], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGKILL)
    with cache.lease(KEY, timeout_s=10**6) as found:
        assert found is None
        assert cache._store().holder(KEY)[0] == cache._owner


def test_waiting_for_another_process_can_be_interrupted(cache, clock):
    with contextlib.closing(AnswerCache(cache.folder, now=clock)) as other, other.lease(KEY, timeout_s=600):
        timer = threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,))
        timer.start()
        with pytest.raises(KeyboardInterrupt), cache.lease(KEY, timeout_s=600):
            pass
        timer.join()
    assert cache._leased == set()


def test_waiting_for_another_thread_can_be_interrupted(cache):
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with cache.lease(KEY, timeout_s=600):
            held.set()
            go_on.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt), cache.lease(KEY, timeout_s=600):
        pass
    go_on.set()
    thread.join()
    timer.join()
