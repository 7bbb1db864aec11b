"""The embedding cache: no text is embedded twice by one model, and no trouble with the store is a reason to fail."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from nbkit.errors import StoreError
from nbkit.protocols import Embedder

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from nbkit.store.bytestore import ByteStore

T = TypeVar("T")

_AT_ONCE = 256
"""Texts that are embedded, and kept in one transaction, before an interrupt can lose them."""
_SEAL_BYTES = 16
_FLOAT_BYTES = 4


def store_in(home: Path, *, limit_bytes: int) -> ByteStore:
    """The store of embeddings below a home directory, shared by every index and kernel; opened on first use."""
    from nbkit.store.bytestore import ByteStore

    return ByteStore(home / "cache" / "embeddings", size_limit_bytes=limit_bytes)


class CachedEmbedder:
    """An embedder that asks another for what is not in the store.

    A vector is kept under the embedder's id, the hash of the text, and whether it is a query, with a seal over both
    key and bytes: one that is damaged, or was kept under another key, is a miss and is made again. When the store
    fails, texts are embedded without it, and `take_notice` says so once.

    >>> import contextlib, tempfile
    >>> from nbkit.testing import FakeEmbedder
    >>> with tempfile.TemporaryDirectory() as home:
    ...     cached = CachedEmbedder(FakeEmbedder(), store_in(Path(home), limit_bytes=1 << 20))
    ...     with contextlib.closing(cached):
    ...         _ = cached.embed(["one", "two"]), cached.embed(["two", "one"])
    ...         cached.hits, cached.misses
    (2, 2)
    """

    name: ClassVar[str] = "cached"

    def __init__(self, embedder: Embedder, store: ByteStore) -> None:
        self.embedder = embedder
        self._store = store
        self._lock = threading.Lock()
        self._notice: str | None = None
        self._has_told = False
        self._hits = 0
        self._misses = 0

    @property
    def id(self) -> str:
        """That of the embedder: the vectors are the same."""
        return self.embedder.id

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.embedder.dimensions

    @property
    def max_tokens(self) -> int:
        """That of the embedder."""
        return self.embedder.max_tokens

    @property
    def splits_at_blanks(self) -> bool:
        """That of the embedder."""
        return bool(getattr(self.embedder, "splits_at_blanks", False))

    @property
    def hits(self) -> int:
        """Texts that were found in the store."""
        return self._hits

    @property
    def misses(self) -> int:
        """Texts that the embedder was asked for, each once however often it was in one call."""
        return self._misses

    def take_notice(self) -> str | None:
        """What the reader should know of the store, once: moved aside, read-only, full."""
        with self._lock:
            own, self._notice = self._notice, None
        return own or self._store.database.take_notice()

    def embed(
        self,
        texts: Sequence[str],
        *,
        is_query: bool = False,
        on_missing: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> NDArray[float32]:
        """Unit vectors, shape (len(texts), dimensions), in the order of the texts.

        `on_missing` is told of the texts that the embedder is about to be asked for; when it raises, they are not.
        What was embedded before an error or an interrupt is kept.
        """
        import numpy as np

        keys = [self._key(text, is_query=is_query) for text in texts]
        wanted = dict(zip(keys, texts, strict=True))
        found = self._look_up([*wanted])
        missing = [key for key in wanted if key not in found]
        with self._lock:
            self._hits += len(keys) - sum(key not in found for key in keys)
            self._misses += len(missing)
        texts = [wanted[key] for key in missing]
        for start, end in self._batches(texts):
            some = missing[start:end]
            on_missing(texts[start:end])
            made = self.embedder.embed(texts[start:end], is_query=is_query)
            found |= dict(zip(some, made, strict=True))
            self._keep({key: _sealed(key, vector) for key, vector in zip(some, made, strict=True)})
        if not keys:
            return np.empty((0, self.dimensions), np.float32)
        return np.stack([found[key] for key in keys])

    def token_starts(self, text: str) -> list[int]:
        """Where each token of the text starts, in characters."""
        return self.embedder.token_starts(text)

    def close(self) -> None:
        """Closes embedder and store; a later `embed` opens them again."""
        self.embedder.close()
        self._store.close()

    def _batches(self, texts: Sequence[str]) -> Iterable[tuple[int, int]]:
        """Where each stretch starts and end that is kept before the next is asked for: a service's, one call."""
        own = getattr(self.embedder, "batches", None)
        if own is not None:
            found: Iterable[tuple[int, int]] = own(texts)
            return found
        return ((start, min(start + _AT_ONCE, len(texts))) for start in range(0, len(texts), _AT_ONCE))

    def _key(self, text: str, *, is_query: bool) -> str:
        # A text with half a character in it has a key as well: refusing it is up to the embedder.
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.id}:{digest}:{'query' if is_query else 'text'}"

    def _look_up(self, keys: Sequence[str]) -> dict[str, NDArray[float32]]:
        nothing: dict[str, bytes] = {}
        stored = self._quietly(lambda: self._store.get_many(keys), otherwise=nothing)
        vectors = {key: _opened(key, value) for key, value in stored.items()}
        return {key: vector for key, vector in vectors.items() if vector is not None}

    def _keep(self, values: dict[str, bytes]) -> None:
        self._quietly(lambda: self._put(values), otherwise=None)

    def _put(self, values: dict[str, bytes]) -> None:
        if not self._store.database.is_read_only:
            self._store.put_many(values)

    def _quietly(self, action: Callable[[], T], *, otherwise: T) -> T:
        try:
            return action()
        except StoreError as error:
            with self._lock:
                if not self._has_told:
                    self._has_told = True
                    self._notice = f"embeddings are not cached: {error.what} ({error.why})"
            return otherwise


def _sealed(key: str, vector: NDArray[float32]) -> bytes:
    values = vector.astype("<f4").tobytes()
    return _seal(key, values) + values


def _opened(key: str, value: bytes) -> NDArray[float32] | None:
    import numpy as np

    seal, values = value[:_SEAL_BYTES], value[_SEAL_BYTES:]
    if not values or len(values) % _FLOAT_BYTES or seal != _seal(key, values):
        return None
    return np.frombuffer(values, "<f4").astype(np.float32, copy=False)


def _seal(key: str, values: bytes) -> bytes:
    return hashlib.blake2b(values, digest_size=_SEAL_BYTES, key=hashlib.blake2b(key.encode()).digest()).digest()
