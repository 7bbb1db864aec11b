"""Where a cell is: its id, its notebook, its execution count. Each is None where the front end does not say."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbkit.recorded import Origin

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def origin(shell: InteractiveShell | None = None, environment: Mapping[str, str] | None = None) -> Origin:
    """The place of the cell that is running in `shell`, the one there is when left out; nothing known outside of any.

    Jupyter sends the id with the cell and names the notebook in `JPY_SESSION_NAME`; VS Code sets a variable. A plain
    shell has neither: a cell is then known by its execution count.

    >>> origin().cell_id is None
    True
    """
    shell = shell or _running()
    if shell is None:
        return Origin()
    variables = os.environ if environment is None else environment
    return Origin(
        cell_id=_cell_id(shell),
        notebook=_notebook(shell.user_ns, variables),
        # The shell's own count is already the next cell's in newer IPython; the display hook knows which.
        execution_count=shell.displayhook.prompt_count,
    )


def client() -> str | None:
    """Which page sent what the kernel is doing, a cell or a control: loaded anew, a page is another one.

    >>> client() is None
    True
    """
    ask = getattr(_running(), "get_parent", None)
    parent: Any = ask() if ask is not None else None
    header = parent.get("header") if isinstance(parent, Mapping) else None
    found = header.get("session") if isinstance(header, Mapping) else None
    return found if isinstance(found, str) else None


def variables() -> Mapping[str, Any]:
    """What the notebook holds that this runs in; nothing outside of any.

    >>> dict(variables())
    {}
    """
    shell = _running()
    return {} if shell is None else shell.user_ns


def _running() -> InteractiveShell | None:
    if "IPython" not in sys.modules:
        return None  # no shell can be running, and importing it takes a second
    from IPython.core.getipython import get_ipython

    return get_ipython()


def _cell_id(shell: InteractiveShell) -> str | None:
    ask = getattr(shell, "get_parent", None)  # only a kernel's shell has it
    parent: Any = ask() if ask is not None else None
    metadata = parent.get("metadata") if isinstance(parent, Mapping) else None
    found = metadata.get("cellId") if isinstance(metadata, Mapping) else None
    # VS Code's id is a URL that holds the path of the file: only its end names the cell.
    return found.rpartition("#")[2] or None if isinstance(found, str) else None


def _notebook(user_ns: Mapping[str, Any], variables: Mapping[str, str]) -> str | None:
    for found in (user_ns.get("__vsc_ipynb_file__"), variables.get("JPY_SESSION_NAME")):
        if isinstance(found, str) and found.endswith(".ipynb"):
            return found
    return None
