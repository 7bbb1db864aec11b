"""A prompt's text from its template.

Only `{{ }}` and `{% %}` mean anything; every other brace, dollar sign and percent sign stays as it is. One pass: what
a value holds is never expanded again. A text with neither opening is returned as it is, without loading Jinja2.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from nbkit.errors import PromptError

if TYPE_CHECKING:
    from jinja2.exceptions import TemplateSyntaxError

_OPENING = re.compile(r"\{\{|\{%")
_OF_SHELL = ("In", "Out", "get_ipython")
_UNDEFINED = re.compile(r"'([^']+)' is undefined")
_LITERAL = "to send the braces as they are, use --raw or put {% raw %} and {% endraw %} around them"


def expand(template: str, variables: Mapping[str, object]) -> str:
    """The prompt: `template` with `{{ }}` and `{% %}` worked out on `variables`, each of which is read only if named.

    Raises `PromptError` with line and column for an unknown name, for what is not an expression, and for an
    expression that fails. An object whose `str` fails raises its own error.

    >>> expand('{{ n }} items as JSON: {"a": {"b": 1}}', {"n": 3})
    '3 items as JSON: {"a": {"b": 1}}'
    """
    if _OPENING.search(template) is None:
        return template
    from jinja2.exceptions import TemplateError, TemplateSyntaxError, UndefinedError

    from nbkit.prompts.sandbox import COMMENT, MARK, MAX_CHARS, pieces

    _refuse_marks(template, (MARK, COMMENT))
    kept: list[str] = []
    size = 0
    try:
        for piece in pieces(template.replace("\r", MARK), variables):
            kept.append(piece)
            size += len(piece)
            if size > MAX_CHARS:
                _refuse_size(MAX_CHARS)
    except TemplateSyntaxError as error:
        _refuse_syntax(template, error)
    except UndefinedError as error:
        _refuse_undefined(template, error, variables)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        if not isinstance(error, TemplateError) and not _is_from_template(error):
            raise
        _refuse_expression(template, error)
    return "".join(kept)


def names_in(template: str) -> frozenset[str]:
    """The variables that a template reads.

    Raises `PromptError` for what is not an expression.

    >>> sorted(names_in("{% for x in rows %}{{ x }} of {{ total }}{% endfor %}"))
    ['rows', 'total']
    """
    if _OPENING.search(template) is None:
        return frozenset()
    from jinja2 import meta
    from jinja2.exceptions import TemplateSyntaxError

    from nbkit.prompts.sandbox import COMMENT, MARK, environment

    _refuse_marks(template, (MARK, COMMENT))
    try:
        return frozenset(meta.find_undeclared_variables(environment().parse(template.replace("\r", MARK))))
    except TemplateSyntaxError as error:
        _refuse_syntax(template, error)


def _refuse_marks(template: str, marks: tuple[str, ...]) -> None:
    mark = next((mark for mark in marks if mark in template), None)
    if mark is not None:
        raise PromptError(
            what=f"the prompt holds the character U+{ord(mark):04X}",
            why="Unicode keeps it for programs, and this one uses it while it expands {{ }} and {% %}",
            fix="take it out, or use --raw",
        )


def _refuse_size(limit: int) -> NoReturn:
    raise PromptError(
        what=f"the expanded prompt is longer than {limit:,} characters",
        why="no model takes a prompt of this length",
        fix="put less into it: a slice, a head or a summary",
    )


def _refuse_syntax(template: str, error: TemplateSyntaxError) -> NoReturn:
    position = _faulty_opening(template, error.lineno)
    raise PromptError(
        what=f"{template[position : position + 2]} at {_place(template, position)} does not open an expression",
        why=f"Jinja2 reads it and says: {_without_prompt(error.message or '')}",
        fix=_LITERAL,
    ) from None


def _refuse_undefined(template: str, error: Exception, variables: Mapping[str, object]) -> NoReturn:
    found = _UNDEFINED.fullmatch(str(error))
    if found is None:
        _refuse_expression(template, error)
    from nbkit.registry import nearest

    name = found[1]
    own = [known for known in variables if isinstance(known, str) and not known.startswith("_")]
    # A shell's names hold `open`, `exit` and the like, which nobody means in a prompt.
    near = nearest(name, [known for known in own if known not in _OF_SHELL and not _is_builtin(known, variables)])
    raise PromptError(
        what=f"no variable named {name!r} (prompt, {_place(template, _name_position(template, name))})",
        why="{{ }} takes variables of the notebook, and this one is not defined",
        fix=f"{f'use {{{{ {near} }}}}' if near else f'define {name}'}; {_LITERAL}",
    ) from None


def _is_builtin(name: str, variables: Mapping[str, object]) -> bool:
    return hasattr(builtins, name) and callable(variables[name])


def _refuse_expression(template: str, error: Exception) -> NoReturn:
    line = _template_line(error)
    position = _line_start(template, line)
    opening = _OPENING.search(template, position)
    raise PromptError(
        what=f"an expression at {_place(template, opening.start() if opening else position)} cannot be worked out",
        why=f"{type(error).__name__}: {_without_prompt(str(error))}",
        fix=f"mend the expression; {_LITERAL}",
    ) from error


def _faulty_opening(template: str, line: int) -> int:
    """The opening a syntax error is about: on its line, the first that cannot be parsed alone, else the last."""
    from jinja2.exceptions import TemplateSyntaxError

    from nbkit.prompts.sandbox import MARK, environment

    end = _line_start(template, line + 1)
    openings = [match.start() for match in _OPENING.finditer(template)]
    before = [start for start in openings if start < end] or openings
    on_line = [start for start in before if start >= _line_start(template, line)] or before[-1:]
    for start in on_line:
        following = next((other for other in openings if other > start + 1), len(template))
        if template.startswith("{{", start):
            try:
                environment().parse(template[start:following].replace("\r", MARK))
            except TemplateSyntaxError:
                return start
    blocks = [start for start in on_line if template.startswith("{%", start)]
    return (blocks or on_line)[-1]


def _name_position(template: str, name: str) -> int:
    word = re.compile(rf"\b{re.escape(name)}\b")
    for opening in _OPENING.finditer(template):
        closing = template.find("}}" if opening[0] == "{{" else "%}", opening.end())
        found = word.search(template, opening.end(), closing if closing >= 0 else len(template))
        if found:
            return found.start()
    return 0


def _place(template: str, position: int) -> str:
    before = re.split(r"\r\n|\r|\n", template[:position])
    return f"line {len(before)}, column {len(before[-1]) + 1}"


def _line_start(template: str, line: int) -> int:
    """Where a line starts, counted from 1; the template's length when it has fewer."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", template))]
    return starts[line - 1] if line <= len(starts) else len(template)


def _template_line(error: BaseException) -> int:
    line = 1
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename in ("<template>", "<unknown>"):
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _is_from_template(error: BaseException) -> bool:
    """Whether the template's own expression failed; what fails inside a value's code is the reader's to see whole."""
    frame = error.__traceback__
    last = ""
    while frame is not None:
        last = frame.tb_frame.f_code.co_filename
        frame = frame.tb_next
    return last in ("<template>", "<unknown>") or "jinja2" in last or last.endswith("sandbox.py")


def _without_prompt(message: str) -> str:
    """A message with its longer quotations cut: an error never carries the prompt."""
    longest = 24
    return re.sub(
        r"'[^']*'|\"[^\"]*\"", lambda m: m[0] if len(m[0]) <= longest + 2 else f"{len(m[0]) - 2} characters", message
    )[:200]
