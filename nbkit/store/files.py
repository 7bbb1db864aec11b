"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

from nbkit.errors import StoreError
from nbkit.store.locks import alone_in

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 62
    """Where the lock is: a locked byte cannot be read, so it is one that the file will not have."""

    def _lock(number: int) -> None:
        os.lseek(number, _FAR, os.SEEK_SET)
        msvcrt.locking(number, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX)


def private_dir(path: Path) -> Path:
    """The directory, made when it is missing, and those above it, readable by its owner alone (0700).

    One that is there already keeps its mode: it may be a team's, or `/tmp`. Raises `StoreError` when it cannot be made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     oct(private_dir(Path(folder, "a", "b")).stat().st_mode & 0o777)
    '0o700'
    """
    try:
        # `parents=True` would give those above it the rights that are usual for everyone.
        for missing in reversed([place for place in (path, *path.parents) if not place.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(exist_ok=True)  # raises for what is there and is no directory
    except OSError as error:
        raise _failed(path, "made", error) from error
    return path


def private_file(path: Path) -> None:
    """Makes the file, empty, when it is missing, and takes everyone else's rights from it (0600).

    Opens no descriptor of the file itself: that would cost this process its locks (`nbkit.store.locks`). Raises
    `StoreError` when it cannot be made. One that belongs to someone else keeps its mode.
    """
    try:
        if not path.exists():
            # A link to a file that is not there yet: the file is what is missing.
            _make(Path(os.path.realpath(path)))
        # Not there, when another process has just moved it aside.
        with contextlib.suppress(PermissionError, FileNotFoundError):
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
    except OSError as error:
        raise _failed(path, "made", error) from error


def _make(path: Path) -> None:
    # Whoever moves a damaged database aside moves three files: a new one begins after the last of them.
    with alone_in(path.parent):
        number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(number)
        try:
            # Fails when another has made it meanwhile, where a rename would put an empty file in place of his.
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError:
            # A file system without links.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o600))
        finally:
            Path(temporary).unlink(missing_ok=True)


def write_atomic(path: Path, content: bytes) -> None:
    """Puts `content` in the file (0600): a reader, or a crash, finds the old content or the new, never a part.

    Makes the directory when it is missing. Raises `StoreError` when it cannot be written; the old content stays.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomic(Path(folder, "a"), b"new")
    ...     Path(folder, "a").read_bytes()
    b'new'
    """
    if not path.parent.is_dir():
        private_dir(path.parent)
    temporary = None
    try:
        number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(number)
        Path(temporary).replace(path)
    except OSError as error:
        raise _failed(path, "written", error) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def append_line(path: Path, line: str) -> None:
    r"""Adds one line at the end of the file (0600), whole even when several processes append at once.

    Makes file and directory when they are missing. A line that a killed writer left without its end does not swallow
    this one. Raises `ValueError` when `line` holds a line break, `StoreError` when it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     append_line(Path(folder, "log"), "one")
    ...     append_line(Path(folder, "log"), "two")
    ...     Path(folder, "log").read_text()
    'one\ntwo\n'
    """
    if "\n" in line or "\r" in line:
        msg = "a line cannot hold a line break"
        raise ValueError(msg)
    if not path.parent.is_dir():
        private_dir(path.parent)
    try:
        number = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        try:
            _append(number, line.encode("utf-8", "surrogatepass") + b"\n")
        finally:
            os.close(number)
    except OSError as error:
        raise _failed(path, "written", error) from error


def _append(number: int, content: bytes) -> None:
    # The file grows while another process is still writing: without the lock its half line is taken for cut off.
    # Some network file systems have no locks: there an empty line may come between.
    with contextlib.suppress(OSError):
        _lock(number)
    size = os.fstat(number).st_size
    if size:
        os.lseek(number, size - 1, os.SEEK_SET)
        if os.read(number, 1) != b"\n":
            content = b"\n" + content
    # One write call: with O_APPEND the lines of two processes cannot mix.
    if os.write(number, content) != len(content):
        msg = "only a part was written; the disk is full"
        raise OSError(msg)


def _failed(path: Path, verb: str, error: OSError) -> StoreError:
    return StoreError(
        what=f"{path} cannot be {verb}",
        why=error.strerror or str(error),
        fix="make room and rights there, or set NBKIT_HOME to a directory that you can write",
    )
