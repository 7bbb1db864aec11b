"""`%nbkit prompts`: named prompts and their versions, with what each cost and scored."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbkit.display.evaluation import interval_text, n_text, value_text
from nbkit.display.judges import doubt
from nbkit.errors import BadSetting
from nbkit.evals.intervals import estimate
from nbkit.evals.judge_card import JudgeCard
from nbkit.evals.runs import Run
from nbkit.evaluation import cards_of, kept_runs
from nbkit.figures import count, money
from nbkit.ledger.selection import Selection
from nbkit.magics.args import words_of
from nbkit.magics.tables import draw, draw_text
from nbkit.magics.words import first_word
from nbkit.prompts.versions import PromptVersions, Version
from nbkit.session import Session
from nbkit.session.named import prompts_of
from nbkit.tables import Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_SHOWN = 8
_COLUMNS = ("prompt", "version", "first used, UTC", "calls", "cost", "scored")
_TWO = 2


def run(shell: InteractiveShell, session: Session, rest: str) -> None:
    """Draws what the command says; raises `UnknownSetting` for one that is not."""
    commands: dict[str, Callable[[InteractiveShell, Session, PromptVersions, list[str]], None]] = {
        "ls": _list,
        "show": _show,
        "diff": _diff,
        "restore": _restore,
    }
    word, words = first_word(rest, commands, magic="%nbkit prompts")
    with prompts_of(session) as kept:
        commands[word](shell, session, kept, words_of(words, magic=f"%nbkit prompts {word}"))


def _list(shell: InteractiveShell, session: Session, kept: PromptVersions, words: list[str]) -> None:
    runs = kept_runs(session, session.config().settings)
    known = {one.sha256 for name in words or kept.names() for one in kept.of(name)}
    try:
        whole = [
            (runs.scores(one), cards_of(runs, one))
            for one in runs.all()
            if one.finished_at is not None and one.pins.task_sha256 in known
        ]
    finally:
        runs.close()
    rows = []
    for name in words or kept.names():
        newest = kept.newest(name).sha256
        for one in kept.of(name):
            calls = session.ledger.summary(Selection(prompt=one.sha256))
            mark = " ←" if one.sha256 == newest else ""
            rows.append((
                name, one.sha256[:_SHOWN] + mark, f"{one.made_at:%Y-%m-%d %H:%M}", f"{calls.calls:,}",
                money(calls.cost_usd), _scored(one, whole),
            ))  # fmt: skip
    note = "← is what the name stands for" if rows else "none yet: %%llm --prompt NAME makes one"
    draw(shell, session.secrets, Table("Prompts", _COLUMNS, rows, note=note))


def _scored(version: Version, runs: list[tuple[Run, dict[str, JudgeCard | None]]]) -> str:
    """The newest evaluation of a version: its first metric that is a share."""
    for run, cards in reversed(runs):
        shares = [name for name in run.pins.metrics if not run.units.get(name)]
        if run.pins.task_sha256 == version.sha256 and shares:
            values = run.of(shares[0])
            found = estimate(values.means, clusters=values.clusters)
            flag = f" ({doubt(cards[shares[0]])})" if shares[0] in cards else ""
            figure = f"{value_text(found.mean)} {interval_text(found.low, found.high)}, n {n_text(found)}"
            return f"{shares[0]}{flag} {figure}, run {run.title}"
    return ""


def _show(shell: InteractiveShell, session: Session, kept: PromptVersions, words: list[str]) -> None:
    version = _one(kept, words, "show")
    parameters = ", ".join(f"{name} {value}" for name, value in version.parameters.items() if value not in (None, []))
    system = f"[system]\n{version.system}\n\n" if version.system else ""
    draw_text(shell, session.secrets, f"{_named(version)} · {parameters}\n\n{system}{version.body}")


def _diff(shell: InteractiveShell, session: Session, kept: PromptVersions, words: list[str]) -> None:
    if len(words) == 1 and "@" not in words[0]:
        versions = kept.of(words[0])
        if len(versions) < _TWO:
            raise BadSetting(
                what=f"the prompt {words[0]!r} has one version", why="there is nothing to compare it with",
                fix=f"%nbkit prompts show {words[0]}",
            )  # fmt: skip
        before, after = versions[-2:]
    elif len(words) == _TWO:
        before, after = map(kept.called, words)
    else:
        raise BadSetting(
            what="%nbkit prompts diff takes a prompt, or two versions",
            why=f"{count(len(words), 'word')} given",
            fix="%nbkit prompts diff NAME, or NAME@VERSION NAME@VERSION",
        )
    lines = list(difflib.unified_diff(_lines(before), _lines(after), _named(before), _named(after), lineterm="", n=2))
    draw_text(shell, session.secrets, "\n".join(lines) or "they are the same")


def _restore(shell: InteractiveShell, session: Session, kept: PromptVersions, words: list[str]) -> None:
    version = _one(kept, words, "restore")
    kept.keep(version)
    draw_text(shell, session.secrets, f"{version.name} stands for {version.sha256[:_SHOWN]} again")


def _one(kept: PromptVersions, words: list[str], command: str) -> Version:
    if len(words) != 1 or (command == "restore" and "@" not in words[0]):
        example = "NAME@VERSION" if command == "restore" else "NAME or NAME@VERSION"
        raise BadSetting(
            what=f"%nbkit prompts {command} takes one version",
            why=f"{count(len(words), 'word')} given, and it takes {example}",
            fix="%nbkit prompts ls lists them",
        )
    return kept.called(words[0])


def _named(version: Version) -> str:
    return f"{version.name}@{version.sha256[:_SHOWN]}"


def _lines(version: Version) -> list[str]:
    parameters = [f"{name} = {value}" for name, value in sorted(version.parameters.items()) if value not in (None, [])]
    return [*parameters, *([f"system: {version.system}"] if version.system else []), "", *version.body.splitlines()]
