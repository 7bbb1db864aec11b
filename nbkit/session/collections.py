"""The indexes of a session: by name, opened on first use, with the embedder that each was made with."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nbkit.errors import CollectionError, StoreError
from nbkit.registry import nearest
from nbkit.session.embedders import Embedders, Owner
from nbkit.setting import Settings

if TYPE_CHECKING:
    from nbkit.protocols import Embedder, Reranker
    from nbkit.rag.added import Added
    from nbkit.rag.collection import Collection
    from nbkit.rag.index import Index
    from nbkit.rag.progress import OnProgress

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
_ASIDE = ".dropped-"


class _MadeWith(NamedTuple):
    """What an open index was opened with."""

    folder: Path
    embedder: str
    embedder_url: str | None
    chunk_tokens: int | None
    overlap_tokens: int | None


class Collections:
    """Open indexes by name; safe to be used by several threads."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._open: dict[_MadeWith, Collection] = {}
        self._made = Embedders(owner)
        self.embedders = self._made.given
        """Instances that answer for the name of an embedder or a reranker, for tests."""

    @property
    def folder(self) -> Path:
        """Where the indexes are, each in a directory of its name."""
        return self._owner.keeping_home / "indexes"

    def names(self) -> list[str]:
        """Names of the indexes there are, sorted."""
        found = (path.parent.name for path in self.folder.glob("*/index.sqlite"))
        return sorted(name for name in found if _NAME.fullmatch(name))

    def open(
        self,
        name: str | None,
        settings: Settings,
        *,
        is_new: bool = False,
    ) -> Collection:
        """The index of this name, or the only one there is.

        `is_new`: it is made when it is missing, and is to be cut as the settings say. Raises `CollectionError` for a
        name that is none or of nothing, with the nearest; `UnknownPlugin`, `MissingKey`, `WeightsError` for the
        embedder.
        """
        self._owner.secrets.add_variables(self._owner.environment)
        chosen = self._chosen(name, is_new=is_new)
        sizes = (settings.rag_chunk_tokens, settings.rag_chunk_overlap) if is_new else (None, None)
        made_with = _MadeWith(self.folder / chosen, settings.rag_embedder, settings.rag_embedder_url, *sizes)
        # Not under the lock: to open an index may wait for one who removes it, and who removes needs the lock.
        with self._opening:
            found = self._open.get(made_with)
            if found is None or not found.is_current:
                if found is not None:
                    found.close()
                found = self._made_open(made_with, settings)
                with self._lock:
                    self._open[made_with] = found
        return found

    def _made_open(self, made_with: _MadeWith, settings: Settings) -> Collection:
        from nbkit.rag.collection import Collection

        embedder = self.embedder(settings)
        if not (made_with.folder / "index.sqlite").exists():
            # Raises where weights are missing: a first try that fails leaves no empty index behind.
            embedder.token_starts("")
        return Collection(
            made_with.folder, embedder=embedder, embedder_name=settings.rag_embedder,
            chunk_tokens=made_with.chunk_tokens, overlap_tokens=made_with.overlap_tokens, secrets=self._owner.secrets,
        )  # fmt: skip

    def add(
        self,
        name: str | None,
        paths: Sequence[str | Path],
        settings: Settings,
        *,
        rebuild: bool = False,
        allow_urls: bool = False,
        on_progress: OnProgress = lambda _: None,
    ) -> tuple[str, Added]:
        """The name of the index, and what became of the files; see `Collection.add`.

        What cannot be added is refused before an index is made or begun anew, and one that was made and holds nothing
        in the end is not kept. `rebuild`: it is built anew beside the one that is there, and takes its place in the
        end; where that end is not reached, the old one stays. Raises what `open` and `Collection.add` do.
        """
        from nbkit.loaders.urls import refuse_urls
        from nbkit.rag.gathering import refuse_nothing

        refuse_urls(paths, is_allowed=allow_urls)
        self._owner.secrets.add_variables(self._owner.environment)
        before = self.names()
        if not self._knows(name, paths):
            refuse_nothing(paths)
        together = getattr(self.embedder(settings), "together", contextlib.nullcontext)
        # To open an index may take a call too: it belongs into the same record.
        with together():
            chosen = self._chosen(name, is_new=True)
            if rebuild and chosen in before:
                return chosen, self._rebuilt(chosen, paths, settings, allow_urls=allow_urls, on_progress=on_progress)
            collection = self.open(chosen, settings, is_new=True)
            try:
                added = collection.add(paths, allow_urls=allow_urls, on_progress=on_progress)
            finally:
                if collection.name not in before:
                    self._drop_empty(collection.name)
        return collection.name, added

    def _rebuilt(
        self, name: str, paths: Sequence[str | Path], settings: Settings, *, allow_urls: bool, on_progress: OnProgress
    ) -> Added:
        from nbkit.rag import rebuilding
        from nbkit.rag.collection import Collection, refuse_sizes, waiting

        folder, embedder = self.folder / name, self.embedder(settings)
        # Raises where weights are missing, or sizes do not fit, before anything is begun.
        embedder.token_starts("")
        sizes = settings.rag_chunk_tokens, settings.rag_chunk_overlap
        refuse_sizes(*sizes)
        with self._alone(name, on_wait=waiting(on_progress)):
            beside = rebuilding.begin(folder)
            try:
                with contextlib.closing(
                    Collection(
                        beside, embedder=embedder, embedder_name=settings.rag_embedder,
                        chunk_tokens=sizes[0], overlap_tokens=sizes[1], secrets=self._owner.secrets,
                    )
                ) as made:  # fmt: skip
                    added = made.add(paths, allow_urls=allow_urls, on_progress=on_progress)
                    is_empty = not made.documents()
                if is_empty or not added.is_whole:
                    return dataclasses.replace(added, is_discarded=True)
                self._let_go(name)
                if not rebuilding.take_over(folder):
                    self._remove(name)
                    beside.rename(folder)
            finally:
                rebuilding.discard(folder)
        return added

    def _drop_empty(self, name: str) -> None:
        """Removes an index that was made for nothing; another kernel may have removed it, or added to it."""
        from nbkit.rag.index import Index

        with contextlib.suppress(CollectionError, StoreError, OSError), self._alone(name):
            with contextlib.closing(Index.read(self.folder / name)) as index:
                is_empty = not index.fingerprints()
            if is_empty:
                self._remove(name)

    def _knows(self, name: str | None, paths: Sequence[str | Path]) -> bool:
        """Whether one of the names is that of a document of the index: it may be gone, and is to be taken out then."""
        from nbkit.rag.gathering import knows_named

        if (name or "") not in self.names():
            return False
        with self.look(name) as index:
            return knows_named(paths, index.fingerprints(), folder=index.folder, settings=index.settings())

    @contextlib.contextmanager
    def look(self, name: str | None) -> Iterator[Index]:
        """The index of this name, whatever it was made with, closed afterwards: what is in it needs no embedder."""
        from nbkit.rag.index import Index

        index = Index.read(self.folder / self._chosen(name, is_new=False))
        try:
            yield index
        finally:
            index.close()

    def drop(self, *names: str, must_exist: bool = True, on_wait: Callable[[], None] = lambda: None) -> None:
        """Removes indexes whole, each once nobody writes to it; `on_wait` is called meanwhile.

        Raises `CollectionError`, before any is removed, when one of them is not there.
        """
        from nbkit.rag.rebuilding import discard

        there = self.names()
        for name in names:
            if self._checked(name) not in there and must_exist:
                raise self._unknown(name)
        for name in dict.fromkeys(names):
            if name not in there:
                continue
            with self._alone(name, on_wait=on_wait):
                if name in self.names():
                    self._remove(name)
                discard(self.folder / name)

    def _alone(self, name: str, *, on_wait: Callable[[], None] = lambda: None) -> AbstractContextManager[None]:
        from nbkit.rag.index_held import writer

        return writer(self.folder / name, on_wait=on_wait)

    def _remove(self, name: str) -> None:
        """Removes an index that nobody writes to: at once for all who look, whenever this is killed."""
        self._let_go(name)
        aside = self.folder / f"{_ASIDE}{uuid.uuid4().hex[:12]}"
        try:
            (self.folder / name).rename(aside)
        except OSError as error:
            raise StoreError(
                what=f"index {name!r} cannot be removed",
                why=error.strerror or "the system refused",
                fix="close other programs that have it open, and try again",
            ) from error
        # Those that a killed process has left are removed too.
        for left in self.folder.glob(f"{_ASIDE}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _let_go(self, name: str) -> None:
        """Closes what is open of an index; who has it still opens it again."""
        with self._lock:
            opened = [self._open.pop(key) for key in [key for key in self._open if key.folder == self.folder / name]]
        for collection in opened:
            collection.close()

    def close(self) -> None:
        """Closes all; what is asked for afterwards is opened again."""
        with self._lock:
            opened, self._open = list(self._open.values()), {}
        for collection in opened:
            collection.close()
        self._made.close()

    def embedder(self, settings: Settings) -> Embedder:
        """The embedder in force; see `Embedders.embedder`."""
        return self._made.embedder(settings)

    def reranker(self, settings: Settings) -> Reranker | None:
        """What orders the passages that were found, None where nothing is asked for."""
        return self._made.reranker(settings)

    def _chosen(self, name: str | None, *, is_new: bool) -> str:
        if name is None:
            names = self.names()
            if len(names) == 1:
                return names[0]
            raise CollectionError(
                what="no index is named" if names else "there is no index yet",
                why=f"there are {', '.join(names)}" if names else "no documents were added",
                fix=f"name one: %%rag {names[0]}, or --index {names[0]}" if names else "%rag add PATH --index NAME",
            )
        chosen = self._checked(name)
        if not is_new and not (self.folder / chosen / "index.sqlite").exists():
            raise self._unknown(chosen)
        return chosen

    def _checked(self, name: str) -> str:
        if _NAME.fullmatch(name) is None:
            raise CollectionError(
                what=f"an index cannot be named {name!r}",
                why="its name is that of a directory",
                fix="use up to 64 letters, digits, dots, dashes and underscores, a letter or digit first",
            )
        return name

    def _unknown(self, name: str) -> CollectionError:
        near = nearest(name, self.names())
        return CollectionError(
            what=f"there is no index named {name!r}",
            why=f"there are {', '.join(self.names()) or 'none'}",
            fix=f"use {near!r}" if near else f"%rag add PATH --index {name} makes it",
        )
