"""What repeats say: how much of a mean's uncertainty is the model's own noise, and how many answers a case is worth."""

from __future__ import annotations

from nbkit.display.evaluation import value_text
from nbkit.evals.repeats import split_variance
from nbkit.evals.runs import Run
from nbkit.tables import Table

_COLUMNS = ("metric", "noise, sd within a case", "spread, sd between cases", "share of the uncertainty that is noise",
            "worth a case")  # fmt: skip


def repeats_table(run: Run) -> Table:
    """Of each metric, the spread of one case's answers beside that of the cases; for runs with samples."""
    rows = []
    for name in run.pins.metrics:
        values, unit = run.of(name), run.units.get(name, "")
        if not values.repeats:
            continue
        found = split_variance(values.repeats)
        within = None if found.within is None else found.within**0.5
        between = None if found.between is None else found.between**0.5
        worth = "—" if found.worth is None else f"{found.worth:,} {'answer' if found.worth == 1 else 'answers'}"
        share = "—" if found.noise is None else f"{found.noise:.0%}"
        rows.append((name, value_text(within, unit), value_text(between, unit), share, worth))
    note = "Repeats take away the noise; only more cases take away the rest."
    return Table(f"{run.name}: {run.pins.samples} samples of each case", _COLUMNS, rows, note=note)
