"""Whether an answer gives none: it is refused, or says that nobody knows, or that the sources do not have it."""

from __future__ import annotations

import re
from typing import Final

from nbkit.guards.labels import is_refusal
from nbkit.rag.prompt import NOT_FOUND

_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+")
_UNKNOWING: Final = re.compile(
    r"(?:(?:i(?:'m| am) )?sorry,? (?:but )?|unfortunately,? )?(?:"
    r"i (?:really |honestly )?(?:do not|don't) "
    r"(?:know|have (?:any |enough |that |this |the |an? )?(?:information|answer))"
    r"|i(?:'m| am) not sure|i have no (?:idea|information)|i cannot know|nobody knows"
    r"|(?:the answer is |that is |it is )?(?:unknown|not known)[.!]?$)"
)
_GOES_ON: Final = re.compile(r"\b(?:but|however|though|although)\b")
"""Who is not sure, but thinks so, has answered."""


def is_declined(text: str) -> bool:
    """Whether a question was left without an answer, in words or refused.

    >>> is_declined("I do not know."), is_declined("I'm not sure, but I think it is Paris.")
    (True, False)
    >>> is_declined("The sources do not say."), is_declined("30 W. The sources do not say why.")
    (True, False)
    """
    return is_refusal(text) or _says_nothing(text) or _does_not_know(text)


def _says_nothing(text: str) -> bool:
    """Whether it begins by saying that the sources do not have it, or says that in each of its sentences."""
    said, nothing = text.strip().casefold(), NOT_FOUND.rstrip(".").casefold()
    return said.startswith(nothing + ".") or (bool(said) and all(nothing in one for one in _SENTENCES.split(said)))


def _does_not_know(text: str) -> bool:
    said = text.strip(" \t\r\n*_#>\"'").replace("\u2019", "'").casefold()
    first = _SENTENCES.split(said, maxsplit=1)[0]
    found = _UNKNOWING.match(first)
    return found is not None and not _GOES_ON.search(first, found.end())
