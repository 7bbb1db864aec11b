"""Models of sentence-transformers as they are on this machine: the library, and where a model's files are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbkit.errors import EmbedError
from nbkit.registry import install_command


def library(*, needed_by: str, instead: str) -> Any:  # noqa: ANN401 - a module
    """The package, which takes seconds to import; raises `EmbedError` with the install command where it is missing.

    `needed_by`: what runs with it. `instead`: what the reader can do without it.
    """
    try:
        import sentence_transformers
    except ImportError as error:
        raise EmbedError(
            what="sentence-transformers is not installed",
            why=f"{needed_by} run with it, and it is an extra ({error})",
            fix=f"{install_command('st')}, or {instead}",
        ) from error
    return sentence_transformers


def folder_of(name: str, *, organisation: str) -> Path | None:
    """Where the files of a folder or of a model of the hub are; None when they are not on this machine.

    `organisation`: whose a name without one is, before all others. Asks no network.
    """
    # `~` of nobody and a name that is too long are no folders.
    with contextlib.suppress(RuntimeError, OSError):
        folder = Path(name).expanduser()
        if folder.is_dir():
            return folder
    from huggingface_hub import snapshot_download

    for full in (name,) if "/" in name else (f"{organisation}/{name}", name):
        with contextlib.suppress(OSError, ValueError):
            return Path(snapshot_download(full, local_files_only=True))
    return None


def load_failures() -> tuple[type[Exception], ...]:
    """What is raised for a model whose files are damaged, missing, or of another kind."""
    from safetensors import SafetensorError

    return (OSError, ValueError, RuntimeError, KeyError, ImportError, AttributeError, SafetensorError)


@contextlib.contextmanager
def no_progress_bar() -> Iterator[None]:
    """Without the bar that transformers draws in the cell while it loads weights from the disk."""
    from transformers import utils

    logging: Any = utils.logging
    is_shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if is_shown:
            logging.enable_progress_bar()
