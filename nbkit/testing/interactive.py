"""An IPython shell with nbkit loaded, in this process, that keeps what its cells draw."""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbkit import session
from nbkit.protocols import Provider


@dataclass(slots=True)
class Cell:
    """What one cell left behind, as a notebook file would hold it."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    """MIME bundles in order; one that was updated is as it was at the end, and says how often in `updates`."""
    text: str = ""
    """What it printed, stdout and stderr."""
    result: object = None
    """Value of its last line."""
    error: BaseException | None = None
    traceback: list[str] = field(default_factory=list)
    """Lines that were drawn for the error."""

    def bundles(self, mime: str) -> list[Any]:
        """What the outputs carry of one MIME type, in order."""
        return [output["data"][mime] for output in self.outputs if mime in output["data"]]


class _Publisher(DisplayPublisher):
    shell: NotebookShell

    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:  # type: ignore[override]  # noqa: ANN401 - what display() hands on
        """Keeps the bundle; an update replaces the one with the same display id, in whichever cell that was."""
        name = (kwargs.get("transient") or {}).get("display_id")
        shell = self.shell
        if kwargs.get("update"):
            for output in (one for cell in shell.cells for one in cell.outputs if one["display_id"] == name):
                output.update(data=data, metadata=metadata or {}, updates=output["updates"] + 1)
            return
        if shell.clears:
            shell.clears = False
            shell.cell.outputs.clear()
        shell.cell.outputs.append({"data": data, "metadata": metadata or {}, "display_id": name, "updates": 0})

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's signature
        """Empties the cell's output, now or with the next bundle."""
        self.shell.clears = wait
        if not wait:
            self.shell.cell.outputs.clear()


class _Results(DisplayHook):
    shell: NotebookShell

    def write_output_prompt(self) -> None:
        """No prompt: a notebook file has none."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        """Keeps the value's bundle."""
        bundle = {"data": format_dict, "metadata": md_dict or {}, "display_id": None, "updates": 0}
        self.shell.cell.outputs.append(bundle)


class NotebookShell(InteractiveShell):
    """An `InteractiveShell` that runs cells as a notebook would: `run` gives what the cell drew."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - traits
        self.cells: list[Cell] = [Cell()]
        self.clears = False
        self._cell_id: str | None = None
        super().__init__(display_pub_class=_Publisher, displayhook_class=_Results, **kwargs)  # type: ignore[no-untyped-call]

    @property
    def cell(self) -> Cell:
        """The cell that is running, or ran last."""
        return self.cells[-1]

    def run(self, source: str, *, cell_id: str | None = None) -> Cell:
        """Runs a cell and gives what it left behind; its errors are in it and are not raised."""
        self.cells.append(Cell())
        self._cell_id, self.clears = cell_id, False
        cell, printed = self.cell, StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            ran = self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        cell.text, cell.result, cell.error = printed.getvalue(), ran.result, ran.error_before_exec or ran.error_in_exec
        return cell

    def get_parent(self) -> dict[str, Any]:
        """The message that a front end would have sent with the cell."""
        return {"header": {}, "metadata": {"cellId": self._cell_id} if self._cell_id else {}}

    def _showtraceback(self, etype: object, evalue: object, stb: list[str]) -> None:  # noqa: ARG002 - IPython's signature
        self.cell.traceback = list(stb)


@contextlib.contextmanager
def shell(
    *,
    home: Path | None = None,
    environment: Mapping[str, str] | None = None,
    providers: Mapping[str, Provider] | None = None,
) -> Iterator[NotebookShell]:
    r"""A notebook shell with nbkit loaded, and a session of its own; afterwards nbkit is unloaded.

    `home`: where nbkit keeps things, a temporary directory when left out. `environment`: variables to set meanwhile;
    the model is `echo` unless they name one. `providers`: instances that answer for a provider's name.

    >>> with shell() as notebook:
    ...     cell = notebook.run("%%llm\nhello")
    ...     print(notebook.user_ns["_llm"].text)
    hello
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nbkit-shell-")))
        variables = {"NBKIT_MODEL": "echo", "IPYTHONDIR": str(folder / "ipython")} | dict(environment or {})
        stack.enter_context(_variables({"NBKIT_HOME": str(home or folder / "home")} | variables))
        notebook = stack.enter_context(bare_shell())
        session.end_current()
        stack.callback(session.end_current)
        session.current().providers.update(providers or {})
        extensions = notebook.extension_manager
        assert extensions is not None
        extensions.load_extension("nbkit")
        stack.callback(extensions.unload_extension, "nbkit")
        yield notebook


@contextlib.contextmanager
def bare_shell() -> Iterator[NotebookShell]:
    """A notebook shell without nbkit, in the place of the process's own; afterwards that one is back."""
    quiet = Config()
    quiet.HistoryManager.enabled = False
    before = {kind: kind._instance for kind in (NotebookShell, InteractiveShell)}  # noqa: SLF001 - no public way to set it back
    for kind in before:
        kind._instance = None  # noqa: SLF001 - as above
    try:
        notebook = NotebookShell.instance(config=quiet)
        try:
            yield notebook
        finally:
            atexit.unregister(notebook.atexit_operations)
            notebook.atexit_operations()  # type: ignore[no-untyped-call]
            notebook.restore_sys_module_state()  # type: ignore[no-untyped-call]
    finally:
        for kind, instance in before.items():
            kind._instance = instance  # noqa: SLF001 - as above


@contextlib.contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
