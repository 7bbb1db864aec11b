"""What line magics draw: a table, or text, below the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbkit.escape import NO_MATH, clean, escape
from nbkit.secrets import SecretRegistry
from nbkit.tables import Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_LINES = "margin:0;white-space:pre-wrap;word-break:normal;overflow-wrap:break-word"
"""JupyterLab breaks the lines of a `pre` within words unless it is told otherwise."""


def draw(shell: InteractiveShell, secrets: SecretRegistry, table: Table) -> None:
    """Puts a table below the cell, without the secrets in use."""
    bundle = {"text/plain": table.text(), "text/html": table.html()}
    shell.display_pub.publish(data={mime: secrets.redact(text) for mime, text in bundle.items()}, metadata={})


def draw_text(shell: InteractiveShell, secrets: SecretRegistry, text: str) -> None:
    """Puts text below the cell, character by character, without the secrets in use."""
    cleaned = clean(secrets.redact(text))
    page = f'<pre {NO_MATH} style="{_LINES}">{escape(cleaned)}</pre>'
    shell.display_pub.publish(data={"text/plain": cleaned, "text/html": page}, metadata={})
