"""A child that parses: takes one file after another from its parent and gives back what is in them.

It holds its own memory and its own time, and ends when its parent does, however that ended: jobs are read by a thread
that ends the process with them, and the kernel's alarm, which has no handler here, ends a parser that lets no thread
run. Run as `python -m nbkit.loaders.child`, by `nbkit.loaders.children` only.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

from nbkit.errors import DocumentError
from nbkit.loaders.faults import unreadable
from nbkit.loaders.frames import pack, receive, send
from nbkit.loaders.limits import Budget, Limits
from nbkit.protocols import Loader

_MOST_JOB_BYTES = 1 << 20
_GRACE_S = 1.0
"""The parent gives up first, and says why."""


def main() -> None:
    """Answers jobs until there are no more."""
    jobs, answers = _pipes()
    found: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, found), daemon=True).start()
    send(answers, {"ready": True})
    memory = _Memory()
    while True:
        job = found.get()
        limits = Limits(**job["limits"])
        memory.hold(limits.memory_bytes)
        try:
            reply = _answer(job, limits, answers, memory)
        except MemoryError:
            reply = None
        _alarm(0)
        # Outside the handler: what filled the memory is let go with the exception.
        send(answers, reply or {"memory": True})


def _answer(job: dict[str, Any], limits: Limits, answers: BinaryIO, memory: _Memory) -> dict[str, Any]:
    path = Path(job["path"])

    def progress() -> None:
        _alarm(limits.stall_s + _GRACE_S)
        send(answers, {"progress": True})

    def scan() -> None:
        _alarm(limits.scan_page_s + _GRACE_S)
        memory.hold(limits.scan_memory_bytes)
        send(answers, {"progress": True, "scan": True})

    _alarm(limits.stall_s + _GRACE_S)
    budget = Budget(path.name, limits=limits, on_progress=progress, on_scan=scan)
    try:
        return {"document": pack(_load(job, path, budget))}
    except DocumentError as error:
        refusal = error
    except RecursionError:
        refusal = unreadable(path.name, "its elements are nested too deep")
    except ModuleNotFoundError as error:
        refusal = unreadable(path.name, f"the package {error.name} is not installed", fix=job["install"])
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a parser is a plug-in, and files make them raise anything
        # Its words may repeat the document.
        refusal = unreadable(path.name, f"its parser failed: {type(error).__name__}")
    return {"refusal": [refusal.what, refusal.why, refusal.fix]}


def _load(job: dict[str, Any], path: Path, budget: Budget) -> Any:  # noqa: ANN401 - a plug-in's answer is checked later
    module, _, name = str(job["loader"]).partition(":")
    loader: Loader = getattr(importlib.import_module(module), name)()
    options = {"budget": budget} if "budget" in inspect.signature(loader.load).parameters else {}
    document = loader.load(path, **options)
    # A budget of its own, for a loader may count or not.
    Budget(path.name, limits=budget.limits).chars(len(document.text))
    return document


def _listen(jobs: BinaryIO, found: queue.SimpleQueue[dict[str, Any]]) -> None:
    with contextlib.suppress(ValueError, OSError):
        while (job := receive(jobs, most_bytes=_MOST_JOB_BYTES)) is not None:
            found.put(job)
    os._exit(0)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the parent, put out of the way of parsers that print."""
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    return jobs, answers


class _Memory:
    """What this process may still take; what it has when it is held to another size, an engine too, is not counted."""

    def __init__(self) -> None:
        self._held_to = 0

    def hold(self, size_bytes: int) -> None:
        if size_bytes == self._held_to or sys.platform in ("win32", "darwin"):
            return
        import resource

        self._held_to = size_bytes
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = Path("/proc/self/statm")
        used = int(pages.read_text().split()[0]) * resource.getpagesize() if pages.exists() else 1 << 28
        resource.setrlimit(resource.RLIMIT_AS, (used + size_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _alarm(seconds: float) -> None:
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
