"""A notebook's cells run in a kernel of their own."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbkit.errors import NotebookError

_VERSION = 4


def write(notebook: Any, path: Path) -> None:  # noqa: ANN401 - nbformat's node
    """Puts the notebook in a file, whole or not at all."""
    import nbformat

    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(nbformat.writes(notebook, version=_VERSION) + "\n", encoding="utf-8")  # type: ignore[no-untyped-call]
    unfinished.replace(path)


def execute(
    notebook: Any,  # noqa: ANN401 - nbformat's node
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    on_cell: Callable[[int, int], None] | None = None,
) -> Any:  # noqa: ANN401 - nbformat's node
    """The same notebook with its cells' outputs, run top to bottom in a new kernel.

    `env` is added to this process's environment, an empty value takes a variable away; `timeout_s` is for each cell,
    None waits; `on_cell` is called with index and number of cells before each. Raises `NotebookError` for the first
    cell that fails without the tag `raises-exception`: the outputs until then are in `notebook`.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    def announce(cell: object, cell_index: int) -> None:  # noqa: ARG001 - nbclient's hook names its arguments
        if on_cell is not None:
            on_cell(cell_index, len(notebook.cells))

    client = NotebookClient(
        notebook,
        timeout=timeout_s,
        kernel_name="python3",
        resources={"metadata": {"path": str(cwd)}},
        on_cell_start=announce,
        store_widget_state=False,
        record_timing=False,
    )
    kernel = client.create_kernel_manager()
    if hasattr(kernel, "transport_encryption"):
        # Cells and answers go over loopback: encrypted where kernel and client can, and then without a warning.
        kernel.transport_encryption = "auto"
    try:
        with warnings.catch_warnings():
            # pyzmq and jupyter_client warn of their own affairs (event loops, default paths) that no reader can mend.
            warnings.simplefilter("ignore")
            client.execute(env=_environment(env or {}))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise _failed(notebook, error) from error
    return notebook


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value or name not in changes}


def _failed(notebook: Any, error: Exception) -> NotebookError:  # noqa: ANN401 - nbformat's node
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = next((index for index in reversed(range(len(code))) if code[index].outputs), 0)
    name = getattr(error, "ename", type(error).__name__)
    # The first line only: the rest is in the cell's own output, and may quote what the cell works on.
    head = str(getattr(error, "evalue", error)).strip().split("\n")[0][:200]
    return NotebookError(
        what=f"code cell {last + 1} of {len(code)} failed",
        why=f"{name}: {head}",
        fix="mend the cell, or tag it raises-exception if it is meant to fail",
    )
