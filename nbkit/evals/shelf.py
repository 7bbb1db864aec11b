"""Where what an evaluation names is found: records by their ids, runs by their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nbkit.errors import BadSetting
from nbkit.evals.runs import Run
from nbkit.recorded import Record


def _no_run(name: str) -> Run:
    raise BadSetting(
        what=f"there is no run named {name!r} here",
        why="this evaluation was made without a place where runs are kept",
        fix="give the run itself",
    )


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is kept beside a run.

    >>> Shelf().record("3f2a") is None
    True
    """

    record: Callable[[str], Record | None] = lambda _: None
    """Gives the record of an id, as far as it was kept."""
    named: Callable[[str], Run] = _no_run
    """Gives the run of a name; raises `BadSetting` where there is none."""

    def run(self, given: object) -> Run:
        """The run that is meant: by its name, itself, or what an evaluation gave; raises `BadSetting`."""
        if isinstance(given, str):
            return self.named(given)
        found = getattr(given, "run", given)
        if isinstance(found, Run):
            return found
        raise BadSetting(
            what=f"a {type(given).__name__} is no run",
            why="a run is what nbkit.evaluate gives, or the name of one",
            fix="name one; %evaluate ls lists those there are",
        )
