"""A notebook's cells run from top to bottom in a kernel of their own."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

from nbkit.errors import NotebookError
from nbkit.escape import clean

_HEAD_LINES, _TAIL_LINES, _MOST_CHARS = 6, 6, 120

OnCell: TypeAlias = Callable[[int, int, str], None]
"""Takes number from 1, total, and first line of each code cell before it runs."""


def execute(
    document: Any,  # noqa: ANN401 - nbformat's node
    *,
    name: str,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    on_cell: OnCell = lambda _number, _total, _line: None,
    kernel: str | None = None,
) -> None:
    """Puts new outputs into the notebook's cells; those of a run that failed are there as far as it came.

    `name` is what errors call the notebook. `environment` is added to this process's, an empty value takes a variable
    away. `timeout_s` is for each cell, None waits. The kernel is the notebook's own when `kernel` is left out.
    Raises `NotebookError` for the first cell that fails without the tag `raises-exception`, with the head and the tail
    of its source.
    """
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    wanted = kernel or document.metadata.get("kernelspec", {}).get("name") or "python3"
    started: list[Any] = []
    client = _client(document, wanted, cwd=cwd, timeout_s=timeout_s, on_start=_announce(document, started, on_cell))
    for cell in document.cells:
        if cell.cell_type == "code":
            # What an earlier run left must not pass for this one's, should it stop before.
            cell.outputs, cell.execution_count = [], None
    try:
        with warnings.catch_warnings():
            # pyzmq and jupyter_client warn of their own affairs (event loops, default paths) that no reader can mend.
            warnings.simplefilter("ignore")
            _run(client, _changed(environment or {}))
    except NoSuchKernel as error:
        raise NotebookError(
            what=f"{name!r} cannot be run",
            why=f"its kernel {wanted!r} is not installed",
            fix="choose an installed kernel; `jupyter kernelspec list` names them",
        ) from error
    except CellTimeoutError as error:
        raise _failed(name, started, why=f"it ran longer than {timeout_s:g} s") from error
    except CellExecutionError as error:
        raise _failed(name, started, why=f"{error.ename}: {_first_line(error.evalue)}") from error
    except DeadKernelError as error:
        raise _failed(name, started, why="its kernel died") from error


def write(document: Any, path: Path) -> None:  # noqa: ANN401 - nbformat's node
    """Puts the notebook in a file, whole or not at all; raises `NotebookError`."""
    import nbformat

    text = nbformat.writes(document)  # type: ignore[no-untyped-call]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside it first: a reader of `path` never finds half a notebook.
        beside = path.with_name(f".{path.name}.part")
        beside.write_text(text + ("" if text.endswith("\n") else "\n"), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise NotebookError(
            what=f"the executed notebook {path.name!r} cannot be written",
            why=f"{type(error).__name__}: {error.strerror}",
            fix="name a file that can be written with -o",
        ) from error


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


def _client(document: Any, kernel: str, *, cwd: Path, timeout_s: float | None, on_start: Callable[..., None]) -> Any:  # noqa: ANN401 - nbclient's
    from nbclient import NotebookClient

    def start(cell: Any, cell_index: int) -> None:  # noqa: ANN401 - nbformat's node
        # As JupyterLab says which cell it sends: a record then knows its cell.
        assert client.kc is not None
        client.kc.session.metadata = {"cellId": cell["id"]} if "id" in cell else {}
        on_start(cell=cell, cell_index=cell_index)

    client = NotebookClient(
        document,
        timeout=timeout_s,
        kernel_name=kernel,
        resources={"metadata": {"path": str(cwd)}},
        on_cell_execute=start,
        # A card's widget is closed when its cell ends; what is left of others cannot be drawn without their kernel.
        store_widget_state=False,
        # When a cell ran is in its record; in the cell's metadata it would make every run a change of the file.
        record_timing=False,
    )
    manager = client.create_kernel_manager()
    if hasattr(manager, "transport_encryption"):
        # Cells and answers go over loopback: encrypted where kernel and client can, and then without a warning.
        manager.transport_encryption = "auto"
    return client


def _run(client: Any, environment: Mapping[str, str]) -> None:  # noqa: ANN401 - nbclient's
    """Runs the cells in a thread with a loop of its own, so that an interrupt is this thread's to answer.

    In the main thread nbclient takes SIGINT for itself: it stops the kernel under the running cell, and what comes out
    is a failed assertion (nbclient 0.11). A thread works inside a running loop as well.
    """
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []
    is_stopped = threading.Event()

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        running.append((asyncio.get_running_loop(), task))
        if not is_stopped.is_set():
            await client.async_execute(env=environment)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(lambda: asyncio.run(run()))
        try:
            done.result()
        except KeyboardInterrupt:
            is_stopped.set()
            # The kernel is busy with a cell: asked politely, it would answer when that is done.
            client.shutdown_kernel = "immediate"
            for loop, task in running:
                loop.call_soon_threadsafe(task.cancel)
            raise


def _announce(document: Any, started: list[Any], on_cell: OnCell) -> Callable[..., None]:  # noqa: ANN401 - nbformat's node
    total = sum(cell.cell_type == "code" for cell in document.cells)

    def start(cell: Any, cell_index: int) -> None:  # noqa: ANN401, ARG001 - nbclient passes both by name
        started.append(cell)
        on_cell(len(started), total, clean(cell.source.strip().split("\n")[0], most_chars=_MOST_CHARS))

    return start


def _changed(changes: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in {**os.environ, **changes}.items() if value or name not in changes}


def _failed(name: str, started: list[Any], *, why: str) -> NotebookError:
    source = started[-1].source if started else ""
    return NotebookError(
        what=f"{name!r} stopped at code cell {len(started)}:\n{preview(source)}",
        why=why,
        fix="see the error in the cell's output; all outputs up to it are kept",
    )


def _first_line(text: str) -> str:
    return clean(text.strip().split("\n")[0], most_chars=300)
