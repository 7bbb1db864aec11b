"""The indexes of a session: by name, opened on first use, with the embedder that each was made with."""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nbkit.config import Settings
from nbkit.documents import SearchMode
from nbkit.errors import CollectionError, MissingKey
from nbkit.registry import nearest
from nbkit.session.retrieving import Looked, install_secret, prepare

if TYPE_CHECKING:
    from nbkit.protocols import Embedder
    from nbkit.rag.collection import Collection
    from nbkit.rag.index import Index
    from nbkit.session.session import Prepare, Session

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


class Owner(Protocol):
    """What of a session its indexes need."""

    home: Path
    environment: Mapping[str, str]

    @property
    def keeping_home(self) -> Path:
        """Where indexes and vectors are kept."""

    def key_for(self, names: tuple[str, ...]) -> str | None:
        """The value of the first key that is set."""


class Collections:
    """Open indexes by name; safe to be used by several threads."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._lock = threading.Lock()
        self._open: dict[tuple[Path, str], Collection] = {}
        self._embedders: dict[str, Embedder] = {}
        self.embedders: dict[str, Embedder] = {}
        """Instances that answer for an embedder's name, for tests."""

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
            self.drop(chosen, must_exist=False)
        made_with = (self.folder / chosen, settings.rag_embedder)
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
            embedders, self._embedders = list(self._embedders.values()), {}
        for collection in opened:
            collection.close()
        for embedder in embedders:
            embedder.close()

    def embedder(self, settings: Settings) -> Embedder:
        """The embedder in force, behind the cache of embeddings; raises `UnknownPlugin` or `MissingKey`."""
        from nbkit import embed
        from nbkit.protocols import EmbedderOptions

        name = settings.rag_embedder
        stand_in = self._stand_in(settings)
        if stand_in is not None:
            return stand_in
        if name not in self._embedders:
            names = () if name in self.embedders else embed.choose(name).key_env
            key = self._owner.key_for(names) if names else None
            if names and key is None:
                raise MissingKey(
                    what=f"no key for the embedder {name}",
                    why=f"{' or '.join(names)} is not set",
                    fix=f"set {names[0]} in the environment or in .env, and run the cell again",
                )
            options = EmbedderOptions(home=self._owner.home, api_key=key, threads=settings.local_threads)
            store = embed.store_in(self._owner.home, limit_bytes=settings.cache_embeddings_bytes)
            made = self.embedders.get(name) or embed.open(name, options)
            self._embedders[name] = embed.CachedEmbedder(made, store)
        return self._embedders[name]

    def _stand_in(self, settings: Settings) -> Embedder | None:
        """What takes the place of every embedder while a notebook is replayed or recorded."""
        from nbkit import embed, registry
        from nbkit.protocols import EmbedderOptions

        name, variables = settings.rag_embedder, self._owner.environment
        for variable, plugin in (("NBKIT_REPLAY", "replay"), ("NBKIT_RECORD", "recording")):
            path = variables.get(variable)
            if not path or name in self.embedders:
                continue
            made_with = f"{plugin} {path} {name}"
            if made_with not in self._embedders:
                options = EmbedderOptions(self._owner.home, name, base_url=path, threads=settings.local_threads)
                # A home of its own: rounded vectors under the model's id are for no other run.
                store = embed.store_in(self._owner.keeping_home, limit_bytes=settings.cache_embeddings_bytes)
                self._embedders[made_with] = embed.CachedEmbedder(registry.load("embedders", plugin)(options), store)
            return self._embedders[made_with]
        return None

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

    def __init__(self, collection: Collection) -> None:
        self.name = collection.name
        self._collection = collection

    def search(self, question: str, *, mode: SearchMode, k: int, where: str | None) -> Looked:
        """The passages that fit a question best, and the cosine of the nearest of them."""
        found = self._collection.matches(question, mode=mode, k=k, where=where)
        cosines = [match.cosine for match in found if match.cosine is not None]
        return [match.passage for match in found], max(cosines, default=None)


def reading(session: Session, settings: Settings, *, where: str | None) -> Prepare:
    """What looks passages up for one call, with the settings in force."""
    lookup = _Lookup(session.collections.open(settings.rag_index, settings))
    # A replay finds its answer by the request as it was recorded, and that is the unsealed one.
    secret = None if session.environment.get("NBKIT_REPLAY") else install_secret(session.home)
    return functools.partial(prepare, lookup=lookup, settings=settings, secret=secret, where=where)
