"""What a reader gave to be added (files, folders, globs, URLs) as files to be read, each with its name in the index."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import glob
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbkit.errors import CollectionError, DocumentError
from nbkit.escape import line
from nbkit.loaders.fetching_many import fetch_many
from nbkit.loaders.finding import Found, find
from nbkit.loaders.urls import address, is_url, source_of
from nbkit.rag.progress import OnProgress, Progress
from nbkit.store.files import write_atomic

_KEY_BYTES = 32


class Gathering:
    """The files of one `add`; those that were fetched are gone after `close`.

    `given`: relative paths below the working directory, `~` for the home directory. `folder`: that of the index, which
    keeps where its sources are named from and the key of what is hidden in URLs.
    """

    def __init__(self, given: Sequence[str | Path], *, folder: Path) -> None:
        self._folder = folder
        self._root = _root(folder)
        self._urls = list(dict.fromkeys(address(one) for one in given if is_url(one)))
        self._paths = [_whole(one) for one in given if not is_url(one)]
        real = [Path(os.path.realpath(path)) for path in self._paths]
        self._reach = Path(os.path.commonpath([self._root, *real]))
        self._folders = [_below(self._root, path) for path in real if path.is_dir()]
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def found(self, on_progress: OnProgress = lambda _: None) -> Iterator[Found]:
        """Each file once: those on this machine by their sources, then those that URLs lead to, in the order given."""
        for one in find(self._paths, root=self._reach):
            yield dataclasses.replace(one, source=_below(self._root, one.path))
        if self._urls:
            yield from self._fetched(on_progress)

    def is_under(self, source: str) -> bool:
        """Whether a source lies in a folder that was added, and so should be a file there."""
        # The index also knows URLs, and those lie in no folder.
        return not is_url(source) and any(
            not source.startswith("../") if folder == "." else source.startswith(f"{folder}/")
            for folder in self._folders
        )

    def close(self) -> None:
        """Removes what was fetched."""
        if self._scratch is not None:
            self._scratch.cleanup()

    def _fetched(self, on_progress: OnProgress) -> Iterator[Found]:
        self._scratch = tempfile.TemporaryDirectory(prefix="nbkit-fetched-", ignore_cleanup_errors=True)
        sources = [source_of(url, key=self._key()) for url in self._urls]

        def tell(done: int) -> None:
            on_progress(Progress(0, len(sources), 0, 0.0, f"fetching {sources[done]}" if done < len(sources) else ""))

        tell(0)
        for number, (_, outcome) in enumerate(fetch_many(self._urls, Path(self._scratch.name))):
            tell(number + 1)
            if isinstance(outcome, DocumentError):
                yield Found(Path(), sources[number], outcome.why, is_kept=True)
            else:
                yield Found(outcome.path, sources[number], size_bytes=outcome.path.stat().st_size, is_kept=True)

    def _key(self) -> bytes:
        kept = self._folder / "url-key"
        if not kept.exists():
            write_atomic(kept, secrets.token_bytes(_KEY_BYTES))
        return kept.read_bytes()


def _root(folder: Path) -> Path:
    """The folder that sources are named from: the working directory of the first who added."""
    kept = folder / "root"
    if not kept.exists():
        write_atomic(kept, os.fsencode(os.path.realpath(Path.cwd())))
    return Path(os.fsdecode(kept.read_bytes()))


def sources_named(given: Sequence[str | Path], *, folder: Path) -> set[str]:
    """What an index in `folder` would call the files of these names, whether they are there or not."""
    root = _root(folder)
    return {_below(root, _whole(one)) for one in given if not is_url(one)}


def refuse_nothing(given: Sequence[str | Path]) -> None:
    """Raises `CollectionError` when nothing is named, or no name leads to anything.

    For before an index is made or begun anew. A URL counts: whether it leads to something is known when it was fetched.
    """
    if any(is_url(one) or _is_there(_whole(one)) for one in given):
        return
    if not given:
        raise CollectionError(
            what="nothing is named that could be added",
            why="files, folders, globs and URLs are taken",
            fix="name some: %rag add docs --index handbook, in Python add('docs')",
        )
    first = str(given[0])
    others = f" and {len(given) - 1:,} more" if len(given) > 1 else ""
    raise CollectionError(
        what=f"there is no {line(first)!r}{others} to be added",
        why=f"relative names start from the working directory, {Path.cwd()}",
        fix=_hint(first),
    )


def _is_there(path: Path) -> bool:
    if os.path.lexists(path):
        return True
    return glob.has_magic(str(path)) and not all(one.is_missing for one in find([path], root=Path(path.anchor)))


def _hint(given: str) -> str:
    slashed = given.replace("\\", "/")
    if slashed != given and _is_there(_whole(slashed)):
        return f"write it with /: {line(slashed)}"
    if glob.has_magic(given):
        return "check the pattern: docs/*.md is one folder, docs/**/*.md those below it too"
    path = _whole(given)
    with contextlib.suppress(OSError):
        names = {one.name.casefold(): one.name for one in path.parent.iterdir()}
        near = difflib.get_close_matches(path.name.casefold(), names, 1)
        if near:
            return f"did you mean {line(names[near[0]])!r}?"
    return "check its spelling; a name with spaces stands in quotes"


def _whole(given: str | Path) -> Path:
    """From the root on; `~` is the home directory, unless it is of nobody."""
    path = Path(given)
    with contextlib.suppress(RuntimeError):
        path = path.expanduser()
    return Path.cwd() / path


def _below(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()
