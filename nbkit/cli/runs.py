"""`nbkit run`: a notebook executed, and what goes beside it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path


def run(notebook: Path, *, out: Path | None, parameters: Mapping[str, str], has_report: bool, has_vectors: bool) -> int:
    """Executes a notebook, and prints the path of each file that was written; the exit code.

    `has_vectors`: what it embeds is kept beside it, for its replay. Raises `NotebookError`.
    """
    from nbkit import report
    from nbkit.cli.progress import Steps
    from nbkit.store.files import write_atomic

    with tempfile.TemporaryDirectory(prefix="nbkit-vectors-") as folder:
        vectors = Path(folder, "embedded")
        environment = {"NBKIT_RECORD": str(vectors)} if has_vectors else {}
        with Steps(f"running {notebook.name}, cells", sys.stderr) as steps:
            executed = report.run(
                notebook, out=out, parameters=parameters, on_cell=steps.update, environment=environment
            )
        print(executed)
        kept = executed.with_suffix(".vectors")
        if vectors.exists():
            write_atomic(kept, vectors.read_bytes())
            print(kept)
        elif has_vectors:
            kept.unlink(missing_ok=True)
            print("it embedded nothing, so its replay needs no vectors", file=sys.stderr)
    if has_report:
        print(report.report(executed))
    return 0
