"""The ground rules of the suite hold."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _pytest(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest on a folder that holds a copy of the suite's conftest."""
    (folder / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  live: x\n  data: x\n  browser: x\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *args, str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, **environment}, timeout=120
    )


def test_every_test_has_a_home_of_its_own_that_is_not_there_yet(nbkit_home):
    assert not nbkit_home.exists()
    assert nbkit_home.name.startswith("home-")


def test_keys_of_the_person_who_runs_the_tests_are_out_of_reach(tmp_path):
    (tmp_path / "test_keys.py").write_text(
        "import os\ndef test_it():\n    assert not {'OPENAI_API_KEY', 'HF_TOKEN', 'NBKIT_MODEL'} & set(os.environ)\n"
    )
    ran = _pytest(tmp_path, OPENAI_API_KEY="sk-1", HF_TOKEN="hf-1", NBKIT_MODEL="openai:x")
    assert ran.returncode == 0, ran.stdout


def test_a_connection_to_another_host_fails_the_test_even_when_swallowed(tmp_path):
    (tmp_path / "test_net.py").write_text(
        "import contextlib, socket\n"
        "def test_it():\n"
        "    with contextlib.suppress(Exception):\n"
        "        socket.create_connection(('192.0.2.1', 80), timeout=1)\n"
    )
    ran = _pytest(tmp_path)
    assert ran.returncode == 1
    assert "reached beyond this machine: 192.0.2.1" in ran.stdout


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_names_that_never_exist_are_not_looked_up():
    with pytest.raises(socket.gaierror):
        socket.create_connection(("api.invalid", 80), timeout=1)


_THREE = """
import pytest
@pytest.mark.live
def test_live(): pass
@pytest.mark.data
def test_data(): pass
def test_plain(): pass
"""


def test_live_tests_run_only_when_chosen(tmp_path):
    (tmp_path / "test_three.py").write_text(_THREE)
    assert "1 passed, 1 skipped, 1 deselected" in _pytest(tmp_path, NBKIT_BENCH_DATA="").stdout
    assert "1 passed, 2 deselected" in _pytest(tmp_path, "-m", "live").stdout


def test_a_skip_is_a_failure_where_nothing_may_skip_unless_it_needs_a_collection(tmp_path):
    (tmp_path / "test_three.py").write_text(_THREE + "def test_skips(): pytest.skip('no reason')\n")
    allowed = _pytest(tmp_path, NBKIT_BENCH_DATA="", NBKIT_NO_SKIPS="0")
    refused = _pytest(tmp_path, NBKIT_BENCH_DATA="", NBKIT_NO_SKIPS="1")
    assert "1 passed, 2 skipped" in allowed.stdout
    assert "1 failed, 1 passed, 1 skipped" in refused.stdout
    assert "skipped where nothing may skip" in refused.stdout


def test_a_browser_test_says_why_it_skips(tmp_path):
    (tmp_path / "test_browser.py").write_text("import pytest\n@pytest.mark.browser\ndef test_it(): pass\n")
    ran = _pytest(tmp_path, "-rs", PATH="", NBKIT_NO_SKIPS="")
    assert "no Chromium: none of chromium" in ran.stdout
