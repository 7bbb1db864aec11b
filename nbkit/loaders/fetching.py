"""A page or file from the web, for an index; only from addresses that anybody may reach.

The address is looked at where the connection is made, not before: a name that leads to a public address when it is
asked about, and to this machine or its network a moment later, is refused all the same. A redirect is a new request.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

from nbkit.errors import BadResponse, BadSetting, DocumentError
from nbkit.http.coding import decoder
from nbkit.http.proxies import proxy_for
from nbkit.loaders.addresses import is_public
from nbkit.loaders.faults import too_large, unreadable
from nbkit.loaders.kinds import loader_of, loaders
from nbkit.loaders.limits import Limits

if TYPE_CHECKING:
    import ssl

    import httpcore

    from nbkit.http.wire import Backend

_MOST_REDIRECTS = 5
_OK, _REDIRECTS = 200, (301, 302, 303, 307, 308)
_KINDS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "application/json": ".json",
    "application/epub+zip": ".epub",
    "application/x-ipynb+json": ".ipynb",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched."""

    path: Path
    url: str
    """Where it was in the end, after redirects."""
    media_type: str


def fetch(
    url: str,
    folder: Path,
    *,
    limits: Limits | None = None,
    timeout_s: float = 60.0,
    network: httpcore.NetworkBackend | None = None,
    on_open: Callable[[Backend], None] = lambda _: None,
) -> Fetched:
    """The file that a URL leads to, written below `folder` under a name made from the URL.

    Only https; addresses that are not public are refused, after redirects and whatever the name resolves to. Through a
    proxy, the name is resolved here first. `timeout_s` is for all of it, redirects and the last byte included.
    `network` opens the connections, for tests; `on_open` gets what holds them, to cut them off from another thread.
    Raises `DocumentError`, also for what no loader reads, before its content is fetched.
    """
    until = time.monotonic() + timeout_s
    first = url
    for _ in range(_MOST_REDIRECTS + 1):
        _check(url)
        pool = _pool(url, until, network, on_open)
        with _Exchange(url, pool, limits=limits or Limits()) as exchange:
            if exchange.status in _REDIRECTS and exchange.headers.get("location"):
                url = urljoin(url, exchange.headers["location"])
                continue
            if exchange.status != _OK:
                raise _refused(url, f"the server answered HTTP {exchange.status}")
            media_type = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
            path = folder / f"{hashlib.sha256(first.encode()).hexdigest()[:24]}{_suffix(url, media_type)}"
            if loader_of(path) is None:
                kind = media_type or "of a kind that its server does not say"
                raise _refused(url, f"it is {kind}, and no loader reads that")
            exchange.save(path)
            return Fetched(path, url, media_type)
    raise _refused(url, f"it redirects more than {_MOST_REDIRECTS} times")


class _Exchange:
    """One request and its answer, as a `with` statement."""

    def __init__(self, url: str, pool: httpcore.ConnectionPool, *, limits: Limits) -> None:
        self._url, self._pool, self._limits = url, pool, limits

    def __enter__(self) -> Self:
        import httpcore

        host = urlsplit(self._url).netloc
        headers = [("host", host), ("accept-encoding", "gzip"), ("user-agent", "nbkit"), ("accept", "*/*")]
        try:
            request = httpcore.Request("GET", self._url, headers=headers)
            self._answer = self._pool.handle_request(request)
        except DocumentError:
            self._pool.close()
            raise
        except _failures() as error:
            self._pool.close()
            raise _refused(self._url, f"no connection ({_said(error)})") from error
        self.status = self._answer.status
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._answer.headers}
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()
        self._pool.close()

    def save(self, path: Path) -> None:
        """Writes the body, no more than may be read."""
        size, most = 0, self._limits.file_bytes
        try:
            decode = decoder(self.headers.get("content-encoding", ""))
            with path.open("wb") as sink:
                for chunk in self._answer.iter_stream():
                    for piece in decode(chunk):
                        size += len(piece)
                        _check_size(self._url, size, most)
                        sink.write(piece)
        except BadResponse as error:
            path.unlink(missing_ok=True)
            raise _refused(self._url, error.why) from error
        except _failures() as error:
            path.unlink(missing_ok=True)
            raise _refused(self._url, f"the connection broke ({_said(error)})") from error
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _check_size(url: str, size_bytes: int, most_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise too_large(_named(url), f"it has more than {most_bytes:,} bytes", limit="file_bytes")


def _pool(
    url: str, until: float, network: httpcore.NetworkBackend | None, on_open: Callable[[Backend], None]
) -> httpcore.ConnectionPool:
    import httpcore
    import httpx

    from nbkit.http.wire import Backend, Turn

    class PublicOnly(httpcore.NetworkBackend):
        """Connects to what a name was resolved to, when that is public."""

        def connect_tcp(self, host: str, port: int, *args: object, **options: object) -> httpcore.NetworkStream:
            if not is_public(host):
                raise _private(url)
            return (network or httpcore.SyncBackend()).connect_tcp(host, port, *args, **options)  # type: ignore[arg-type]

    try:
        proxy = None if network is not None else proxy_for(url)
    except BadSetting as error:
        raise _refused(url, f"{error.what}: {error.why}") from error
    context: Callable[[], ssl.SSLContext] = httpx.create_ssl_context
    backend = Backend() if proxy is not None else Backend(PublicOnly())
    backend.turn = Turn(until)
    on_open(backend)
    if proxy is None:
        return httpcore.ConnectionPool(ssl_context=context(), network_backend=backend)
    _check_resolved(url)
    return proxy.pool(tls=context(), context=context, keepalive_s=0.0, backend=backend)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_bad = parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.port == 0
        host = parts.hostname or ""
    except ValueError:
        is_bad, host = True, ""
    if is_bad:
        raise _refused(url, "it needs https://, a host, and no password", fix="use an https address")
    try:
        is_private = not is_public(str(ipaddress.ip_address(host)))
    except ValueError:
        is_private = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    if is_private:
        raise _private(url)


def _check_resolved(url: str) -> None:
    import socket

    try:
        rows = socket.getaddrinfo(urlsplit(url).hostname, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _refused(url, "its name cannot be looked up here, so where the proxy goes is not known") from error
    if not all(is_public(str(row[4][0])) for row in rows):
        raise _private(url)


def _suffix(url: str, media_type: str) -> str:
    named = Path(urlsplit(url).path).suffix.lower()
    if named in loaders() and media_type != "text/html":
        return named
    return _KINDS.get(media_type, ".txt" if media_type.startswith("text/") else named)


def _failures() -> tuple[type[Exception], ...]:
    import httpcore

    return (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.TimeoutException,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
        OSError,
        ValueError,
    )


def _said(error: Exception) -> str:
    """What went wrong, in words that repeat nothing of the request."""
    import httpcore

    if isinstance(error, httpcore.TimeoutException):
        return "it took too long"
    is_own = isinstance(error, httpcore.NetworkError) and str(error)
    return str(error) if is_own else type(error).__name__


def _private(url: str) -> DocumentError:
    return _refused(url, "its address is not of the open internet", fix="save the page to a file and add that")


def _refused(
    url: str, why: str, *, fix: str = "check the address, or save the page to a file and add that"
) -> DocumentError:
    return unreadable(_named(url), why, fix=fix)


def _named(url: str) -> str:
    """The URL without its login, query and fragment, which may be somebody's secrets."""
    scheme, _, rest = re.split("[?#]", url, maxsplit=1)[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if rest else "the URL"
