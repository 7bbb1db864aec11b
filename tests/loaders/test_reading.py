"""Files that do harm are refused, the parent stays as it was, the next file is read."""

from __future__ import annotations

import dataclasses
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from nbkit.documents import Document
from nbkit.errors import DocumentError
from nbkit.loaders.limits import Limits
from nbkit.loaders.reading import Reader, read, read_many

_FAST = Limits(stall_s=1.5, total_s=2.0, memory_bytes=1 << 28)


def _patient(limits):
    """The same limits on memory with time enough: what takes memory does not hang, however busy the machine is."""
    return dataclasses.replace(limits, stall_s=30.0, total_s=60.0, scan_page_s=30.0)


@pytest.fixture
def hostile(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    yield importlib.import_module("hostile")
    sys.modules.pop("hostile")


@pytest.fixture
def reader(hostile):
    with Reader(limits=_FAST, children=2, loader_of=lambda _: hostile.Hostile) as found:
        yield found


@pytest.fixture
def act(tmp_path):
    def act(what):
        path = tmp_path / f"{what}.hostile"
        path.write_text(what)
        return path

    return act


def children():
    """This process's parsers; a whole run of the suite has servers and kernels beside them."""
    return [one for one in psutil.Process().children() if is_alive(one) and "nbkit.loaders.child" in one.cmdline()]


def is_alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("crash", "crashed (SIGSEGV)"),
        ("leave", "crashed (exit code 3)"),
        ("stop", "crashed"),
        ("hang", "no progress for 1.5 seconds"),
        ("hang_without_threads", "no progress for 1.5 seconds"),
        ("crawl", "more than 2 seconds"),
        ("flood", "more than 10,000,000 characters"),
        ("lie", "not a document"),
        ("other", "AttributeError"),
        ("fail", "RuntimeError"),
        ("miss", "no_such_parser_anywhere is not installed"),
    ],
)
def test_a_parser_that_does_harm_is_a_refusal_and_the_next_file_is_read(reader, act, what, why):
    with pytest.raises(DocumentError) as caught:
        reader.read(act(what))
    assert why in caught.value.why
    assert f"{what}.hostile" in caught.value.what
    assert "the words of the document" not in str(caught.value)
    assert reader.read(act("good")) == Document("good")


def test_a_parser_that_takes_all_memory_is_a_refusal_and_the_next_file_is_read(hostile, act):
    with Reader(limits=_patient(_FAST), loader_of=lambda _: hostile.Hostile) as reader:
        with pytest.raises(DocumentError, match="needed more than") as caught:
            reader.read(act("hoard"))
        assert "hoard.hostile" in caught.value.what
        assert reader.read(act("good")) == Document("good")


def test_the_parent_grows_little_whatever_its_children_do(reader, act):
    reader.read(act("good"))
    before = psutil.Process().memory_info().rss
    for what in ("hoard", "flood", "hang", "crash"):
        with pytest.raises(DocumentError):
            reader.read(act(what))
    assert psutil.Process().memory_info().rss - before < 200 << 20


def test_a_slow_parser_that_makes_progress_is_waited_for(hostile, act):
    with Reader(limits=Limits(stall_s=1.0, total_s=30), loader_of=lambda _: hostile.Hostile) as reader:
        assert reader.read(act("slow")).text == "slow"


_SCANS = Limits(
    stall_s=0.8, total_s=1.0, memory_bytes=1 << 28, scan_pages=2, scan_page_s=2.0, scan_memory_bytes=1 << 29
)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("scan", "scan"),
        ("scan_and_hoard", "scan"),
        ("scan_and_hang", "no progress for 2 seconds"),
        ("scan_without_end", "more than 5 seconds"),
        ("hang", "no progress for 0.8 seconds"),
        ("hoard", "needed more than 268,435,456 bytes"),
    ],
)
def test_a_page_that_is_read_as_a_picture_has_more_time_and_memory_and_no_other(hostile, act, what, said):
    limits = _patient(_SCANS) if what.endswith("hoard") else _SCANS
    with Reader(limits=limits, children=1, loader_of=lambda _: hostile.Hostile) as reader:
        try:
            assert reader.read(act(what)).text == said
        except DocumentError as error:
            assert said in error.why  # noqa: PT017 - either is an answer
        assert reader.read(act("good")).text == "good"


def test_after_a_picture_the_next_file_is_held_to_the_smaller_memory_again(hostile, act):
    with Reader(limits=_patient(_SCANS), children=1, loader_of=lambda _: hostile.Hostile) as reader:
        reader.read(act("scan_and_hoard"))
        with pytest.raises(DocumentError, match="268,435,456"):
            reader.read(act("hoard"))


def test_what_a_parser_prints_does_not_reach_the_parent(reader, act):
    assert reader.read(act("talk")).text == "talked"
    assert reader.read(act("good")).text == "good"


def test_no_key_of_the_environment_reaches_a_parser(reader, act, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "secret")
    assert "SOME_API_KEY" not in reader.read(act("keys")).text.split()


def test_a_loader_without_a_budget_is_asked_as_the_protocol_says(hostile, act):
    with Reader(loader_of=lambda _: hostile.Plain, limits=Limits(text_chars=5)) as reader:
        assert reader.read(act("good")).text == "good"
        with pytest.raises(DocumentError, match="text_chars"):
            reader.read(act("longer"))


def test_results_come_in_the_order_of_the_paths_with_failures_among_them(reader, act):
    whats = ["good", "crash", "slow", "good", "fail", "good", "leave", "good"] * 2
    found = list(reader.read_many([act(what) for what in whats]))
    assert [path.stem for path, _ in found] == whats
    assert [isinstance(one, Document) for _, one in found] == [what in ("good", "slow") for what in whats]


def test_an_interrupt_ends_what_is_being_read_and_the_reader_still_works(reader, act):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(Reader.read_many(reader, [act("hang")] * 40))
    assert time.monotonic() - started < 10
    assert children() == []
    assert reader.read(act("good")).text == "good"


def test_an_interrupt_while_one_file_is_read_ends_its_child(hostile, act):
    with Reader(loader_of=lambda _: hostile.Hostile, limits=Limits(stall_s=30)) as reader:
        reader.read(act("good"))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            reader.read(act("hang"))
        assert children() == []
        assert reader.read(act("good")).text == "good"


def test_an_iteration_that_is_dropped_leaves_no_child_behind(act, hostile):
    found = read_many([act("good")] * 9)
    next(found)
    found.close()
    assert children() == []


def test_a_child_is_kept_for_the_next_file(reader, act):
    reader.read(act("good"))
    first = children()
    reader.read(act("good"))
    with pytest.raises(DocumentError):
        reader.read(act("fail"))
    assert children() == first


def test_threads_share_no_more_children_than_allowed(reader, act):
    with ThreadPoolExecutor(6) as pool:
        assert {one.text for one in pool.map(reader.read, [act("good")] * 30)} == {"good"}
    assert len(children()) <= 2


def test_closing_ends_all_children(reader, act):
    reader.read(act("good"))
    reader.close()
    assert children() == []


_PARENT = """
import sys
from pathlib import Path
import hostile
from nbkit.loaders.limits import Limits
from nbkit.loaders.reading import Reader
reader = Reader(loader_of=lambda _: hostile.Hostile, limits=Limits(stall_s={stall_s}))
reader.read(Path(sys.argv[1]))
print("ready", flush=True)
reader.read(Path(sys.argv[2]))
"""


@pytest.mark.parametrize("what", ["hang", "hang_without_threads"])
def test_children_end_with_a_parent_that_was_killed(act, what):
    code = _PARENT.format(stall_s=3 if what == "hang_without_threads" else 60)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(act("good")), str(act(what))], stdout=subprocess.PIPE, env=environment
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    (child,) = psutil.Process(parent.pid).children()
    begun = act(what).with_suffix(".begun")
    until = time.monotonic() + 20
    while not begun.exists() and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)
    parent.kill()
    parent.communicate()
    gone, _ = psutil.wait_procs([child], timeout=20)
    assert gone


def test_what_is_no_file_is_refused_without_a_child(tmp_path):
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "a.exe").write_bytes(b"MZ")
    (tmp_path / "big.txt").write_bytes(b"x" * 11)
    names = {
        "pipe.md": "regular",
        "folder.md": "regular",
        "none.md": "No such",
        "a.exe": "no loader",
        "big.txt": "may be",
    }
    with Reader(limits=Limits(file_bytes=10)) as reader:
        for name, why in names.items():
            with pytest.raises(DocumentError, match=why):
                reader.read(tmp_path / name)
        assert children() == []


def test_one_file_may_be_read_without_a_reader(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("# Care")
    assert read(path).title == "Care"
    assert children() == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_children_of_its_own(reader, act):
    good = act("good")
    reader.read(good)
    own = children()
    process = os.fork()
    if process == 0:
        try:
            is_right = reader.read(good).text == "good" and not {one.pid for one in own} & {
                one.pid for one in children()
            }
            reader.close()
            os._exit(0 if is_right else 1)
        finally:
            os._exit(2)
    assert os.waitpid(process, 0)[1] == 0
    assert reader.read(good).text == "good"
    assert children() == own


def test_the_parent_loads_no_parser():
    code = (
        "import sys; from nbkit.loaders import kinds, reading; kinds.loaders();"
        "heavy = {'pypdfium2', 'selectolax', 'python_calamine', 'markdown_it', 'numpy', 'httpx', 'httpcore'};"
        "print(heavy & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
