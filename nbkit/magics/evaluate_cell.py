"""One `%%evaluate` cell: its line read, its prompt asked of each case, what came of it drawn, its gates applied."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbkit import parse
from nbkit.display.origin import origin
from nbkit.display.progress import Bar
from nbkit.errors import BadSetting
from nbkit.evals.gates import limits
from nbkit.evals.metrics import names_in
from nbkit.evals.plans import Plan
from nbkit.evals.running import Pace
from nbkit.evaluation import Told, carried, carry_out, limited, pass_or_raise
from nbkit.figures import count
from nbkit.magics import args
from nbkit.magics.tables import draw_text
from nbkit.registry import nearest
from nbkit.session import Session, current
from nbkit.session.named import named, recalled

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbkit.evals.datasets import Dataset

_RAG_PROMPT = "{{ input }}"


def run_cell(shell: InteractiveShell, line: str, body: str, *, names: Mapping[str, Any]) -> None:
    """Draws the evaluation; raises what stopped it, and `EvaluationFailed` after the drawing."""
    words = args.words_of(line, magic="%%evaluate")
    source = None if not words or words[0].startswith("-") else words.pop(0)
    given = args.given_options(words, magic="%%evaluate")
    options = args.cell_options(given)
    session = current()
    text = body.removesuffix("\n")
    if "table" in given:
        _keep_table(shell, session, args.variable(given["table"], option="--table"), text)
        return
    if "make" in given:
        _draft(shell, session, given, options)
        return
    data = limited(_data(source, names), _whole(given, "limit"))
    index = given.get("rag")
    explicit = {**options.explicit, **({"rag_index": index} if index else {})}
    prompt, settings = text, session.config(explicit).settings
    if not text.strip() and options.prompt is not None:
        prompt, settings = recalled(session, options.prompt, explicit)
    elif not text.strip() and index:
        prompt = _RAG_PROMPT
    from nbkit.evals.asking import PromptTask

    given_names = {name: value for name, value in names.items() if name not in ("question", "input", "contexts")}
    task = PromptTask(
        session,
        prompt,
        settings,
        names=given_names,
        origin=origin(shell),
        is_rag=index is not None,
        where=options.where,
        params=options.params,
        version=None if options.prompt is None else named(session, options.prompt, prompt, settings),
    )
    plan = Plan(
        data,
        [_metric(name, names) for text in given.get("metrics", []) for name in names_in(text)],
        given.get("name", ""),
        settings.samples,
        Pace(_whole(given, "workers"), _number(given, "rate")),
        given.get("baseline"),
        limits(given.get("fail_under", []), option="--fail-under"),
        limits(given.get("tolerance", []), option="--tolerance"),
        names,
    )
    bar = Bar(session.secrets)
    with Told(bar) as told:
        found = carry_out(session, task, plan, settings=settings, is_rag=index is not None, on_progress=told)
    for name in ("_eval", options.out):
        if name is not None:
            shell.user_ns[name] = found
    bar.end_with(found._repr_mimebundle_())
    passed = pass_or_raise(found, plan)
    if passed:
        draw_text(shell, session.secrets, f"It passes: {'; '.join(passed)}")


def _data(source: str | None, names: Mapping[str, Any]) -> Dataset:
    from nbkit.evals.datasets import RATED, dataset

    if source is None:
        raise BadSetting(
            what="%%evaluate names no data set",
            why="its first word is the variable or the path of one",
            fix="%%evaluate questions --metrics f1, with questions = [{'input': …, 'expected': …}]",
        )
    if source in names:
        return dataset(names[source], name=source)
    if source == RATED:
        return dataset(RATED)
    if not Path(source).expanduser().exists():
        tables = [name for name, value in names.items() if not name.startswith("_") and _is_table(value)]
        near = nearest(source, tables)
        raise BadSetting(
            what=f"there is no data set {source!r}",
            why="no variable has this name, and there is no such file or folder",
            fix=f"use {near}" if near else "load one: questions = nbkit.dataset('questions.csv')",
        )
    return dataset(Path(source).expanduser())


def _is_table(value: object) -> bool:
    return isinstance(value, list | tuple) or hasattr(value, "cases") or hasattr(value, "columns")


def _metric(name: str, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a name, a function or a metric
    found = names.get(name)
    return found if callable(found) or callable(getattr(found, "score", None)) else name


def _keep_table(shell: InteractiveShell, session: Session, name: str, text: str) -> None:
    from nbkit.evals.datasets import dataset

    found = dataset(text, name=name)
    shell.user_ns[name] = found
    draw_text(shell, session.secrets, f"{name}: {count(len(found.cases), 'case')}")


def _draft(shell: InteractiveShell, session: Session, given: Mapping[str, Any], options: args.CellOptions) -> None:
    from nbkit.display.drafts import drafts_bundle
    from nbkit.evals.drafting import draft

    number = _whole(given, "make") or 0
    settings = session.config(
        {**options.explicit, **({"rag_index": given["index"]} if "index" in given else {})}
    ).settings
    bar = Bar(session.secrets)
    with carried(session, settings), Told(bar, things="draft") as told:
        found = draft(session, settings, number, origin=origin(shell), on_progress=told)
    if options.out is not None:
        shell.user_ns[options.out] = found.data
    bar.end_with(drafts_bundle(found))


def _whole(given: Mapping[str, Any], name: str) -> int | None:
    if name not in given:
        return None
    try:
        return parse.integer(1)(given[name])
    except ValueError as error:
        raise BadSetting(what=f"--{name} cannot be {given[name]!r}", why=str(error), fix=f"--{name} 20") from None


def _number(given: Mapping[str, Any], name: str) -> float | None:
    if name not in given:
        return None
    try:
        return parse.number(0.001, 1e6)(given[name])
    except ValueError as error:
        raise BadSetting(what=f"--{name} cannot be {given[name]!r}", why=str(error), fix=f"--{name} 60") from None
