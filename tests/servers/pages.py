"""A web server on loopback that stands for every address of the open internet, and fails in the ways that pages do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import httpcore

HOST = "93.184.215.14"
ROOT = f"https://{HOST}"
_Sync = httpcore.SyncBackend

Page = Callable[[socket.socket], None]


@dataclass
class Pages:
    """What each path answers; all others are not there."""

    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Paths with their queries, in the order in which they were asked for."""
    hanging: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Raised by each request that hangs from now on."""
    given_up: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Raised by each of those whose client is gone."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    @property
    def network(self) -> httpcore.NetworkBackend:
        """Leads here, whatever is asked for; encryption is left out."""
        return _Here(self._listener.getsockname()[1])

    def put(
        self, path: str, body: bytes | str, *, kind: str = "text/markdown", status: int = 200, **fields: str
    ) -> str:
        """The URL that answers with this from now on."""
        content = body.encode() if isinstance(body, str) else body
        head = {"content-type": kind, "content-length": str(len(content)), "connection": "close"} | fields
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items())
        answer = f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + content
        self.pages[path] = lambda connection: connection.sendall(answer)
        return ROOT + path

    def redirect(self, path: str, place: str) -> str:
        """The URL that leads elsewhere from now on."""
        return self.put(path, b"", status=302, location=place)

    def hang(self, path: str, *, after: bytes = b"") -> str:
        """The URL that sends so much, and nothing more until its client is gone."""

        def wait(connection: socket.socket) -> None:
            connection.sendall(after)
            self.hanging.release()
            with contextlib.suppress(OSError):
                connection.recv(1)
            self.given_up.release()

        self.pages[path] = wait
        return ROOT + path

    def drop(self, path: str) -> str:
        """The URL whose answer breaks off."""
        cut = b"HTTP/1.1 200 X\r\ncontent-type: text/markdown\r\ncontent-length: 99\r\n\r\n# Care"
        self.pages[path] = lambda connection: connection.sendall(cut)
        return ROOT + path

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection, connection.makefile("rb") as reader:
            _, target, _ = reader.readline().decode().split()
            while reader.readline().strip():
                pass
            self.asked.append(target)
            page = self.pages.get(target.partition("?")[0])
            if page is None:
                connection.sendall(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            else:
                page(connection)
        self._open.discard(connection)


class _Here(httpcore.NetworkBackend):
    def __init__(self, port: int) -> None:
        self._port = port

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Plain(_Sync().connect_tcp("127.0.0.1", self._port, timeout, local_address, socket_options))


class _Plain(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return self

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
