"""What passes between a reading process and its children: JSON with its length in front, nothing that can run.

A child parses files of strangers and may have been taken over by one, so its answers are checked like any input.
"""

from __future__ import annotations

import itertools
import json
from typing import Any, BinaryIO, Protocol

from nbkit.documents import Document, Heading, Part
from nbkit.types import JsonValue, Span

_HEAD_BYTES = 4


class Source(Protocol):
    """Where messages come from."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, fewer at the end."""


def send(stream: BinaryIO, message: dict[str, JsonValue]) -> None:
    """Writes one message; raises `OSError` when nobody reads."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    stream.write(len(body).to_bytes(_HEAD_BYTES) + body)
    stream.flush()


def receive(stream: Source, *, most_bytes: int) -> dict[str, Any] | None:
    """The next message, None at the end; raises `ValueError` for one that is too long or is none."""
    head = stream.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES:
        return None
    size = int.from_bytes(head)
    if size > most_bytes:
        msg = f"a message of {size:,} bytes"
        raise ValueError(msg)
    body = stream.read(size)
    if len(body) < size:
        return None
    message = json.loads(body)
    if not isinstance(message, dict):
        msg = "no message"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for one kind of failure
    return message


def pack(document: Document) -> dict[str, JsonValue]:
    """The document as JSON data.

    >>> unpack(pack(Document("a", title="t", pages=(0,)))) == Document("a", title="t", pages=(0,))
    True
    """
    return {
        "text": document.text,
        "title": document.title,
        "headings": [[one.start, one.level, one.text] for one in document.headings],
        "pages": list(document.pages),
        "blocks": [[one.start, one.end, one.kind] for one in document.blocks],
        "media_type": document.media_type,
        "notes": list(document.notes),
        "parts": [[one.start, one.label] for one in document.parts],
    }


def unpack(plain: dict[str, Any]) -> Document:
    """The document that was packed; raises `ValueError` when a place in it is not one of its text."""
    try:
        made = Document(
            plain["text"],
            title=plain["title"],
            headings=tuple(Heading(start, level, text) for start, level, text in plain["headings"]),
            pages=tuple(plain["pages"]),
            blocks=tuple(Span(start, end, kind) for start, end, kind in plain["blocks"]),
            media_type=plain["media_type"],
            notes=tuple(plain["notes"]),
            parts=tuple(Part(start, label) for start, label in plain["parts"]),
        )
        texts = [made.text, made.title, made.media_type, *made.notes, *(one.text for one in made.headings)]
        "".join([*texts, *(one.kind for one in made.blocks), *(one.label for one in made.parts)]).encode()
        _check_order([0, *(one.start for one in made.headings), len(made.text)])
        _check_order([0, *made.pages, len(made.text)])
        _check_order([0, *(one.start for one in made.parts), len(made.text)])
        _check_order([0, *(place for one in made.blocks for place in (one.start, one.end)), len(made.text)])
        _check_order([1, *sorted(one.level for one in made.headings)])
    except (KeyError, TypeError, ValueError) as error:
        msg = f"not a document: {type(error).__name__}"
        raise ValueError(msg) from error
    return made


def _check_order(places: list[int]) -> None:
    if not all(type(place) is int for place in places) or any(a > b for a, b in itertools.pairwise(places)):
        msg = "places are not in order"
        raise ValueError(msg)
