"""What turns texts into vectors, and what orders passages anew: opened on first use, by name."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol, cast

from nbkit.errors import Blocked, MissingKey
from nbkit.setting import Settings
from nbkit.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbkit.protocols import Embedder, Reranker
    from nbkit.secrets import SecretRegistry
    from nbkit.session.embedding import EmbeddingCalls


class Owner(Protocol):
    """What of a session its embedders need."""

    home: Path
    environment: Mapping[str, str]
    secrets: SecretRegistry
    embedding_calls: EmbeddingCalls

    @property
    def keeping_home(self) -> Path:
        """Where indexes and vectors are kept."""

    def key_for(self, names: tuple[str, ...]) -> str | None:
        """The value of the first key that is set."""


def document_blocked(verdict: Verdict) -> Blocked:
    """What a guard said of a text, in words for somebody who adds documents; the kinds of what it found stand in it.

    >>> from nbkit.types import Span
    >>> document_blocked(Verdict("secrets", "input", "block", "why", (Span(0, 9, "openai-key"),))).why
    'it holds openai-key'
    """
    kinds = ", ".join(dict.fromkeys(span.kind for span in verdict.spans if span.kind))
    return Blocked(
        what=f"the guard {verdict.guard!r} keeps it from the service that embeds",
        why=f"it holds {kinds}" if kinds else verdict.reason or "the guard gave no reason",
        fix="take it out of the document, or embed on this machine: --embedder all-minilm-l6-v2 --rebuild",
    )


class Embedders:
    """Open embedders and rerankers; safe to be used by several threads."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._lock = threading.RLock()
        self._open: dict[tuple[str, ...], Embedder] = {}
        self._rerankers: dict[str, Reranker] = {}
        self.given: dict[str, Any] = {}
        """Instances that answer for an embedder's or a reranker's name, for tests."""

    def embedder(self, settings: Settings) -> Embedder:
        """The embedder in force, behind the cache of embeddings; that of a service behind guards and records too.

        Raises `UnknownPlugin`, `UnknownModel` or `MissingKey`.
        """
        name, url, variables = settings.rag_embedder, settings.rag_embedder_url, self._owner.environment
        with self._lock:
            for variable, plugin in (("NBKIT_REPLAY", "replay"), ("NBKIT_RECORD", "recording")):
                path = variables.get(variable)
                if path and name not in self.given:
                    made_with: tuple[str, ...] = (plugin, path, name)
                    if made_with not in self._open:
                        self._open[made_with] = self._stand_in(plugin, path, settings)
                    return self._open[made_with]
            made_with = (name, url or "")
            if made_with not in self._open:
                self._open[made_with] = self._made(settings)
            return self._open[made_with]

    def reranker(self, settings: Settings) -> Reranker | None:
        """What orders the passages that were found, None where nothing is asked for; loads no model yet."""
        from nbkit.embed import CrossEncoderReranker

        name = settings.rag_rerank
        if name is None:
            return None
        with self._lock:
            if name not in self._rerankers:
                own: Reranker | None = self.given.get(name)
                self._rerankers[name] = own or CrossEncoderReranker(name, threads=settings.local_threads)
            return self._rerankers[name]

    def close(self) -> None:
        """Closes all; what is asked for afterwards is opened again."""
        with self._lock:
            embedders, self._open = list(self._open.values()), {}
            rerankers, self._rerankers = list(self._rerankers.values()), {}
        for embedder in embedders:
            embedder.close()
        for reranker in rerankers:
            reranker.close()

    def _made(self, settings: Settings) -> Embedder:
        from nbkit import embed
        from nbkit.embed.spending import counting
        from nbkit.protocols import EmbedderOptions

        name, url = settings.rag_embedder, settings.rag_embedder_url
        store = embed.store_in(self._owner.home, limit_bytes=settings.cache_embeddings_bytes)
        if name in self.given:
            return embed.CachedEmbedder(self.given[name], store)
        choice = embed.choose(name)
        options = EmbedderOptions(
            home=self._owner.home, base_url=url, api_key=self._key(name, choice.key_env), threads=settings.local_threads
        )
        made = embed.open(name, options)
        if choice.is_local:
            return embed.CachedEmbedder(made, store)
        cached = embed.CachedEmbedder(counting(made), store)
        return cast("Embedder", self._owner.embedding_calls.behind_guards(cached, choice, base_url=url))

    def _key(self, name: str, names: tuple[str, ...]) -> str | None:
        key = self._owner.key_for(names) if names else None
        if names and key is None:
            raise MissingKey(
                what=f"no key for the embedder {name}",
                why=f"{' or '.join(names)} is not set",
                fix=f"set {names[0]} in the environment or in .env, and run the cell again",
            )
        return key

    def _stand_in(self, plugin: str, path: str, settings: Settings) -> Embedder:
        """What takes the place of every embedder while a notebook is replayed or recorded."""
        from nbkit import embed, registry
        from nbkit.protocols import EmbedderOptions

        options = EmbedderOptions(
            self._owner.home, settings.rag_embedder, base_url=path, threads=settings.local_threads
        )
        # A home of its own: rounded vectors under the model's id are for no other run.
        store = embed.store_in(self._owner.keeping_home, limit_bytes=settings.cache_embeddings_bytes)
        return embed.CachedEmbedder(registry.load("embedders", plugin)(options), store)
