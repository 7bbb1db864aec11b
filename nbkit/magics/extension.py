"""What `%load_ext nbkit` adds to a shell, and takes away again.

Thin: every body imports what it needs when it is called. Help text is made when it is asked for (`getdoc` is
IPython's own hook for that), traits when `%config` is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from IPython.core.completer import CompletionContext, SimpleMatcherResult, context_matcher
from IPython.core.magic import needs_local_scope, no_var_expand

from nbkit.magics.lazy import LazySettings

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Magic = TypeVar("Magic", bound=Callable[..., Any])
_TAKE_TEXT = ("%llm", "%rag", "%guard", "%cache", "%nbkit")  # their lines may end with a question mark
_TRACEBACKS = {"_showtraceback": "drawn", "showtraceback": "printed", "_format_exception_for_storage": "kept"}
"""Methods by which a traceback leaves a shell, each with the function of `tracebacks` that cleans it."""


def documented(text: Callable[[], str]) -> Callable[[Magic], Magic]:
    """Gives a magic the help that `?` prints, made when it is printed."""

    def decorate(magic: Magic) -> Magic:
        magic.getdoc = text  # type: ignore[attr-defined]
        return magic

    return decorate


def _manual(module: str) -> Callable[[], str]:
    """The manual of a magic, from the module that is not imported before."""

    def text() -> str:
        from importlib import import_module

        manual: str = import_module(f"nbkit.magics.{module}").MANUAL
        return manual

    return text


def _llm_help() -> str:
    from nbkit.magics.args import help_text

    return help_text()


def _rag_help() -> str:
    from nbkit.magics.args import help_text
    from nbkit.magics.rag_magic import MANUAL

    return f"{MANUAL}\n{help_text('%%rag')}"


def _evaluate_help() -> str:
    from nbkit.magics.args import help_text
    from nbkit.magics.evaluate_magic import MANUAL

    return f"{MANUAL}\n{help_text('%%evaluate')}"


class Extension:
    """nbkit as one shell has it. The magics are methods, so the shell itself holds the only reference."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.last_error: BaseException | None = None
        """The last error that a magic raised on purpose, for `%nbkit traceback`."""
        self._held: dict[str, Any] = {}
        self._settings = LazySettings(shell)
        self._replaced: dict[tuple[str, str], Any] = {}
        self._tracebacks: dict[str, tuple[Any, Any]] = {}

    @staticmethod
    def of(shell: InteractiveShell) -> Extension | None:
        """The extension that a shell has loaded, if any."""
        owner = getattr(shell.magics_manager.magics["line"].get("nbkit"), "__self__", None)
        return owner if isinstance(owner, Extension) else None

    @documented(_llm_help)
    @needs_local_scope
    @no_var_expand
    def llm(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Asks a model: the cell is the prompt, or the line is."""
        from nbkit.magics import llm

        names = self._names(local_ns)
        if cell is None:
            return self._run(lambda: llm.run_line(self.shell, line, names=names))
        return self._run(lambda: llm.run_cell(self.shell, line, cell, names=names))

    @documented(_manual("nbkit_magic"))
    @no_var_expand
    def nbkit(self, line: str) -> None:
        """Status, settings, models, checks, reports."""
        from nbkit.magics import nbkit_magic

        self._run(lambda: nbkit_magic.run(self, line))

    @documented(_rag_help)
    @needs_local_scope
    @no_var_expand
    def rag(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> None:
        """Answers a question from documents: the cell is the question. `%rag` manages the indexes."""
        if cell is None:
            from nbkit.magics import rag_magic

            self._run(lambda: rag_magic.run(self.shell, line))
            return
        from nbkit.magics import llm

        names = self._names(local_ns)
        self._run(lambda: llm.run_cell(self.shell, line, cell, names=names, is_rag=True))

    @documented(_evaluate_help)
    @needs_local_scope
    @no_var_expand
    def evaluate(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> None:
        """Asks a prompt of each case of a data set and scores the answers; `%evaluate` lists and compares runs."""
        names = self._names(local_ns)
        if cell is None:
            from nbkit.magics import evaluate_magic

            self._run(lambda: evaluate_magic.run(self.shell, line, names=names))
            return
        from nbkit.magics import evaluate_cell

        self._run(lambda: evaluate_cell.run_cell(self.shell, line, cell, names=names))

    @documented(_manual("cache_magic"))
    @no_var_expand
    def cache(self, line: str) -> None:
        """Looks into the answer cache and clears it."""
        from nbkit.magics import cache_magic

        self._run(lambda: cache_magic.run(self.shell, line))

    @documented(_manual("cost_magic"))
    @no_var_expand
    def cost(self, line: str) -> None:
        """Says what calls cost, took and saved; rates an answer."""
        from nbkit.magics import cost_magic

        self._run(lambda: cost_magic.run(self.shell, line))

    @documented(_manual("guard_magic"))
    @no_var_expand
    def guard(self, line: str) -> None:
        """Says what the guards do, turns them, tries a text."""
        from nbkit.magics import guard_magic

        self._run(lambda: guard_magic.run(self.shell, line))

    def complete(self, context: CompletionContext) -> SimpleMatcherResult:
        """Completions for nbkit's magics."""
        if "%" not in context.full_text:
            return {"completions": []}
        from nbkit.magics.completion import complete

        return complete(self.shell, context)

    def keep_questions(self, lines: list[str]) -> list[str]:
        """The cell's lines, `%llm` statements that end with a question mark made calls, empty `%%llm` cells too."""
        if not any(name in line for line in lines for name in _TAKE_TEXT):
            return lines
        from nbkit.magics.questions import keep_empty, keep_questions

        return keep_questions(keep_empty(lines))

    def hold(self, name: str, widget: Any) -> None:  # noqa: ANN401 - anything with `close`
        """Keeps what was drawn to be used until it is drawn anew, or nbkit is unloaded; then it is closed."""
        self._held[name], before = widget, self._held.get(name)
        if before is not None:
            before.close()

    def attach(self) -> None:
        """Adds everything to the shell."""
        shell = self.shell
        register: Any = shell.register_magic_function  # its types leave out the shell it is bound to
        for kind, name, magic in self._magics():
            self._replaced[kind, name] = shell.magics_manager.magics[kind].get(name)
            register(magic, magic_kind=kind, magic_name=name)
        shell.input_transformers_cleanup.append(self.keep_questions)
        for name, way in _TRACEBACKS.items():
            before = getattr(shell, name, None)
            if before is not None:
                self._tracebacks[name] = before, _cleaning(shell, before, way)
                setattr(shell, name, self._tracebacks[name][1])
        mark: Any = context_matcher(identifier="nbkit.complete")
        shell.Completer.custom_matchers.append(mark(_as_function(self.complete)))
        cast("list[Any]", shell.configurables).append(self._settings)
        if "NbKit" in shell.config:
            self._take_settings()

    def detach(self) -> None:
        """Takes everything away again, and closes what the session has open."""
        shell = self.shell
        for kind, name, magic in self._magics():
            table = shell.magics_manager.magics[kind]
            if table.get(name) != magic:
                continue  # somebody else's by now
            before = self._replaced.get((kind, name))
            table.pop(name)
            if before is not None:
                table[name] = before
        for name, (before, ours) in self._tracebacks.items():
            if vars(shell).get(name) is ours:
                delattr(shell, name)
                if getattr(shell, name) != before:  # somebody had put their own there before
                    setattr(shell, name, before)
        for held in self._held.values():
            held.close()
        _remove(shell.input_transformers_cleanup, lambda one: one == self.keep_questions)
        _remove(shell.Completer.custom_matchers, lambda one: getattr(one, "nbkit_owner", None) is self)
        _remove(shell.configurables, lambda one: one is self._settings)
        unshown = sys.modules.get("nbkit.display.unshown")
        if unshown is not None:
            unshown.leave(shell)
        session = sys.modules.get("nbkit.session")
        if session is not None and session.has_current():
            session.current().close()

    def _magics(self) -> tuple[tuple[str, str, Callable[..., Any]], ...]:
        return (
            ("line", "llm", self.llm),
            ("cell", "llm", self.llm),
            ("line", "evaluate", self.evaluate),
            ("cell", "evaluate", self.evaluate),
            ("line", "rag", self.rag),
            ("cell", "rag", self.rag),
            ("line", "nbkit", self.nbkit),
            ("line", "cache", self.cache),
            ("line", "cost", self.cost),
            ("line", "guard", self.guard),
        )

    def _names(self, local_ns: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """The variables that a prompt may use: a function's own before the notebook's."""
        user_ns: Mapping[str, Any] = self.shell.user_ns
        if local_ns is None or local_ns is user_ns:
            return user_ns
        from collections import ChainMap

        return ChainMap(cast("dict[str, Any]", local_ns), cast("dict[str, Any]", user_ns))

    def _run(self, body: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the magic returns
        from nbkit.errors import NbkitError

        try:
            return body()
        except NbkitError as error:
            from nbkit.session import current

            current().clean(error)
            self.last_error = error
            raise

    def _take_settings(self) -> None:
        import warnings

        from nbkit.magics.traits import take_from

        for error in take_from(self.shell):
            warnings.warn(f"IPython's configuration of NbKit: {error}", stacklevel=2)


def _cleaning(shell: InteractiveShell, before: Callable[..., Any], way: str) -> Callable[..., Any]:
    """In the place of a method by which tracebacks, of whatever code, leave the shell: the secrets in use stay."""

    def without_secrets(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - IPython's own
        session = sys.modules.get("nbkit.session")
        if session is None or not session.has_current():
            return before(*given, **named)
        from nbkit.magics import tracebacks

        return getattr(tracebacks, way)(shell, session.current(), before, *given, **named)

    return without_secrets


def _as_function(bound: Callable[[CompletionContext], SimpleMatcherResult]) -> Callable[..., SimpleMatcherResult]:
    # `context_matcher` sets attributes, which a bound method does not take.
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        return bound(context)

    matcher.nbkit_owner = bound.__self__  # type: ignore[attr-defined]
    return matcher


def _remove(items: list[Any], is_ours: Callable[[Any], bool]) -> None:
    # In place and by identity: others hold this list, and comparing a stranger's object may run its code.
    for at in [at for at, item in enumerate(items) if is_ours(item)][::-1]:
        del items[at]
