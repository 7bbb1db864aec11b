"""Fault paths with keys in use, and in how many of them any sink holds one.

`python tests/bench/bench_leaks.py [every] [kind]`.

Keys are in the environment and in `.env`; each path is run in a notebook, then everything that it wrote is searched for
each key plain, reversed, as hex, URL, JSON and base64 at each alignment, and for a dozen characters of it in a row:
cell outputs and tracebacks, log records of all loggers at DEBUG, widgets, records in SQLite and JSON lines, the caches
of answers and embeddings unpacked, indexes, and the exported page. `every` = 10 runs each tenth path. The reference is
the same reader's code without nbkit in the shell.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE / "flows"), str(HERE / "servers")]

import faults  # noqa: E402 - these are beside the tests
from leak_ways import all_ways, code  # noqa: E402
from leaking import Place, Way, leaks, place  # noqa: E402

from nbkit.session import current  # noqa: E402
from nbkit.testing import FakeProvider  # noqa: E402

FILES_EVERY = 20


def main(every: int, only: str) -> None:
    warnings.simplefilter("ignore")
    ways = [way for way in all_ways(faults) if only in way.name][::every]
    started = time.monotonic()
    found: list[str] = []
    own: list[str] = []
    for start in range(0, len(ways), FILES_EVERY):
        some = ways[start : start + FILES_EVERY]
        near = f"{some[0].name} … {some[-1].name}"
        # A notebook of its own for every few: with `%xmode Verbose` a traceback shows all that ran before.
        with place() as here:
            current().providers["fake"] = FakeProvider(["fine"])
            here.run("%rag add given --index notes")
            for way in some:
                way.run(here)
                found += [f"{way.name}: {leak}" for leak in here.look()]
            kept = here.look_into_files()
            own += [leak for leak in kept if leak.startswith("home/indexes/")]
            found += [f"{near}: {leak}" for leak in kept if leak not in own]
            found += [f"{near}: report: {leak}" for leak in leaks(here.report())]
    kinds = Counter(way.name.split()[0] for way in ways)
    print(f"{len(ways)} paths: {', '.join(f'{kind} {times}' for kind, times in kinds.items())}")
    print(f"reference, code that fails without nbkit: {reference()}")
    leaking = {text.split(":")[0] for text in found}
    print(
        f"with nbkit: {len(leaking)} of {len(ways)} paths leak, {len(found)} finds; {time.monotonic() - started:.0f} s"
    )
    print(f"beside them: {len(own)} finds in indexes, which keep the words of the reader's own documents")
    for text in found[:400]:
        print(f"  {text}")


def reference() -> str:
    """How many of the reader's own failures show a key in a shell that has not loaded nbkit."""
    ways = list(code())
    with place() as here:
        here.notebook.extension_manager.unload_extension("nbkit")
        shown = sum(_shows(here, way) for way in ways)
    return f"{shown} of {len(ways)} show a key"


def _shows(here: Place, way: Way) -> bool:
    way.run(here)
    return bool(here.look())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, sys.argv[2] if len(sys.argv) > 2 else "")
