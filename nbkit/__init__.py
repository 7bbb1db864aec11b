"""LLM cells for Jupyter: guarded, cached, priced, recorded and re-runnable.

`%load_ext nbkit` gives a notebook these magics; `?` after each prints its options:

    %%llm [options]     the cell below it is a prompt; the answer and its card are the output
    %llm [options] …    the same in one line, as a value
    %%evaluate DATA     the cell's prompt over a data set, with metrics; %evaluate lists and compares runs
    %guard …            ls, on, off, test, report
    %cache …            ls, stats, why, rm, clear, path
    %cost …             what calls cost, took and saved; rate, prune
    %nbkit …            status, config, models, doctor, report, traceback

In Python, with the same guards, cache, prices and records:

    nbkit.ask(prompt, **variables)   the answer as a result object
    nbkit.configure(...)             settings for the session
    nbkit.settings(...)              settings for a `with` block
    nbkit.screen(text)               what the guards say of a text
    nbkit.summary(by=...)            what calls cost, took and saved
    nbkit.records()                  every call so far, as a DataFrame
    nbkit.evaluate(task, data)       a prompt or a function over a data set, each mean with its interval

What it keeps is below one directory, `NBKIT_HOME`. Nothing leaves the machine but the provider's call. A model is
used because you named it or because its weights are here, never because a key lies in the environment.

Caveats: magics are synchronous, so a cell waits for its answer, and several calls at once are threads around
`nbkit.ask`. Interrupting a cell keeps the partial text and never caches it. An answer at a temperature above 0 is
cached like any other: the card says so, and `--cache refresh` draws a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbkit.accounts import records, summary
    from nbkit.api import ask, configure, index, screen, settings
    from nbkit.display.result import Result
    from nbkit.errors import NbkitError
    from nbkit.evals.datasets import dataset
    from nbkit.evaluation import calibrate, evaluate, judge, power, preferred

__all__ = [
    "NbkitError",
    "Result",
    "ask",
    "calibrate",
    "configure",
    "dataset",
    "evaluate",
    "index",
    "judge",
    "load_ipython_extension",
    "power",
    "preferred",
    "records",
    "screen",
    "settings",
    "summary",
    "unload_ipython_extension",
]

_PLACES = {
    "NbkitError": "nbkit.errors",
    "Result": "nbkit.display.result",
    "ask": "nbkit.api",
    "calibrate": "nbkit.evaluation",
    "configure": "nbkit.api",
    "dataset": "nbkit.evals.datasets",
    "evaluate": "nbkit.evaluation",
    "index": "nbkit.api",
    "judge": "nbkit.evaluation",
    "power": "nbkit.evaluation",
    "preferred": "nbkit.evaluation",
    "records": "nbkit.accounts",
    "screen": "nbkit.api",
    "settings": "nbkit.api",
    "summary": "nbkit.accounts",
}


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Makes the magics known to the shell; what `%load_ext nbkit` calls."""
    from nbkit.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Takes everything back that loading did, and closes what was opened."""
    from nbkit.magics import unload

    unload(shell)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes have any type
    # The public names are imported when they are first used: loading the extension has to be cheap.
    if name == "__version__":
        from nbkit.registry import installed_version

        return installed_version()
    if name not in _PLACES:
        msg = f"module 'nbkit' has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
