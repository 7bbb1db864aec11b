"""Evaluations for code and cells: a prompt or a function over a data set, with metrics, kept and compared."""

from nbkit.evaluation.calls import calibrate, evaluate, judge, power, preferred
from nbkit.evaluation.carrying import (
    ASKED_BY,
    cards_of,
    carried,
    carry_out,
    default_metrics,
    gate,
    judging_settings,
    kept_evaluation,
    kept_runs,
    limited,
    pass_or_raise,
    sieve,
)
from nbkit.evaluation.telling import Told, figures_of

__all__ = [
    "ASKED_BY",
    "Told",
    "calibrate",
    "cards_of",
    "carried",
    "carry_out",
    "default_metrics",
    "evaluate",
    "figures_of",
    "gate",
    "judge",
    "judging_settings",
    "kept_evaluation",
    "kept_runs",
    "limited",
    "pass_or_raise",
    "power",
    "preferred",
    "sieve",
]
