"""Whether what is judged of a search can be judged at all: asked before the first case is paid for."""

from __future__ import annotations

from collections.abc import Sequence

from nbkit.errors import BadSetting
from nbkit.evals import gold
from nbkit.evals.asking import PromptTask, Task
from nbkit.evals.cases import Case, Metric
from nbkit.evals.tools import FunctionMetric
from nbkit.figures import count
from nbkit.session import Session

_MOST = 3


def notes_of_search(session: Session, task: Task, cases: Sequence[Case], metrics: Sequence[Metric]) -> tuple[str, ...]:
    """What a reader has to know of gold documents that the index does not have, which count as not found.

    Raises `BadSetting` where a prompt looks nothing up, and where the index has none of them: 0 would be said of a
    search that could find nothing.
    """
    of_search = [one.name for one in metrics if isinstance(one, FunctionMetric) and one.of.__module__ == gold.__name__]
    if of_search and task.index is None and isinstance(task, PromptTask):
        raise BadSetting(
            what=f"{of_search[0]!r} has no search to judge",
            why="the prompt is asked as it is, without passages",
            fix="--rag INDEX, in Python index='handbook'; or leave the metric out",
        )
    judged = _named(cases, is_by_text=all(name.startswith("context_") for name in of_search))
    if not of_search or task.index is None or not judged:
        return ()
    with session.collections.look(task.index) as index:
        there = sorted(index.fingerprints())
    missing = [name for name in judged if name not in {*there}]
    if len(missing) == len(judged):
        raise BadSetting(
            what=f"the index {task.index!r} has none of the {count(len(judged), 'gold document')}",
            why=f"the data set names {_some(judged)}; the index has {_some(there)}",
            fix="name them in `source` as the index does; a folder in BEIR's layout has its own: nbkit eval --beir",
        )
    if missing:
        of = f"{len(missing)} of {count(len(judged), 'gold document')}"
        return (f"{of} not in the index, which count as not found: {_some(missing)}",)
    return ()


def _named(cases: Sequence[Case], *, is_by_text: bool) -> list[str]:
    """The gold documents of all cases, each once; with `is_by_text` of those alone that have no gold texts."""
    found: dict[str, None] = {}
    for case in cases:
        if is_by_text and gold.gold_texts(case):
            continue
        try:
            found |= dict.fromkeys(name for name, grade in gold.grades_of(case).items() if grade > 0)
        except ValueError:  # a grade that is none: the case's own error
            continue
    return list(found)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return ", ".join(map(repr, names[:_MOST])) + more if names else "no documents"
