"""A jupyter-server extension: `GET /nbkit/health` and `GET /nbkit/metrics`, behind the server's own authentication.

A file in the wheel switches it on wherever jupyter-server runs from the same environment, as those of Lab and Notebook
do: it only reads, starts nothing, and imports nothing before the first request. `jupyter server extension disable
nbkit.server` switches it off.
"""

from __future__ import annotations

from typing import Any

__all__ = ["_jupyter_server_extension_points", "_load_jupyter_server_extension"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "nbkit.server"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:  # noqa: ANN401 - a ServerApp
    from nbkit.server.handlers import add_handlers

    add_handlers(serverapp.web_app, folder=serverapp.root_dir)
