"""`%nbkit`: what the session did, what is set, what can be asked, what is broken, and the report."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nbkit import registry
from nbkit.config import check, name_of
from nbkit.display.origin import origin
from nbkit.errors import BadSetting, NbkitError, NoModel, NotebookError
from nbkit.ledger.selection import Selection
from nbkit.magics.tables import draw, draw_text
from nbkit.magics.words import first_word, nothing_more
from nbkit.session import Session, current
from nbkit.setting import TABLE
from nbkit.tables import Table

if TYPE_CHECKING:
    from nbkit.magics.extension import Extension

MANUAL = """nbkit: LLM cells that are guarded, cached, priced, recorded and re-runnable.

    %%llm [options]               the cell is a prompt; answer and card are the output (%%llm? lists the options)
    %llm [options] prompt         the same in one line, as a value
    %cache ...                    the answer cache (%cache? says more)

    %nbkit status                 this session: calls, tokens, cost, saving, latency
    %nbkit config                 every setting with its value and where it comes from
    %nbkit config NAME [VALUE]    one setting; with a value, sets it for the session; `default` goes back
    %nbkit models                 providers, keys found (names only), local weights, the default model
    %nbkit doctor                 checks the installation
    %nbkit dashboard [--since 24h|7d|session|project|all] [--by model|tag|…] [--model M] [--tag T] [--static]
                                  cost, latency, tokens, cache and guards as figures, with controls
    %nbkit panel                  model and temperature of the next cells; budgets and totals after each
    %nbkit report [PATH] [--out PATH] [--hide-code]
                                  one offline HTML page from this notebook as it was last saved
    %nbkit prompts ls             named prompts (%%llm --prompt NAME): versions, calls, cost, scores
    %nbkit prompts show NAME[@VERSION]     diff NAME[@VERSION] [NAME@VERSION]     restore NAME@VERSION
    %nbkit watch [--last 24h]     what has changed of late: cost, latency, errors, refusals, hits, blocked calls
    %nbkit traceback              the last nbkit error with all its frames

Settings also come from %config NbKit, NBKIT_* variables, [tool.nbkit] in pyproject.toml and config.toml in NBKIT_HOME.
"""
_DEFAULT = "default"


def run(extension: Extension, line: str) -> None:
    """Draws what the command says; raises `UnknownSetting` for one that is not."""
    commands: dict[str, Callable[[Extension, Session, str], None]] = {
        "status": _status,
        "config": _config,
        "models": _models,
        "doctor": _doctor,
        "dashboard": _dashboard,
        "panel": _panel,
        "prompts": _prompts,
        "report": _report,
        "watch": _watch,
        "traceback": _traceback,
    }
    word, rest = first_word(line, commands, magic="%nbkit")
    commands[word](extension, current(), rest)


def _status(extension: Extension, session: Session, rest: str) -> None:
    from nbkit.magics.status import status_table

    nothing_more(rest, command="%nbkit status")
    draw(extension.shell, session.secrets, status_table(session.ledger.summary(Selection(session_id=session.id))))


def _config(extension: Extension, session: Session, rest: str) -> None:
    name, _, value = rest.partition(" ")
    if value.strip():
        _set(session, name_of(name), value.strip())
    config = session.config()
    chosen = {name_of(name)} if name else {setting.name for setting in TABLE}
    rows = [
        (
            setting.key,
            _shown(getattr(config.settings, setting.name)),
            config.origins[setting.name],
            setting.doc,
        )
        for setting in TABLE
        if setting.name in chosen
    ]
    draw(extension.shell, session.secrets, Table("Settings", ("setting", "value", "from", "meaning"), rows))


def _set(session: Session, name: str, value: str) -> None:
    if value == _DEFAULT:
        session.configure({name: None})
        return
    unquoted = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    check(name, unquoted, origin="%nbkit config")
    session.configure({name: unquoted})


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value != {} else "none"


def _models(extension: Extension, session: Session, rest: str) -> None:
    nothing_more(rest, command="%nbkit models")
    from nbkit.models import weights

    settings = session.config().settings
    try:
        target = session.target(settings)
        note = f"default model: {target.provider}:{target.model}"
    except NoModel as error:
        note = str(error)
    rows = [_provider_row(session, name) for name in registry.names("providers")]
    draw(extension.shell, session.secrets, Table("Providers", ("provider", "runs", "key"), rows, note=note))
    rows = [
        (
            f"local:{one.name}" if one.name in weights.CATALOGUE else one.name,
            f"{one.total_bytes / 1e6:,.0f} MB",
            "present" if is_here else "nbkit models pull",
        )
        for one in weights.ALL.values()
        for is_here in [weights.is_present(one, session.home)]
    ]
    draw(extension.shell, session.secrets, Table("Local weights", ("model", "size", "here"), rows))
    if settings.aliases:
        aliases = [(name, str(value)) for name, value in settings.aliases.items()]
        draw(extension.shell, session.secrets, Table("Aliases", ("alias", "stands for"), aliases))


def _provider_row(session: Session, name: str) -> tuple[str, str, str]:
    try:
        plugin = registry.load("providers", name)
    except NbkitError as error:
        return name, "cannot be loaded", error.why
    names: tuple[str, ...] = tuple(plugin.key_env)
    found = [key for key in names if session.key_for((key,)) is not None]
    key = "none needed" if not names else f"found {', '.join(found)}" if found else f"set {' or '.join(names)}"
    return name, "on this machine" if plugin.is_local else "elsewhere", key


def _doctor(extension: Extension, session: Session, rest: str) -> None:
    from nbkit import doctor
    from nbkit.magics.status import doctor_table

    nothing_more(rest, command="%nbkit doctor")
    draw(extension.shell, session.secrets, doctor_table(doctor.check(session)))


def _dashboard(extension: Extension, session: Session, rest: str) -> None:
    from nbkit.magics import dashboard_magic

    dashboard_magic.run(extension, session, rest)


def _panel(extension: Extension, session: Session, rest: str) -> None:
    from nbkit.magics import panel_magic

    panel_magic.run(extension, session, rest)


def _report(extension: Extension, session: Session, rest: str) -> None:
    from nbkit.report import report

    words = _split(rest)
    is_code_hidden = "--hide-code" in words
    words = [word for word in words if word != "--hide-code"]
    out = None
    if "--out" in words and words.index("--out") + 1 < len(words):
        at = words.index("--out")
        out = Path(words[at + 1]).expanduser()
        del words[at : at + 2]
    if len(words) > 1 or any(word.startswith("-") for word in words):
        raise BadSetting(
            what="%nbkit report cannot read its options",
            why=f"it takes one notebook, --out PATH and --hide-code; {len(words)} words are left",
            fix="%nbkit report, or %nbkit report PATH --out report.html --hide-code",
        )
    place = words[0] if words else origin(extension.shell).notebook
    if place is None:
        raise NotebookError(
            what="the notebook's file is not known here",
            why="the front end does not say which file this kernel belongs to",
            fix="name it: %nbkit report PATH.ipynb",
        )
    page = report(Path(place).expanduser(), out=out, hide_code=is_code_hidden)
    text = f"{page}\nmade from the notebook as it was last saved; save it first to include newer cells"
    draw_text(extension.shell, session.secrets, text)


def _split(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError:
        raise BadSetting(
            what="a quotation mark on the %nbkit line is left open",
            why="options are split as in a shell, where an apostrophe opens a quotation",
            fix='put a path with an apostrophe between double quotes: "it\'s.ipynb"',
        ) from None


def _watch(extension: Extension, session: Session, rest: str) -> None:
    from nbkit.magics.watch_magic import watched

    draw(extension.shell, session.secrets, watched(session, rest))


def _prompts(extension: Extension, session: Session, rest: str) -> None:
    from nbkit.magics import prompts_magic

    prompts_magic.run(extension.shell, session, rest)


def _traceback(extension: Extension, session: Session, rest: str) -> None:
    nothing_more(rest, command="%nbkit traceback")
    # The shell's own last error comes first: `nbkit.ask` in a Python cell raises past the magics.
    latest = getattr(sys, "last_value", None)
    is_ours = isinstance(latest, NbkitError) or isinstance(getattr(latest, "__cause__", None), NbkitError)
    error = latest if is_ours else extension.last_error
    if error is None:
        draw_text(extension.shell, session.secrets, "no nbkit error was raised in this session")
        return
    whole = session.secrets.redact_cut("".join(traceback.format_exception(error)))
    draw_text(extension.shell, session.secrets, whole)
