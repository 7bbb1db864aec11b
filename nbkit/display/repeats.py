"""What repeats say: how much of a mean's uncertainty is the model's own noise, and how many answers a case is worth."""

from __future__ import annotations

from nbkit.display.evaluation import value_text
from nbkit.evals.repeats import split_variance
from nbkit.evals.runs import Run
from nbkit.figures import count
from nbkit.tables import Table

_COLUMNS = ("metric", "noise, sd within a case", "spread, sd between cases", "share of the uncertainty that is noise",
            "worth a case", "n")  # fmt: skip


def repeats_table(run: Run) -> Table:
    """Of each metric, the spread of one case's answers beside that of the cases; for runs with samples."""
    rows, is_clustered = [], False
    for name in run.pins.metrics:
        values, unit = run.of(name), run.units.get(name, "")
        if not values.repeats:
            continue
        found = split_variance(values.repeats)
        within = None if found.within is None else found.within**0.5
        between = None if found.between is None else found.between**0.5
        worth = "—" if found.worth is None else count(found.worth, "answer")
        share = "—" if found.noise is None else f"{found.noise:.0%}"
        n = f"{found.n}, {count(found.samples, 'answer')}"
        rows.append((name, value_text(within, unit), value_text(between, unit), share, worth, n))
        is_clustered |= len(set(filter(None, values.clusters))) + values.clusters.count(None) < found.n
    note = "Estimates. Repeats take away the noise; only more cases take away the rest."
    note += " Cases that share clusters are taken as independent: of their uncertainty noise is less." * is_clustered
    return Table(f"{run.name}: {run.pins.samples} samples of each case", _COLUMNS, rows, note=note)
