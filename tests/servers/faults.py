"""A provider on loopback that fails in one named way, in the dialect of whichever path is asked."""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

WORDS = ("Ein", " Wörtchen", " for", " 🎈", " you.")
TEXT = "".join(WORDS)
DATE_IN_S = 40
RETRY_AFTER_S = 7


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: dict


@dataclass
class Exchange:
    """One request with its connection, and the answer that would be right."""

    server: FaultServer
    connection: socket.socket
    seen: Seen
    is_kept: bool = False
    """Whether another request may follow on the connection."""

    @property
    def dialect(self) -> str:
        path = self.seen.path
        known = {"/chat/completions": "openai", "/v1/messages": "anthropic", "/api/chat": "ollama"}
        return next((name for part, name in known.items() if part in path), "gemini")

    @property
    def content_type(self) -> str:
        return "application/x-ndjson" if self.dialect == "ollama" else "text/event-stream; charset=utf-8"

    def events(self, words: tuple[str, ...] = WORDS) -> list[bytes]:
        """The right answer: one event for each word, then how it ended."""
        return [self.frame(name, payload) for name, payload in _payloads(self.dialect, words)]

    def frame(self, name: str | None, payload: object) -> bytes:
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
        if self.dialect == "ollama":
            return text.encode() + b"\n"
        head = f"event: {name}\n".encode() if name else b""
        return head + b"data: " + text.encode() + b"\n\n"

    def send(self, block: bytes) -> None:
        self.connection.sendall(block)

    def head(self, status: int = 200, content_type: str | None = None, **headers: str) -> None:
        """The head of an answer whose end is the end of the connection."""
        fields = {"content-type": content_type or self.content_type, "connection": "close"} | headers
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.send(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())

    def stream(self, blocks: list[bytes]) -> None:
        """A streamed answer in chunked coding, whole, the connection kept."""
        self.server.generations += 1
        self.send(
            f"HTTP/1.1 200 OK\r\ncontent-type: {self.content_type}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )
        for block in blocks:
            self.send(b"%x\r\n%s\r\n" % (len(block), block))
        self.send(b"0\r\n\r\n")
        self.is_kept = True

    def begin(self, words: int) -> None:
        """The head and the first words of an answer, which is billed from here on."""
        self.server.generations += words > 0
        self.head()
        first = [block for block in self.events()[: words + (self.dialect == "anthropic")] if words]
        self.send(b"".join(first))

    def refuse(self, status: int, error: dict | str, **headers: str) -> None:
        body = json.dumps({"error": error}).encode()
        fields = {"content-type": "application/json", "content-length": str(len(body))} | headers
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.send(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body)
        self.is_kept = True

    def reset(self) -> None:
        """Ends the connection with RST in place of FIN."""
        time.sleep(0.02)  # what was sent before is to arrive: RST overtakes it
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError

    def trickle(self, block: bytes) -> None:
        """Sends a byte at a time for as long as somebody reads."""
        for byte in itertools.cycle(block):
            self.send(bytes([byte]))
            if self.server.stopped.wait(0.02):
                raise ConnectionResetError


Fault = Callable[[Exchange], None]


@dataclass
class FaultServer:
    """Answers each request with the next fault of `script`, the last one again and again; `ok` when it is empty."""

    script: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    generations: int = 0
    """Answers that were begun: what a provider bills."""
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    elsewhere: str = ""
    """Where redirects lead."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as reader:
            while (seen := _read_request(reader)) is not None:
                self.seen.append(seen)
                name = (self.script.pop(0) if len(self.script) > 1 else self.script[0]) if self.script else "ok"
                exchange = Exchange(self, connection, seen)
                FAULTS[name](exchange)
                if not exchange.is_kept:
                    break
        self._open.discard(connection)


def _read_request(reader) -> Seen | None:
    line = reader.readline().decode()
    if not line:
        return None
    method, path, _ = line.split()
    headers = {}
    while line := reader.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    return Seen(method, path, headers, json.loads(body) if body else {})


def _payloads(dialect: str, words: tuple[str, ...]) -> Iterator[tuple[str | None, object]]:
    if dialect == "openai":
        base = {"id": "c-1", "object": "chat.completion.chunk", "model": "m-2"}
        for word in words:
            yield None, base | {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}
        yield None, base | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        yield None, base | {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}}
        yield None, "[DONE]"
    elif dialect == "anthropic":
        usage = {"input_tokens": 9, "output_tokens": 1}
        yield "message_start", {"type": "message_start", "message": {"id": "c-1", "model": "m-2", "usage": usage}}
        for word in words:
            delta = {"type": "text_delta", "text": word}
            yield "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}
        end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}
        yield "ping", {"type": "ping"}
        yield "message_delta", end
        yield "message_stop", {"type": "message_stop"}
    elif dialect == "gemini":
        for word in words:
            yield None, {"candidates": [{"content": {"parts": [{"text": word}]}}], "modelVersion": "m-2"}
        usage = {"promptTokenCount": 9, "candidatesTokenCount": 5}
        end = {"content": {"parts": []}, "finishReason": "STOP"}
        yield None, {"candidates": [end], "usageMetadata": usage, "responseId": "c-1"}
    else:
        for word in words:
            yield None, {"model": "m-2", "message": {"role": "assistant", "content": word}, "done": False}
        counts = {"prompt_eval_count": 9, "eval_count": 5}
        yield None, {"model": "m-2", "message": {"content": ""}, "done": True, "done_reason": "stop"} | counts


def _ok(exchange: Exchange) -> None:
    if exchange.seen.method == "POST":
        exchange.stream(exchange.events())
        return
    exchange.head(200, "application/json")
    exchange.send(b'{"data": [{"id": "m-1"}], "models": [{"name": "m-1"}]}')


def _quoting(exchange: Exchange) -> None:
    said = f"bad key {exchange.seen.headers} in {json.dumps(exchange.seen.body)}"
    exchange.refuse(400, {"message": said, "type": "invalid_request_error"})


def _bytewise(exchange: Exchange) -> None:
    exchange.server.generations += 1
    exchange.head()
    for block in exchange.events():
        for start in range(len(block)):
            exchange.send(block[start : start + 1])


def _after_token(action: Fault) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.begin(1)
        action(exchange)

    return fault


def _silent(exchange: Exchange) -> None:
    exchange.server.stopped.wait(10)


def _lingers(exchange: Exchange) -> None:
    exchange.begin(0)
    exchange.server.generations += 1
    exchange.send(b"".join(exchange.events()))
    exchange.server.stopped.wait(10)


def _endless(exchange: Exchange) -> None:
    exchange.head()
    exchange.send(b"data: " + b"x" * (9 << 20))


def _redirects(exchange: Exchange) -> None:
    exchange.head(307, location=f"{exchange.server.elsewhere}/v1/chat/completions", content_length="0")


def _closing(exchange: Exchange, *blocks: bytes) -> None:
    exchange.server.generations += 1
    exchange.head()
    exchange.send(b"".join(blocks))


def _changed(change: Callable[[bytes], bytes]) -> Fault:
    return lambda exchange: _closing(exchange, change(b"".join(exchange.events())))


def _broken_event(exchange: Exchange) -> None:
    exchange.send(exchange.frame(None, '{"choices": [}'))


def _error_event(exchange: Exchange) -> None:
    exchange.send(exchange.frame("error", {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}))


def _error_first(exchange: Exchange) -> None:
    exchange.head()
    _error_event(exchange)


def _compressed(exchange: Exchange) -> None:
    exchange.head(content_encoding="gzip")
    exchange.send(gzip.compress(b"".join(exchange.events())))


def _date() -> str:
    return email.utils.formatdate(time.time() + DATE_IN_S, usegmt=True)


FAULTS: dict[str, Fault] = {
    "ok": _ok,
    "rate_seconds": lambda e: e.refuse(429, {"type": "rate_limit_error"}, retry_after=str(RETRY_AFTER_S)),
    "rate_date": lambda e: e.refuse(429, {"type": "rate_limit_error"}, retry_after=_date()),
    "rate_without": lambda e: e.refuse(429, {"type": "rate_limit_error"}),
    "rate_too_long": lambda e: e.refuse(429, {"type": "rate_limit_error"}, retry_after="86400"),
    "no_credit": lambda e: e.refuse(429, {"type": "insufficient_quota", "code": "insufficient_quota"}),
    "status_500": lambda e: e.refuse(500, {"message": "oops"}),
    "status_503": lambda e: e.refuse(503, "overloaded"),
    "status_529": lambda e: e.refuse(529, {"type": "overloaded_error"}),
    "status_502_html": lambda e: (e.head(502, "text/html"), e.send(b"<h1>Bad gateway</h1>")),
    "status_401": lambda e: e.refuse(401, {"type": "authentication_error", "message": "invalid key"}),
    "status_403": lambda e: e.refuse(403, {"type": "permission_error"}),
    "status_404": lambda e: e.refuse(404, {"type": "not_found_error", "message": "model: nope"}),
    "too_long": lambda e: e.refuse(400, {"code": "context_length_exceeded", "message": "maximum context length is 8"}),
    "quotes_key_and_prompt": _quoting,
    "reset_before_head": lambda e: e.reset(),
    "close_before_head": lambda _: None,
    "not_http": lambda e: e.send(b"SSH-2.0-OpenSSH_9.0\r\n\r\n"),
    "silent": _silent,
    "slow_head": lambda e: e.trickle(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 5000),
    "endless_head": lambda e: e.send(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200_000),
    "reset_before_token": lambda e: (e.begin(0), e.reset()),
    "reset_after_token": _after_token(lambda e: e.reset()),
    "close_after_token": _after_token(lambda _: None),
    "slow_body": lambda e: (e.head(), e.trickle(b" " * 9 if e.dialect == "ollama" else b": hm\n")),
    "slow_after_token": _after_token(lambda e: e.trickle(b" " * 9 if e.dialect == "ollama" else b": hm\n")),
    "broken_first": lambda e: (e.head(), _broken_event(e)),
    "broken_after_token": _after_token(_broken_event),
    "not_an_object": lambda e: (e.head(), e.send(e.frame(None, [1, 2]))),
    "error_first": _error_first,
    "error_after_token": _after_token(_error_event),
    "bytewise": _bytewise,
    "crlf": _changed(lambda block: block.replace(b"\n", b"\r\n")),
    "cr": _changed(lambda block: block.replace(b"\n", b"\r")),
    "bom": _changed(lambda block: b"\xef\xbb\xbf" + block),
    "no_done": _changed(lambda block: block.replace(b"data: [DONE]\n\n", b"")),
    "no_last_line_end": _changed(lambda block: block.rstrip(b"\n")),
    "comments": _changed(lambda block: b": hello\n\nretry: 10\nid: 7\n\n" + block),
    "two_mb_line": lambda e: e.stream(e.events(("x" * (2 << 20),))),
    "endless_line": _endless,
    "html": lambda e: (e.head(200, "text/html"), e.send(b"<h1>Welcome</h1>")),
    "empty_stream": lambda e: e.stream([]),
    "compressed": _compressed,
    "redirect": _redirects,
    "lingers": _lingers,
}
