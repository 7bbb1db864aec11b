"""What other processes hold of a SQLite file: asked without letting go of what this process holds.

Problem: SQLite lets processes know of one another by POSIX locks, and POSIX drops all locks that a process has on a
file when it closes any descriptor of it, also one that never locked. A file was opened and closed beside SQLite, to
make it with the right mode: each second connection so unlocked the first. Another kernel then took itself for the only
one, and removed the log (`-wal`) at its end; what the first committed from there on was seen by nobody and lost.
Or it read pages that the first was moving, called them damage, and threw a sound index away.
Choice: nothing in this project opens a live database, its `-wal` or its `-shm`, except SQLite, which keeps count of
its own descriptors. The file is made complete under another name, and gets its own when it is closed
(`files.private_file`). Rights, size and identity are asked by path (`stat`, `chmod`, `access`), soundness through a
connection (`integrity`, `damage`). Whoever looks into files that are not ours passes by those that are a database in
use (`is_live`). Where a descriptor is needed, to ask who holds locks, it is opened once and never closed.
Damage is believed when a fresh connection finds it too, and the file is moved when no other process has it open.
A connection whose file was moved or replaced by another process is opened anew before its next use.
Rejected: one shared connection for each file and process, since threads would wait for one another; the umask, which
belongs to all threads; `chmod` once SQLite has made the file, since a reader who was quick keeps his descriptor; a
lock file of our own, which other programs that read the database do not know; leaving the log in place at the end
(`NO_CKPT_ON_CLOSE`, Python 3.12), which mends the loss and not the locks. tests/store/test_sharing.py has each case.
Code in the notebook that opens the file itself, to copy it, still drops the locks: `VACUUM INTO` is for that.
Revisit when SQLite takes its locks by open file description (`F_OFD_SETLK`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_FIRST_BYTE, _BYTES = 0x40000000, 512
"""Where SQLite locks a database: one byte for who waits, one for who is about to write, 510 for those who read."""
SIDES = ("-wal", "-shm")
"""What SQLite keeps beside a database while somebody has it open."""

if sys.platform == "win32":

    def is_held_elsewhere(path: Path) -> bool:  # noqa: ARG001 - the other systems need it
        """False: Windows does not let a file be renamed that somebody has open."""
        return False

    @contextlib.contextmanager
    def alone_in(folder: Path) -> Iterator[None]:  # noqa: ARG001 - the other systems need it
        """Nothing: what is in use cannot be renamed."""
        yield

else:
    import fcntl

    _IS_TYPE_FIRST = sys.platform == "linux"
    _FLOCK = "hhqqi" if _IS_TYPE_FIRST else "qqihh"

    def is_held_elsewhere(path: Path) -> bool:
        """Whether another process has the database open; this process' own connections do not count.

        Raises `OSError` when the file cannot be opened.

        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     is_held_elsewhere(Path(file.name))
        False
        """
        there = path.stat()
        number = _descriptor(str(path), there.st_dev, there.st_ino)
        if os.fstat(number).st_ino != there.st_ino:
            # Replaced since it was looked at: somebody is busy with it.
            return True
        kind, place = (fcntl.F_WRLCK, os.SEEK_SET), (_FIRST_BYTE, _BYTES, 0)
        asked = struct.pack(_FLOCK, *((*kind, *place) if _IS_TYPE_FIRST else (*place, *kind)))
        answer = struct.unpack(_FLOCK, fcntl.fcntl(number, fcntl.F_GETLK, asked))
        return bool(answer[0 if _IS_TYPE_FIRST else 3] != fcntl.F_UNLCK)

    @functools.cache
    def _descriptor(path: str, device: int, inode: int) -> int:  # noqa: ARG001 - which file it is
        # Never closed: that would drop the locks. While it is open, no other file gets the same number.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    @contextlib.contextmanager
    def alone_in(folder: Path) -> Iterator[None]:
        """Keeps other processes from making or moving databases in the folder while the block lasts.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, alone_in(Path(folder)):
        ...     print("alone")
        alone
        """
        number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Some network file systems have no locks; there two may meet, as they would without this.
            with contextlib.suppress(OSError):
                fcntl.flock(number, fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)


def is_live(path: Path) -> bool:
    """Whether the file is a database that somebody has open, or lies beside one: only SQLite may open it.

    >>> is_live(Path("records.sqlite-wal")), is_live(Path("readme.txt"))
    (True, False)
    """
    return path.name.endswith(SIDES) or any(path.with_name(path.name + side).exists() for side in SIDES)
