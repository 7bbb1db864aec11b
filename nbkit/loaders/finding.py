"""Which files of the folders, globs and names that a reader gave are to be read, and why others are not."""

from __future__ import annotations

import fnmatch
import glob
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from nbkit.loaders.decoding import is_binary
from nbkit.loaders.kinds import loader_of
from nbkit.store.locks import is_live

_LEFT_OUT = frozenset(("__pycache__", "node_modules", "site-packages", "$RECYCLE.BIN", "__MACOSX"))
"""Folders that nobody wrote by hand; those whose name starts with a dot, such as .git, are left out as well."""
_OFFICE_LOCK = "~$"
_HEAD_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or a name that leads to none that can be read."""

    path: Path
    """With links followed; to be read."""
    source: str
    """Its place below the root, with `/`: how the index knows it."""
    reason: str = ""
    """Why it is not to be read; empty when it is."""
    size_bytes: int = 0
    modified_s: float = 0.0
    """When it was last written, in seconds since 1970."""
    is_missing: bool = False
    """Whether nothing of this name is there."""
    is_kept: bool = False
    """Whether the index keeps what it has of it also when nothing is there now: a page may come back."""


def find(paths: Iterable[str | Path], *, root: Path, reach: Sequence[Path] = ()) -> Iterator[Found]:
    """Each file once, sorted by its source; what cannot be read is there with its reason.

    `paths`: files, folders and globs (`docs/**/*.md`), relative ones below `root`. Nothing outside `root` and the
    folders or files in `reach` is read, whether `..`, an absolute path or a link leads there. Hidden files and folders,
    `__pycache__`, `node_modules` and checkpoints are left out without a word, unless they are named themselves.

    >>> [one.reason for one in find(["nowhere.md"], root=Path("."))]
    ['there is no such file']
    """
    within = _Within(root, reach)
    found: dict[str, Found] = {}
    for given in paths:
        for path in _named(_relative(Path(given), root), within):
            one = _look(path, within)
            # A file that two names lead to is read once, and a reason gives way to a file.
            if one.source not in found or not one.reason:
                found[one.source] = one
    yield from (found[source] for source in sorted(found))


class _Within:
    """The places that may be read, with links followed."""

    def __init__(self, root: Path, reach: Sequence[Path]) -> None:
        self.root = Path(os.path.realpath(root))
        self._places = [self.root, *(Path(os.path.realpath(one)) for one in reach)]

    def __contains__(self, real: Path) -> bool:
        return any(real.is_relative_to(place) for place in self._places)


def split_pattern(path: PurePath) -> tuple[PurePath, tuple[str, ...]]:
    """The last folder that a pattern names outright, and the rest of it, which is empty where it is no pattern.

    >>> split_pattern(PurePosixPath("docs/*/a.md"))
    (PurePosixPath('docs'), ('*', 'a.md'))
    """
    parts = path.parts
    first = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return type(path)(*parts[:first]), parts[first:]


def is_pattern(path: Path) -> bool:
    """Whether a name stands for those that are like it; a file that is called like a pattern is itself."""
    return glob.has_magic(str(path)) and not path.exists()


def fits(source: str, pattern: str) -> bool:
    """Whether a pattern stands for a file, both named from one folder on.

    >>> fits("docs/a.md", "docs/*.md"), fits("docs/more/a.md", "docs/*.md"), fits("../a.md", "*/a.md")
    (True, False, False)
    """
    base, rest = split_pattern(PurePosixPath(pattern))
    own = PurePosixPath(source).parts
    below = own[len(base.parts) :]
    return own[: len(base.parts)] == base.parts and ".." not in below and bool(below) and _matches(below, rest)


def _relative(given: Path, root: Path) -> Path:
    """A name below the root as one from there on, since the root itself may be a link."""
    whole = Path(os.path.abspath(root))  # noqa: PTH100 - without following links
    return given.relative_to(whole) if given.is_relative_to(whole) else given


def _named(given: Path, within: _Within) -> Iterator[Path]:
    """The files that a name stands for; the name itself when it stands for none."""
    path = within.root / given
    real = Path(os.path.realpath(path))
    if real.is_dir() and real in within:
        yield from _below(real)
    elif is_pattern(path):
        yield from _matching(path, within)
    else:
        yield path


def _matching(path: Path, within: _Within) -> Iterator[Path]:
    """The files below the last folder that the pattern names outright; nothing else of the disk is looked at.

    Not by `glob`: its `**` follows links, out of the root and in circles.
    """
    named, pattern = split_pattern(path)
    base = Path(os.path.realpath(named))
    is_empty = True
    if base.is_dir() and base in within and ".." not in pattern:
        for one in _below(base):
            if _matches(one.relative_to(base).parts, pattern):
                is_empty = False
                yield one
    if is_empty:
        yield path


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a pattern fits a path, or a folder that the path is in: `docs/*` means the folders in docs too."""
    reached = _skipped({0}, pattern)
    for part in parts:
        after = {
            at if pattern[at] == "**" else at + 1 for at in reached if at < len(pattern) and _fits(part, pattern[at])
        }
        reached = _skipped(after, pattern)
        if len(pattern) in reached and "**" not in pattern:
            return True
    return len(pattern) in reached


def _skipped(places: set[int], pattern: Sequence[str]) -> set[int]:
    """With the places behind each `**`, which stands for no folder too."""
    for at in range(len(pattern)):
        if at in places and pattern[at] == "**":
            places.add(at + 1)
    return places


def _fits(part: str, pattern: str) -> bool:
    return pattern == "**" or fnmatch.fnmatchcase(part, pattern)


def _below(folder: Path) -> Iterator[Path]:
    # Links to folders are not followed: what is in them is found where it is, and circles are none.
    for place, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT)
        yield from (Path(place, name) for name in sorted(files) if not name.startswith((".", _OFFICE_LOCK)))


def _look(path: Path, within: _Within) -> Found:
    real = Path(os.path.realpath(path))
    if real not in within:
        lexical = os.path.normpath(path)
        return Found(real, _source(Path(lexical), within.root), "it is outside the folder that may be read")
    source = _source(real, within.root)
    try:
        status = real.stat()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            return Found(real, source, error.strerror or "it cannot be read")
        why = "no file is named like this" if glob.has_magic(str(path)) else "there is no such file"
        return Found(real, source, why, is_missing=True)
    reason = _reason(real, status)
    return Found(real, source, reason, status.st_size, status.st_mtime)


def _source(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _reason(path: Path, status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "it is a folder behind a link"
    if not stat.S_ISREG(status.st_mode):
        return "it is no regular file"
    if is_live(path):
        # Our own, when the home is below what is added: to open it here would unlock it.
        return "it is a database in use"
    if loader_of(path) is not None:
        return ""
    kind = path.suffix.lower() or "files without a suffix"
    try:
        with path.open("rb") as source:
            sort = " (it is a binary file)" if is_binary(source.read(_HEAD_BYTES)) else ""
    except OSError as error:
        return error.strerror or "it cannot be read"
    return f"no loader reads {kind}{sort}"
