"""Fits a linear head as `nbkit.guards.linear` reads it: logistic regression by full-batch steps, the same every run."""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nbkit.guards.linear import Head

STEPS = 250


def fit(
    marks: Sequence[set[int]],
    labels: Sequence[int],
    *,
    bits: int,
    weights: Sequence[float],
    decay: float,
    has_kinds: bool = False,
) -> Head:
    """The head that tells label 1 from 0; `weights` are of the rows, `decay` pulls the head's weights to zero."""
    order = [sorted(found) for found in marks]
    lengths = np.array([len(found) for found in order])
    columns = np.concatenate([np.array(found, dtype=np.int64) for found in order])
    owners = np.repeat(np.arange(len(order)), lengths)
    values = 1.0 / np.sqrt(lengths)[owners]
    wanted = np.array(labels, dtype=float)
    each = np.array(weights, dtype=float)
    each /= each.sum()
    at, bias = np.zeros(1 << bits), 0.0
    mean, square = np.zeros(at.size + 1), np.zeros(at.size + 1)
    for step in range(1, STEPS + 1):
        total = np.bincount(owners, at[columns] * values, minlength=len(order)) + bias
        wrong = (1.0 / (1.0 + np.exp(-total)) - wanted) * each
        slope = np.append(np.bincount(columns, wrong[owners] * values, minlength=at.size) + decay * at, wrong.sum())
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope * slope
        move = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        pace = 0.3 * min(1.0, 2 * (1 - step / STEPS) + 0.02)
        at -= pace * move[:-1]
        bias -= pace * float(move[-1])
    return _packed(at, bias, bits, has_kinds=has_kinds)


def _packed(at: np.ndarray, bias: float, bits: int, *, has_kinds: bool) -> Head:
    # The few largest weights are cut so that one step stays fine for the many small ones.
    most = float(np.quantile(np.abs(at[at != 0]), 0.9995)) if at.any() else 1.0
    scale = most / 127
    steps = np.clip(np.round(at / scale), -127, 127).astype(int)
    return Head(bits, round(bias, 4), round(scale, 8), array("b", steps.tolist()), has_kinds)


def write(head: Head, path: Path) -> None:
    """Stores the head as the package carries it."""
    packed = base64.b64encode(head.weights.tobytes()).decode()
    stored: dict[str, object] = {"bits": head.bits, "bias": head.bias, "scale": head.scale, "weights": packed}
    if head.has_kinds:
        stored["has_kinds"] = True
    path.write_text(json.dumps(stored) + "\n", encoding="utf-8")
