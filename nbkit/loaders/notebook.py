"""Jupyter notebooks: what was written and run, and the text of what came out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from nbkit.documents import Document
from nbkit.loaders.decoding import decode, read_bytes
from nbkit.loaders.faults import unreadable
from nbkit.loaders.limits import Budget
from nbkit.loaders.markdown import from_markdown
from nbkit.loaders.writer import Writer

_OUTPUT_CHARS = 2000
"""Of the outputs of one cell: more is logs and tables that drown what the notebook says."""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class NotebookLoader:
    """Reads notebooks.

    >>> NotebookLoader().name
    'notebook'
    """

    name: ClassVar[str] = "notebook"
    suffixes: ClassVar[tuple[str, ...]] = (".ipynb",)

    def load(self, path: Path, *, budget: Budget | None = None) -> Document:
        """Markdown cells as they are, code cells as code blocks, their text outputs capped behind them."""
        budget = budget or Budget(path.name)
        cells, language = _read(path, budget)
        writer, cut = Writer(budget), 0
        for number, cell in enumerate(cells, 1):
            writer.gap(2)
            writer.part(f"cell {number}")
            source = _text(cell.get("source", cell.get("input", "")))
            kind = cell.get("cell_type")
            if kind == "markdown":
                writer.append(from_markdown(source.strip("\n")))
            elif kind == "heading":
                level = cell.get("level")
                writer.heading(source, level=level if isinstance(level, int) else 1)
            elif kind == "code" and source.strip():
                writer.block(_fenced(source, language), kind="code")
                shown = "\n".join(filter(None, (text.strip() for text in _outputs(cell))))
                cut += len(shown) > _OUTPUT_CHARS
                if shown:
                    writer.paragraph("Output:")
                    writer.block(_fenced(shown[:_OUTPUT_CHARS], ""), kind="code")
            elif kind == "raw":
                writer.paragraph(source)
        if cut:
            writer.notes.append(f"outputs cut at {_OUTPUT_CHARS:,} characters: {cut}")
        return writer.document(media_type="application/x-ipynb+json")


def _read(path: Path, budget: Budget) -> tuple[list[dict[str, Any]], str]:
    text = decode(read_bytes(path, budget), name=budget.name).text
    try:
        notebook = json.loads(text)
        sheets = notebook.get("worksheets") or [notebook]
        cells = [cell for sheet in sheets for cell in sheet.get("cells", ()) if isinstance(cell, dict)]
        language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    except (ValueError, AttributeError, TypeError) as error:
        raise unreadable(budget.name, "it is no notebook: its JSON is damaged") from error
    return cells, language if isinstance(language, str) and language.isalnum() else ""


def _outputs(cell: dict[str, Any]) -> Iterator[str]:
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict):
            continue
        if output.get("output_type") == "error" or "ename" in output:
            yield f"{output.get('ename', 'Error')}: {_text(output.get('evalue', ''))}"
            continue
        held = output.get("data")
        found = held if isinstance(held, dict) else output
        text = _text(found.get("text/markdown") or found.get("text/plain") or found.get("text") or "")
        # What a figure or a widget leaves as text says nothing.
        is_stub = text.startswith("<") and text.rstrip().endswith(">") and "\n" not in text.strip()
        yield "" if is_stub else _ANSI.sub("", text)


def _text(source: object) -> str:
    if isinstance(source, list):
        return "".join(piece for piece in source if isinstance(piece, str))
    return source if isinstance(source, str) else ""


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"
