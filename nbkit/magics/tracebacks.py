"""Tracebacks of a notebook without the secrets in use, whoever raised them.

A plug-in's error may quote a key, and with `%xmode Verbose` IPython prints every variable of every frame: prompts,
headers, the environment. A traceback is an output of the notebook and is saved with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from nbkit.session import Session

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def without_secrets(
    session: Session, error: BaseException | None, lines: list[str]
) -> tuple[BaseException | None, list[str]]:
    """The error and the lines of its traceback, each secret value in them replaced by its name.

    An error whose own text holds one is stood in for: kernels send that text along with the lines.
    """
    session.secrets.add_variables(session.environment)
    redact = session.secrets.redact_cut
    said = "" if error is None else str(error)
    clean = redact(said)
    return error if clean == said else Exception(clean), [_cleaned(line, redact) for line in lines]


def _cleaned(text: str, redact: Callable[[str], str]) -> str:
    """The text without secrets; a line in which colours stand inside of one loses its colours."""
    found = []
    for line in redact(text).split("\n"):
        plain = _COLOUR.sub("", line)
        clean = redact(plain)
        found.append(line if clean == plain else clean)
    return "\n".join(found)
