"""nbkit in a notebook: magics, completion, `%config NbKit`.

Loading has to cost next to nothing, so it imports this file and `extension`; everything else comes with its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load(shell: InteractiveShell) -> None:
    """Makes the magics known to a shell; a second time does nothing."""
    from nbkit.magics.extension import Extension

    if Extension.of(shell) is None:
        Extension(shell).attach()


def unload(shell: InteractiveShell) -> None:
    """Leaves the shell as it was before `load`, and closes what the session has open."""
    from nbkit.magics.extension import Extension

    found = Extension.of(shell)
    if found is not None:
        found.detach()
