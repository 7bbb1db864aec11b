"""Evaluations for code and cells: a prompt or a function over a data set, with metrics, kept and compared."""

from nbkit.evaluation.calls import calibrate, evaluate, judge, power
from nbkit.evaluation.carrying import (
    Plan,
    carried,
    carry_out,
    default_metrics,
    gate,
    kept_evaluation,
    kept_runs,
    limited,
    pass_or_raise,
    sieve,
)

__all__ = [
    "Plan",
    "calibrate",
    "carried",
    "carry_out",
    "default_metrics",
    "evaluate",
    "gate",
    "judge",
    "kept_evaluation",
    "kept_runs",
    "limited",
    "pass_or_raise",
    "power",
    "sieve",
]
