"""How much of a right answer a text says: the measures of SQuAD and ROUGE-L, on two texts.

Exact match and F1 are those of the official SQuAD script, version 2: lower case, without ASCII punctuation and the
words a, an and the, tokens between white space. ROUGE-L is that of the package `rouge-score` without a stemmer: tokens
are runs of a-z and 0-9 in lower case, whatever else there is only parts them. Both are made for English: text without
blanks is one token to F1, and a script that is not Latin has no token for ROUGE-L.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Final

_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_NO_MARKS: Final = str.maketrans("", "", string.punctuation)
_NO_TOKEN: Final = re.compile(r"[^a-z0-9]+")
_PARTING: Final = re.compile(r"(?<!\d)[^\w\s.'-]|[^\w\s.'-](?!\d)")
"""Marks that may stand between two words, and not those within a number."""
_UNPARTED: Final = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts whose words stand side by side, or have endings that belong to no word."""


def normalised(text: str) -> str:
    """The text as SQuAD compares it.

    >>> normalised("The  U.S.A., in a word")
    'usa in word'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_MARKS)).split())


def is_same(text: str, right: str) -> bool:
    """Whether both are the same answer by SQuAD's rule.

    >>> is_same("the 9th of May.", "9th of May")
    True
    """
    return normalised(text) == normalised(right)


def token_f1(text: str, right: str) -> float:
    """Harmonic mean of how many tokens of the text are right, and how many of the right ones it has; 0 to 1.

    Where one of both has no token it is 1 if the other has none either, else 0, as in version 2 of the script.

    >>> round(token_f1("on the 9th of May", "9th May"), 4)
    0.6667
    """
    ours, theirs = normalised(text).split(), normalised(right).split()
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return _f_measure(shared, len(ours), len(theirs))


def rouge_tokens(text: str) -> list[str]:
    """The tokens of ROUGE-L.

    >>> rouge_tokens("Don't: 9-17h")
    ['don', 't', '9', '17h']
    """
    return _NO_TOKEN.sub(" ", text.lower()).split()


def rouge_l(text: str, right: str) -> float:
    """F measure of the longest common subsequence of tokens; 0 to 1, 0 where one of both has no token.

    Source: Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries"; equal to `rougeL` of `rouge-score`.

    >>> round(rouge_l("the fan needs thirty watts", "the K200 fan needs 30 watts"), 4)
    0.7273
    """
    ours, theirs = rouge_tokens(text), rouge_tokens(right)
    return _f_measure(common_length(ours, theirs), len(ours), len(theirs)) if ours and theirs else 0.0


def common_length(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Length of the longest common subsequence.

    By bits of one whole number, a row of the usual table at a time, so that long answers take little time (Hyyrö 2004,
    "Bit-parallel LCS-length computation revisited").

    >>> common_length("abcbdab", "bdcaba")
    4
    """
    places: dict[str, int] = {}
    for at, token in enumerate(ours):
        places[token] = places.get(token, 0) | 1 << at
    every = (1 << len(ours)) - 1
    row = every
    for token in theirs:
        hits = row & places.get(token, 0)
        row = ((row + hits) | (row - hits)) & every
    return len(ours) - row.bit_count()


def says(text: str, wanted: str) -> bool:
    """Whether the text has the wanted words, as whole words one after the other, as SQuAD compares words.

    What is the same by SQuAD's rule is contained. A hyphen joins words, and so does a mark between digits: 1,500 is
    1500 and has no 500. Other marks may also part them. In scripts without blanks between words, anywhere.

    >>> says("It needs 1,500 W.", "the 1500 w"), says("It needs 130 W.", "30 W"), says("fifty-five", "five")
    (True, False, False)
    """
    if not normalised(wanted):
        return _has(" ".join(text.casefold().split()), " ".join(wanted.casefold().split()))
    ours, theirs = text.casefold(), wanted.casefold()
    return is_same(text, wanted) or any(
        _has(normalised(form(ours)), normalised(form(theirs))) for form in (str, lambda one: _PARTING.sub(" ", one))
    )


def _has(text: str, words: str) -> bool:
    if not words:
        return False
    begin, end = ("" if _UNPARTED.match(char) or not _is_word(char) else edge for char, edge in _edges(words))
    return re.search(f"{begin}{re.escape(words)}{end}", text) is not None


def _edges(words: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (words[0], r"(?<!\w)"), (words[-1], r"(?!\w)")


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _f_measure(shared: int, ours: int, theirs: int) -> float:
    # In the order of the script's own steps, so that the last bit is the same.
    precision, recall = shared / ours, shared / theirs
    return 2 * precision * recall / (precision + recall) if shared else 0.0
