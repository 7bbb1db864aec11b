"""Tracebacks of a notebook without the secrets in use, whoever raised them.

A plug-in's error may quote a key, and with `%xmode Verbose` IPython prints every variable of every frame: prompts,
headers, the environment. A traceback is an output of the notebook and is saved with it. IPython has three ways to leave
one: it draws it, it prints it to stderr (exception groups, and errors it cannot draw), it keeps it for an export.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Final, cast

from nbkit.secrets import SecretRegistry
from nbkit.session import Session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_MARGIN: Final = re.compile(r"^ *[|+] ?", re.MULTILINE)
"""What Python puts before each line of an exception that is part of a group."""


def without_secrets(
    session: Session, error: BaseException | None, lines: list[str]
) -> tuple[BaseException | None, list[str]]:
    """The error and the lines of its traceback, each secret value in them replaced by its name.

    An error whose own text holds one is stood in for: kernels send that text along with the lines.
    """
    secrets = _known(session)
    said = "" if error is None else str(error)
    clean = secrets.redact_cut(said)
    return error if clean == said else Exception(clean), _all_cleaned(lines, secrets)


def drawn(
    shell: InteractiveShell,  # noqa: ARG001 - as the other ways
    session: Session,
    draw: Callable[..., None],
    kind: type[BaseException],
    error: BaseException | None,
    lines: list[str],
) -> None:
    """Draws a traceback without secrets."""
    draw(kind, *without_secrets(session, error, lines))


def printed(
    shell: InteractiveShell,
    session: Session,
    show: Callable[..., None],
    *given: Any,  # noqa: ANN401 - IPython's own
    **named: Any,  # noqa: ANN401 - as above
) -> None:
    """Shows a traceback; of what it prints to stderr instead of drawing it, too, nothing is a secret."""
    # A debugger that opens inside of it must not ask before the traceback is seen.
    with printed_without_secrets(session, is_whole=not shell.call_pdb):
        show(*given, **named)


def kept(
    shell: InteractiveShell,  # noqa: ARG001 - as the other ways
    session: Session,
    keep: Callable[..., Mapping[str, Any]],
    *given: Any,  # noqa: ANN401 - IPython's own
    **named: Any,  # noqa: ANN401 - as above
) -> dict[str, Any]:
    """What the history keeps of an error, without secrets."""
    return stored_without_secrets(session, keep(*given, **named))


@contextlib.contextmanager
def printed_without_secrets(session: Session, *, is_whole: bool) -> Iterator[None]:
    """While it is open, what is printed to stderr is printed without secrets.

    `is_whole`: printed when it ends, so that a secret over several lines is found; else at once, each write for itself,
    for what a debugger shows before it asks.
    """
    stream = sys.stderr
    if stream is None:
        yield
        return
    secrets = _known(session)
    cleaning = _Cleaning(stream, lambda text: _cleaned(text, secrets), is_whole=is_whole)
    try:
        with contextlib.redirect_stderr(cast("IO[str]", cleaning)):
            yield
    finally:
        cleaning.release()


def stored_without_secrets(session: Session, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What IPython keeps of an error for an export of its history, each secret value replaced by its name."""
    secrets = _known(session)
    clean: dict[str, Any] = {}
    for name, value in stored.items():
        if isinstance(value, str):
            clean[name] = _cleaned(value, secrets)
        elif isinstance(value, list):
            clean[name] = _all_cleaned([str(line) for line in value], secrets)
        else:
            clean[name] = value
    return clean


class _Cleaning:
    """In the place of a stream: what is written goes on to it, cleaned."""

    def __init__(self, stream: IO[str], clean: Callable[[str], str], *, is_whole: bool) -> None:
        self._stream = stream
        self._clean = clean
        self._is_whole = is_whole
        self._parts: list[str] = []

    def write(self, text: str) -> int:
        self._parts.append(text)
        if not self._is_whole:
            self.release()
        return len(text)

    def release(self) -> None:
        """Writes what was held back."""
        text = "".join(self._parts)
        self._parts.clear()
        if text:
            self._stream.write(self._clean(text))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)


def _known(session: Session) -> SecretRegistry:
    session.secrets.add_variables(session.environment)
    return session.secrets


def _all_cleaned(lines: list[str], secrets: SecretRegistry) -> list[str]:
    """The lines without secrets, those that run over several of them too."""
    # Python's own come with their line ends, IPython's without.
    end = "" if all(line.endswith("\n") for line in lines) else "\n"
    together = end.join(lines)
    whole = _uncut(together, secrets)
    if whole != together:
        lines = whole.split("\n") if end else whole.splitlines(keepends=True)
    return [_cleaned(line, secrets) for line in lines]


def _cleaned(text: str, secrets: SecretRegistry) -> str:
    """The text without secrets; a line in which colours stand inside of one loses its colours."""
    found = []
    for line in secrets.redact_cut(_uncut(text, secrets)).split("\n"):
        plain = _COLOUR.sub("", line)
        clean = secrets.redact_cut(plain)
        found.append(line if clean == plain else clean)
    return "\n".join(found)


def _uncut(text: str, secrets: SecretRegistry) -> str:
    """The text without whole secrets; where lines of one were coloured or indented one by one, all lose that.

    First of all: what is left of a secret once its first line is taken for a cut one is not found any more.
    """
    kept = secrets.redact(text)
    if "\n" not in kept:
        return kept
    plain = _COLOUR.sub("", kept)
    for bare in (plain, _MARGIN.sub("", plain)):
        if any("\n" in bare[start:end] for start, end, _ in secrets.find(bare)):
            kept = secrets.redact(bare)
    return kept
