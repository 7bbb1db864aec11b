"""The line of a prompt cell, read: what its options say.

IPython's own `parse_argstring` keeps quotes and breaks on an apostrophe, so the line is split as a shell would. What
an option of a setting may hold is checked by `nbkit.config`, once for every way to set it.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import keyword
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser, argument, construct_parser

from nbkit.config import check
from nbkit.errors import BadSetting, UnknownSetting
from nbkit.magics.options import FORMS, OPTIONS
from nbkit.setting import TABLE
from nbkit.types import JsonValue

_SETTINGS = frozenset(setting.name for setting in TABLE)
_BY_FLAG = {flag: option for option in OPTIONS for flag in option.flags}
_PARAM = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CellOptions:
    """What one cell's options say."""

    explicit: Mapping[str, object]
    """Settings, checked, by name; only those that were given."""
    params: Mapping[str, JsonValue]
    out: str | None = None
    thread: str | None = None
    schema: str | None = None
    file: str | None = None
    prompt: str | None = None
    is_raw: bool = False
    shows_prompt: bool = False
    is_dry_run: bool = False
    where: str | None = None
    """Filter of documents, for `%%rag`."""


def parse(line: str) -> CellOptions:
    r"""The options on the line of a `%%llm` cell.

    Raises `UnknownSetting` with the nearest option, or `BadSetting`.

    >>> parse("-t 0.5 -s \"it's terse\"").explicit
    {'system': "it's terse", 'temperature': 0.5}
    """
    return cell_options(given_options(words_of(line, magic="%%llm"), magic="%%llm"))


def parse_rag(line: str) -> CellOptions:
    """The options on the line of a `%%rag` cell; what comes first, without a dash, names the index.

    >>> parse_rag("handbook -k 3").explicit
    {'rag_index': 'handbook', 'rag_k': 3}
    """
    words = words_of(line, magic="%%rag")
    index = [] if not words or words[0].startswith("-") else [words.pop(0)]
    found = cell_options(given_options(words, magic="%%rag"))
    explicit = {**({"rag_index": index[0]} if index else {}), **found.explicit}
    return dataclasses.replace(found, explicit=explicit)


def parse_line(line: str) -> tuple[CellOptions, str]:
    """The options that `%llm` starts with, and the prompt after them, character by character as it was typed.

    >>> parse_line("-t 0 what's {this}?")[1]
    "what's {this}?"
    """
    stream = io.StringIO(line)
    lexer = _lexer(stream)
    words: list[str] = []
    start = 0
    while re.match(r"\s*-\S", line[start:]):
        word = _word(lexer, magic="%llm")
        start = stream.tell()
        if word is None or word == "--":
            break
        words.append(word)
        option = _BY_FLAG.get(word)
        if option is not None and option.metavar is not None:
            value = _word(lexer, magic="%llm")
            start = stream.tell()
            words += [] if value is None else [value]
    return cell_options(given_options(words, magic="%%llm")), line[start:].lstrip()


@functools.cache
def parser(magic: str = "%%llm") -> MagicArgumentParser:
    """The parser behind a form; IPython's own kind, so that the help looks as everywhere."""

    def rag() -> None:
        """Answers from documents: the cell is the question, the index is named on the line.

        `%rag add PATH --index NAME` makes an index. Each sentence of the answer is checked against the passages: [1]
        leads to the first of them, [?] marks what none of them says. Afterwards `_llm` holds the result.
        """

    def llm() -> None:
        """Asks a model: the cell is the prompt, the answer and its card are the output.

        {{ name }} in the prompt becomes the value of a variable; all other braces stay as they are.
        `%llm [options] prompt` is the same in one line, as a value: `result = %llm why?`.
        Afterwards `_llm` holds the result: .text .json() .usage .cost .cached .samples .record.
        """

    def evaluate() -> None:
        """Asks the cell's prompt of each case of a data set, and scores the answers.

        The line names the data set: a variable, or a path. {{ input }} in the prompt is the question of a case, other
        {{ names }} are further columns or variables. Each mean has its n and its 95 % interval.
        `%evaluate` lists, shows and compares runs. Afterwards `_eval` holds the result.
        """

    row: Any = argument  # IPython's own are untyped
    build: Any = construct_parser
    made_of: Any = {"%%llm": llm, "%%rag": rag, "%%evaluate": evaluate}[magic]
    for option in reversed(FORMS[magic]):
        shape: dict[str, str] = {"action": "store_true"}
        if option.metavar is not None:
            shape = {"action": "append" if option.is_repeatable else "store", "metavar": option.metavar}
        # argparse formats its help texts.
        made_of = row(*option.flags, dest=option.name, help=option.help.replace("%", "%%"), **shape)(made_of)
    made: MagicArgumentParser = build(made_of)
    made.allow_abbrev = False
    return made


def help_text(magic: str = "%%llm") -> str:
    """What `%%llm?`, `%%rag?` and `%%evaluate?` print."""
    return str(parser(magic).format_help())


def given_options(words: list[str], *, magic: str) -> dict[str, Any]:
    """The options among these words by name, those that were given; raises `UnknownSetting` or `BadSetting`."""
    try:
        found, rest = parser(magic).parse_known_args(words)
    except UsageError as error:
        _refuse(str(error), magic)
    if rest:
        _refuse_rest(rest[0], magic)
    return {name: value for name, value in vars(found).items() if value is not None and value is not False}


def cell_options(given: dict[str, Any]) -> CellOptions:
    """What the options of a prompt cell say, checked; those of another kind are left out."""
    if "stream" in given:
        given["stream"] = False
    params = dict(_param(text) for text in given.get("param", []))
    return CellOptions(
        explicit={name: check(name, value, origin="cell") for name, value in given.items() if name in _SETTINGS},
        params=params,
        out=variable(given["out"], option="--out") if "out" in given else None,
        thread=given.get("thread"),
        schema=given.get("schema"),
        file=given.get("file"),
        prompt=given.get("prompt"),
        is_raw="raw" in given,
        shows_prompt="show_prompt" in given,
        is_dry_run="dry_run" in given,
        where=given.get("filter"),
    )


def _lexer(stream: io.StringIO) -> shlex.shlex:
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return lexer


def words_of(line: str, *, magic: str) -> list[str]:
    """The words of a line as a shell would split it; raises `BadSetting` for a quotation that is left open.

    >>> words_of("add 'my docs' --index x", magic="%rag")
    ['add', 'my docs', '--index', 'x']
    """
    lexer = _lexer(io.StringIO(line))
    words: list[str] = []
    while (word := _word(lexer, magic=magic)) is not None:
        words.append(word)
    return words


def _word(lexer: shlex.shlex, *, magic: str) -> str | None:
    try:
        return lexer.get_token()
    except ValueError:
        raise BadSetting(
            what=f"a quotation mark or backslash on the {magic} line is left open",
            why="the line is split as in a shell, where an apostrophe opens a quotation",
            fix="""put the text between double quotes: "it's like this\""""
            if magic.startswith("%rag")
            else """put the text between double quotes: -s "it's like this\"""",
        ) from None


def _param(text: str) -> tuple[str, JsonValue]:
    found = _PARAM.fullmatch(text)
    if found is None:
        raise BadSetting(
            what="--param takes NAME=VALUE",
            why=f"{text!r} has no name before an equals sign",
            fix="-p top_p=0.9, or with JSON: -p 'logit_bias={\"50256\": -100}'",
        )
    try:
        return found[1], json.loads(found[2], parse_constant=_no_constant)
    except ValueError:
        return found[1], found[2]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def variable(name: str, *, option: str) -> str:
    """A name that a variable can have; raises `BadSetting`."""
    if name.isidentifier() and not keyword.iskeyword(name):
        return name
    raise BadSetting(
        what=f"{option} cannot be {name!r}",
        why="it is no name that a variable can have",
        fix=f"{option} answer, for example",
    )


def _refuse(message: str, magic: str) -> NoReturn:
    flag = re.match(r"argument (\S+?)(?:/\S+)?: ", message)
    raise BadSetting(
        what=f"{flag[1]} is not complete" if flag else "the options cannot be read",
        why=message.removeprefix(flag[0]) if flag else message,
        fix=f"{flag[1]} VALUE; a value that begins with a dash follows an equals sign: --system=-x"
        if flag
        else f"{magic}? lists the options",
    ) from None


def _refuse_rest(word: str, magic: str) -> NoReturn:
    if word.startswith("-") and word != "-":
        from nbkit.registry import nearest

        name = word.split("=", 1)[0]
        known = [flag for one in FORMS[magic] for flag in one.flags]
        begun = [flag for flag in known if flag.startswith(name) and name.startswith("--")]
        near = begun[0] if begun else nearest(name, known)
        raise UnknownSetting(
            what=f"{magic} has no option {name!r}",
            why="options are spelled out in full, and a prompt that begins with a dash comes after --",
            fix=f"use {near}; {magic}? lists the options" if near else f"{magic}? lists the options",
        )
    raise BadSetting(
        what="there is text after the options",
        why=f"{len(word)} characters belong to no option; a value with spaces needs quotes",
        fix=f'write the prompt below the {magic} line; quote a value: -s "be terse"',
    )
