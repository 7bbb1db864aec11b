r"""What stands for personal values in one request, and what puts them back: `⟦EMAIL_1⟧` for an address.

Numbers are given by first appearance over all messages, so that the map is a function of the request and of nothing
else: cells that run in another order, and answers from a cache, speak of the same person by the same number. A number
that a message already uses is never given again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from nbkit.scopes import Scopes

_KIND: Final = r"[A-Za-z]{2,16}"
_NUMBER: Final = r"[1-9][0-9]{0,5}"
_INNER: Final = (
    r"[ \t]{{0,3}}\*{{0,2}}[ \t]{{0,3}}(?P<kind{0}>{1})[ \t]{{0,2}}(?:\\?[_-])?[ \t]{{0,2}}(?P<number{0}>{2})"
    r"[ \t]{{0,3}}\*{{0,2}}[ \t]{{0,3}}"
)
_SQUARE: Final = r"[ \t]{{0,3}}(?P<kind{0}>{1})(?:\\?[_-]|[ \t])(?P<number{0}>{2})[ \t]{{0,3}}"
STAND_IN: Final = re.compile(
    rf"⟦⟦{_INNER.format(1, _KIND, _NUMBER)}⟧⟧|⟦{_INNER.format(2, _KIND, _NUMBER)}⟧"
    rf"|\[\[{_SQUARE.format(3, _KIND, _NUMBER)}\]\](?![(\[:])|\[{_SQUARE.format(4, _KIND, _NUMBER)}\](?![(\[:])"
    rf"|(?<![\w.$%{{/@#⟦-])(?P<kind5>[A-Z]{{2,16}})\\?_(?P<number5>{_NUMBER})(?!\w|\\_|[=(\[{{@/-]|\.\w)"
)
"""A stand-in as it was given, and as a model may write it: spaced, in square brackets, in lower case, escaped, bare."""
_CANDIDATE: Final = re.compile(
    r"⟦(?=⟦?[ \t*]{0,8}(?:[A-Za-z]|\Z))|\[(?=\[?[ \t]{0,3}(?:[A-Za-z]|\Z))"
    r"|(?<![\w.$%{/@#⟦-])[A-Z]{2,16}(?=\\?_[1-9]|\\?_?\Z)|(?<![\w.$%{/@#⟦-])[A-Z]\Z"
)
_UNFINISHED: Final = re.compile(
    r"⟦(?:⟦[A-Za-z0-9_\\ \t*-]{0,56}⟧?|[A-Za-z0-9_\\ \t*-]{0,56})\Z"
    r"|\[(?:\Z|\[?[ \t]{0,3}(?:\Z|[A-Za-z]{1,16}(?:\Z|\\?(?:\Z|[_ \t-](?:\Z|[0-9]{1,6}[ \t]{0,3}\]{0,2}\Z)))))"
    r"|[A-Z]{1,16}(?:\Z|\\?(?:\Z|_(?:\Z|[0-9]{1,6}(?:\Z|[\\.]\Z))))"
)
"""An end of a text that may go on to be a stand-in, or to be none."""
_NOT_ALNUM: Final = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The stand-ins of one request and what each stands for. Only memory ever holds one.

    >>> pseudonyms = Pseudonyms({"⟦EMAIL_1⟧": "jane@example.org"})
    >>> pseudonyms.restore("Write to [EMAIL_1], but not to `⟦EMAIL_1⟧`.")
    'Write to jane@example.org, but not to `⟦EMAIL_1⟧`.'
    """

    originals: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Stand-in to original, by first appearance."""

    def restore(self, text: str) -> str:
        """The text with the originals in place of stand-ins, but in code, addresses and images.

        >>> Pseudonyms({"⟦IP_1⟧": "86.231.85.193"}).restore("[log](https://example.org/⟦IP_1⟧) of **⟦ip 1⟧**")
        '[log](https://example.org/⟦IP_1⟧) of **86.231.85.193**'
        """
        restorer = Restorer(self)
        return restorer.feed(text) + restorer.finish()

    def undo(self, text: str) -> str:
        r"""The text with every stand-in put back, in code and addresses too: for what passes the guards once more.

        Never for what is drawn.

        >>> Pseudonyms({"⟦IP_1⟧": "86.231.85.193"}).undo('```json\n{"ip": "⟦IP_1⟧"}\n```').splitlines()[1]
        '{"ip": "86.231.85.193"}'
        """

        def original(found: re.Match[str]) -> str:
            known = self.original_of(*_parts(found)) if found.group().startswith("⟦") else None
            return found.group() if known is None else known

        return STAND_IN.sub(original, self.restore(text)) if self.originals else text

    def original_of(self, kind: str, number: str) -> str | None:
        """What the stand-in of this kind and number stands for, None when it is not one.

        >>> Pseudonyms({"⟦IP_1⟧": "86.231.85.193"}).original_of("ip", "1")
        '86.231.85.193'
        """
        return self.originals.get(stand_in(kind, number))

    def including(self, other: Pseudonyms) -> Pseudonyms:
        """Both maps in one, for a conversation whose requests were numbered one after the other; `self` wins.

        >>> len(Pseudonyms({"⟦IP_1⟧": "a"}).including(Pseudonyms({"⟦IP_1⟧": "b", "⟦IP_2⟧": "c"})).originals)
        2
        """
        return Pseudonyms(MappingProxyType({**other.originals, **self.originals}))


class Restorer:
    """A text on its way, in pieces; what `feed` and `finish` give, joined, does not depend on the pieces.

    Held back: at most the end that may still be a stand-in.

    >>> restorer = Restorer(Pseudonyms({"⟦EMAIL_1⟧": "jane@example.org"}))
    >>> [restorer.feed("Ask ⟦EMA"), restorer.feed("IL_1⟧!"), restorer.finish()]
    ['Ask ', 'jane@example.org!', '']
    """

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._scopes = Scopes()
        self._before = ""
        self._held = ""

    def feed(self, text: str) -> str:
        """What is decided of the text so far."""
        return self._run(text, is_last=False) if self._pseudonyms.originals else text

    def finish(self) -> str:
        """The rest."""
        return self._run("", is_last=True)

    def _run(self, text: str, *, is_last: bool) -> str:
        buffer = self._before + self._held + text
        out: list[str] = []
        at = len(self._before)
        while at < len(buffer):
            candidate = _CANDIDATE.search(buffer, at)
            start = len(buffer) if candidate is None else candidate.start()
            out.append(self._keep(buffer[at:start]))
            at = start
            if candidate is None or (not is_last and _UNFINISHED.match(buffer, at)):
                break
            found = STAND_IN.match(buffer, at)
            original = self._pseudonyms.original_of(*_parts(found)) if found else None
            if found is None or original is None or not self._scopes.is_prose(buffer[at]):
                out.append(self._keep(candidate.group()))
                at = candidate.end()
            else:
                # What stands for a value is a word to what surrounds it, whatever the value looks like.
                self._scopes.read("⟧")
                out.append(original)
                at = found.end()
        self._held = buffer[at:]
        self._before = buffer[max(0, at - 1) : at]
        return "".join(out)

    def _keep(self, text: str) -> str:
        self._scopes.read(text)
        return text


class Numbering:
    """Stand-ins as they are given, one value after another.

    >>> numbering = Numbering()
    >>> numbering.reserve("as ⟦EMAIL_1⟧ said")
    >>> numbering.stand_in_for("EMAIL", "jane@example.org"), numbering.stand_in_for("EMAIL", "Jane@Example.org")
    ('⟦EMAIL_2⟧', '⟦EMAIL_2⟧')
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._originals: dict[str, str] = {}
        self._reserved: set[str] = set()
        self._last: dict[str, int] = {}

    def copy(self) -> Numbering:
        """The same, to be gone on with apart from this one.

        >>> first = Numbering()
        >>> second = first.copy()
        >>> second.stand_in_for("IP", "86.231.85.193"), len(first.pseudonyms().originals)
        ('⟦IP_1⟧', 0)
        """
        other = Numbering()
        vars(other).update({name: held.copy() for name, held in vars(self).items()})
        return other

    def reserve(self, text: str) -> None:
        """Keeps the numbers that the text uses from being given to values that come later."""
        self._reserved.update(stand_ins(text))

    def stand_in_for(self, kind: str, value: str) -> str:
        """The stand-in of a value: the one it has, or the next number of its kind."""
        key = (kind, _same(kind, value))
        known = self._given.get(key)
        if known is not None:
            return known
        number = self._last.get(kind, 0) + 1
        while (given := stand_in(kind, str(number))) in self._reserved:
            number += 1
        self._last[kind] = number
        self._given[key] = given
        self._originals[given] = value
        return given

    def pseudonyms(self) -> Pseudonyms:
        """The map as it is now."""
        return Pseudonyms(MappingProxyType(dict(self._originals)))


def stand_in(kind: str, number: str) -> str:
    """What stands for the value of this kind and number.

    >>> stand_in("email", "1")
    '⟦EMAIL_1⟧'
    """
    return f"⟦{kind.upper()}_{number}⟧"


def stand_ins(text: str) -> Iterator[str]:
    """The stand-ins that a text holds, in any of the ways in which they may be written.

    >>> list(stand_ins("[EMAIL_1] and ⟦ ip 2 ⟧"))
    ['⟦EMAIL_1⟧', '⟦IP_2⟧']
    """
    if "⟦" not in text and "_" not in text and "[" not in text:
        return
    at = 0
    while (candidate := _CANDIDATE.search(text, at)) is not None:
        found = STAND_IN.match(text, candidate.start())
        if found:
            yield stand_in(*_parts(found))
        at = candidate.end() if found is None else max(found.end(), candidate.end())


def in_ascii(text: str) -> str:
    """The text with blanks, hyphens, digits and wide signs as the ASCII ones, so that every place stays where it is.

    Numbers that are copied from a page are held together by blanks and hyphens that do not break.

    >>> in_ascii("4111\N{NO-BREAK SPACE}1111"), in_ascii("\N{FULLWIDTH DIGIT ONE}\N{ARABIC-INDIC DIGIT TWO}")
    ('4111 1111', '12')
    """
    return text if text.isascii() else text.translate(_SIGNS)


class _Signs(dict[int, str]):
    """Each character as its ASCII one, or as it is; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kind = unicodedata.category(char)
        if char in "\u2010\u2011":
            plain = "-"
        elif kind in ("Nd", "Zs"):
            plain = " " if kind == "Zs" else str(unicodedata.decimal(char))
        else:
            plain = unicodedata.normalize("NFKC", char) if "\uff01" <= char <= "\uff5e" else char
        self[code] = plain
        return plain


_SIGNS: Final = _Signs()


def _parts(found: re.Match[str]) -> tuple[str, str]:
    kind, number = (part for part in found.groups() if part is not None)
    return kind, number


def _same(kind: str, value: str) -> str:
    """What is equal for two spellings of one value."""
    value = in_ascii(value)
    if kind == "PHONE":
        digits = re.sub(r"[^0-9x]", "", value.lower().replace("ext", "x"))
        return digits.removeprefix("00") if value.startswith(("+", "00")) else digits
    if kind in ("CARD", "IBAN", "SSN", "MAC"):
        return _NOT_ALNUM.sub("", value).upper()
    return " ".join(value.split()).casefold()
