"""`nbkit eval NOTEBOOK|TASK.toml`: an evaluation that ends with 1 where it does not reach what was asked of it."""

from __future__ import annotations

import contextlib
import json
import sys
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbkit.canonical import to_plain
from nbkit.cli.progress import Steps
from nbkit.display.evaluated import Evaluated
from nbkit.display.judges import doubt
from nbkit.errors import BadSetting, EvaluationFailed, NotebookError
from nbkit.evals.asking import PromptTask
from nbkit.evals.datasets import RATED, dataset
from nbkit.evals.gates import limits, refuse_alone, refuse_uncalibrated
from nbkit.evals.judging import Judge
from nbkit.evals.kept import KeptRuns
from nbkit.evals.plans import Plan
from nbkit.evals.runs import Run
from nbkit.evaluation import (
    ASKED_BY,
    carry_out,
    figures_of,
    gate,
    judging_settings,
    kept_evaluation,
    kept_runs,
    limited,
    sieve,
)
from nbkit.recorded import Origin
from nbkit.registry import nearest
from nbkit.session import APART, Session
from nbkit.session.named import named, recalled

if TYPE_CHECKING:
    from nbkit.prompts.versions import Version
    from nbkit.setting import Settings

_PROMPTS: Final = ("prompt", "prompt_file", "prompt_name")
_KEYS: Final = (
    "dataset", *_PROMPTS, "index", "metrics", "name", "limit", "samples", "baseline", "fail_under", "tolerance",
    "settings", "judges",
)  # fmt: skip
_KINDS: Final = (
    *((name, str, "a text") for name in ("dataset", *_PROMPTS, "index", "name", "baseline")),
    *((name, int, "a whole number") for name in ("limit", "samples")),
    *((name, dict, "a table") for name in ("fail_under", "tolerance", "settings", "judges")),
    ("metrics", list, 'a list, such as ["f1"]'),
)


def evaluate_file(
    path: Path, *, baseline: str | None, fail_under: Sequence[str], tolerance: Sequence[str], json_out: Path | None
) -> int:
    """Prints the means with their intervals; raises `EvaluationFailed` beyond a limit, which ends the command with 1.

    A notebook is executed whole, and each of its evaluations has to pass; a task file is one evaluation. Limits on the
    command line come before those of the file.
    """
    least, most = limits(fail_under, option="--fail-under"), limits(tolerance, option="--tolerance")
    if path.suffix == ".ipynb":
        refuse_alone(most, baseline)
    found: list[Evaluated]
    gates: tuple[Mapping[str, float], Mapping[str, float]]
    with contextlib.closing(Session()) as session:
        if path.suffix == ".ipynb":
            found, gates = _of_notebook(session, path, baseline, least, most), (least, most)
        else:
            one, gates = _of_task(session, path, baseline, least, most)
            found = [one]
    for one in found:
        print(repr(one))
    if json_out is not None:
        shown = sieve(session, session.config().settings)
        written = [_as_json(one, shown.alone(one.run)) for one in found]
        json_out.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    failed: list[EvaluationFailed] = []
    for one in found:
        own = [{name: limit for name, limit in each.items() if name in one} for each in gates]
        try:
            for said in gate(one, least=own[0], tolerance=own[1]):
                print(f"{one.name} passes: {said}")
        except EvaluationFailed as error:
            failed.append(error)
    unmeasured = [name for each in gates for name in each if not any(name in one for one in found)]
    if unmeasured:
        raise BadSetting(
            what=f"no evaluation measures {unmeasured[0]!r}",
            why=f"measured: {', '.join(sorted({name for one in found for name in one}))}",
            fix="a gate that nothing can fail is none: name a metric that is measured",
        )
    if failed:
        why = "; ".join(f"{one.what}: {one.why}" for one in failed)
        raise EvaluationFailed(what=f"{path.name} does not pass", why=why, fix=failed[0].fix)
    return 0


def _of_notebook(
    session: Session, path: Path, baseline: str | None, least: Mapping[str, float], most: Mapping[str, float]
) -> list[Evaluated]:
    """The evaluations of a notebook, which is executed; those that its cells ran, in order."""
    from nbkit.report import run

    settings = session.config().settings
    kept = kept_runs(session, settings)
    try:
        against = None if baseline is None else _baseline(session, settings, baseline)
        own = uuid.uuid4().hex
        with Steps(f"running {path.name}, cells", sys.stderr) as steps:
            # Other kernels may evaluate at the same time: theirs are not this notebook's.
            run(path, on_cell=steps.update, environment={ASKED_BY: own, APART: str(session.keeping_home)})
        new = [kept.find(one.id) for one in kept.all() if one.finished_at is not None and one.asked_by == own]
        found = [kept_evaluation(session, kept, one, baseline=_shared(one, against)) for one in new]
        for one in found:
            refuse_uncalibrated(one.cards, least, most)
    finally:
        kept.close()
    if not found:
        raise NotebookError(
            what=f"{path.name!r} holds no evaluation",
            why="no cell of it ran %%evaluate or nbkit.evaluate to the end",
            fix="write one, or give a task file",
        )
    if most and not any(one.baseline for one in found):
        raise BadSetting(
            what=f"no evaluation of {path.name} shares a case with {baseline!r}",
            why="how much worse than the baseline it is cannot be said",
            fix="give a run over the same data set as --baseline; `%evaluate ls` lists them",
        )
    return found


def _baseline(session: Session, settings: Settings, name: str) -> Run:
    """A run that the home keeps, also where the notebook is replayed, and keeps its own elsewhere."""
    kept = KeptRuns(session.home, sieve=sieve(session, settings))
    try:
        return kept.find(name, is_whole=True)
    finally:
        kept.close()


def _shared(run: Run, against: Run | None) -> Run | None:
    """The baseline, for a run over its data set, or one that has cases of its."""
    if against is None:
        return None
    is_shared = {one.case.id for one in against.graded} & {one.case.id for one in run.graded}
    return against if is_shared or against.pins.dataset == run.pins.dataset else None


def _of_task(
    session: Session, path: Path, baseline: str | None, least: Mapping[str, float], most: Mapping[str, float]
) -> tuple[Evaluated, tuple[Mapping[str, float], Mapping[str, float]]]:
    given = read_task(path)
    index = given.get("index")
    own = {name.replace(".", "_"): value for name, value in _flat(given.get("settings", {})).items()}
    own |= {"rag_index": index} if index else {}
    prompt, settings, version = _prompt(session, path, given, own)
    task = PromptTask(session, prompt, settings, names={}, origin=Origin(), is_rag=index is not None, version=version)
    judges = {name: _judge(session, name, one) for name, one in given.get("judges", {}).items()}
    chosen = [*given.get("metrics", []), *(name for name in judges if name not in given.get("metrics", []))]
    plan = Plan(
        limited(dataset(_beside(path, given)), given.get("limit")),
        [judges.get(name, name) for name in chosen],
        given.get("name", path.stem),
        given.get("samples", settings.samples),
        baseline=baseline or given.get("baseline"),
        least={**given.get("fail_under", {}), **least},
        tolerance={**given.get("tolerance", {}), **most},
    )
    with Steps(f"evaluating {path.name}, answers", sys.stderr) as steps:
        found = carry_out(
            session,
            task,
            plan,
            settings=settings,
            is_rag=index is not None,
            on_progress=lambda one: steps.update(one.done, one.planned, figures_of(one)),
        )
    return found, (plan.least, plan.tolerance)


def _prompt(
    session: Session, path: Path, given: Mapping[str, Any], own: Mapping[str, object]
) -> tuple[str, Settings, Version | None]:
    name = given.get("prompt_name")
    if name is not None:
        prompt, settings = recalled(session, name, own)
        return prompt, settings, named(session, name, prompt, settings)
    prompt = given.get("prompt") or ""
    if "prompt_file" in given:
        try:
            prompt = (path.parent / given["prompt_file"]).read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(
                what=f"the prompt_file {given['prompt_file']!r} of {path.name} cannot be read",
                why=str(error.strerror) if isinstance(error, OSError) else "it is not UTF-8 text",
                fix="name a text file beside the task",
            ) from error
    return prompt or "{{ input }}", session.config(own).settings, None


def read_task(path: Path) -> dict[str, Any]:
    """What a task file says; raises `BadSetting` for a key that is none, and for one that is missing."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadSetting(
            what=f"the task {path.name!r} cannot be read", why=str(reason), fix="give a notebook, or a TOML file"
        ) from error
    for name in given:
        if name not in _KEYS:
            near = nearest(name, _KEYS)
            raise BadSetting(
                what=f"{path.name} has no use for {name!r}",
                why=f"a task has {', '.join(_KEYS)}",
                fix=f"use {near!r}" if near else "leave it out",
            )
    for name, kind, said in _KINDS:
        if name in given and (not isinstance(given[name], kind) or isinstance(given[name], bool)):
            raise BadSetting(
                what=f"{name} of {path.name} cannot be {given[name]!r}",
                why=f"it is {said}",
                fix="put it right in the task",
            )
    prompts = [name for name in _PROMPTS if given.get(name)]
    if len(prompts) > 1:
        raise BadSetting(
            what=f"{path.name} has {prompts[0]} and {prompts[1]}", why="one prompt is evaluated", fix="leave one out"
        )
    if "dataset" not in given or not (prompts or given.get("index")):
        raise BadSetting(
            what=f"{path.name} says too little",
            why="a task has a dataset, and a prompt, a prompt_file, a prompt_name or an index",
            fix='dataset = "questions.csv" and prompt = "{{ input }}"',
        )
    return given


def _beside(path: Path, given: Mapping[str, Any]) -> Path | str:
    return RATED if given["dataset"] == RATED else path.parent / Path(given["dataset"]).expanduser()


def _judge(session: Session, name: str, given: Mapping[str, Any]) -> Judge:
    own = {key: value for key, value in given.items() if key not in ("rubric", "scale", "repeats")}
    return Judge(
        session,
        str(given.get("rubric", "")),
        settings=judging_settings(session, own),
        name=name,
        scale=given.get("scale", "pass"),
        repeats=int(given.get("repeats", 1)),
    )


def _flat(given: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in given.items():
        inner = isinstance(value, Mapping) and name not in ("aliases", "price")
        found |= _flat(value, f"{above}{name}.") if inner else {f"{above}{name}": value}
    return found


def _as_json(found: Evaluated, shown: Run) -> dict[str, Any]:
    return {
        "run": found.run.id,
        "name": shown.name,
        "pins": to_plain(shown.pins),
        "failed": len(found.run.failed),
        "metrics": {name: to_plain(one) for name, one in found.items()},
        "judges": {name: doubt(card) for name, card in found.cards.items()},
        "differences": {name: to_plain(one) for name, one in found.compare(found.baseline).items()}
        if found.baseline is not None
        else {},
    }
