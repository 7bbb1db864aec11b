"""Lines out of bytes that arrive in any pieces."""

from __future__ import annotations

from nbkit.errors import BadResponse

MAX_LINE_BYTES = 8 << 20
"""Longest line that is kept: 2 MB in one line pass, a stream without line ends does not fill the memory."""

_BOM = b"\xef\xbb\xbf"


class LineSplitter:
    r"""Complete lines, without their ends; LF, CR LF and CR all end a line, and a byte order mark is left out.

    >>> splitter = LineSplitter()
    >>> splitter.feed(b"one\r"), splitter.feed(b"\ntw"), splitter.feed(b"o\n"), splitter.finish()
    ([b'one'], [], [b'two'], [])
    """

    def __init__(self, *, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this piece completes; raises `BadResponse` for a line that is too long."""
        if self._after_cr and chunk:
            # This LF belongs to the CR that ended the piece before.
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\n" not in chunk and b"\r" not in chunk:
            if chunk:
                self._keep(chunk)
            return []
        block = b"".join((*self._pending, chunk)) if self._pending else chunk
        self._pending, self._pending_bytes = [], 0
        self._after_cr = block.endswith(b"\r")
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = block.split(b"\n")
        if len(block) > self._max_bytes:
            self.check(max(map(len, lines)))
        if rest:
            self._keep(rest)
        if self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BOM)
        return lines

    def finish(self) -> list[bytes]:
        """The last line, when nothing ended it."""
        rest = b"".join(self._pending)
        self._pending, self._pending_bytes = [], 0
        if self._at_start:
            rest = rest.removeprefix(_BOM)
        return [rest] if rest else []

    def check(self, size: int) -> None:
        """Raises `BadResponse` when so many bytes are more than a line may have."""
        if size > self._max_bytes:
            raise BadResponse(
                what="the answer holds a line that is too long",
                why=f"a line of more than {self._max_bytes} bytes arrived",
                fix="check that base_url leads to a model server",
            )

    def _keep(self, piece: bytes) -> None:
        self._pending.append(piece)
        self._pending_bytes += len(piece)
        self.check(self._pending_bytes)
