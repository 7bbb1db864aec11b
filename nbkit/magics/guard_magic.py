"""`%guard`: what each guard does, turning it, trying a text, and what the guards have done so far."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args

from nbkit import registry
from nbkit.errors import BadSetting
from nbkit.figures import count, duration
from nbkit.ledger.selection import Selection
from nbkit.magics.args import words_of
from nbkit.magics.literal import text_and_options
from nbkit.magics.tables import draw, draw_text
from nbkit.magics.words import first_word, nothing_more
from nbkit.parse import time_s
from nbkit.recorded import Record
from nbkit.session import Session, current
from nbkit.session.policy import Policy
from nbkit.tables import Table
from nbkit.types import Action, GuardPolicy, Stage, Verdict

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MANUAL = """The guards that every prompt, passage and answer passes.

    %guard ls                       each guard and what it does at each stage, by policy
    %guard on [standard|strict]     all guards on again, by the standard policy or the strict one
    %guard on NAME, %guard off NAME turns one guard on again, or lets it look only; toxicity is off unless it is on
    %guard off                      guards look and say what they see; the promises below stay
    %guard test TEXT [--stage input|retrieved|output]
                                    what the guards say of a text; nothing is sent
    %guard report [--since 24h]     what they did in this session, or since then in all of them

For one cell: --guard standard|strict|off, and --allow secret:openai-key, pii:EMAIL or guard:NAME (one that fails).
Settings: guard.policy, guard.actions, guard.allow, guard.deny, guard.names, guard.restore.
Nothing turns off: the exact secrets in use, the neutraliser of Markdown, and that a guard which fails blocks.
"""
_STAGES: tuple[Stage, ...] = get_args(Stage)
_ALWAYS = "always"


def run(shell: InteractiveShell, line: str) -> None:
    """Draws what the command says; raises `UnknownSetting` for one that is not."""
    commands: dict[str, Callable[[InteractiveShell, Session, str], None]] = {
        "ls": _list,
        "on": _on,
        "off": _off,
        "test": _test,
        "report": _report,
    }
    word, rest = first_word(line, commands, magic="%guard")
    commands[word](shell, current(), rest)


def policy_rows(session: Session) -> list[tuple[str, ...]]:
    """One row for each guard and stage: what is in force, and what each policy says.

    >>> next(row for row in policy_rows(current()) if row[0] == "schema")
    ('schema', 'output', 'reask', 'reask', 'reask')
    """
    policy, _ = session.policy(session.config().settings)
    rows: list[tuple[str, ...]] = []
    for name in registry.names("guards"):
        kind = registry.load("guards", name)
        own = policy.of_guard(kind)
        for stage in _STAGES:
            if stage in own:
                rows.append(
                    (name, stage, own[stage], kind.standard[stage], getattr(kind, "strict", kind.standard)[stage])
                )
            elif stage in kind.stages:
                rows.append((name, stage, _ALWAYS, _ALWAYS, _ALWAYS))
    return rows


def _list(shell: InteractiveShell, session: Session, rest: str) -> None:
    nothing_more(rest, command="%guard ls")
    settings = session.config().settings
    _, loosened = session.policy(settings)
    columns = ("guard", "stage", "in force", "standard", "strict")
    note = f"policy: {settings.guard_policy}" + "".join(f" · {one}" for one in loosened)
    draw(shell, session.secrets, Table("Guards", columns, policy_rows(session), note=note))


def _on(shell: InteractiveShell, session: Session, rest: str) -> None:
    if rest in get_args(GuardPolicy) or not rest:
        draw_text(shell, session.secrets, _all_on(session, rest or "standard"))
        return
    settings = session.config().settings
    own = dict(settings.guard_actions)
    was_set = own.pop(_name(rest), None)
    kind = registry.load("guards", rest)
    wanted = Policy.turned_on(kind)
    if hasattr(kind, "opt_in"):
        was_set, own[rest] = None if Policy.of(settings).of_guard(kind) == wanted else "allow", wanted
    elif wanted and settings.guard_policy == "off":
        was_set, own[rest] = "allow", wanted
    # Where a file or a variable sets it too, to say nothing would not turn it on.
    session.configure({"guard_actions": None})
    if session.config().settings.guard_actions != own:
        session.configure({"guard_actions": own})
    again = "" if hasattr(kind, "opt_in") else " again"
    said = f"on{again}, from the next cell" if was_set is not None else "was on already"
    draw_text(shell, session.secrets, f"guard {rest}: {said}")


def _all_on(session: Session, named: str) -> str:
    """Puts every guard back to what the policy has it do, those that were turned off alone too, and says which act."""
    session.configure({"guard_policy": named})
    settings = session.config().settings
    kept = {name: row for name, row in settings.guard_actions.items() if not Policy.of(settings).is_weaker(name)}
    session.configure({"guard_actions": None})
    if session.config().settings.guard_actions != kept:
        session.configure({"guard_actions": kept})
    policy, loosened = session.policy(session.config().settings)
    acting = [name for name in registry.names("guards") if policy.acts(registry.load("guards", name))]
    still = "".join(f" · still {one}" for one in loosened)
    return f"guards: {named}, from the next cell · on: {', '.join(acting)}{still}"


def _off(shell: InteractiveShell, session: Session, rest: str) -> None:
    if not rest:
        session.configure({"guard_policy": "off"})
        said = "guards: off, from the next cell; the secrets in use and the neutraliser stay"
        draw_text(shell, session.secrets, said)
        return
    own = {**session.config().settings.guard_actions, _name(rest): "allow"}
    # Refused here, and not when the next cell runs, for a guard that is no matter of policy.
    session.policy(dataclasses.replace(session.config().settings, guard_actions=own))
    session.configure({"guard_actions": own})
    draw_text(shell, session.secrets, f"guard {rest}: looks only, from the next cell")


def _name(given: str) -> str:
    names = registry.names("guards")
    if given in names:
        return given
    near = registry.nearest(given, names)
    raise BadSetting(
        what=f"there is no guard named {given!r}",
        why=f"installed: {', '.join(names)}",
        fix=f"use {near!r}" if near else "%guard ls lists them",
    )


def _test(shell: InteractiveShell, session: Session, rest: str) -> None:
    text, given = text_and_options(rest, ("--stage",), magic="%guard test")
    stage = given.get("--stage", "input")
    if stage not in _STAGES:
        raise BadSetting(
            what=f"--stage cannot be {stage!r}", why=f"the stages are {', '.join(_STAGES)}", fix="--stage output"
        )
    if not text:
        raise BadSetting(what="%guard test takes a text", why="none was given", fix='%guard test "my key is sk-…"')
    [found] = session.screen([text], settings=session.config().settings, stage=stage, contexts=(), question="")
    rows = [(one.guard, one.action, _score(one), one.reason, duration(one.duration_s)) for one in found.verdicts]
    note = "blocked: it would not go on" if found.action == "block" else f"goes on as: {found.text}"
    columns = ("guard", "does", "score", "reason", "time")
    draw(
        shell, session.secrets, Table(f"Guards on {count(len(text), 'character')} ({stage})", columns, rows, note=note)
    )


def _score(verdict: Verdict) -> str:
    if verdict.score is None:
        return ""
    return f"{verdict.score:.2f}" + ("" if verdict.threshold is None else f" of {verdict.threshold:.2f}")


def _report(shell: InteractiveShell, session: Session, rest: str) -> None:
    words, since = _option(words_of(rest, magic="%guard report"), "--since", "")
    if words:
        nothing_more(" ".join(words), command="%guard report")
    try:
        seconds = time_s(since) if since else None
    except ValueError as error:
        raise BadSetting(what=f"--since cannot be {since!r}", why=str(error), fix="--since 24h") from None
    after = None if seconds is None else datetime.now(UTC) - timedelta(seconds=seconds)
    records = session.ledger.read(Selection(session_id=None if after else session.id, since=after))
    draw(
        shell, session.secrets, report_table(records, title=f"Guards, {(since and f'last {since}') or 'this session'}")
    )


def report_table(records: Sequence[Record], *, title: str) -> Table:
    """What guards did in so many calls, with the kinds of what they found.

    >>> print(report_table([], title="Guards").text())
    Guards
    guard  stage  calls  allow  warn  redact  reask  block  found  mean time
    0 calls
    """
    verdicts: dict[tuple[str, Stage], list[Verdict]] = defaultdict(list)
    for record in records:
        for verdict in record.verdicts:
            verdicts[verdict.guard, verdict.stage].append(verdict)
    rows = []
    for (guard, stage), own in sorted(verdicts.items()):
        actions = Counter(one.action for one in own)
        kinds = Counter(span.kind for one in own if one.action != "allow" for span in one.spans)
        found = ", ".join(f"{kind} {times:,}" for kind, times in kinds.most_common(5))
        mean = duration(sum(one.duration_s for one in own) / len(own))
        rows.append((guard, stage, f"{len(own):,}", *(f"{actions[one]:,}" for one in get_args(Action)), found, mean))
    loose = sum(bool(record.loosened) for record in records)
    note = count(len(records), "call") + (f", {loose:,} of them under looser guards" if loose else "")
    return Table(title, ("guard", "stage", "calls", *get_args(Action), "found", "mean time"), rows, note=note)


def _option(words: list[str], name: str, default: str) -> tuple[list[str], str]:
    if name not in words:
        return words, default
    at = words.index(name)
    if at + 1 == len(words):
        raise BadSetting(what=f"{name} has no value", why="nothing follows it", fix="%guard? says what it takes")
    return [*words[:at], *words[at + 2 :]], words[at + 1]
