"""A notebook executed from top to bottom, and kept whatever happens on the way."""

from __future__ import annotations

import ast
import json
import keyword
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbkit.errors import NotebookError
from nbkit.escape import clean
from nbkit.report.reading import read_notebook

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
_HEAD_LINES, _TAIL_LINES, _MOST_CHARS = 6, 6, 120

OnCell = Callable[[int, int, str], None]
"""Takes number from 1, total, and first line of each code cell before it runs."""


def run(
    notebook: Path,
    *,
    out: Path,
    parameters: Mapping[str, str] | None = None,
    on_cell: OnCell = lambda _number, _total, _line: None,
    timeout_s: float | None = None,
    kernel: str | None = None,
) -> Path:
    """The path of the executed notebook, which is kept as far as it came also when a cell fails.

    `parameters` become assignments in a cell of their own, below the cell tagged `parameters` or on top; a value is
    read as JSON or as a Python literal, else it is text. `timeout_s` is for each cell. The kernel is the notebook's
    own when `kernel` is left out, and starts in the notebook's folder.
    Raises `NotebookError`, for a cell that fails with the head and the tail of its source.
    """
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook, out = Path(notebook), Path(out)
    document = inject(read_notebook(notebook), parameters or {})
    name = kernel or document.metadata.get("kernelspec", {}).get("name") or "python3"
    total = sum(cell.cell_type == "code" for cell in document.cells)
    started: list[Any] = []

    def start(cell: Any, cell_index: int) -> None:  # noqa: ANN401, ARG001 - nbclient passes both by name
        started.append(cell)
        on_cell(len(started), total, clean(cell.source.strip().split("\n")[0], most_chars=_MOST_CHARS))

    client = NotebookClient(
        document,
        timeout=timeout_s,
        kernel_name=name,
        resources={"metadata": {"path": str(notebook.absolute().parent)}},
        on_cell_execute=start,
    )
    for cell in document.cells:
        if cell.cell_type == "code":
            # What an earlier run left must not pass for this one's, should it stop before.
            cell.outputs, cell.execution_count = [], None
    try:
        client.execute()
    except NoSuchKernel as error:
        raise NotebookError(
            what=f"{notebook.name!r} cannot be run",
            why=f"its kernel {name!r} is not installed",
            fix="choose an installed kernel; `jupyter kernelspec list` names them",
        ) from error
    except CellTimeoutError as error:
        raise _failed(notebook, started, why=f"it ran longer than {timeout_s:g} s", out=out) from error
    except CellExecutionError as error:
        raise _failed(notebook, started, why=f"{error.ename}: {_first_line(error.evalue)}", out=out) from error
    except DeadKernelError as error:
        raise _failed(notebook, started, why="its kernel died", out=out) from error
    finally:
        if started or not total:
            _write(document, out)
    return out


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

    >>> [parse_value(text) for text in ("3", "true", "None", "[1, 2]", "('a',)", "hello", '"3"')]
    [3, True, None, [1, 2], ('a',), 'hello', '3']
    """
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        # `nan` and `inf` have no literal that the injected cell could hold.
        return value if "nan" not in repr(value) and "inf" not in repr(value) else text
    return text


def _failed(notebook: Path, started: list[Any], *, why: str, out: Path) -> NotebookError:
    source = started[-1].source if started else ""
    return NotebookError(
        what=f"{notebook.name!r} stopped at code cell {len(started)}:\n{preview(source)}",
        why=why,
        fix=f"see the error in {out.name!r}, which holds all outputs up to it",
    )


def preview(source: str) -> str:
    r"""The head and the tail of a cell's source, each line cut, so that a long cell does not hide what follows.

    >>> print(preview("\n".join(f"line {n}" for n in range(99))).split("\n")[6])
        | … 87 more lines …
    """
    rows = [clean(row, most_chars=_MOST_CHARS) for row in source.split("\n")]
    hidden = len(rows) - _HEAD_LINES - _TAIL_LINES
    if hidden > 1:
        rows = [*rows[:_HEAD_LINES], f"… {hidden} more lines …", *rows[-_TAIL_LINES:]]
    return "\n".join(f"    | {row}" for row in rows)


def _first_line(text: str) -> str:
    return clean(text.strip().split("\n")[0], most_chars=300)


def _write(document: Any, out: Path) -> None:  # noqa: ANN401 - nbformat has no types
    import nbformat

    text = nbformat.writes(document)  # type: ignore[no-untyped-call]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Beside it first: a reader of `out` never finds half a notebook.
        beside = out.with_name(f".{out.name}.part")
        beside.write_text(text + ("" if text.endswith("\n") else "\n"), encoding="utf-8")
        beside.replace(out)
    except OSError as error:
        raise NotebookError(
            what=f"the executed notebook {out.name!r} cannot be written",
            why=f"{type(error).__name__}: {error.strerror}",
            fix="name a file that can be written with -o",
        ) from error
