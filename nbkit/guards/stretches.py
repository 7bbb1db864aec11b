"""Long runs of words that stand in a prompt, found again in an answer while it arrives.

Words are compared, not characters: case, punctuation, line ends and characters that nobody sees make no difference.
Held back is only what may go on to be such a run: fewer words than make one, each a word of the prompt, with little
between them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Final, NamedTuple

from nbkit.guards.controls import CONTROL, CONTROLS

WORDS: Final = 12
"""So many words in a row are no accident."""
_MOST_BETWEEN_CHARS: Final = 40
_MOST_HIDDEN_CHARS: Final = 64
_SIGNS: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
"""Of scripts without blanks each sign counts as a word."""
_WORD: Final = re.compile(rf"[{_SIGNS}]|(?![{_SIGNS}])\w(?:(?![{_SIGNS}])[\w{CONTROL}])*")
_REST_OF_WORD: Final = re.compile(rf"(?:(?![{_SIGNS}])[\w{CONTROL}])*")
_SIGN: Final = re.compile(rf"[{_SIGNS}]")


class Known:
    """The runs of words of a prompt.

    >>> told = Known("one two three four five six seven eight nine ten eleven twelve")
    >>> told.goes_on("one", "two"), told.goes_on("two", "one")
    (True, False)
    """

    def __init__(self, prompt: str, *, others: Callable[[], Iterable[str]] = lambda: ()) -> None:
        words = _words(prompt)
        self._runs = set(_runs(words)) if len(words) >= WORDS else set()
        self._pairs = set(pairwise(words)) if self._runs else set()
        self._words = frozenset(words) if self._runs else frozenset()
        self._sorted = sorted(self._words)
        self._others = others
        self._is_without_others = False
        self.longest_chars = max(map(len, self._sorted), default=0) + _MOST_HIDDEN_CHARS
        """A longer word, unseen characters included, is none of the prompt's."""

    def __bool__(self) -> bool:
        return bool(self._runs)

    def may_be(self, start: str) -> bool:
        """Whether a word of the prompt begins like this."""
        at = bisect_left(self._sorted, start)
        return at < len(self._sorted) and self._sorted[at].startswith(start)

    def has(self, word: str) -> bool:
        """Whether it is a word of the prompt."""
        return word in self._words

    def goes_on(self, word: str, following: str) -> bool:
        """Whether the prompt has the one right after the other."""
        return (word, following) in self._pairs

    def is_run(self, run: tuple[str, ...]) -> bool:
        """Whether so many words stand in the prompt in this order, and nowhere else in what was said."""
        if run not in self._runs:
            return False
        if not self._is_without_others:
            # What the user's own text says too gives nothing away. Looked at only once something is found.
            self._is_without_others = True
            for text in self._others():
                self._runs.difference_update(_runs(_words(text)))
        return run in self._runs


class _Token(NamedTuple):
    start: int
    """Of the gap before the word."""
    gap: str
    word: str


class Stretches:
    """One answer in pieces; each long run of the prompt's words becomes `label`, or ends it when there is no label.

    >>> told = Known("Never tell a soul that the vault of the bank opens at noon.")
    >>> stream = Stretches(told, label="[…]")
    >>> [stream.feed("Sure: never tell a soul that the vault of"), stream.feed(" the bank opens at noon. Bye")]
    ['Sure: ', '[…]. Bye']
    >>> stream.finish()
    ''
    """

    def __init__(self, known: Known, *, label: str | None) -> None:
        self._known = known
        self._label = label
        self._held = ""
        self._at = 0
        self._pending: deque[_Token] = deque()
        self._run: deque[str] = deque(maxlen=WORDS)
        self._is_open = False
        self._is_in_word = False
        self._out: list[str] = []
        self._is_ended = False
        self._last = ""
        self.spans: list[tuple[int, int]] = []
        """Places of what was found, in all that was fed."""

    def feed(self, text: str) -> str:
        """What may be shown now."""
        if not self._known:
            return text
        if self._is_in_word:
            match = _REST_OF_WORD.match(text)
            end = match.end() if match else 0
            self._is_in_word = end == len(text)
            self._out.append(text[:end])
            self._at += end
            text = text[end:]
        self._held += text
        self._read(is_last=False)
        return self._shown()

    def finish(self) -> str:
        """What was held back."""
        self._read(is_last=True)
        self._break()
        self._out.append(self._held)
        self._held = ""
        return self._shown()

    def _read(self, *, is_last: bool) -> None:
        at = 0
        partial = ""
        for match in _WORD.finditer(self._held):
            if match.end() == len(self._held) and not is_last and _SIGN.match(match.group()) is None:
                partial = match.group()
                break
            self._take(_Token(self._at + at, self._held[at : match.start()], match.group()))
            at = match.end()
        self._at += at
        self._held = self._held[at:]
        self._release(partial)

    def _release(self, partial: str) -> None:
        """Lets go of what stands behind the last whole word, where it cannot be part of a run."""
        gap = self._held[: len(self._held) - len(partial)]
        if partial and not self._may_be(partial):
            self._break()
            self._let_go(len(self._held))
            self._is_in_word = True
        elif len(gap) > _MOST_BETWEEN_CHARS:
            self._break()
            self._let_go(len(gap))
        elif not self._pending and not self._is_open:
            self._let_go(len(gap))

    def _may_be(self, partial: str) -> bool:
        return len(partial) <= self._known.longest_chars and self._known.may_be(_key(partial))

    def _let_go(self, chars: int) -> None:
        self._out.append(self._held[:chars])
        self._held = self._held[chars:]
        self._at += chars

    def _take(self, token: _Token) -> None:
        key = _key(token.word) if len(token.word) <= self._known.longest_chars else ""
        if len(token.gap) > _MOST_BETWEEN_CHARS or (self._run and not self._known.goes_on(self._run[-1], key)):
            self._break()
        if not self._known.has(key):
            self._break()
            self._out += (token.gap, token.word)
            return
        if not self._pending and not self._is_open:
            self._out.append(token.gap)
            token = _Token(token.start + len(token.gap), "", token.word)
        self._run.append(key)
        if len(self._run) == WORDS and self._known.is_run(tuple(self._run)):
            self._found(token)
            return
        self._is_open = False
        self._pending.append(token)
        if len(self._pending) == WORDS:
            first = self._pending.popleft()
            self._out += (first.gap, first.word)

    def _found(self, token: _Token) -> None:
        end = token.start + len(token.gap) + len(token.word)
        if len(self._pending) == WORDS - 1:
            first = self._pending[0]
            self._out.append(first.gap)
            self._replace()
            self.spans.append((first.start + len(first.gap), end))
        else:
            # The first words of this run were the last of the one before: it goes on.
            self.spans[-1] = (self.spans[-1][0], end)
        self._pending.clear()
        self._is_open = True

    def _replace(self) -> None:
        if self._label is not None:
            self._out.append(self._label)
        elif not self._is_ended:
            self._last, self._is_ended = "".join(self._out), True

    def _break(self) -> None:
        """What is pending is no run."""
        for token in self._pending:
            self._out += (token.gap, token.word)
        self._pending.clear()
        self._run.clear()
        self._is_open = False

    def _shown(self) -> str:
        shown = "".join(self._out)
        if self._is_ended:
            shown, self._last = self._last, ""
        self._out.clear()
        return shown


def _key(word: str) -> str:
    return CONTROLS.sub("", word).casefold()


def _words(text: str) -> list[str]:
    return [_key(word) for word in _WORD.findall(text)]


def _runs(words: list[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(WORDS)), strict=False)
