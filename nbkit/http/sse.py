"""Server-sent events out of bytes that arrive in any pieces.

Written to the WHATWG rules (https://html.spec.whatwg.org/multipage/server-sent-events.html) with one leniency: an
event at the end of the stream counts although no blank line follows, since servers leave it out after `[DONE]`.
"""

from __future__ import annotations

from typing import NamedTuple

from nbkit.http.lines import MAX_LINE_BYTES, LineSplitter


class Event(NamedTuple):
    """One event."""

    name: str
    """`message` when the server gave none."""
    data: str
    """Its data lines, joined by line feeds."""


class EventParser:
    r"""Events, each as soon as it is complete.

    >>> parser = EventParser()
    >>> parser.feed(b"event: ping\r\ndata: 1\r\ndata: 2\r\n"), parser.feed(b"\r\n: a comment\n")
    ([], [Event(name='ping', data='1\n2')])
    """

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = LineSplitter(max_bytes=max_line_bytes)
        self._name = b""
        self._parts: list[bytes] = []
        self._bytes = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this piece completes; raises `BadResponse` when one is too long."""
        return self._read(self._lines.feed(chunk))

    def finish(self) -> list[Event]:
        """The last event, when the stream ended without a blank line."""
        return self._read([*self._lines.finish(), b""])

    def _read(self, lines: list[bytes]) -> list[Event]:
        events = []
        for line in lines:
            if not line:
                if self._parts:
                    name = self._name.decode("utf-8", "replace") or "message"
                    events.append(Event(name, b"\n".join(self._parts).decode("utf-8", "replace")))
                    self._parts, self._bytes = [], 0
                self._name = b""
            elif line.startswith(b"data:"):
                self._parts.append(line[6:] if line.startswith(b"data: ") else line[5:])
                self._bytes += len(line)
                self._lines.check(self._bytes)
            elif line == b"data":
                self._parts.append(b"")
            elif line.startswith(b"event:"):
                self._name = line[6:].removeprefix(b" ")
        return events
