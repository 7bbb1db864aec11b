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

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Magic = TypeVar("Magic", bound=Callable[..., Any])
_TRACEBACKS = "_showtraceback"
"""What IPython and its kernels override to draw a traceback."""


class LazySettings:
    """Stands in for the object behind `%config NbKit`, which is made when a trait is asked for.

    Making the traits imports the settings and most of nbkit's ground: two thirds of what loading may cost.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._made: Any = None

    def _real(self) -> Any:  # noqa: ANN401 - imported here and nowhere else
        if self._made is None:
            from nbkit.magics.traits import make

            self._made = make(self._shell)
        return self._made

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        """The real object's class, which is how `%config` finds its traits."""
        return type(self._real())

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the real object
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._real(), name, value)

    def update_config(self, config: Any) -> None:  # noqa: ANN401 - a traitlets Config
        """Hands on what `%config NbKit.name = value` says; other sections are not nbkit's."""
        if "NbKit" in config:
            self._real().update_config(config)


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

    return f"{MANUAL}\n{help_text(is_rag=True)}"


class Extension:
    """nbkit as one shell has it. The magics are methods, so the shell itself holds the only reference."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.last_error: BaseException | None = None
        """The last error that a magic raised on purpose, for `%nbkit traceback`."""
        self._held: dict[str, Any] = {}
        self._settings = LazySettings(shell)
        self._replaced: dict[tuple[str, str], Any] = {}
        self._draw_traceback: Any = None

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
        """The cell's lines, `%llm` statements that end with a question mark made calls."""
        if not any("%llm" in line for line in lines):
            return lines
        from nbkit.magics.questions import keep_questions

        return keep_questions(lines)

    def show_traceback(self, kind: type[BaseException], error: BaseException | None, lines: list[str]) -> None:
        """Draws a traceback, of whatever code, without the secrets in use."""
        session = sys.modules.get("nbkit.session")
        if session is not None and session.has_current():
            from nbkit.magics.tracebacks import without_secrets

            error, lines = without_secrets(session.current(), error, lines)
        self._draw_traceback(kind, error, lines)

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
        self._draw_traceback = getattr(shell, _TRACEBACKS)
        setattr(shell, _TRACEBACKS, self.show_traceback)
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
        if vars(shell).get(_TRACEBACKS) == self.show_traceback:
            delattr(shell, _TRACEBACKS)
            if getattr(shell, _TRACEBACKS) != self._draw_traceback:  # somebody had put their own there before
                setattr(shell, _TRACEBACKS, self._draw_traceback)
        for held in self._held.values():
            held.close()
        _remove(shell.input_transformers_cleanup, lambda one: one == self.keep_questions)
        _remove(shell.Completer.custom_matchers, lambda one: getattr(one, "nbkit_owner", None) is self)
        _remove(shell.configurables, lambda one: one is self._settings)
        session = sys.modules.get("nbkit.session")
        if session is not None and session.has_current():
            session.current().close()

    def _magics(self) -> tuple[tuple[str, str, Callable[..., Any]], ...]:
        return (
            ("line", "llm", self.llm),
            ("cell", "llm", self.llm),
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
