"""The parent's side of a child that parses: started, asked, ended."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any, BinaryIO, cast

from nbkit import registry
from nbkit.documents import Document
from nbkit.errors import DocumentError
from nbkit.loaders.answers import Answers
from nbkit.loaders.faults import too_large, unreadable
from nbkit.loaders.frames import receive, send, unpack
from nbkit.loaders.limits import Limits
from nbkit.protocols import Loader
from nbkit.types import JsonValue

_START_S = 30.0
"""For a cold disk; a child that is there counts its time from the file on."""
_MOST_NOTE_BYTES = 4 << 20
"""Beyond the text itself: headings, places, notes."""
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
"""Of the environment: no key of a service is within reach of a parser."""


class Child:
    """One process that reads one file at a time. Not for several threads at once."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-P", "-m", "nbkit.loaders.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            # The interrupt of a terminal is the parent's to take.
            start_new_session=True,
        )
        self._jobs = cast("BinaryIO", self._process.stdin)
        self._answers = Answers(cast("BinaryIO", self._process.stdout))
        self._is_late = False
        self._end = weakref.finalize(self, _end, self._process)
        self.is_usable = True
        self.files = 0

    def read(self, path: Path, *, loader: type[Loader], limits: Limits) -> Document:
        """The document; raises `DocumentError`. Any other error ends the child, `KeyboardInterrupt` too."""
        self.is_usable = False
        try:
            self._start(path)
            self.files += 1
            plain = self._ask(path, loader, limits)
        except BaseException:
            self.close()
            raise
        if "memory" in plain:
            self.close()
            raise too_large(
                path.name, f"its parser needed more than {limits.memory_bytes:,} bytes", limit="memory_bytes"
            )
        self.is_usable = True
        if "refusal" in plain:
            what, why, fix = map(str, plain["refusal"])
            raise DocumentError(what=what, why=why, fix=fix)
        try:
            return unpack(plain["document"])
        except (ValueError, KeyError) as error:
            self.close()
            raise unreadable(path.name, f"its parser gave {error}") from error

    def close(self) -> None:
        """Ends the process at once; may be called twice, from any thread."""
        self.is_usable = False
        self._end()

    def _start(self, path: Path) -> None:
        if self.files == 0 and self._next(path, _START_S, most_bytes=_MOST_NOTE_BYTES) is None:
            raise unreadable(path.name, "the child that reads files did not start", fix="run `nbkit doctor`")

    def _ask(self, path: Path, loader: type[Loader], limits: Limits) -> dict[str, Any]:
        job: dict[str, JsonValue] = {
            "path": str(path),
            "loader": f"{loader.__module__}:{loader.__qualname__}",
            "limits": dataclasses.asdict(limits),
            "install": registry.install_command(),
        }
        with contextlib.suppress(OSError):
            send(self._jobs, job)
        until, scans, limit = time.monotonic() + limits.total_s, 0, "stall_s"
        most_bytes = 4 * limits.text_chars + _MOST_NOTE_BYTES
        while True:
            left_s, wait_s = max(0.0, until - time.monotonic()), getattr(limits, limit)
            if not left_s:
                self._expire()
            plain = self._next(path, min(wait_s, left_s), most_bytes=most_bytes)
            if plain is None:
                total_s = limits.total_s + scans * limits.scan_page_s
                raise self._failed(path, *((limit, wait_s) if left_s > wait_s else ("total_s", total_s)))
            if "progress" not in plain:
                return plain
            # A page that is read as a picture has time of its own; a child may ask for so much and no more.
            is_scan = "scan" in plain and scans < limits.scan_pages
            scans, until = scans + is_scan, until + is_scan * limits.scan_page_s
            limit = "scan_page_s" if is_scan else "stall_s"

    def _next(self, path: Path, wait_s: float, *, most_bytes: int) -> dict[str, Any] | None:
        try:
            return receive(self._answers.until(wait_s, self._expire), most_bytes=most_bytes)
        except (ValueError, RecursionError) as error:
            raise unreadable(path.name, "its parser gave an answer that cannot be read") from error

    def _expire(self) -> None:
        self._is_late = True
        self._process.kill()

    def _failed(self, path: Path, limit: str, seconds: float) -> DocumentError:
        if not self._is_late:
            return unreadable(path.name, f"its parser crashed ({_cause(self._process)})")
        said = "took more than" if limit == "total_s" else "made no progress for"
        return too_large(path.name, f"its parser {said} {seconds:g} seconds", limit=limit)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # What can be imported here can be imported there, the current folder left out: a file of it may be named json.py.
    return kept | {"PYTHONPATH": os.pathsep.join(place for place in sys.path if place), "PYTHONUTF8": "1"}


def _cause(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
