"""A connection of one thread: in use, in a transaction, left behind or closed."""

from __future__ import annotations

import sqlite3
import threading


class Handle:
    """One thread's connection; closed with the thread that owns it. `number`: the file's inode.

    >>> handle = Handle(sqlite3.connect(":memory:"), number=None)
    >>> handle.leave()
    >>> handle.is_usable, handle.is_closed
    (False, True)
    """

    def __init__(self, connection: sqlite3.Connection, *, number: int | None) -> None:
        self.connection = connection
        self.lock = threading.RLock()
        self.inode = number
        self.has_begun = False
        self.is_stale = False
        self.is_closed = False

    @property
    def is_usable(self) -> bool:
        """Whether the next statement may run on it."""
        # A transaction ends where it began: its later statements must not slip, uncommitted, into a new file.
        return self.has_begun or not (self.is_stale or self.is_closed)

    def close(self) -> None:
        """Closes the connection, once no other thread uses it."""
        with self.lock:
            self.is_closed = True
            self.connection.close()

    def leave(self) -> None:
        """Not to be used again; closed now, unless a thread is using it."""
        self.is_stale = True
        if self.lock.acquire(blocking=False):
            try:
                if not self.has_begun:
                    self.close()
            finally:
                self.lock.release()

    def __del__(self) -> None:
        if not self.is_closed:
            self.close()
