"""The notebook's cells as HTML, in order."""

from __future__ import annotations

import re
from typing import Any

from nbkit.escape import escape
from nbkit.report.inert import Outline
from nbkit.report.outputs import code_html, markdown_html, output_html
from nbkit.report.reading import options

_NAME = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def cells_html(notebook: Any, outline: Outline, *, hide_code: bool, title_cell: int | None = None) -> str:  # noqa: ANN401 - nbformat has no types
    """All cells; with `hide_code` without their source, but prompts are content and stay.

    `title_cell` is the Markdown cell whose first line already stands above.
    """
    language = notebook.metadata.get("language_info", {}).get("pygments_lexer") or "ipython3"
    parts = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            source = cell.source.strip().partition("\n")[2] if index == title_cell else cell.source
            body = markdown_html(source, outline, cell.get("attachments"))
            drawn = f'<div class="nb-prose">{body}</div>' if body.strip() else ""
        elif cell.cell_type == "code":
            drawn = _code(cell, outline, str(language), hide_code=hide_code)
        else:
            drawn = ""
        if drawn:
            parts.append(f'<div class="nb-cell" id="nb-cell-{index + 1}">{drawn}</div>')
    return "\n".join(parts)


def _code(cell: Any, outline: Outline, language: str, *, hide_code: bool) -> str:  # noqa: ANN401 - nbformat has no types
    prompt = options(cell.source)
    outputs = "".join(output_html(output, outline, is_prompt=prompt is not None) for output in cell.get("outputs", []))
    if prompt is not None:
        return _prompt(*prompt) + outputs
    if hide_code or not cell.source.strip():
        return outputs
    if "injected-parameters" in cell.metadata.get("tags", []):
        return f'<p class="nb-label">Parameters of this run</p>{code_html(cell.source, language)}{outputs}'
    return code_html(cell.source, language) + outputs


def _prompt(magic: str, line: str, body: str) -> str:
    shown = f" <code>{escape(line)}</code>" if line else ""
    text = _NAME.sub(lambda name: f'<span class="nb-name">{name[0]}</span>', escape(body))
    label = f'<p class="nb-label">Prompt <code>{escape(magic)}</code>{shown}</p>'
    return f'<div class="nb-prompt">{label}<pre>{text}</pre></div>'
