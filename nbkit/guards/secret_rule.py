"""What one rule for a format of secrets says."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Group: TypeAlias = Literal["llm", "cloud", "other", "generic"]
Look: TypeAlias = Literal["token", "random", "exact", "password", "address", "assigned", "sent", "told"]

UUID: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
LOOKBACK_CHARS: Final = 320
"""No rule looks further back from where its value begins."""
LEFT: Final = r"(?:(?<![A-Za-z0-9\]])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
LEFT_OF_LONG: Final = r"(?:(?<![\w.+/\-])|(?<=\\[nrt]))"
"""For patterns so long that they must not be tried twice within one run."""
# What was redacted on either side of a token must not make a token of what was none before.
_RIGHT: Final = r"(?![A-Za-z0-9_]|\[secret)"
_EQUALS: Final = (
    r"(?:\\?[\"'`]?\]?\s{0,4}(?:::?=|\?=|=>|==?|:)[ \t]{0,4}(?:\\?[\"'`])?"
    r"|\\?[\"'`]\s{0,4},\s{0,4}\\?[\"'`])"
)
# With the vendor's name before it, an argument of a call is enough.
_GIVEN: Final = (
    r"(?:\\?[\"'`]?\]?\s{0,4}(?:::?=|\?=|=>|==?|:|,)[ \t]{0,4}(?:\\?[\"'`])?"
    r"|\(\s{0,4}(?:\w{1,24}\s{0,2}=\s{0,2})?\\?[\"'])"
)
_SAID_WORDS: Final = ("key", "token", "secret", "pass", "pwd", "auth", "login", "client", "credential", "access")
_SAID_CHARS: Final = 64
"""More than a vendor's name, what may stand behind it, and the longest such word have together."""
_NAMED: Final = (
    # The first look costs little and nearly always says no.
    r"(?=[\w.\- ]{0,32}+[\\\"'`\]\s:=,?(])"
    rf"(?=[\w.\- ]{{0,32}}?(?i:{'|'.join(_SAID_WORDS)}))[\w.\- ]{{0,32}}+"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One format: where to look, and what has to be there.

    >>> Rule("groq-key", "llm", ("gsk_",), r"gsk_[A-Za-z0-9]{40,64}+").compiled.match("gsk_" + "aB3d" * 13) is not None
    True
    """

    kind: str
    """What the reader is shown."""
    group: Group
    keywords: tuple[str, ...]
    """Only where one of these is does the rule look; lower case, in any case of the text, if there is a `context`."""
    value: str
    """Pattern of the secret: printable ASCII without quotes and angle brackets, of at most `longest` characters."""
    min_entropy: float = 2.5
    """Bits per character, after the keyword of a token."""
    context: str = ""
    """Pattern from the keyword to where the secret begins; without it the keyword is a part of the secret."""
    offsets: tuple[int, ...] = (0,)
    """How far before the keyword the secret may begin."""
    longest: int = 320
    look: Look = "token"
    """`exact` formats are believed as they are. Others must not look like a stand-in, `random` ones not like words."""
    left: str = LEFT
    right: str = _RIGHT
    is_named: bool = False
    """Whether a word such as `key` has to be close behind the keyword."""

    @property
    def compiled(self) -> re.Pattern[str]:
        """The whole as one pattern, to be matched where the keyword is; the last group is the secret."""
        return _compiled(self.context or self.left, self.value, self.right)

    @property
    def closing(self) -> re.Pattern[str]:
        """The secret alone, to be matched where the context ends."""
        return _compiled("", self.value, self.right)

    @property
    def opening(self) -> re.Pattern[str] | None:
        """The context alone; None for a rule without one."""
        return _opening(self.context) if self.context else None

    def opened(self, text: str, at: int) -> re.Match[str] | None:
        """The context at `at`, where it is there."""
        # A search for a word costs less than the context, and nearly always says no.
        if self.is_named and _said().search(text[at : at + _SAID_CHARS].lower()) is None:
            return None
        return _opening(self.context).match(text, at)


def named(kind: str, group: Group, names: tuple[str, ...], value: str, *, min_entropy: float = 3.0) -> Rule:
    """A rule for secrets that have no mark of their own: assigned to a key or token with the vendor's name in it.

    >>> rule = named("deepgram-key", "llm", ("deepgram",), "[0-9a-f]{40}")
    >>> rule.compiled.match('DEEPGRAM_API_KEY="' + "0123456789" * 4).group(1)[:4]
    '0123'
    """
    return Rule(kind, group, names, value, min_entropy, f"(?i:{'|'.join(names)}){_NAMED}{_GIVEN}", is_named=True)


def assigned(kind: str, keywords: tuple[str, ...], value: str, *, look: Look) -> Rule:
    """A rule for whatever is assigned to a name with one of the keywords in it.

    >>> rule = assigned("password", ("password",), "[a-z0-9]{8,64}+", look="password")
    >>> rule.compiled.match("password = hunter22").group(1)
    'hunter22'
    """
    context = f"(?i:{'|'.join(keywords)})[\\w.\\-]{{0,32}}+{_EQUALS}"
    return Rule(kind, "generic", keywords, value, 0.0, context, look=look)


@functools.cache
def _compiled(before: str, value: str, right: str) -> re.Pattern[str]:
    # Atomic: where the secret begins must not depend on what follows, or a stream would have to wait for that too.
    return re.compile(f"(?>{before})({value}){right}", re.ASCII)


@functools.cache
def _opening(context: str) -> re.Pattern[str]:
    return re.compile(f"(?>{context})", re.ASCII)


@functools.cache
def _said() -> re.Pattern[str]:
    return re.compile("|".join(_SAID_WORDS))
