"""`%evaluate`: the runs that were kept: listed, shown, set beside one another; and evaluations without a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbkit.display.evaluated import Evaluated
from nbkit.display.evaluation import interval_text, value_text
from nbkit.display.judges import doubt
from nbkit.errors import BadSetting, UnknownSetting
from nbkit.evals.judge_card import JudgeCard
from nbkit.evals.kept import KeptRuns
from nbkit.evals.runs import ID_CHARS, Run
from nbkit.evaluation import cards_of, kept_evaluation, kept_runs
from nbkit.figures import count
from nbkit.magics import args
from nbkit.magics.tables import draw, draw_text
from nbkit.magics.words import first_word
from nbkit.session import Session, current
from nbkit.tables import Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MANUAL = """Runs of evaluations.

    %evaluate ls                  all runs, the newest last
    %evaluate show [RUN]          one whole: each mean with its interval, the worst cases; without a name, the newest
    %evaluate show RUN CASE       one case of it: question, answer, passages, scores with their reasons
    %evaluate compare RUN RUN     the second against the first, case by case, with intervals and in words
    %evaluate diff RUN RUN        the answers that changed, with the words that did
    %evaluate rm RUN…             deletes runs, without asking

    %evaluate DATASET --rag INDEX      as %%evaluate with {{ input }} below it: the questions alone are asked
    %evaluate --make N --index INDEX   drafts questions, for you to keep or strike

RUN is a name that --name gave (of several the newest), the beginning of an id, or `last`. A run that was stopped goes
on when the same evaluation runs again: what was answered is not paid twice. In Python: nbkit.evaluate(...), and `_eval`
in a notebook.
"""
_TWO = 2
_WITHOUT_PROMPT = ("--rag", "--prompt", "--make")
"""Options with which an evaluation needs no prompt below its line."""


def run(shell: InteractiveShell, line: str, *, names: Mapping[str, Any]) -> None:
    """Draws what the command says; raises `UnknownSetting` for one that is not."""
    if _is_evaluation(line):
        from nbkit.magics.evaluate_cell import run_cell

        run_cell(shell, line, "", names=names)
        return
    commands: dict[str, Callable[[InteractiveShell, Session, KeptRuns, list[str]], None]] = {
        "ls": _list,
        "show": _show,
        "compare": _compare,
        "diff": _diff,
        "rm": _remove,
    }
    _refuse_cell(line, commands, names)
    word, rest = first_word(line, commands, magic="%evaluate")
    session = current()
    kept = kept_runs(session, session.config().settings)
    try:
        commands[word](shell, session, kept, args.words_of(rest, magic=f"%evaluate {word}"))
    finally:
        kept.close()


def _is_evaluation(line: str) -> bool:
    """Whether the line is a whole evaluation: IPython takes no `%%` cell without a body, and these need none."""
    return bool({word.partition("=")[0] for word in line.split()} & set(_WITHOUT_PROMPT))


def _refuse_cell(line: str, commands: Iterable[str], names: Mapping[str, Any]) -> None:
    word, *more = line.split() or [""]
    is_data = word in names or (bool(word) and Path(word).expanduser().exists())
    if word not in commands and (is_data or any(one.startswith("-") for one in more)):
        raise UnknownSetting(
            what=f"%evaluate has no command {word!r}",
            why="a data set is evaluated by a cell: two percent signs, and the prompt below",
            fix=f"%%evaluate {word}, or with --rag INDEX in one line",
        )


def _list(shell: InteractiveShell, session: Session, kept: KeptRuns, words: list[str]) -> None:
    _refuse_more(words, "ls", most=0)
    rows = []
    for one in kept.all():
        found, cards = Evaluated(kept.scores(one)), cards_of(kept, one)
        figures = [
            f"{name}{_flag(cards, name)} {value_text(each.mean, one.units.get(name, ''))} "
            f"{interval_text(each.low, each.high, one.units.get(name, ''))}"
            for name, each in list(found.items())[:_TWO]
            if each.mean is not None
        ]
        state = "" if one.finished_at is not None else f"stopped at {len(found.run.graded)} of {one.planned}"
        asked = str(one.pins.settings.get("model") or one.pins.task)
        rows.append((
            one.name, one.id[:ID_CHARS], f"{one.started_at:%Y-%m-%d %H:%M}", asked, one.pins.dataset,
            f"{one.pins.cases:,}", " · ".join(figures), state,
        ))  # fmt: skip
    columns = ("run", "id", "begun, UTC", "asked", "data set", "cases", "figures", "state")
    note = "" if rows else "none yet: %%evaluate DATASET makes one"
    draw(shell, session.secrets, Table("Evaluations", columns, rows, note=note))


def _flag(cards: Mapping[str, JudgeCard | None], name: str) -> str:
    """Beside a judge's mean, how far it can be trusted."""
    return f" ({doubt(cards[name])})" if name in cards else ""


def _show(shell: InteractiveShell, session: Session, kept: KeptRuns, words: list[str]) -> None:
    _refuse_more(words, "show", most=_TWO)
    found = _evaluated(session, kept, kept.find(words[0] if words else "last"))
    drawn = found.case(words[1]) if len(words) == _TWO else found
    shell.display_pub.publish(data=_bundle(session, drawn), metadata={})


def _compare(shell: InteractiveShell, session: Session, kept: KeptRuns, words: list[str]) -> None:
    before, after = _two(kept, words, "compare")
    if not set(before.pins.metrics) & set(after.pins.metrics):
        raise BadSetting(
            what=f"{before.title} and {after.title} share no metric",
            why=f"measured: {', '.join(before.pins.metrics)}, and {', '.join(after.pins.metrics)}",
            fix="evaluate both with the same --metrics: answers that are there come from the cache",
        )
    drawn = _evaluated(session, kept, after).compare(before)
    shell.display_pub.publish(data=_bundle(session, drawn), metadata={})


def _diff(shell: InteractiveShell, session: Session, kept: KeptRuns, words: list[str]) -> None:
    before, after = _two(kept, words, "diff")
    drawn = _evaluated(session, kept, after).diff(before)
    shell.display_pub.publish(data=_bundle(session, drawn), metadata={})


def _remove(shell: InteractiveShell, session: Session, kept: KeptRuns, words: list[str]) -> None:
    if not words:
        raise BadSetting(what="%evaluate rm names no run", why="it takes one or more", fix="%evaluate rm baseline")
    found = {one.id: one for one in map(kept.find, words)}
    for one in found.values():
        kept.remove(one.id)
    named = ", ".join(one.title for one in found.values())
    draw_text(shell, session.secrets, f"{count(len(found), 'run')} deleted: {named}; their calls stay in the records")


def _two(kept: KeptRuns, words: list[str], command: str) -> tuple[Run, Run]:
    if len(words) != _TWO:
        raise BadSetting(
            what=f"%evaluate {command} takes two runs",
            why=f"{len(words)} are named; the first is what the second is set against",
            fix=f"%evaluate {command} baseline last",
        )
    return kept.find(words[0]), kept.find(words[1])


def _evaluated(session: Session, kept: KeptRuns, run: Run) -> Evaluated:
    return kept_evaluation(session, kept, run)


def _bundle(session: Session, drawn: Any) -> dict[str, str]:  # noqa: ANN401 - anything that draws as HTML and text
    html = drawn._repr_mimebundle_()["text/html"] if isinstance(drawn, Evaluated) else drawn._repr_html_()
    redact = session.secrets.redact
    return {"text/plain": redact(repr(drawn)), "text/html": redact(html)}


def _refuse_more(words: list[str], command: str, *, most: int) -> None:
    if len(words) > most:
        raise BadSetting(
            what=f"%evaluate {command} does not know {words[most]!r}",
            why=f"it takes {most or 'no'} {'words' if most != 1 else 'word'}",
            fix="%evaluate? says what each command takes",
        )
