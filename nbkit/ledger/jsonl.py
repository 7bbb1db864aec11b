"""Records as JSON lines, for whatever reads logs."""

from __future__ import annotations

import json
from typing import ClassVar

from nbkit.canonical import canonical_json, from_plain, sha256, to_plain
from nbkit.errors import StoreError
from nbkit.ledger.content import without_content
from nbkit.protocols import SinkOptions
from nbkit.recorded import Record
from nbkit.store.files import append_line


class JsonlSink:
    """One line for each record, ASCII JSON with sorted keys, in a file that only its owner may read.

    The answer's hash and length stand beside the record's own fields, also when content is not kept.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     JsonlSink(SinkOptions(Path(folder))).read()
    []
    """

    name: ClassVar[str] = "jsonl"

    def __init__(self, options: SinkOptions) -> None:
        self._keeps_content = options.keeps_content
        self.path = options.path or options.home / "records.jsonl"
        """The file."""

    def write(self, record: Record) -> None:
        """Appends a line, whole also when several processes append. Raises `StoreError`."""
        plain = to_plain(record if self._keeps_content else without_content(record))
        assert isinstance(plain, dict)
        if record.response is not None:
            plain["answer_sha256"] = sha256(record.response.text)
            plain["answer_chars"] = len(record.response.text)
        append_line(self.path, canonical_json(plain))

    def read(self) -> list[Record]:
        """The records in the order they were written; a line that a killed writer left unfinished is left out.

        Raises `StoreError` when the file cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(
                what=f"{self.path} cannot be read",
                why=error.strerror or str(error),
                fix="give yourself the right to read it, or choose another file",
            ) from error
        found: list[Record] = []
        for line in content.split(b"\n"):
            try:
                found.append(from_plain(Record, json.loads(line)))
            except ValueError:
                continue
        return found

    def close(self) -> None:
        """Does nothing: no file is held open."""
