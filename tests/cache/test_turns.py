from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nbkit.cache.turns import Turns, is_dead, owner_id


def test_threads_take_turns_for_one_key():
    turns, inside, most = Turns(), [], []

    def work() -> None:
        with turns.turn("key", timeout_s=20) as is_mine:
            assert is_mine
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 16


def test_other_keys_do_not_wait():
    turns = Turns()
    with turns.turn("a", timeout_s=1), turns.turn("b", timeout_s=0) as is_mine:
        assert is_mine


def test_nothing_is_kept_of_keys_that_nobody_waits_for():
    turns = Turns()

    def fail() -> None:
        with turns.turn("key", timeout_s=float("inf")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert turns._slots == {}


def test_process_that_has_ended_is_dead():
    script = "from nbkit.cache.turns import owner_id; print(owner_id())"
    owner = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert is_dead(owner)
    assert not is_dead(owner_id())


def test_process_that_ended_and_was_not_waited_for_is_dead():
    script = "import os; from nbkit.cache.turns import owner_id; print(owner_id(), flush=True); os._exit(0)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        owner = process.stdout.readline().strip()
        process.stdout.read()
        # Its output is closed a moment before it has ended; the wait leaves its process id taken.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(owner)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the platform does not tell when a process started")
def test_process_id_that_was_used_again_is_dead():
    assert is_dead(f"{socket.gethostname()}|{os.getpid()}|1|token")


def test_process_on_another_host_is_not_known_to_be_dead():
    assert not is_dead(f"elsewhere.example|{os.getpid()}|1|token")


@pytest.mark.parametrize("owner", ["", "x", "a|b|c|d", "host|-1|1|token"])
def test_name_that_no_process_gave_itself_is_dead(owner):
    assert is_dead(owner)
