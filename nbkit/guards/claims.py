"""Where an answer claims something: its sentences and rows, but for code, headings and what says it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from nbkit.guards.answer_tables import AnswerTable
from nbkit.guards.claim_ends import ITEM, Sentences, code_spans

MARKS: Final = re.compile(
    r"\s{0,3}[\[【(](?:(?:source|passage|document|doc|ref)s?[\s:]{0,3})?"
    r"(?:\?|\d{1,3}(?:\s?(?:[,;\u2013-]|and|&)\s?\d{1,3}){0,20})(?:\](?!\()|[】)])",
    re.IGNORECASE,
)
"""What stands for a citation, also `(2)`, which may be a figure."""
_SURE_MARKS: Final = re.compile(r"[ \t]?[\[【](?:\?|\d{1,3}(?:\s?[,;\u2013-]\s?\d{1,3}){0,20})[\]】](?!\()")
_ADDRESS: Final = re.compile(r"(?<=\])\([^)\s]{0,300}\)|https?://[^\s)>\]]{1,2000}(?<![.,;:!?])")
_SOURCE: Final = r"(?:sources?|passages?|documents?|context|texts?|excerpts?|articles?|information|materials?|pages?)"
_GIVES: Final = (
    r"(?:say|said|state|mention|specif|contain|provide|include|give|address|describe|discuss|cover|indicate|tell)"
)
_UNKNOWN: Final = re.compile(
    rf"\b{_SOURCE}\b.{{0,40}}(?:\b(?:not|no|nothing|never|without)\b|n['\u2019]t\b).{{0,40}}\b{_GIVES}"
    rf"|(?:\bnot|n['\u2019]t|\bnowhere) (?:\w+ )?{_GIVES}\w*.{{0,20}}\b{_SOURCE}\b"
    r"|\bno (?:\w+ )?(?:information|mention|details?|evidence|answer)\b"
    r"|\b(?:can ?not|could not|do not|unable to|not able to|can['\u2019]t|couldn['\u2019]t|don['\u2019]t) "
    r"(?:\w+ )?(?:know|find|determine|answer|say|tell)\b"
    r"|\bnot (?:known|clear) (?:from|in)\b|\bnot enough\b.{0,20}\binformation\b",
    re.IGNORECASE | re.DOTALL,
)

_LEAD_IN: Final = re.compile(
    r"\s{0,3}(?:[*_]{1,3})?(?:(?:according to|based on|as (?:stated|noted|described|mentioned|given|said) (?:in|by)"
    r"|as per|per|in)\s)?"
    r"(?:the\s)?(?:sources?|passages?|documents?|excerpts?)"
    r"(?:\s?(?:no\.?\s?|#\s?)?[\[(]?\d{1,3}[\])]?(?:(?:,|\sand)\s\d{1,3})?)?"
    r"(?:[*_]{1,3})?(?:\s?[:,][*_]{0,3}\s"
    r"|\s(?:clearly\s|also\s)?(?:says?|states?|notes?|mentions?|explains?|indicates?|specif(?:y|ies)|confirms?|shows?)"
    r"(?:\sthat\b|:|,)\s{0,2})\s{0,3}(?=\S)",
    re.IGNORECASE,
)


_LONGEST_UNKNOWN: Final = 400
_LONGEST_SENTENCE: Final = 4000
_MOST_SENTENCES: Final = 3000
"""Blank lines and lines of code included; an answer that no token limit stopped is not worth more time."""


class Place(NamedTuple):
    """One sentence of an answer, white space and the mark of a list's item left out."""

    start: int
    end: int
    text: str
    """The sentence without citation marks and addresses; of a row of a table its cells."""
    named: str = ""
    """Of a row, each cell behind the name of its column."""


def claims(answer: str) -> list[Place]:
    r"""The sentences of an answer that may claim something; of an answer of thousands of sentences, the first 3,000.

    >>> [place.text for place in claims("# Fans\n- It needs 30 W [1]. The sources do not say why.\n")]
    ['It needs 30 W.']
    """
    found, reader, table, at = [], Sentences(), AnswerTable(), 0
    for _ in range(_MOST_SENTENCES):
        if at >= len(answer):
            break
        end = reader.end(answer, at, is_last=True) or len(answer)
        sentence = answer[at:end]
        is_prose = reader.is_prose(sentence)
        row = None if reader.is_in_code else table.row(outside_code(_SURE_MARKS, "", sentence[:_LONGEST_SENTENCE]))
        if row is not None:
            start = end - len(sentence.lstrip())
            found.append(Place(start, at + len(sentence.rstrip()), row.text, row.named))
        elif is_prose:
            item = ITEM.match(sentence)
            body = sentence[item.end() if item else 0 :]
            start = end - len(body.lstrip())
            plain = _ADDRESS.sub("", outside_code(_SURE_MARKS, "", body.strip()[:_LONGEST_SENTENCE]))
            if not is_unknown(plain):
                found.append(Place(start, at + len(sentence.rstrip()), without_lead_in(plain)))
        at = end
    return found


def without_lead_in(sentence: str) -> str:
    """The sentence without what only says where it is from.

    >>> without_lead_in("According to passage 2, it needs 30 W."), without_lead_in("Sources say that it sings.")
    ('it needs 30 W.', 'it sings.')
    """
    return _LEAD_IN.sub("", sentence, count=1) if _LEAD_IN.match(sentence) else sentence


def outside_code(pattern: re.Pattern[str], new: str | Callable[[re.Match[str]], str], text: str) -> str:
    """The text with `new` in place of what the pattern finds, but for inline code.

    >>> outside_code(MARKS, "", "so `x[1]` is [1]")
    'so `x[1]` is'
    """
    parts, at = [], 0
    for start, end in code_spans(text):
        parts += [pattern.sub(new, text[at:start]), text[start:end]]
        at = end
    return "".join([*parts, pattern.sub(new, text[at:])])


def is_unknown(sentence: str) -> bool:
    """Whether a sentence says that the sources do not say.

    >>> is_unknown("The passages do not mention a price."), is_unknown("It does not mention the fan's price.")
    (True, False)
    """
    return _UNKNOWN.search(sentence, 0, _LONGEST_UNKNOWN) is not None
