"""What a reader gave to be added (files, folders, globs, URLs) as files to be read, each with its name in the index."""

from __future__ import annotations

import contextlib
import difflib
import glob
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from nbkit.errors import CollectionError, DocumentError
from nbkit.escape import line
from nbkit.loaders.fetching_many import fetch_many
from nbkit.loaders.finding import Found, find, fits, is_pattern, split_pattern
from nbkit.loaders.urls import address, is_url, source_of
from nbkit.rag.progress import OnProgress, Progress
from nbkit.search.filters import spellings
from nbkit.store.files import write_atomic

ROOT, KEY_FILE = "root", "url-key"
"""The setting of an index, or where it has none the file, that says where its sources are named from; and the file of
the key of what is hidden in URLs."""
_KEY_BYTES = 32


class Gathering:
    """The files of one `add`; those that were fetched are gone after `close`.

    `given`: relative paths below the working directory, `~` for the home directory. `folder`: that of the index, which
    keeps where its sources are named from and the key of what is hidden in URLs. `settings`: those of the index.
    """

    def __init__(
        self, given: Sequence[str | Path], *, folder: Path, settings: Mapping[str, str | int] | None = None
    ) -> None:
        self._folder = folder
        self._root = root(folder, settings)
        self._urls = list(dict.fromkeys(address(one) for one in given if is_url(one)))
        self._paths = [_whole(one) for one in given if not is_url(one)]
        real = [Path(os.path.realpath(path)) for path in self._paths]
        self._folders = [_below(self._root, path) for path in real if path.is_dir()]
        self._patterns = [_pattern(self._root, path) for path in self._paths if is_pattern(path)]
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def found(self, on_progress: OnProgress = lambda _: None) -> Iterator[Found]:
        """Each file once: those on this machine by their sources, then those that URLs lead to, in the order given."""
        found: dict[str, Found] = {}
        for path in self._paths:
            # A link leads no further than what was named with it, or the folder that all sources are named from.
            for one in find([path], root=self._root, reach=[_place(path)]):
                if one.source not in found or not one.reason:
                    found[one.source] = one
        yield from (found[source] for source in sorted(found))
        if self._urls:
            yield from self._fetched(on_progress)

    def is_under(self, source: str) -> bool:
        """Whether a source lies in a folder that was added, or is like a pattern, and so should be a file there."""
        # The index also knows URLs, and those lie in no folder.
        return not is_url(source) and (
            any(
                not source.startswith("../") if folder == "." else source.startswith(f"{folder}/")
                for folder in self._folders
            )
            or any(fits(source, pattern) for pattern in self._patterns)
        )

    def is_gone(self, source: str) -> bool:
        """Whether a source should be a file by what was added, and is none; a hidden one that was named once is."""
        place = self._root / source
        return self.is_under(source) and not (place.is_file() and os.path.realpath(place) == os.path.abspath(place))  # noqa: PTH100 - without following links

    def had(self, one: Found, known: Iterable[str]) -> bool:
        """Whether a pattern that no file is like any more is the reason of sources that the index knows."""
        if not one.is_missing:
            return False
        pattern = _pattern(self._root, self._root / one.source)
        return pattern in self._patterns and any(fits(source, pattern) for source in known)

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
        kept = self._folder / KEY_FILE
        if not kept.exists():
            write_atomic(kept, secrets.token_bytes(_KEY_BYTES))
        return kept.read_bytes()


def root(folder: Path, settings: Mapping[str, str | int] | None = None) -> Path:
    """The folder that the sources of an index are named from: the working directory of who first added, or rebuilt."""
    if settings and ROOT in settings:
        return Path(os.fsdecode(bytes.fromhex(str(settings[ROOT]))))
    kept = folder / ROOT
    if not kept.exists():
        here = Path(os.path.realpath(Path.cwd()))
        if not folder.is_dir():
            # Another process has removed the index: nothing is begun in its place.
            return here
        write_atomic(kept, os.fsencode(here))
    return Path(os.fsdecode(kept.read_bytes()))


def as_kept(place: Path) -> str:
    """A folder as the setting `root` has it: names of files need not be text.

    >>> root(Path("docs"), {ROOT: as_kept(Path("/home"))}).as_posix()
    '/home'
    """
    return os.fsencode(place).hex()


def knows_named(
    given: Sequence[str | Path],
    known: Iterable[str],
    *,
    folder: Path,
    settings: Mapping[str, str | int] | None = None,
) -> bool:
    """Whether an index in `folder`, which has the sources in `known`, has what one of the names stands for.

    The files may be gone: then they are to be taken out.
    """
    base, sources = root(folder, settings), set(known)
    paths = [_whole(one) for one in given if not is_url(one)]
    patterns = [_pattern(base, path) for path in paths if is_pattern(path)]
    return not sources.isdisjoint(_below(base, path) for path in paths) or any(
        fits(source, pattern) for source in sources for pattern in patterns
    )


def named_in(
    given: str, known: Iterable[str], *, folder: Path, settings: Mapping[str, str | int] | None = None
) -> str | None:
    """The source of an index in `folder` that a name stands for: as sources are written, or as a path that is added.

    None where there is no such source in `known`.

    >>> named_in("a.md", ["a.md"], folder=Path("none"))
    'a.md'
    """
    sources = set(known)
    names = [given]
    if not is_url(given):
        base, path = root(folder, settings), _whole(given)
        # A link is named by where it stands; a folder above it may be one too.
        places = (path, Path(os.path.realpath(path)), Path(os.path.realpath(path.parent), path.name))
        names += [_below(base, place) for place in places]
    return next((one for name in names for one in spellings(name) if one in sources), None)


def _place(path: Path) -> Path:
    """What a name stands for outright: the folder or file itself, of a pattern the folder that it begins with."""
    return Path(os.path.realpath(split_pattern(path)[0] if is_pattern(path) else path))


def _pattern(base: Path, path: Path) -> str:
    """A pattern as the sources are named that are like it."""
    plain, rest = split_pattern(path)
    return PurePosixPath(_below(base, Path(os.path.realpath(plain))), *rest).as_posix()


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


def _below(base: Path, path: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()
