"""The indexes of a session: by name, opened on first use, with the embedder that each was made with."""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbkit.config import Settings
from nbkit.documents import SearchMode
from nbkit.errors import CollectionError
from nbkit.recorded import Retrieved
from nbkit.registry import nearest
from nbkit.session.embedders import Embedders, Owner
from nbkit.session.retrieving import Looked, install_secret, prepare

if TYPE_CHECKING:
    from nbkit.protocols import Embedder, Reranker
    from nbkit.rag.added import Added
    from nbkit.rag.collection import Collection
    from nbkit.rag.index import Index, Match
    from nbkit.rag.progress import OnProgress
    from nbkit.session.session import Prepare, Session

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


class Collections:
    """Open indexes by name; safe to be used by several threads."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._lock = threading.Lock()
        self._open: dict[tuple[Path, str, str | None], Collection] = {}
        self._made = Embedders(owner)
        self.embedders = self._made.given
        """Instances that answer for the name of an embedder or a reranker, for tests."""

    @property
    def folder(self) -> Path:
        """Where the indexes are, each in a directory of its name."""
        return self._owner.keeping_home / "indexes"

    def names(self) -> list[str]:
        """Names of the indexes there are, sorted."""
        return sorted(path.parent.name for path in self.folder.glob("*/index.sqlite"))

    def open(self, name: str | None, settings: Settings, *, is_new: bool = False, rebuild: bool = False) -> Collection:
        """The index of this name, or the only one there is.

        `is_new`: it is made when it is missing. `rebuild`: it begins again, empty. Raises `CollectionError` for a name
        that is none or of nothing, with the nearest; `UnknownPlugin`, `MissingKey`, `WeightsError` for the embedder.
        """
        from nbkit.rag.collection import Collection

        chosen = self._chosen(name, is_new=is_new)
        if rebuild:
            # Raises where weights are missing: the index that is there stays.
            self.embedder(settings).token_starts("")
            self.drop(chosen, must_exist=False)
        made_with = (self.folder / chosen, settings.rag_embedder, settings.rag_embedder_url)
        with self._lock:
            found = self._open.get(made_with)
            if found is None:
                embedder = self.embedder(settings)
                if not (self.folder / chosen / "index.sqlite").exists():
                    # Raises where weights are missing: a first try that fails leaves no empty index behind.
                    embedder.token_starts("")
                found = Collection(self.folder / chosen, embedder=embedder, embedder_name=settings.rag_embedder)
                self._open[made_with] = found
        return found

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
        in the end is not kept. Raises what `open` and `Collection.add` do.
        """
        from nbkit.loaders.urls import refuse_urls
        from nbkit.rag.gathering import refuse_nothing

        refuse_urls(paths, is_allowed=allow_urls)
        before = self.names()
        if not self._knows(name, paths):
            refuse_nothing(paths)
        together = getattr(self.embedder(settings), "together", contextlib.nullcontext)
        # To open an index may take a call too: it belongs into the same record.
        with together():
            collection = self.open(name, settings, is_new=True, rebuild=rebuild)
            added = collection.add(paths, allow_urls=allow_urls, on_progress=on_progress)
        if collection.name not in before and not collection.documents():
            self.drop(collection.name, must_exist=False)
        return collection.name, added

    def _knows(self, name: str | None, paths: Sequence[str | Path]) -> bool:
        """Whether one of the names is that of a document of the index: it may be gone, and is to be taken out then."""
        from nbkit.rag.gathering import sources_named

        if (name or "") not in self.names():
            return False
        with self.look(name) as index:
            return not index.fingerprints().keys().isdisjoint(sources_named(paths, folder=index.folder))

    @contextlib.contextmanager
    def look(self, name: str | None) -> Iterator[Index]:
        """The index of this name, whatever it was made with, closed afterwards: what is in it needs no embedder."""
        from nbkit.rag.index import Index

        index = Index.read(self.folder / self._chosen(name, is_new=False))
        try:
            yield index
        finally:
            index.close()

    def drop(self, name: str, *, must_exist: bool = True) -> None:
        """Removes an index whole; raises `CollectionError` when there is none."""
        chosen = self._checked(name)
        if chosen not in self.names():
            if must_exist:
                raise self._unknown(chosen)
            return
        with self._lock:
            for made_with in [key for key in self._open if key[0] == self.folder / chosen]:
                self._open.pop(made_with).close()
        shutil.rmtree(self.folder / chosen)

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
        names = self.names()
        if name is None:
            if len(names) == 1:
                return names[0]
            raise CollectionError(
                what="no index is named" if names else "there is no index yet",
                why=f"there are {', '.join(names)}" if names else "no documents were added",
                fix=f"name one: %%rag {names[0]}, or --index {names[0]}" if names else "%rag add PATH --index NAME",
            )
        chosen = self._checked(name)
        if chosen not in names and not is_new:
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


class _Lookup:
    """A collection as the retrieval of a call sees it."""

    def __init__(self, collection: Collection, reranker: Reranker | None) -> None:
        self.name = collection.name
        self._collection = collection
        self._reranker = reranker

    def search(self, question: str, *, mode: SearchMode, k: int, where: str | None) -> Looked:
        """The passages that fit a question best, and the cosine of the nearest of them."""
        found = self._collection.matches(question, mode=mode, k=k, where=where, reranker=self._reranker)
        cosines = [match.cosine for match in found if match.cosine is not None]
        return Looked(
            tuple(match.passage for match in found),
            tuple(_retrieved(match) for match in found),
            max(cosines, default=None),
        )


def _retrieved(match: Match) -> Retrieved:
    one = match.passage
    return Retrieved(
        one.id,
        one.source,
        one.page,
        one.start,
        one.end,
        one.score,
        cosine=match.cosine,
        words=match.words,
        document_sha256=match.document_sha256 or None,
    )


def reading(session: Session, settings: Settings, *, where: str | None) -> Prepare:
    """What looks passages up for one call, with the settings in force."""
    collections = session.collections
    lookup = _Lookup(collections.open(settings.rag_index, settings), collections.reranker(settings))
    # A replay finds its answer by the request as it was recorded, and that is the unsealed one.
    secret = None if session.environment.get("NBKIT_REPLAY") else install_secret(session.home)
    return functools.partial(prepare, lookup=lookup, settings=settings, secret=secret, where=where)
