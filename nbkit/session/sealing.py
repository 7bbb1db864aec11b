"""What is put into a request as it is sent: the secret of this installation, and who puts in what is made from it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from nbkit.errors import StoreError
from nbkit.marks import instructions, marked, sealed
from nbkit.pipeline.parts import Answerer
from nbkit.protocols import OnText
from nbkit.store.files import private_dir, write_atomic
from nbkit.types import Request, Response

_SECRET_BYTES = 32


def install_secret(home: Path) -> bytes:
    """The secret of this installation, made when it is first asked for; readable by its owner alone."""
    path = private_dir(home) / "install.key"
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        kept = b""
    if len(kept) != _SECRET_BYTES:
        kept = secrets.token_bytes(_SECRET_BYTES)
        write_atomic(path, kept)
    return kept


def secret_for_marks(home: Path) -> bytes:
    """The same; where it cannot be kept, one for this process: a mark is checked by the process that sent it."""
    try:
        return install_secret(home)
    except (OSError, StoreError):
        return secrets.token_bytes(_SECRET_BYTES)


class Sealing:
    """Sends sealed passages to a provider."""

    def __init__(self, provider: Answerer, secret: bytes) -> None:
        self._provider = provider
        self._secret = secret

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The provider's answer to the sealed request."""
        return self._provider.complete(sealed(request, self._secret), on_text=on_text, timeout_s=timeout_s)


class Marking:
    """Sends a marked system prompt to a provider; a request without one goes as it is.

    `secret` gives None where the request must arrive as it was recorded, as in a replay.
    """

    def __init__(self, provider: Answerer, secret: Callable[[], bytes | None]) -> None:
        self._provider = provider
        self._secret = secret

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The provider's answer to the marked request."""
        secret = self._secret() if instructions(request).strip() else None
        sent = request if secret is None else marked(request, secret)
        return self._provider.complete(sent, on_text=on_text, timeout_s=timeout_s)
