"""A notebook executed with parameters, and kept whatever happens on the way."""

from __future__ import annotations

import ast
import json
import keyword
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbkit.errors import NotebookError
from nbkit.report.execute import OnCell, execute, write
from nbkit.report.reading import read_notebook

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"


def run(
    notebook: Path,
    *,
    out: Path | None = None,
    parameters: Mapping[str, str] | None = None,
    on_cell: OnCell = lambda _number, _total, _line: None,
    timeout_s: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Path:
    """The path of the executed notebook, which is kept as far as it came also when a cell fails.

    `out` is `NAME.executed.ipynb` beside the notebook when left out. `parameters` become assignments in a cell of
    their own, below the cell tagged `parameters` or on top; a value is read as JSON or as a Python literal, else it
    is text. `timeout_s` is for each cell. The notebook's own kernel runs it, in the notebook's folder; `environment` is
    added to this process's.
    The kernel is told the notebook's path as Jupyter tells it, so that all its runs are runs of one notebook: a budget
    of its own holds for them together. Raises `NotebookError`, for a cell that fails with the head and the tail of its
    source.
    """
    notebook = Path(notebook)
    target = Path(out) if out is not None else notebook.with_name(f"{notebook.stem}.executed.ipynb")
    document = inject(read_notebook(notebook), parameters or {})
    folder = notebook.parent.resolve()
    own_name = {"JPY_SESSION_NAME": str(folder / notebook.name)}
    variables = {**own_name, **(environment or {})}
    given: dict[str, Any] = {"environment": variables, "timeout_s": timeout_s, "on_cell": on_cell}
    try:
        execute(document, name=notebook.name, cwd=folder, **given)
    finally:
        # Also of a run that failed: the reader looks at the cell that did.
        write(document, target)
    return target


def inject(document: Any, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - nbformat has no types
    """The notebook with a cell of assignments, in the place of one from an earlier run; raises `NotebookError`."""
    import nbformat

    if not parameters:
        return document
    for name in parameters:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise NotebookError(
                what=f"no parameter can be named {name!r}",
                why="parameters become variables of the notebook",
                fix="use a name of letters, digits and underscores",
            )
    source = "\n".join(f"{name} = {parse_value(value)!r}" for name, value in parameters.items())
    cell = nbformat.v4.new_code_cell(f"# Parameters of this run\n{source}", metadata={"tags": [INJECTED_TAG]})  # type: ignore[no-untyped-call]
    if (document.nbformat, document.nbformat_minor) < (4, 5):
        # Cells have had ids since 4.5.
        cell.pop("id", None)
    document.cells = [old for old in document.cells if INJECTED_TAG not in old.metadata.get("tags", [])]
    tagged = [at for at, old in enumerate(document.cells) if PARAMETERS_TAG in old.metadata.get("tags", [])]
    document.cells.insert(tagged[0] + 1 if tagged else 0, cell)
    return document


def parse_value(text: str) -> object:
    """What a parameter's text means: JSON, else a Python literal, else the text itself.

    >>> [parse_value(text) for text in ("3", "true", "None", "[1, 2]", "('a',)", "hello", '"3"', '["info"]')]
    [3, True, None, [1, 2], ('a',), 'hello', '3', ['info']]
    """
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
            # `nan` and `inf`, and lists that nest too deep, have no literal that the injected cell could hold.
            ast.literal_eval(repr(value))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value
    return text
