"""Conditions on documents and pages, such as `path ~ 'docs/' and page < 10`, as parametrised SQL.

    condition   = term { "or" term }
    term        = factor { "and" factor }
    factor      = "not" factor | "(" condition ")" | NAME operator value
    operator    = "=" (or "==") | "!=" | "<" | "<=" | ">" | ">=" | "~" | "in"
    value       = text in quotes | number | "(" value { "," value } ")" after "in"

Names: path, title, heading, suffix, added (texts; added as 2026-01-31 or longer), page (a number). `~`: contains,
upper and lower case alike, in every alphabet. `=`, `!=` and `in` take a letter and its accent for the letter with the
accent, as `~` does. A quote in a text is written twice. What is not known of a document meets no condition.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from nbkit.errors import BadSetting

if TYPE_CHECKING:
    import sqlite3

COLUMNS: Mapping[str, str] = {
    "path": "document.source",
    "title": "document.title",
    "heading": "replace(chunk.headings, char(10), ' > ')",
    "suffix": "document.suffix",
    "added": "document.added",
    "page": "chunk.page",
}
"""The names of a filter, and what each is called in SQL."""
_NUMBERS = frozenset({"page"})
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign><=|>=|!=|==|[=<>~(),]))"
)
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "~", "in")
_DEEPEST = 50
_MOST_VALUES = 500
_FOLDED = "nbkit_folded"


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression of SQL over the tables `document` and `chunk`, and the values of its question marks."""

    sql: str
    values: tuple[str | float, ...]

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Tells a connection what `~` means; before the expression is run on it."""
        if _FOLDED in self.sql:
            connection.create_function(_FOLDED, 1, fold, deterministic=True)


def fold(text: str | None) -> str | None:
    """The text as `~` compares it: without upper and lower case, letters and their accents put together.

    >>> fold("U\u0308BERBLICK") == fold("überblick"), fold("Straße")
    (True, 'strasse')
    """
    if text is None or text.isascii():
        return text and text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def spellings(text: str) -> tuple[str, ...]:
    """The text, and how else its letters may be written: file systems differ in that.

    >>> spellings("a"), len(spellings("ü"))
    (('a',), 2)
    """
    return tuple(dict.fromkeys((text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def condition(text: str) -> Condition:
    """The SQL of a filter; raises `BadSetting` that points to the column where it cannot be read.

    >>> condition("page < 10 and path ~ 'docs/'").values
    (10, 'docs/')
    """
    return _Reader(text).read()


class _Reader:
    """Reads one filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._next = 0
        self._values: list[str | float] = []

    def read(self) -> Condition:
        sql = self._either(0)
        if self._token.kind != "end":
            self._refuse("`and`, `or` or the end is expected")
        if len(self._values) > _MOST_VALUES:
            self._refuse(f"it has more than {_MOST_VALUES} values")
        return Condition(sql, tuple(self._values))

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        while self._text[at:].strip():
            match = _TOKEN.match(self._text, at)
            if match is None:
                start = len(self._text) - len(self._text[at:].lstrip())
                self._fail(start, "no name, value or operator starts like this; texts stand in quotes")
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            at = match.end()
        return [*tokens, _Token("end", "", len(self._text.rstrip()))]

    def _take(self, *texts: str) -> str | None:
        token = self._token
        if token.kind in ("word", "sign") and token.text.lower() in texts:
            self._next += 1
            return token.text.lower()
        return None

    def _either(self, depth: int) -> str:
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    def _both(self, depth: int) -> str:
        parts = [self._factor(depth)]
        while self._take("and"):
            parts.append(self._factor(depth))
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"

    def _factor(self, depth: int) -> str:
        if depth > _DEEPEST:
            self._refuse(f"parentheses and `not` are more than {_DEEPEST} deep")
        if self._take("not"):
            return f"NOT {self._factor(depth + 1)}"
        if self._take("("):
            inner = self._either(depth + 1)
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> str:
        name = self._token.text.lower()
        column = COLUMNS.get(name) if self._token.kind == "word" else None
        if column is None:
            near = difflib.get_close_matches(name, COLUMNS, 1)
            self._refuse(f"a name is expected{f', such as {near[0]}' if near else ''}: {', '.join(COLUMNS)}")
        self._next += 1
        sign = self._take(*_COMPARISONS, "==")
        sign = "=" if sign == "==" else sign
        if sign is None:
            self._refuse(f"an operator is expected: {' '.join(_COMPARISONS)}")
        if sign == "in":
            return self._membership(name, column)
        if sign == "~":
            if name in _NUMBERS:
                self._refuse(f"{name} is a number, which contains nothing; use = < >")
            self._values.append(fold(str(self._value(name))) or "")
            return f"ifnull(instr({_FOLDED}({column}), ?) > 0, 0)"
        if sign in ("=", "!="):
            return self._among(column, [self._value(name)], sign="IN" if sign == "=" else "NOT IN")
        self._values.append(self._value(name))
        return f"ifnull({column} {sign} ?, 0)"

    def _membership(self, name: str, column: str) -> str:
        self._expect("(")
        values = [self._value(name)]
        while self._take(","):
            values.append(self._value(name))
        self._expect(")")
        return self._among(column, values)

    def _among(self, column: str, values: list[str | float], *, sign: str = "IN") -> str:
        listed = [one for value in values for one in (spellings(value) if isinstance(value, str) else (value,))]
        self._values += listed
        return f"ifnull({column} {sign} ({', '.join('?' * len(listed))}), 0)"

    def _value(self, name: str) -> str | float:
        token = self._token
        if name in _NUMBERS:
            if token.kind != "number":
                self._refuse(f"{name} is compared with a number")
        elif token.kind != "text":
            self._refuse(f"{name} is compared with a text in quotes")
        self._next += 1
        if token.kind == "number":
            return float(token.text) if "." in token.text else _bounded(int(token.text))
        quote = token.text[0]
        return token.text[1:-1].replace(quote * 2, quote)

    def _expect(self, text: str) -> None:
        if self._take(text) is None:
            self._refuse(f"`{text}` is expected")

    def _refuse(self, why: str) -> NoReturn:
        self._fail(self._token.column, why)

    def _fail(self, column: int, why: str) -> NoReturn:
        raise BadSetting(
            what=f"the filter {self._text!r} cannot be read at column {column + 1}",
            why=why,
            fix="write it as in: path ~ 'docs/' and page < 10",
        )


def _bounded(number: int) -> int:
    # SQLite's integers have 64 bits; no page is beyond.
    return max(-(2**62), min(2**62, number))
