"""One offline page of a notebook, from its file alone."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from nbkit import registry
from nbkit.errors import NotebookError
from nbkit.escape import escape, line
from nbkit.report.cells import cells_html
from nbkit.report.concealing import conceal
from nbkit.report.inert import Outline
from nbkit.report.reading import calls, change_texts, read_with_digest, title
from nbkit.report.tables import calls_html, models_html, provenance_html, tiles_html
from nbkit.session import current

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def report(notebook: Path, *, out: Path | None = None, hide_code: bool = False) -> Path:
    """The path of the page, `NOTEBOOK.html` beside the notebook when `out` is left out.

    No kernel is started and nothing is asked of anyone; the same file gives the same page. `hide_code` leaves out
    source code; prompts, answers and outputs stay, but for secrets: those in use, and what the file
    itself shows to be one. Raises `NotebookError`.
    """
    notebook = Path(notebook)
    target = Path(out) if out is not None else notebook.with_suffix(".html")
    here, (read, digest) = current(), read_with_digest(notebook)
    here.secrets.add_variables(here.environment)
    # In the page, the colours of code may stand inside of one; the file's own name is not in the notebook.
    change_texts(read, here.secrets.redact)
    conceal(read)
    text = here.secrets.redact(page_html(read, notebook, digest=digest, hide_code=hide_code))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotebookError(
            what=f"the report of {notebook.name!r} cannot be written",
            why=f"{type(error).__name__}: {error.strerror}",
            fix="name a file that can be written with -o",
        ) from error
    return target


def page_html(notebook: Any, path: Path, *, digest: str, hide_code: bool = False) -> str:  # noqa: ANN401 - nbformat
    """The page as text; `path` names the notebook in it, and `digest` the file that it was read from."""
    numbered = calls(notebook)
    records = [record for _, record in numbered]
    heading, title_cell = title(notebook, path)
    outline = Outline()
    cells = cells_html(notebook, outline, hide_code=hide_code, title_cell=title_cell)
    version = registry.installed_version()
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta name="generator" content="nbkit {escape(version)}">',
            '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">',
            f"<title>{escape(line(heading))}</title>",
            f"<style>\n{files('nbkit.report').joinpath('page.css').read_text(encoding='utf-8')}</style>\n</head>\n<body>",
            '<a class="nb-skip" href="#nb-notebook">Skip to the notebook</a>',
            f'<header>\n<p class="nb-label">nbkit report · {escape(line(path.name))}</p>',
            f"<h1>{escape(line(heading))}</h1>\n</header>\n<main>",
            '<section class="nb-summary" aria-labelledby="nb-summary">\n<h2 id="nb-summary">Summary</h2>',
            tiles_html(records),
            models_html(records),
            '</section>\n<article id="nb-notebook" tabindex="-1" aria-label="Notebook">',
            cells,
            '</article>\n<section class="nb-provenance" aria-labelledby="nb-provenance">',
            '<h2 id="nb-provenance">Provenance</h2>',
            provenance_html(notebook, records, name=path.name, digest=digest, version=version),
            calls_html(numbered),
            "</section>\n</main>\n</body>\n</html>\n",
        )
    )
