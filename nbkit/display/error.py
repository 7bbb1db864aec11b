"""An error on purpose as three lines on a page."""

from __future__ import annotations

from nbkit.display.view import RED
from nbkit.errors import NbkitError
from nbkit.escape import NO_MATH, clean, escape
from nbkit.recorded import Failure

_MOST_CHARS = 2000


def error_bundle(error: NbkitError | Failure) -> dict[str, str]:
    """The three lines as a MIME bundle: HTML, and text for everything else.

    >>> print(error_bundle(NbkitError(what="no model", why="none is set", fix="set one"))["text/plain"])
    NbkitError: no model
      why: none is set
      fix: set one
    """
    failure = error.failure if isinstance(error, NbkitError) else error
    return {"text/html": _html(failure), "text/plain": error_text(failure)}


def error_text(failure: Failure) -> str:
    r"""The three lines as text.

    >>> error_text(Failure("Blocked", "not sent", "a secret", "take it out")).count("\n")
    2
    """
    return "\n".join(f"{head}: {clean(said, most_chars=_MOST_CHARS)}" for head, said in _lines(failure))


def _lines(failure: Failure) -> tuple[tuple[str, str], ...]:
    return ((clean(failure.kind), failure.what), ("  why", failure.why), ("  fix", failure.fix))


def _html(failure: Failure) -> str:
    lines = "".join(
        f'<div style="white-space:pre-wrap;overflow-wrap:break-word"><b>{escape(head.strip())}:</b> '
        f"{escape(clean(said, most_chars=_MOST_CHARS))}</div>"
        for head, said in _lines(failure)
    )
    style = "padding:6px 12px;margin:4px 0;background:rgba(127,127,127,0.08);border-radius:4px"
    return f'<div {NO_MATH} style="border-left:4px solid {RED};{style}">{lines}</div>'
