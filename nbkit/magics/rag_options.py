r"""The line of a `%rag` command, read: its words and its own options; what is not its own is refused with the nearest.

A backslash stands for itself, as in `C:\docs`, and not for the blank or quotation mark behind it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from nbkit.errors import BadSetting, UnknownSetting
from nbkit.magics.args import words_of
from nbkit.registry import nearest

_BACKSLASH = re.compile(r"""(?P<kept>'[^']*'|\\+[\s"'])|"(?P<within>(?:\\.|[^"\\])*)"|\\+""", re.DOTALL)
_LONE = re.compile(r"""\\+(?![\\"])""")
OPTIONS: Mapping[str, Mapping[str, str | None]] = {
    "add": {
        "--index": "NAME",
        "--embedder": "NAME",
        "--chunk-tokens": "N",
        "--overlap": "N",
        "--rebuild": None,
        "--allow-url": None,
    },
    "search": {"--index": "NAME", "-k": "N", "--mode": "MODE", "--filter": "TEXT", "--rerank": "MODEL"},
    "ls": {"--index": "NAME"},
    "stats": {"--index": "NAME"},
    "rm": {"--index": "NAME"},
    "drop": {},
}
"""Of each command its options, with what stands behind them; None for those that stand alone."""
_ONE_NAME = ("ls", "stats")
"""Commands whose one word is the name of an index, as `--index` is."""


def read(command: str, rest: str) -> Any:  # noqa: ANN401 - argparse's namespace
    """The options of a command by name, and its `words`.

    Raises `UnknownSetting` for an option of none or of another command, `BadSetting` for what cannot be read.

    >>> read("search", "spare parts -k 3").words
    ['spare', 'parts']
    """
    try:
        text = _BACKSLASH.sub(_doubled, rest) if command == "add" else rest
        words = words_of(text, magic=f"%rag {command}")
        given, left = _parser(command).parse_known_args(words)
    except UsageError as error:
        raise BadSetting(
            what=f"%rag {command} cannot be read", why=str(error).strip(), fix="%rag? shows what each command takes"
        ) from None
    for word in left:
        if word.startswith("-") and word != "-":
            _refuse_option(command, word.split("=", 1)[0])
    # Words may stand behind options too.
    given.words = [*given.words, *left]
    if given.words and command in _ONE_NAME:
        names = [*given.words, *([given.index] if given.index else [])]
        if len(names) > 1:
            raise BadSetting(
                what=f"%rag {command} takes one index, not {' and '.join(map(repr, names))}",
                why="it shows one at a time",
                fix=f"%rag {command} {names[0]}",
            )
        given.index = names[0]
    return given


def some(words: Sequence[str], *, what: str, fix: str) -> Sequence[str]:
    """The words; raises `BadSetting` when there are none."""
    if not words:
        raise BadSetting(what=what, why="none was given", fix=fix)
    return words


def _refuse_option(command: str, name: str) -> NoReturn:
    known = OPTIONS[command]
    near = nearest(name, known)
    listed = f"its own are {', '.join(known)}" if known else "it takes none"
    others = [other for other, options in OPTIONS.items() if name in options]
    why = f"it is one of %rag {others[0]}" if others else "options are spelled out in full"
    raise UnknownSetting(
        what=f"%rag {command} has no option {name!r}",
        why=f"{why}; {listed}",
        fix=f"use {near}" if near else "%rag? shows what each command takes",
    )


def _doubled(found: re.Match[str]) -> str:
    if found["within"] is not None:
        # An apostrophe in here quotes nothing.
        return f'"{re.sub(_LONE, lambda lone: lone[0] * 2, found["within"])}"'
    return found[0] if found["kept"] else found[0] * 2


@functools.cache
def _parser(command: str) -> MagicArgumentParser:
    untyped: Any = MagicArgumentParser
    made: MagicArgumentParser = untyped(prog=f"%rag {command}", add_help=False)
    made.allow_abbrev = False
    made.add_argument("words", nargs="*")
    for flag, metavar in OPTIONS[command].items():
        if metavar is None:
            made.add_argument(flag, action="store_true")
        else:
            made.add_argument(flag, metavar=metavar)
    return made
