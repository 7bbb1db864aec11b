"""One process at a time for one file, freed by the operating system when its holder dies."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_POLL_S = 0.2


@contextlib.contextmanager
def held(path: Path, *, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the lock named by the file at `path`; calls `on_wait` five times a second while another holds it.

    Works between processes and between threads. A holder that is killed holds nothing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, held(Path(folder, "one.lock")):
    ...     print("alone")
    alone
    """
    number = _taken(path, on_wait)
    try:
        yield
    finally:
        # Closing frees the lock. The file stays: unlinking it would let two holders lock two files of one name.
        os.close(number)


def _taken(path: Path, on_wait: Callable[[], None]) -> int:
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _take(number):
                on_wait()
                time.sleep(_POLL_S)
            # The folder may have been removed and made again meanwhile, and the file of that name is another.
            if os.path.samestat(os.fstat(number), path.stat()):
                return number
        except BaseException as error:
            os.close(number)
            if not isinstance(error, FileNotFoundError):
                raise
        else:
            os.close(number)


if sys.platform == "win32":
    import msvcrt

    def _take(number: int) -> bool:
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(number: int) -> bool:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
