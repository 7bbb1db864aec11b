"""Completions inside nbkit's magics: commands, options, their values, and `{{ names }}` in a prompt.

Runs at each Tab in a cell that holds a percent sign, so nothing heavy is imported: names of priced models are offered
once the price table is loaded, not loaded for that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult

from nbkit.errors import NbkitError
from nbkit.session import Session, current
from nbkit.setting import TABLE

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_MAGIC = re.compile(r"\s*(?:[\w.\[\], ]+=\s*)?(%%llm|%llm|%%rag|%rag|%nbkit|%cache|%cost|%guard)[ \t]+(.*)", re.DOTALL)
_NAME = re.compile(r"\{\{-?\s*(?:[^{}]*[^\w.{}])?([A-Za-z_]\w*)?$|\{%-?\s*\w+\s+(?:[^{}%]*[^\w.{}%])?([A-Za-z_]\w*)?$")
_ATTRIBUTE = re.compile(r"\{\{-?[^{}]*?\b([A-Za-z_]\w*)\.(\w*)$")
_PROMPT_CELLS = ("%%llm", "%%rag")
_INDEX_OPTIONS = {
    "add": ("--index", "--embedder", "--chunk-tokens", "--overlap", "--rebuild", "--allow-url"),
    "search": ("--index", "-k", "--mode", "--filter", "--rerank"),
    "ls": ("--index",),
    "stats": ("--index",),
    "rm": ("--index",),
}
_SINCE = ("1h", "24h", "7d", "session", "all")
_COMMANDS = {
    "%nbkit": ("status", "config", "models", "doctor", "dashboard", "panel", "watch", "prompts", "report", "traceback"),
    "%cache": ("ls", "stats", "why", "impact", "rm", "clear", "path"),
    "%cost": ("--since", "--by", "--model", "--tag", "budgets", "rate", "prune"),
    "%guard": ("ls", "on", "off", "test", "report"),
    "%rag": ("add", "search", "ls", "stats", "rm", "drop"),
}


def complete(shell: InteractiveShell, context: CompletionContext) -> SimpleMatcherResult:
    """What can stand at the cursor; nothing outside nbkit's magics."""
    lines = context.full_text.split("\n")
    before = context.text_until_cursor
    is_prompt_cell = lines[0].startswith(_PROMPT_CELLS)
    if is_prompt_cell and context.cursor_line > 0:
        found = _names(shell.user_ns, "\n".join([*lines[1 : context.cursor_line], before]))
        return _result(*found, context=context, kind="variable") if found else {"completions": []}
    magic = _MAGIC.fullmatch(before)
    if magic is None or (lines[0].startswith("%%") and context.cursor_line > 0 and not is_prompt_cell):
        return {"completions": []}
    typed = re.split(r"\s+", magic[2])[-1]
    words = magic[2].split()
    earlier = words[:-1] if typed else words
    if magic[1] in _COMMANDS:
        return _result(typed, _command_values(magic[1], earlier), context=context, kind="param")
    return _llm_line(shell, magic, typed, earlier=earlier, context=context)


def _llm_line(
    shell: InteractiveShell, magic: re.Match[str], typed: str, *, earlier: list[str], context: CompletionContext
) -> SimpleMatcherResult:
    from nbkit.magics.options import FORMS

    options = FORMS.get(magic[1], FORMS["%%llm"])
    by_flag = {flag: option for option in options for flag in option.flags}
    last = by_flag.get(earlier[-1]) if earlier else None
    if last is not None and last.metavar is not None:
        return _result(typed, _values(last.name), context=context, kind="param")
    flag, equals, value = typed.partition("=")
    if equals and flag in by_flag:
        return _result(value, _values(by_flag[flag].name), context=context, kind="param")
    if magic[1] == "%%rag" and not earlier and typed and not typed.startswith("-"):
        return _result(typed, current().collections.names(), context=context, kind="param")
    if typed.startswith("-") or (magic[1] in _PROMPT_CELLS and not typed):
        given = {by_flag[word].name for word in earlier if word in by_flag and not by_flag[word].is_repeatable}
        flags = [flag for option in options if option.name not in given for flag in option.flags[-1:]]
        if magic[1] == "%%rag" and not earlier and not typed:
            flags += current().collections.names()
        return _result(typed, flags, context=context, kind="param")
    found = _names(shell.user_ns, magic[2])
    return _result(*found, context=context, kind="variable") if found else {"completions": []}


def _command_values(magic: str, earlier: list[str]) -> Iterable[str]:
    if not earlier:
        return _COMMANDS[magic]
    if magic != "%nbkit":
        own = {"%rag": _rag_values, "%cache": _cache_values, "%cost": _cost_values, "%guard": _guard_values}
        return own[magic](earlier)
    return _nbkit_values(earlier)


def _nbkit_values(earlier: list[str]) -> Iterable[str]:
    match earlier:
        case ["config"]:
            return [setting.key for setting in TABLE]
        case ["config", key]:
            return [value for setting in TABLE if key in (setting.key, setting.name) for value in _values(setting.name)]
        case ["dashboard", *words]:
            return _dashboard_values(words)
    return {"report": ["--out", "--hide-code"], "watch": ["--last"]}.get(earlier[0], [])


def _cache_values(words: list[str]) -> Iterable[str]:
    if words[0] == "impact":
        return _SINCE if words[-1] == "--since" else ("--since",)
    return _keys() if words == ["rm"] else ()


def _cost_values(words: list[str]) -> Iterable[str]:
    from nbkit.ledger.selection import By

    if words[0] in ("budgets", "rate", "prune"):
        return {"rate": ("👍", "👎"), "budgets": ("release",)}.get(words[0], ()) if len(words) == 1 else ()
    values: dict[str, Iterable[str]] = {"--since": _SINCE, "--by": get_args(By)}
    return values.get(words[-1], _values("model") if words[-1] == "--model" else _COMMANDS["%cost"][:4])


def _dashboard_values(words: list[str]) -> Iterable[str]:
    from nbkit.magics.dashboard_magic import OPTIONS

    last = words[-1] if words else ""
    if last == "--since":
        return ("1h", "24h", "7d", "session", "project", "all")
    return _cost_values([last]) if last in ("--by", "--model") else () if last == "--tag" else OPTIONS


def _guard_values(words: list[str]) -> Iterable[str]:
    from nbkit import registry

    named = {"on": ["standard", "strict", *registry.names("guards")], "off": registry.names("guards")}
    if words[-1] == "--stage":
        return ("input", "retrieved", "output")
    return named.get(words[0], {"test": ["--stage"], "report": ["--since"]}.get(words[0], []))


def _rag_values(words: list[str]) -> Iterable[str]:
    if words[0] == "drop" or words[-1] == "--index":
        return current().collections.names()
    if words in (["ls"], ["stats"]):
        return (*current().collections.names(), "--index")
    return _values("rag_mode") if words[-1] == "--mode" else _INDEX_OPTIONS.get(words[0], ())


def _keys() -> list[str]:
    try:
        return [row.key[:12] for row in current().cache.entries(50)]
    except NbkitError:
        return []


def _values(name: str) -> Iterable[str]:
    """What the value of a setting or option can begin with."""
    if name == "model":
        return model_names(current())
    if name == "thread":
        return current().threads.names()
    parse: Any = next((setting.parse for setting in TABLE if setting.name == name), None)
    if parse is None:
        return []
    return getattr(parse, "choices", ())


def model_names(session: Session) -> list[str]:
    """What a model's name can be or begin with: aliases, models on this machine, providers, priced models."""
    from nbkit import registry
    from nbkit.models import weights

    try:
        aliases: Iterable[str] = session.config().settings.aliases
    except NbkitError:  # a broken settings file is said when a cell runs, not while typing
        aliases = ()
    here = [f"local:{one.name}" for one in weights.present(session.home)]
    prices = sys.modules.get("nbkit.pricing.prices")
    priced = prices.model_names() if prices is not None and "genai_prices" in sys.modules else []
    providers = [f"{name}:" for name in registry.names("providers")]
    return list(dict.fromkeys([*aliases, *here, *providers, *priced]))


def _names(user_ns: Mapping[str, Any], before: str) -> tuple[str, list[str]] | None:
    """What is typed of a name in an open `{{` or `{%`, and the names that can stand there; None outside one."""
    opening = max(before.rfind("{{"), before.rfind("{%"))
    if opening < 0 or max(before.rfind("}}"), before.rfind("%}")) > opening:
        return None
    attribute = _ATTRIBUTE.search(before, opening)
    if attribute is not None:
        if attribute[1] not in user_ns:
            return None
        # `dir` of a class runs no property of the value.
        public = [name for name in dir(type(user_ns[attribute[1]])) if not name.startswith("_")]
        return attribute[2], public
    found = _NAME.search(before, opening)
    if found is None:
        return None
    typed = found[1] or found[2] or ""
    hidden = {"In", "Out", "exit", "quit", "get_ipython", "open"}
    return typed, [name for name in user_ns if not name.startswith("_") and name not in hidden]


def _result(typed: str, candidates: Iterable[str], *, context: CompletionContext, kind: str) -> SimpleMatcherResult:
    # IPython's token ends at a colon or a bracket: what stands before the token is already in the cell.
    token = context.token if typed.endswith(context.token) else typed
    cut = len(typed) - len(token)
    texts = sorted(name[cut:] for name in dict.fromkeys(candidates) if name.startswith(typed) and name != typed)
    return {
        "completions": [SimpleCompletion(text=text, type=kind) for text in texts],
        "matched_fragment": token,
        "suppress": bool(texts),
        "ordered": True,
    }
