"""The two addresses. Each request has a session of its own, closed as it ends; the work is done in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

if TYPE_CHECKING:
    from nbkit.doctor import Check

_KEPT_S: Final = 30.0
"""How long it is known whether the provider answers: whoever asks more often does not ask him more often."""
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class Reached:
    """What was found of the provider, while it is new."""

    def __init__(self) -> None:
        self._found: tuple[float, Check] | None = None

    def get(self) -> Check | None:
        """What was found less than half a minute ago."""
        found = self._found
        return found[1] if found is not None and time.monotonic() - found[0] < _KEPT_S else None

    def put(self, check: Check) -> None:
        """Keeps what was found."""
        self._found = (time.monotonic(), check)


class Base(APIHandler):
    """What both addresses have."""

    auth_resource = "nbkit"

    def initialize(self, folder: str, reached: Reached) -> None:
        """Takes what `add_handlers` gives."""
        self.folder = Path(folder)
        self.reached = reached


class HealthHandler(Base):
    """`GET /nbkit/health`."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """JSON with `status` and `checks`; 200, or 503 where a check failed."""
        is_ok, text = await asyncio.to_thread(health_text, self.folder, self.reached)
        self.set_status(200 if is_ok else 503)
        self.finish(text)


class MetricsHandler(Base):
    """`GET /nbkit/metrics`."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The metrics in the text format of Prometheus; 503 and three lines where records cannot be read."""
        is_ok, text = await asyncio.to_thread(metrics_or_error, self.folder)
        self.set_status(200 if is_ok else 503)
        self.finish(text, set_content_type=_TEXT)


def health_text(folder: Path, reached: Reached) -> tuple[bool, str]:
    """Whether all is well, and what was found as JSON, without the secrets in use."""
    from nbkit.monitor.health import LIMIT_S, look, reach
    from nbkit.session import Session

    with contextlib.closing(Session(folder=folder)) as session:
        provider = reached.get()
        if provider is None:
            provider = reach(session, limit_s=LIMIT_S)
            reached.put(provider)
        found = look(session, provider=provider)
        return found.is_ok, session.secrets.redact(json.dumps(found.plain(), ensure_ascii=False))


def metrics_or_error(folder: Path) -> tuple[bool, str]:
    """Whether there are metrics, and these, or what is wrong."""
    from nbkit.errors import NbkitError
    from nbkit.monitor.metrics import metrics_text
    from nbkit.session import Session

    with contextlib.closing(Session(folder=folder)) as session:
        try:
            return True, session.secrets.redact(metrics_text(session))
        except NbkitError as error:
            return False, session.secrets.redact(str(error)) + "\n"


def add_handlers(app: Any, *, folder: str) -> None:  # noqa: ANN401 - a tornado application
    """Adds both addresses; `folder` is where the server's files are, whose project's settings hold."""
    given = {"folder": folder, "reached": Reached()}
    base = app.settings["base_url"]
    rules = [("health", HealthHandler, given), ("metrics", MetricsHandler, given)]
    app.add_handlers(".*$", [(url_path_join(base, "nbkit", name), handler, own) for name, handler, own in rules])
