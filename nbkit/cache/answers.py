"""The cache of answers: exact, shared by kernels, and never a reason for a cell to fail."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from nbkit.cache.entries import LAST_MOMENT, Kept, decode, encode, fingerprint
from nbkit.cache.turns import Turns, is_dead, owner_id
from nbkit.cache.views import EntryRow, Explanation, Stats, nearest
from nbkit.canonical import request_key
from nbkit.errors import ConfigError, StoreError
from nbkit.types import CacheEntry, Request

if TYPE_CHECKING:
    from nbkit.store.bytestore import ByteStore

T = TypeVar("T")

LEASE_MARGIN_S = 5.0
"""How long past the deadline of its call a lease lasts: the time to screen and keep the answer."""
COMPARED_ENTRIES = 1000
"""How many entries, newest first, `explain` looks at for the nearest."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.05


def utcnow() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


class AnswerCache:
    """Answers by the hash of their request, in a folder that several kernels may share. Opened on first use.

    `get`, `put` and `lease` raise nothing when the store is damaged, full, locked or out of reach: the first trouble
    becomes the `notice`, and the cell is answered by the provider. What the reader asks for (`entries`, `stats`,
    `remove`, `clear`, `explain`) raises `StoreError`.

    >>> import tempfile
    >>> from nbkit.types import Message
    >>> with tempfile.TemporaryDirectory() as folder, contextlib.closing(AnswerCache(Path(folder, "answers"))) as cache:
    ...     print(cache.explain(Request("echo", "echo", (Message("user", "hi"),))))
    miss: nothing like it is stored
    """

    def __init__(self, folder: Path, *, limit_bytes: int = 1 << 30, now: Callable[[], datetime] = utcnow) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._now = now
        self._lock = threading.Lock()
        self._turns = Turns()
        self._owner_in = (os.getpid(), owner_id())
        self._leased: set[str] = set()
        self._opened: ByteStore | None = None
        self._notice: str | None = None
        self._has_told = False
        self._hits = 0
        self._misses = 0

    @property
    def _owner(self) -> str:
        if self._owner_in[0] != os.getpid():
            self._owner_in = (os.getpid(), owner_id())
        return self._owner_in[1]

    @property
    def notice(self) -> str | None:
        """What the reader should know about the store, None when nothing: moved aside, read-only, full."""
        return self._notice or (None if self._opened is None else self._opened.database.notice)

    def take_notice(self) -> str | None:
        """The notice, once: it is None afterwards."""
        with self._lock:
            own, self._notice = self._notice, None
        found = None if self._opened is None else self._opened.database.take_notice()
        return own or found

    def get(self, key: str, *, max_age_s: float | None = None) -> CacheEntry | None:
        """The entry; None when there is none, it is too old, or the row is not one that nbkit wrote for this key."""
        entry = self._look_up(key, max_age_s)
        with self._lock:
            self._hits += entry is not None
            self._misses += entry is None
        return entry

    def peek(self, key: str, *, max_age_s: float | None = None) -> CacheEntry | None:
        """What `get` would give; counts as neither a hit nor a miss."""
        return self._look_up(key, max_age_s)

    def put(self, key: str, entry: CacheEntry, *, request: Request, ttl_s: float | None) -> None:
        """Keeps the entry, and gives back the lease on its key; a `ttl_s` of None never expires."""
        expires_at = None if ttl_s is None else min(self._now().timestamp() + ttl_s, LAST_MOMENT)
        value = encode(key, entry, request=request, expires_at=expires_at)
        with self._lock:
            owner = self._owner if key in self._leased else None
        if self._quietly(lambda: self._keep(key, value, ttl_s=ttl_s, owner=owner), otherwise=False):
            with self._lock:
                self._leased.discard(key)

    @contextlib.contextmanager
    def lease(self, key: str, *, timeout_s: float, max_age_s: float | None = None) -> Iterator[CacheEntry | None]:
        """Held by one caller at a time, in any thread or process; gives the entry if another made it meanwhile.

        Waits at most `timeout_s` for the holder, or until it is gone; then gives None, as when there is no entry. Those
        that waited in the holder's process go on at once: where it kept nothing, the next may keep nothing either.
        """
        deadline = time.monotonic() + timeout_s
        with contextlib.ExitStack() as held:
            entry = None
            if held.enter_context(self._turns.turn(key, timeout_s=timeout_s)):
                held.callback(self._release, key)
                take = functools.partial(self._take, key, timeout_s=timeout_s, deadline=deadline, max_age_s=max_age_s)
                entry = self._quietly(take, otherwise=None)
            else:
                entry = self._look_up(key, max_age_s)
            if entry is not None:
                # Others find the entry too: they need not wait until this one is drawn.
                held.close()
            yield entry

    def explain(self, request: Request, *, before: datetime | None = None) -> Explanation:
        """Whether the cache would answer, else how the nearest of the newest entries differs.

        `before` leaves out what was stored since: why a call that began then was a miss, although its own answer is
        kept by now.
        """
        key, now, store = request_key(request), self._now(), self._store()
        stored = store.get(key)
        kept = None if stored is None else decode(key, stored)
        if kept is not None and (before is None or kept.entry.created_at < before):
            age_s = (now - kept.entry.created_at).total_seconds()
            return Explanation("expired" if kept.is_expired(now.timestamp()) else "hit", key, age_s)
        newest = (kept for kept, _ in self._newest(COMPARED_ENTRIES))
        earlier = (kept for kept in newest if before is None or kept.entry.created_at < before)
        found = nearest(fingerprint(request), earlier)
        if found is None:
            return Explanation("none", key)
        age_s = (now - found[0].entry.created_at).total_seconds()
        return Explanation("near", key, age_s, found[0].key, found[1])

    def entries(self, limit: int = 20) -> list[EntryRow]:
        """The entries stored last, newest first."""
        now = self._now()
        return [_row(kept, size_bytes, now) for kept, size_bytes in self._newest(limit)]

    def stats(self) -> Stats:
        """How full the cache is, and what it did since this process opened it."""
        store = self._store()
        size, oldest = store.size(), store.oldest()
        kept = None if oldest is None else decode(oldest.key, oldest.value)
        return Stats(
            folder=self.folder,
            entries=size.entries,
            size_bytes=size.size_bytes,
            limit_bytes=self.limit_bytes,
            hits=self._hits,
            misses=self._misses,
            oldest_at=None if kept is None else kept.entry.created_at,
            is_read_only=store.database.is_read_only,
        )

    def remove(self, key_prefix: str) -> int:
        """How many entries were removed: the one whose key starts so, or none. Raises `ConfigError` for several."""
        store = self._store()
        keys = store.keys(key_prefix, limit=3) if key_prefix else []
        if len(keys) > 1 or not key_prefix:
            raise ConfigError(
                what=f"{key_prefix!r} names no single entry",
                why=f"it is the start of {'every key' if not key_prefix else ', '.join(key[:16] for key in keys)}",
                fix="give more characters of the key, as %cache ls shows it; %cache clear removes all",
            )
        return sum(store.remove(key) for key in keys)

    def clear(self) -> int:
        """How many entries were removed: all of them."""
        return self._store().clear()

    def close(self) -> None:
        """Closes the store in all threads; a later use opens it again."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            self._notice = self._notice or opened.database.notice
            opened.close()

    def _store(self) -> ByteStore:
        with self._lock:
            if self._opened is None:
                from nbkit.store.bytestore import ByteStore

                self._opened = ByteStore(self.folder, size_limit_bytes=self.limit_bytes)
            return self._opened

    def _keep(self, key: str, value: bytes, *, ttl_s: float | None, owner: str | None) -> bool:
        store = self._store()
        if store.database.is_read_only:
            return False
        store.put(key, value, ttl_s=ttl_s, owner=owner)
        return True

    def _look_up(self, key: str, max_age_s: float | None) -> CacheEntry | None:
        stored = self._quietly(lambda: self._store().get(key), otherwise=None)
        kept = None if stored is None else decode(key, stored)
        if kept is None:
            return None
        now = self._now()
        is_old = max_age_s is not None and (now - kept.entry.created_at).total_seconds() > max_age_s
        return None if is_old or kept.is_expired(now.timestamp()) else kept.entry

    def _newest(self, limit: int) -> Iterator[tuple[Kept, int]]:
        for row in self._store().newest(limit):
            kept = decode(row.key, row.value)
            if kept is not None:
                yield kept, row.size_bytes

    def _take(self, key: str, *, timeout_s: float, deadline: float, max_age_s: float | None) -> CacheEntry | None:
        store, pause_s = self._store(), _FIRST_PAUSE_S
        is_free = True
        while not store.database.is_read_only:
            if is_free:
                now = self._now().timestamp()
                expires = now + timeout_s + LEASE_MARGIN_S
                if store.lease(key, owner=self._owner, now=now, expires=expires, is_dead=is_dead):
                    with self._lock:
                        self._leased.add(key)
                    return self._look_up(key, max_age_s)
            entry = self._look_up(key, max_age_s)
            if entry is not None or time.monotonic() + pause_s > deadline:
                return entry
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.2, _LONGEST_PAUSE_S)
            # Looked for without the lock that taking a lease needs: its holder may be about to write.
            is_free = self._is_free(key)
        return None

    def _is_free(self, key: str) -> bool:
        held = self._store().holder(key)
        return held is None or held[1] <= self._now().timestamp() or held[0] == self._owner or is_dead(held[0])

    def _release(self, key: str) -> None:
        with self._lock:
            is_leased = key in self._leased
            self._leased.discard(key)
        if is_leased:
            self._quietly(lambda: self._store().release(key, owner=self._owner), otherwise=None)

    def _quietly(self, action: Callable[[], T], *, otherwise: T) -> T:
        try:
            return action()
        except StoreError as error:
            with self._lock:
                if not self._has_told:
                    self._has_told = True
                    self._notice = f"answers are not cached: {error.what} ({error.why})"
            return otherwise


def _row(kept: Kept, size_bytes: int, now: datetime) -> EntryRow:
    entry, fields = kept.entry, kept.fingerprint
    sample = fields.get("sample")
    return EntryRow(
        key=kept.key,
        provider=str(fields.get("provider")),
        model=str(fields.get("model")),
        sample=sample if isinstance(sample, int) else 0,
        created_at=entry.created_at,
        age_s=(now - entry.created_at).total_seconds(),
        expires_at=None if kept.expires_at is None else datetime.fromtimestamp(kept.expires_at, UTC),
        is_expired=kept.is_expired(now.timestamp()),
        size_bytes=size_bytes,
        input_tokens=entry.response.usage.input_tokens,
        output_tokens=entry.response.usage.output_tokens,
    )
