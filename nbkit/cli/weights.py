"""`nbkit models`: the weights of local models on this machine."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from nbkit.cli.progress import Progress
from nbkit.config import home_path
from nbkit.errors import WeightsError
from nbkit.models import weights
from nbkit.models.pull import pull
from nbkit.session import Session

_MB = 1_000_000


def print_list() -> int:
    """Prints the catalogue, the preferred first, and which of it is here."""
    home = home_path()
    wide = max(map(len, weights.ALL))
    for one in weights.ALL.values():
        here = "here" if weights.is_present(one, home) else f"nbkit models pull {one.name}"
        use = "  (for embeddings)" if one.name in weights.EMBEDDERS else ""
        use = "  (for names and places)" if one.name in weights.TAGGERS else use
        print(f"{one.name:<{wide}}  {one.total_bytes / _MB:>7,.0f} MB  {here}{use}")
    return 0


def fetch(name: str) -> Path:
    """The path of the weights, fetched with a progress bar unless they are here."""
    home = home_path()
    one = weights.find_any(name)
    # Read first: a file of the right size may be damaged, and is then fetched again.
    if weights.verify(one, home):
        print(f"{name}: {one.total_bytes / _MB:,.0f} MB are here already, nothing to download", file=sys.stderr)
        return weights.path_of(one, home)
    with contextlib.closing(Session(home=home)) as session, Progress(name, sys.stderr) as progress:
        use_mirror = session.config().settings.models_mirror
        return pull(name, home, use_mirror=use_mirror, on_progress=progress.update)


def remove(name: str) -> int:
    """Removes the weights and what is noted about them; says so when there were none."""
    paths = [weights.path_of(one, home_path()) for one in weights.find_any(name).files]
    notes = [path.with_name(f"{path.name}.verified.json") for path in paths]
    found = [one for one in (*paths, *notes) if one.exists()]
    freed = sum(one.stat().st_size for one in found)
    for one in found:
        one.unlink()
    print(f"removed {name}, {freed / _MB:,.0f} MB" if found else f"{name} was not here")
    return 0


def print_path(name: str) -> int:
    """Prints where the weights are; raises `WeightsError` when they are not here."""
    home = home_path()
    one = weights.find_any(name)
    if not weights.is_present(one, home):
        raise WeightsError(
            what=f"the weights of {name!r} are not here",
            why=f"no file of {one.size_bytes:,} bytes at {weights.path_of(one, home)}",
            fix=f"nbkit models pull {name}",
        )
    print(weights.path_of(one, home))
    return 0
