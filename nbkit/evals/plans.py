"""What one evaluation is asked for, and what pins the run that comes of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbkit import registry
from nbkit.errors import BadSetting
from nbkit.evals.asking import Task
from nbkit.evals.cases import Metric
from nbkit.evals.judging import Judge, Pairwise
from nbkit.evals.made import made_of
from nbkit.evals.metrics import Wanted
from nbkit.evals.running import Pace
from nbkit.evals.runs import Pins, Run
from nbkit.evals.tools import FunctionMetric

if TYPE_CHECKING:
    from nbkit.evals.datasets import Dataset
    from nbkit.setting import Settings

_BY_VECTORS = ("similarity", "answer_relevance")
"""Metrics that an embedder decides."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one evaluation is asked for, beside what is evaluated."""

    data: Dataset
    metrics: Sequence[Wanted] = ()
    """Without any, those that fit the data set."""
    name: str = ""
    samples: int = 1
    pace: Pace = dataclasses.field(default_factory=Pace)
    baseline: str | Run | None = None
    least: Mapping[str, float] = dataclasses.field(default_factory=dict)
    tolerance: Mapping[str, float] = dataclasses.field(default_factory=dict)
    names: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """Variables of the notebook that metrics may name."""


def refuse_counts(plan: Plan) -> None:
    """Raises `BadSetting` for numbers, and a name, that no run can have."""
    workers, rate = plan.pace.workers, plan.pace.per_minute
    wrong = [
        *([("samples", plan.samples)] if plan.samples < 1 else []),
        *([("workers", workers)] if workers is not None and workers < 1 else []),
        *([("rate", rate)] if rate is not None and not 0 < rate < math.inf else []),
        *([("name", plan.name)] if plan.name == "last" else []),
    ]
    for name, value in wrong:
        raise BadSetting(
            what=f"{name} cannot be {value!r}",
            why="`last` is the newest run of all" if name == "name" else "it has to be above 0",
            fix="give the run another name" if name == "name" else f"leave {name} out, or give a number from 1",
        )


def pins_of(task: Task, plan: Plan, metrics: Sequence[Metric], *, settings: Settings, prices_as_of: str) -> Pins:
    """Everything that decides what the run measures."""
    judged: dict[str, Any] = {one.name: one.identity for one in metrics if isinstance(one, Judge | Pairwise)}
    functions = {one.name: one for one in metrics if one.name not in judged}
    own = {name: made_of(one.of if isinstance(one, FunctionMetric) else one.score) for name, one in functions.items()}
    by_vectors = any(one.name.partition(":")[0] in _BY_VECTORS for one in metrics)
    measured: dict[str, Any] = {
        "judges": judged,
        "pairs": {one.name: one.model for one in metrics if isinstance(one, Pairwise)},
        "functions": own,
        "embedder": settings.rag_embedder if by_vectors else None,
    }
    return Pins(
        task.name,
        task.sha256,
        {**task.settings, **{name: what for name, what in measured.items() if what}},
        task.index,
        task.index_version,
        plan.data.name,
        plan.data.sha256,
        len(plan.data.cases),
        plan.samples,
        tuple(one.name for one in metrics),
        registry.installed_version(),
        prices_as_of,
    )
