"""What a notebook's file says: its cells, its records, its title."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nbkit.canonical import from_plain
from nbkit.errors import NotebookError
from nbkit.recorded import RECORD_MIME, Record

_SAVING_S = 1.0


def read_notebook(path: Path) -> Any:  # noqa: ANN401 - nbformat has no types
    """The notebook in nbformat 4; raises `NotebookError`."""
    return read_with_digest(path)[0]


def read_with_digest(path: Path) -> tuple[Any, str]:
    """The notebook in nbformat 4, and the SHA-256 of the file as it was read; raises `NotebookError`."""
    import nbformat

    try:
        content = _whole(path)
        notebook = nbformat.reads(content.decode("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        # A validation error prints the whole cell; its first line says which field it was.
        said = str(getattr(error, "message", error)).split("\n")[0][:200]
        raise NotebookError(
            what=f"{path.name!r} cannot be read as a notebook",
            why=f"{type(error).__name__}: {said}",
            fix="check the path; Jupyter opens a damaged notebook only once its JSON is mended",
        ) from None
    return notebook, hashlib.sha256(content).hexdigest()


def _whole(path: Path) -> bytes:
    """What is in a file, once it is whole: Jupyter empties a notebook and writes it anew at each save."""
    while True:
        content, changed = path.read_bytes(), path.stat().st_mtime
        try:
            json.loads(content)
        except ValueError:
            if abs(time.time() - changed) < _SAVING_S:
                time.sleep(0.05)
                continue
        return content


def change_texts(node: Any, change: Callable[[str], str]) -> None:  # noqa: ANN401 - nbformat has no types
    """Changes every text of a notebook, or of a part of it, where it stands.

    >>> node = {"cells": [{"source": "hi"}]}
    >>> change_texts(node, str.upper)
    >>> node
    {'cells': [{'source': 'HI'}]}
    """
    for place, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, str):
            node[place] = change(value)
        elif isinstance(value, dict | list):
            change_texts(value, change)


def records_in(output: Any) -> list[Record]:  # noqa: ANN401 - nbformat has no types
    """The records that one output carries; what is no record is left out, since anyone may have written the file.

    >>> records_in({"output_type": "stream", "text": "hi"})
    []
    """
    carried = (output.get("data") or {}).get(RECORD_MIME, [])
    found = []
    for plain in carried if isinstance(carried, list) else [carried]:
        try:
            found.append(from_plain(Record, plain))
        except ValueError:
            continue
    return found


def calls(notebook: Any) -> list[tuple[int, Record]]:  # noqa: ANN401 - nbformat has no types
    """Every record in the notebook once, in order, with the number of its cell from 1."""
    found: dict[str, tuple[int, Record]] = {}
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            for record in records_in(output):
                found.setdefault(record.id, (number, record))
    return list(found.values())


def title(notebook: Any, path: Path) -> tuple[str, int | None]:  # noqa: ANN401 - nbformat has no types
    """The notebook's title, with the index of the Markdown cell whose first line it is; else the file's name, None."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            first = cell.source.strip().split("\n")[0]
            match = re.fullmatch(r"#\s+(.+?)\s*#*", first)
            return (re.sub(r"[*_`]", "", match[1]), index) if match else (path.stem, None)
    return path.stem, None


def options(source: str) -> tuple[str, str, str] | None:
    r"""Magic, options and prompt of a prompt cell; None for any other cell.

    >>> options("%%llm -m echo\nhello")
    ('%%llm', '-m echo', 'hello')
    """
    match = re.match(r"\s*(%%(?:llm|rag)\b)[ \t]*([^\n]*)\n?(.*)", source, re.DOTALL)
    return (match[1], match[2].strip(), match[3].strip("\n")) if match else None


def lines(text: str | list[str]) -> str:
    """Text that nbformat may hold as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def installed(notebook: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - nbformat has no types
    """What the file says of the kernel that ran it: name and value."""
    kernel = notebook.metadata.get("kernelspec", {}).get("display_name")
    language = notebook.metadata.get("language_info", {})
    if kernel:
        yield "Kernel", str(kernel)
    if language.get("name"):
        yield "Language", f"{language['name']} {language.get('version', '')}".strip()
