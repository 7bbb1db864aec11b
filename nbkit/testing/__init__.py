"""What tests of notebooks and plug-ins need: a scripted provider, a shell, values, contracts, replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbkit.testing.contracts import (
        CacheContract,
        EmbedderContract,
        GuardContract,
        LoaderContract,
        ProviderContract,
        SinkContract,
    )
    from nbkit.testing.embedding import FakeEmbedder
    from nbkit.testing.factories import START, Clock, entry, outcome, record, request, response, usage
    from nbkit.testing.fakes import FakeProvider, Reply
    from nbkit.testing.interactive import Cell, NotebookShell, bare_shell, shell
    from nbkit.testing.notebooks import compare, renew_notebook, replay_notebook
    from nbkit.testing.replay import ReplayProvider, read_records
    from nbkit.testing.replay_embedding import RecordingEmbedder, ReplayEmbedder

__all__ = [
    "START",
    "CacheContract",
    "Cell",
    "Clock",
    "EmbedderContract",
    "FakeEmbedder",
    "FakeProvider",
    "GuardContract",
    "LoaderContract",
    "NotebookShell",
    "ProviderContract",
    "RecordingEmbedder",
    "ReplayEmbedder",
    "ReplayProvider",
    "Reply",
    "SinkContract",
    "bare_shell",
    "compare",
    "entry",
    "outcome",
    "read_records",
    "record",
    "renew_notebook",
    "replay_notebook",
    "request",
    "response",
    "shell",
    "usage",
]

_PLACES = {
    "contracts": (
        "CacheContract",
        "EmbedderContract",
        "GuardContract",
        "LoaderContract",
        "ProviderContract",
        "SinkContract",
    ),
    "embedding": ("FakeEmbedder",),
    "factories": ("START", "Clock", "entry", "outcome", "record", "request", "response", "usage"),
    "fakes": ("FakeProvider", "Reply"),
    "interactive": ("Cell", "NotebookShell", "bare_shell", "shell"),
    "notebooks": ("compare", "renew_notebook", "replay_notebook"),
    "replay": ("ReplayProvider", "read_records"),
    "replay_embedding": ("RecordingEmbedder", "ReplayEmbedder"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes have any type
    # The replay provider is a plug-in like the others: looking at it in a kernel must not import the rest.
    from importlib import import_module

    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
