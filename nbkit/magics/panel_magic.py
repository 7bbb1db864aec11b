"""`%nbkit panel`: model, temperature, budgets and totals of the session, beside the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nbkit.display.origin import origin
from nbkit.magics.completion import model_names
from nbkit.magics.dashboard_magic import draws_widgets
from nbkit.magics.words import nothing_more

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbkit.display.panel import Panel
    from nbkit.magics.extension import Extension
    from nbkit.session import Session

_ENDED: Final = "post_run_cell"


def run(extension: Extension, session: Session, rest: str) -> None:
    """Draws the panel; one that is there already goes. Raises `ConfigError` and `StoreError`."""
    from nbkit.display.panel import Panel

    nothing_more(rest, command="%nbkit panel")
    ui, shell = session.config().settings.ui, extension.shell
    made = Panel(session, models=model_names(session), notebook=lambda: origin(shell).notebook)
    extension.hold("panel", Following(shell, made))
    made.show(has_controls=draws_widgets(ui), is_text=ui == "text")


class Following:
    """A panel that the shell calls after each cell, until it is closed."""

    def __init__(self, shell: InteractiveShell, panel: Panel) -> None:
        self._shell = shell
        self._panel = panel
        events: Any = shell.events  # its types leave out `register`'s arguments
        events.register(_ENDED, panel.after_cell)

    def close(self) -> None:
        """Follows no more."""
        events: Any = self._shell.events
        events.unregister(_ENDED, self._panel.after_cell)
        self._panel.close()
