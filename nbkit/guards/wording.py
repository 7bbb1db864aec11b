"""The words of a text that say something: without endings, accents and case, and of which kind each is."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from nbkit.guards.number_words import in_digits

Kind: TypeAlias = Literal["word", "name", "number", "count", "negation"]
"""A `count` is a number written as a word."""
NOT: Final = "not"
"""Stem of every negation."""

_IDENTIFIER: Final = (
    r"(?<![^\W_])(?<![$€£])(?!(?:EUR|USD|GBP|CHF|FY|CY)[\d-])"
    r"(?:[^\W\d_\u3040-\u30ff\u3400-\u9fff]{1,8}|[^\W\d_]{1,2}-|[A-Z]{3,6}-)\d+(?:[.-]\d+)*(?:-?[A-Za-z]{1,2})?(?![^\W_])"
)
"""Letters with digits, as P-300, XR-12 or v2.1: a name, and no number."""
_TOKEN: Final = re.compile(_IDENTIFIER + r"|\d+(?:[.,]\d+)*|[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_]+(?:['\u2019]t\b)?")
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ies", "ied", "edly", "ed", "es", "ly", "s", "e", "y")
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"')\]]*\s+|(?<=[\u3002\uff01\uff1f])|\n+")
_ANSWER_NO: Final = re.compile(r"no(?=\s*(?:[,.;:!\u2013\u2014]|$))", re.IGNORECASE)
"""At the beginning, an answer to a question; it negates nothing in its sentence."""
_NEGATIONS: Final = frozenset(
    ("no", "not", "never", "none", "neither", "nor", "without", "cannot", "nobody", "nothing", "nowhere")
)
_COUNTS: Final = {
    word: str(number)
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 2
    )
}
_STOP: Final = frozenset(
    re.findall(
        r"\w+",
        """
        a about above after again all also am an and any are as at be because been before being below between both but
        by can could did do does doing down during each either every few for from further had has have having he her
        here hers him his how however i if in into is it its itself just me may might more most must my now of off on
        once one only or other our ours out over own per same shall she should so some such than that the their theirs
        them then there these they this those through to too under until up upon us very was we were what when where
        which while who whom why will with would you your yours yes sure okay ok certainly thanks hello true false
        correct
        """,
    )
)
_ARTICLES: Final = frozenset(
    re.findall(r"\w+", "der die das ein eine er sie es wir ihr im am le la les un une il elle el los")
)
"""Of other languages; in German and French these are the words that sentences begin with most."""
_CJK: Final = "\u3000"
_LONGEST_WORD: Final = 64


class Token(NamedTuple):
    """One word that says something."""

    stem: str
    """Lower case, without ending and accents; of a number its digits, without thousands separators."""
    kind: Kind

    @property
    def is_identifier(self) -> bool:
        """Whether it names one thing by letters and digits, as P-300 does."""
        return self.kind == "name" and any(map(str.isdigit, self.stem))


def tokens(text: str) -> list[Token]:
    """The words of a text, in order; those without meaning of their own are left out.

    >>> [(token.stem, token.kind) for token in tokens("The fans of Oslo don't need 1,200 W.")]
    [('fan', 'word'), ('oslo', 'name'), ('not', 'negation'), ('need', 'word'), ('1200', 'number')]
    """
    found: list[Token] = []
    text = in_digits(text)
    matches = list(_TOKEN.finditer(text))
    for index, match in enumerate(matches):
        if index == 0 and _ANSWER_NO.match(text, match.start()):
            continue
        token = _token(match.group()[:_LONGEST_WORD])
        if token is None:
            continue
        if token.kind == "name" and not token.is_identifier and _is_first(text, match.start()):
            following = matches[index + 1].group() if index + 1 < len(matches) else ""
            # The first word of a sentence is a name for sure only where the next is one, too.
            if not following[:1].isupper():
                token = Token(token.stem, "word")
        found.append(token)
    return found


def is_function_word(word: str) -> bool:
    """Whether it is a word without meaning of its own, with which a sentence may well begin.

    >>> is_function_word("The"), is_function_word("Berlin")
    (True, False)
    """
    return word.lower() in _STOP or word.lower() in _ARTICLES


def sentences(text: str) -> Iterator[tuple[int, int]]:
    r"""Where each sentence of a text starts and ends, white space left out.

    >>> [("One. Two!\nThree"[start:end]) for start, end in sentences("One. Two!\nThree")]
    ['One.', 'Two!', 'Three']
    """
    start = 0
    for match in [*_SENTENCE.finditer(text), None]:
        end = len(text) if match is None else match.start()
        piece = text[start:end]
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        start = end if match is None else match.end()


@functools.lru_cache(maxsize=4096)
def _token(word: str) -> Token | None:
    if word[0].isdigit():
        return Token(_number(word), "number")
    if any(map(str.isdigit, word)):
        return Token(_folded(word).replace("-", ""), "name")
    folded = _folded(word)
    plain = folded.partition("'")[0]
    if folded in _NEGATIONS or (folded.endswith("'t") and plain.endswith("n")):
        return Token(NOT, "negation")
    if plain in _COUNTS:
        return Token(_COUNTS[plain], "count")
    if plain in _STOP or (len(plain) < 2 and plain < _CJK):  # noqa: PLR2004 - a letter alone is a unit or an initial
        return None
    return Token(_stem(plain), "name" if word[0].isupper() else "word")


def _is_first(text: str, at: int) -> bool:
    before = text[max(0, at - 8) : at].rstrip(" \t\"'(*_>-\u201c\u2018")
    return (not before and at <= 8) or before[-1:] in tuple(".!?:;\n")  # noqa: PLR2004 - as far as was looked back


def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    plain = word.replace("\u2019", "'").casefold()
    return "".join(char for char in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(char))


def _number(text: str) -> str:
    whole = re.sub(r"(?<=\d),(?=\d{3}(?:\D|$))", "", text)
    return re.sub(r"\.00$|(?<=\.\d)0$", "", whole.replace(",", ".").rstrip("."))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # noqa: PLR2004 - what is left has to be a word
            return word[: -len(ending)]
    return word
