"""Metrics by name: nbkit's own, those of installed packages, and a reader's functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from nbkit import registry
from nbkit.errors import BadSetting, UnknownPlugin
from nbkit.evals import answers, cited, forms, gold
from nbkit.evals.answers import plain
from nbkit.evals.cases import Metric
from nbkit.evals.tools import FunctionMetric, MetricOptions, Tools
from nbkit.parse import listed

Wanted: TypeAlias = str | Metric | Callable[..., object]
"""A name such as `f1` or `recall@5`, a metric, or a function of a case and its answer."""
_NAME: Final = re.compile(r"(?P<base>[^\s:@]+)(?:@(?P<depth>[^\s:@]*)|:(?P<parameter>.*))?", re.DOTALL)

_NO_TOOLS: Final = Tools()

BUILT_IN: Final[Mapping[str, Callable[[MetricOptions], Metric]]] = MappingProxyType({
    "exact_match": plain(answers.exact_match),
    "f1": plain(answers.f1),
    "rouge_l": plain(answers.rouge),
    "contains": plain(answers.contains),
    "regex": answers.regex,
    "json_schema": forms.json_schema,
    "numeric": answers.numeric,
    "similarity": answers.similarity,
    "refusal": plain(answers.refusal),
    "citation_precision": cited.citation_precision,
    "citation_recall": cited.citation_recall,
    "groundedness": cited.groundedness,
    "answer_relevance": cited.answer_relevance,
    "context_precision": plain(gold.context_precision),
    "context_recall": plain(gold.context_recall),
    "ndcg": gold.ranked,
    "recall": gold.ranked,
    "precision": gold.ranked,
    "success": gold.ranked,
    "reciprocal_rank": gold.ranked,
    "average_precision": gold.ranked,
    "latency": plain(answers.latency, is_better_high=False, unit="s"),
    "cost": plain(answers.cost, is_better_high=False, unit="USD"),
    "length": plain(answers.length, is_better_high=False, unit="words"),
})  # fmt: skip
"""Name, without what follows a colon or `@`, to what makes the metric."""


def resolve(wanted: Sequence[Wanted] | Wanted, *, tools: Tools = _NO_TOOLS) -> list[Metric]:
    """The metrics that are meant, in order, ready to score.

    A name may have a parameter: `regex:[0-9]+ W`, `numeric:0.01`, `recall@5`. A function takes a case and its answer
    and gives a number, a truth value, a `Score`, or None where there is nothing to score; it is named as `def` says.
    Raises an `NbkitError` for a name that is not there, a parameter that cannot be used, a metric whose tool is
    missing, and two of one name.

    >>> [one.name for one in resolve(["f1", "recall@5"])]
    ['f1', 'recall@5']
    """
    each = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else list(wanted)
    found = [_resolved(one, tools) for one in each]
    names = [one.name for one in found]
    again = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if again is not None:
        raise BadSetting(
            what=f"the metric {again!r} is there twice",
            why="its scores are kept by its name",
            fix="leave one out, or give a function of your own another name",
        )
    return found


def names_in(text: str) -> list[str]:
    """The names in a text with commas between; one within a parameter's brackets, or in quotes, is no such comma.

    >>> names_in("f1,regex:^[0-9]{2,3}$,numeric:0.01,abs=0.5")
    ['f1', 'regex:^[0-9]{2,3}$', 'numeric:0.01,abs=0.5']
    """
    found: list[str] = []
    for part in listed(text):
        if part.startswith("abs=") and found and found[-1].startswith("numeric:"):
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def metric_names() -> list[str]:
    """The names of all metrics that are installed, sorted, those of other packages included.

    >>> "f1" in metric_names()
    True
    """
    return sorted({*BUILT_IN, *registry.names("metrics")})


def _resolved(one: Wanted, tools: Tools) -> Metric:
    if isinstance(one, str):
        return _named(one, tools)
    if not isinstance(one, type):
        if callable(getattr(one, "score", None)):
            return _whole(cast("Metric", one))
        name = getattr(one, "__name__", "")
        if callable(one) and name.isidentifier():
            return FunctionMetric(name, one)
    kind = f"the class {one.__name__}" if isinstance(one, type) else f"a {type(one).__name__} without a name"
    raise BadSetting(
        what=f"{kind} is no metric",
        why="a metric is a name, a function that `def` gives a name, or an object with `name`, `unit` and `score`",
        fix="define a function of a case and its answer, and name that"
        if not isinstance(one, type)
        else f"make one: {one.__name__}(…)",
    )


def _named(name: str, tools: Tools) -> Metric:
    parts = _NAME.fullmatch(name.strip())
    base = parts["base"] if parts else name
    if parts is None or base not in metric_names():
        near = registry.nearest(base, metric_names())
        raise UnknownPlugin(
            what=f"no metric named {base!r}",
            why=f"there are {', '.join(metric_names())}",
            fix=f"use {near!r}" if near else f"install the package that provides the metric {base!r}",
        )
    options = MetricOptions(parts.group(), parts["depth"] or parts["parameter"] or "", tools)
    if base in BUILT_IN:
        return BUILT_IN[base](options)
    return _whole(cast("Metric", registry.load("metrics", base)(options)))


def _whole(metric: Metric) -> Metric:
    missing = [name for name in ("name", "is_better_high", "unit", "score") if not hasattr(metric, name)]
    if missing:
        kind = type(metric).__name__
        raise BadSetting(
            what=f"{kind} is no metric",
            why=f"it has no {' and no '.join(f'`{name}`' for name in missing)}",
            fix="give it `name`, `is_better_high`, `unit` (empty for 0 to 1), and `score(case, answer)`",
        )
    return metric
