"""Whether a sentence says of one thing what its source says of another, or turns round who did what to whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from difflib import SequenceMatcher
from typing import Final

from nbkit.guards.said import Said
from nbkit.guards.wording import Token

_FROM_TO: Final = re.compile(r"\bfrom [$€£]?(\d[\d.,]{0,15}) (?:\w{1,20} )?to [$€£]?(\d[\d.,]{0,15}\d|\d)")
_BY: Final = re.compile(r"\bby (?:the )?([^\W\d_]{2,30})")
_OTHER_SIDE: Final = r"\b(?:from|to|for|with|against|after) (?:the )?(?:[^\W\d_]{2,30} )?"
_MOST_WORDS: Final = 40
_MOST_CHANGED: Final = 3
_BEGINNING: Final = 3
_LEAST_KEPT: Final = 0.5
"""Share of a sentence's words that its source has in the same order, at least, for the rest to stand for another."""


def head_of_another(answer: Said, source: Said, before: AbstractSet[str]) -> frozenset[str]:
    """The words with which the answer begins where the source begins with others and goes on alike; empty where not.

    `before` holds words of which the source may speak without naming them: of its heading, and of what it follows.

    >>> from nbkit.guards.said import said
    >>> one, two = said("Helmets are sent by freight for 49 EUR."), said("Bicycles are sent by freight for 49 EUR.")
    >>> sorted(head_of_another(one, two, set()))
    ['helmet']
    """
    if source.cells:
        return frozenset()
    ours, theirs = ([one.stem for one in said.tokens if one.kind != "negation"] for said in (answer, source))
    ours, theirs = ours[:_MOST_WORDS], theirs[:_MOST_WORDS]
    blocks = [one for one in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks() if one.size]
    if not blocks or not 0 < blocks[0].a <= _MOST_CHANGED or not 0 < blocks[0].b <= _MOST_CHANGED:
        return frozenset()
    first = blocks[0]
    said, instead = frozenset(ours[: first.a]), frozenset(theirs[: first.b])
    kept = sum(one.size for one in blocks)
    if kept < _LEAST_KEPT * len(ours) or said & (source.words | before) or instead & answer.words:
        return frozenset()
    return frozenset() if said & answer.numbers or instead & source.numbers else said


def is_name_for_another(name: str, answer: Said, source: Said) -> bool:
    """Whether the name stands where the source has another.

    >>> from nbkit.guards.said import said
    >>> is_name_for_another("petra", said("Write to Petra Voss."), said("Write to Timo Brandt at the desk."))
    True
    """
    ours, theirs = ([one for one in said.tokens if one.kind != "negation"][:_MOST_WORDS] for said in (answer, source))
    match = SequenceMatcher(None, [one.stem for one in ours], [one.stem for one in theirs], autojunk=False)
    for kind, first, end, start, last in match.get_opcodes():
        said = [one for one in ours[first:end] if one.stem not in source.words]
        instead = [one for one in theirs[start:last] if one.stem not in answer.words][: len(said)]
        if kind == "replace" and name in {one.stem for one in said}:
            # Tim is Timothy, and Det. a detective.
            is_short = {one.stem[:_BEGINNING] for one in said} & {one.stem[:_BEGINNING] for one in instead}
            is_alike = len(said) <= _MOST_CHANGED and all(one.kind == "name" for one in (*said, *instead))
            return bool(instead) and is_alike and not is_short
    return False


def is_reversed(answer: Said, source: Said) -> bool:
    """Whether "from 3 to 5" became "from 5 to 3"."""
    ours, theirs = (_FROM_TO.search(said.text) for said in (answer, source))
    return ours is not None and theirs is not None and ours.groups() == theirs.groups()[::-1] and ours[1] != ours[2]


def is_turned(answer: Said, source: Said) -> bool:
    """Whether two names have changed places around the same words.

    >>> from nbkit.guards.said import said
    >>> source = said("Then Petra takes over from Timo.")
    >>> is_turned(said("Then it is taken over by Timo from Petra."), source)
    True
    """
    if source.cells:
        return False
    if (" by " in answer.text) != (" by " in source.text):
        return _is_done_by_another(answer, source)
    ours, theirs = ([one.stem for one in said.tokens] for said in (answer, source))
    names = [one.stem for one in answer.tokens if one.kind == "name" and one.stem in source.words]
    if len(set(names)) < 2:  # noqa: PLR2004
        return False
    first, last = names[0], names[-1]
    if first == last or theirs.index(first) < theirs.index(last):
        return False
    between = set(ours[ours.index(first) + 1 : ours.index(last)])
    return bool(between & set(theirs[theirs.index(last) + 1 : theirs.index(first)]) - set(names))


def _is_done_by_another(answer: Said, source: Said) -> bool:
    """Whether who does it in a passive sentence stands on the other side in the active one."""
    passive, active = (answer, source) if " by " in answer.text else (source, answer)
    found = _BY.search(passive.text)
    if found is None or len(active.names) < 2 or not found[1][0].isupper():  # noqa: PLR2004
        return False
    return re.search(_OTHER_SIDE + re.escape(found[1]) + r"\b", active.text) is not None


def run_of(name: str, tokens: Sequence[Token]) -> set[str]:
    """The name with the names that stand beside it."""
    found: set[str] = set()
    for one in (*tokens, Token("", "word")):
        if one.kind == "name":
            found.add(one.stem)
        elif name in found:
            return found
        else:
            found = set()
    return {name}
