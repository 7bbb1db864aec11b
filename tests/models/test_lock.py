"""One holder at a time, also of a lock whose folder was removed while another waited for it."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from nbkit.models.lock import held

WAIT_S = 20


class _Waited(Exception):
    """Somebody else holds it."""


def give_up() -> None:
    raise _Waited


def is_free(path: Path) -> bool:
    try:
        with held(path, on_wait=give_up):
            return True
    except _Waited:
        return False


def test_lock_that_is_waited_for_is_that_of_the_name_also_when_its_file_was_made_anew(tmp_path):
    path = tmp_path / "folder" / "one.lock"
    path.parent.mkdir()
    waits, has_it, may_end = threading.Event(), threading.Event(), threading.Event()

    def wait_for_it() -> None:
        with held(path, on_wait=waits.set):
            has_it.set()
            may_end.wait(WAIT_S)

    thread = threading.Thread(target=wait_for_it)
    with held(path):
        thread.start()
        assert waits.wait(WAIT_S)
        shutil.rmtree(path.parent)
        path.parent.mkdir()
    assert has_it.wait(WAIT_S)
    assert not is_free(path)
    may_end.set()
    thread.join()
    assert is_free(path)
