"""A large file from a URL, continued where an earlier try stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nbkit.errors import BadSetting
from nbkit.http.proxies import proxy_for

if TYPE_CHECKING:
    import httpx

_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416


class NotFetched(Exception):
    """The file could not be fetched from here; what had arrived is kept. `str()` is one line for the reader."""

    def __init__(self, *, why: str) -> None:
        super().__init__(why)


def fetch(
    url: str,
    path: Path,
    *,
    size_bytes: int,
    on_bytes: Callable[[int], None] = lambda _: None,
    connect_timeout_s: float = 5.0,
    read_timeout_s: float = 30.0,
    attempts: int = 4,
) -> None:
    """Appends to `path` until it holds `size_bytes`, by asking for the bytes that are missing.

    `on_bytes` is told the file's size as it grows. A connection that breaks is made again, `attempts` times in a row
    without a new byte at most. Follows redirects and the environment's proxies. Raises `NotFetched`, and `OSError`
    when the disk refuses; the bytes that arrived stay for the next call. Whoever calls checks the hash.
    """
    import httpx

    timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s)
    failures = 0
    with _client(url, timeout) as client:
        while True:
            before = _size(path)
            if before == size_bytes:
                return
            try:
                _append(client, url, path, size_bytes=size_bytes, on_bytes=on_bytes)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise NotFetched(why=f"no connection ({type(error).__name__})") from error
            except httpx.HTTPError as error:
                failures = 1 if _size(path) > before else failures + 1
                if failures >= attempts:
                    raise NotFetched(why=f"the connection broke {failures} times ({type(error).__name__})") from error


def read(url: str, *, most_bytes: int, timeout_s: float = 30.0) -> bytes:
    """The whole of a small file. Follows redirects and the environment's proxies. Raises `NotFetched`."""
    import httpx

    found = bytearray()
    try:
        with _client(url, httpx.Timeout(timeout_s, connect=5.0)) as client, client.stream("GET", url) as reply:
            if reply.status_code != _OK:
                raise NotFetched(why=f"it answered HTTP {reply.status_code}")
            for chunk in reply.iter_bytes():
                found += chunk
                if len(found) > most_bytes:
                    raise NotFetched(why=f"more than {most_bytes:,} bytes")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotFetched(why=f"no answer ({type(error).__name__})") from error
    return bytes(found)


def _client(url: str, timeout: httpx.Timeout) -> httpx.Client:
    import httpx

    try:
        proxy_for(url)
        return httpx.Client(timeout=timeout, follow_redirects=True)
    except BadSetting as error:
        raise NotFetched(why=f"{error.what}: {error.why}") from None
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # httpx reads every proxy there is, whether it is this URL's or not.
        raise NotFetched(why=f"a proxy in the environment cannot be used ({type(error).__name__})") from None


def _append(client: httpx.Client, url: str, path: Path, *, size_bytes: int, on_bytes: Callable[[int], None]) -> None:
    have = _size(path)
    if have > size_bytes:
        path.unlink()
        have = 0
    # Compressed bytes cannot be counted against the file's size.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as reply:
        start = _start(reply, have, size_bytes)
        with path.open("r+b" if path.exists() else "wb") as sink:
            sink.truncate(start)
            sink.seek(start)
            # Not in chunks of one size: those are filled in memory, and lost when the connection breaks.
            for chunk in reply.iter_raw():
                start += len(chunk)
                if start > size_bytes:
                    raise NotFetched(why=f"more than the {size_bytes:,} bytes that the file has")
                sink.write(chunk)
                on_bytes(start)
    if start < size_bytes:
        raise NotFetched(why=f"the answer ended after {start:,} of {size_bytes:,} bytes")


def _start(reply: httpx.Response, have: int, size_bytes: int) -> int:
    """The offset at which the answer's bytes belong, by its status and lengths."""
    if reply.status_code == _PARTIAL:
        expected = f"bytes {have}-{size_bytes - 1}/{size_bytes}"
        if reply.headers.get("Content-Range", "").strip() != expected:
            raise NotFetched(why="another range of bytes than the one asked for")
        return have
    if reply.status_code != _OK:
        what = "another size of file" if reply.status_code == _RANGE_REFUSED else f"HTTP {reply.status_code}"
        raise NotFetched(why=f"it answered {what}")
    length = reply.headers.get("Content-Length")
    # A portal's login page is a 200 too: nothing of it may overwrite what is here.
    if length is not None and length != str(size_bytes):
        raise NotFetched(why=f"it answered with {length} bytes instead of {size_bytes:,}")
    return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
