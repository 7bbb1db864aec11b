"""Sockets that keep one deadline for a whole exchange.

httpx gives each read its own timeout, so a server that sends a byte a second holds a call for ever. The pool below
httpx, httpcore, takes its sockets from a network backend; this one measures every read and write against the deadline
of the exchange under way, and knows its open sockets, so that they can be cut off from any thread without asking the
pool, whose state an interrupt may have left half changed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpcore

_SLICE_BYTES = 1 << 14
"""Most bytes written before the deadline is looked at again."""

_SHARE_S = 1.0
"""How long the first of several addresses may say nothing before the next is tried."""


@dataclass(slots=True)
class Turn:
    """The exchange under way."""

    deadline: float
    """On the clock `monotonic`."""
    before_read: Callable[[], None] | None = None
    """Called before each read that may wait: what has arrived can be passed on."""
    monotonic: Callable[[], float] = time.monotonic

    def left_s(self, late: type[httpcore.TimeoutException]) -> float:
        """Seconds left; raises `late` when there are none."""
        left = self.deadline - self.monotonic()
        if left <= 0:
            raise late
        return left


class Backend(httpcore.NetworkBackend):
    """Opens the sockets of one pool, which belongs to one thread of one process."""

    def __init__(self, inner: httpcore.NetworkBackend | None = None) -> None:
        self._process_id = os.getpid()
        self.turn: Turn | None = None
        self._inner = inner or httpcore.SyncBackend()
        self._answered = ""
        self._open: set[Stream] = set()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the turn's deadline counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of `host` that answers; the one that did last time is asked first.

        One that says nothing does not hold up the others: each gets a second, then all that said nothing two, and so
        on. Racing them, as RFC 8305 does, would save that second and cost a thread or a selector for each call.
        """
        turn = self._current()
        addresses = sorted(_addresses(host, port, turn), key=lambda address: address != self._answered)
        failure: Exception = httpcore.ConnectError("the name has no address")
        share_s = _SHARE_S
        while addresses:
            for address in list(addresses):
                left = turn.left_s(httpcore.ConnectTimeout)
                wait_s = left if len(addresses) == 1 else min(left, share_s)
                try:
                    inner = self._inner.connect_tcp(address, port, wait_s, local_address, socket_options)
                except httpcore.ConnectTimeout:
                    continue
                except httpcore.ConnectError as error:
                    failure = error
                    addresses.remove(address)
                else:
                    self._answered = address
                    return self.adopt(inner)
            share_s *= 2
        raise failure

    def adopt(self, inner: httpcore.NetworkStream) -> Stream:
        """The stream, under this backend's deadline."""
        stream = Stream(inner, self)
        self._open.add(stream)
        return stream

    def forget(self, stream: Stream) -> None:
        """Leaves out a stream that was closed."""
        self._open.discard(stream)

    def shut(self) -> None:
        """Closes every socket at once; a read that waits in another thread ends with an error.

        In a forked process only its copies are closed: the connections are still the parent's.
        """
        for stream in list(self._open):
            if self._is_inherited():
                stream.close()
            else:
                stream.cut(keep=self.turn is not None)
        if self.turn is None:
            self._open.clear()

    def _is_inherited(self) -> bool:
        return self._process_id != os.getpid()

    def _current(self) -> Turn:
        if self._is_inherited():
            # Forked while a call was under way here: what arrives is the parent's to read.
            msg = "the connection belongs to the process that this one was forked from"
            raise httpcore.ReadError(msg)
        return self.turn or Turn(time.monotonic() + 10.0)


class Stream(httpcore.NetworkStream):
    """One connection, measured against the deadline of its backend's turn."""

    def __init__(self, inner: httpcore.NetworkStream, backend: Backend) -> None:
        self._inner = inner
        self._backend = backend
        self._unsent: list[bytes] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the turn's deadline counts
        """What has arrived, waiting for the first byte of it."""
        turn = self._backend._current()  # noqa: SLF001 - one part in two classes
        if turn.before_read is not None:
            turn.before_read()
        if self._unsent:
            # A server may answer, and close, before it has read everything: its answer says more than the failure.
            with contextlib.suppress(httpcore.WriteError):
                self._flush(turn)
        return self._inner.read(max_bytes, turn.left_s(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the turn's deadline counts
        """Keeps what is to be sent until the next read: head and body leave in one packet, with one system call."""
        self._unsent.append(buffer)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted."""
        del timeout  # the turn's deadline counts
        try:
            left = self._backend._current().left_s(httpcore.ConnectTimeout)  # noqa: SLF001 - one part in two classes
        except httpcore.ConnectTimeout:
            # Who asked for it does not close it.
            self.close()
            raise
        encrypted = self._inner.start_tls(ssl_context, server_hostname, left)
        self._backend.forget(self)
        return self._backend.adopt(encrypted)

    def _flush(self, turn: Turn) -> None:
        block = b"".join(self._unsent)
        self._unsent.clear()
        for start in range(0, len(block), _SLICE_BYTES):
            self._inner.write(block[start : start + _SLICE_BYTES], turn.left_s(httpcore.WriteTimeout))

    def close(self) -> None:
        """Closes the socket."""
        self._backend.forget(self)
        self._inner.close()

    def cut(self, *, keep: bool) -> None:
        """Ends the connection now; with `keep` the thread that is using it closes the socket itself."""
        found = self._inner.get_extra_info("socket")
        if isinstance(found, socket.socket):
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)
        if not keep:
            self._inner.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore has it
        """What httpcore asks of a stream."""
        return self._inner.get_extra_info(info)


def _addresses(host: str, port: int, turn: Turn) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    # The resolver can neither be interrupted nor timed, so it gets a thread that may be left behind.
    found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:
            found.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=resolve, name="nbkit-resolve", daemon=True).start()
    try:
        answer = found.get(timeout=turn.left_s(httpcore.ConnectTimeout))
    except queue.Empty:
        raise httpcore.ConnectTimeout from None
    if isinstance(answer, OSError):
        raise httpcore.ConnectError(str(answer)) from answer
    return answer
