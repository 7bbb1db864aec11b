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
from typing import Final

from nbkit.guards.controls import CONTROL, CONTROLS

WORDS: Final = 12
"""So many words in a row are no accident."""
_MOST_BETWEEN_CHARS: Final = 40
_MOST_HIDDEN_CHARS: Final = 64
_MOST_KEYS: Final = 4096
"""Of one answer, so many words are not looked at twice."""
_SIGNS: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
"""Of scripts without blanks each sign counts as a word."""
_WORD: Final = re.compile(rf"[{_SIGNS}]|(?![{_SIGNS}])\w(?:(?![{_SIGNS}])[\w{CONTROL}])*")
_REST_OF_WORD: Final = re.compile(rf"(?:(?![{_SIGNS}])[\w{CONTROL}])*")
_SIGN: Final = re.compile(rf"[{_SIGNS}]")


class Known:
    """The runs of words of a prompt.

    >>> told = Known("one two three four five six seven eight nine ten eleven twelve")
    >>> ("one", "two") in told.pairs, told.may_be("elev"), told.may_be("two")
    (True, True, True)
    """

    def __init__(self, prompt: str, *, others: Callable[[], Iterable[str]] = lambda: ()) -> None:
        words = _words(prompt)
        self._runs = set(_runs(words)) if len(words) >= WORDS else set()
        self.pairs = frozenset(pairwise(words)) if self._runs else frozenset()
        """Words of the prompt, each with the one right behind it."""
        self.words = frozenset(words) if self._runs else frozenset()
        self._sorted = sorted(self.words)
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
        # Asked once: what is known may turn out to be said by the user too, while some of the answer is held.
        self._has_runs = bool(known)
        self._label = label
        self._held = ""
        self._base = 0
        """Where in all that was fed the first character stands that is held."""
        self._read_to = 0
        """Of what is held, where the last word ends that was read; this and the next two count from its beginning."""
        self._shown_to = 0
        self._free_to = 0
        """Up to where it may be shown."""
        self._starts: deque[int] = deque()
        """Where the words begin, in all that was fed, that may be the first of a run."""
        self._run: deque[str] = deque(maxlen=WORDS)
        self._keys: dict[str, str] = {}
        self._is_open = False
        self._is_in_word = False
        self._out: list[str] = []
        self._is_ended = False
        self._last = ""
        self.spans: list[tuple[int, int]] = []
        """Places of what was found, in all that was fed."""

    def feed(self, text: str) -> str:
        """What may be shown now."""
        if not self._has_runs:
            return text
        if self._is_in_word:
            match = _REST_OF_WORD.match(text)
            end = match.end() if match else 0
            self._is_in_word = end == len(text)
            self._out.append(text[:end])
            self._base += end
            text = text[end:]
        self._held += text
        self._release(self._read(is_last=False))
        return self._shown()

    def finish(self) -> str:
        """What was held back."""
        self._read(is_last=True)
        self._break()
        self._free_to = len(self._held)
        return self._shown()

    def _read(self, *, is_last: bool) -> int:
        """Reads whole words; gives the place where one begins that may go on, else the end."""
        held, run, pairs, words, keys = self._held, self._run, self._known.pairs, self._known.words, self._keys
        at, size = self._read_to, len(self._held)
        for match in _WORD.finditer(held, at):
            start, end = match.span()
            if end == size and not is_last and _SIGN.match(held, start) is None:
                size = start
                break
            word = held[start:end]
            key = keys.get(word)
            if key is None:
                key = self._key_of(word)
            if run and (start - at > _MOST_BETWEEN_CHARS or (run[-1], key) not in pairs):
                self._break()
                self._free_to = at
            if run:
                self._go_on(key, start, end)
            elif key in words:
                run.append(key)
                self._starts.append(self._base + start)
                self._free_to = start
            else:
                self._free_to = end
            at = end
        self._read_to = at
        return size

    def _key_of(self, word: str) -> str:
        key = _key(word) if len(word) <= self._known.longest_chars else ""
        if len(self._keys) < _MOST_KEYS:
            self._keys[word] = key
        return key

    def _go_on(self, key: str, start: int, end: int) -> None:
        """Takes a word that the prompt has right behind the one before."""
        run, starts = self._run, self._starts
        run.append(key)
        if len(run) == WORDS and self._known.is_run(tuple(run)):
            self._found(end)
            return
        if not starts and not self._is_open:
            self._free_to = start
        self._is_open = False
        starts.append(self._base + start)
        if len(starts) == WORDS:
            starts.popleft()
            self._free_to = starts[0] - self._base

    def _found(self, end: int) -> None:
        starts = self._starts
        if len(starts) == WORDS - 1:
            self._out.append(self._held[self._shown_to : starts[0] - self._base])
            self._replace()
            self.spans.append((starts[0], self._base + end))
        else:
            # The first words of this run were the last of the one before: it goes on.
            self.spans[-1] = (self.spans[-1][0], self._base + end)
        starts.clear()
        self._is_open = True
        self._shown_to = self._free_to = end

    def _replace(self) -> None:
        if self._label is not None:
            self._out.append(self._label)
        elif not self._is_ended:
            self._last, self._is_ended = "".join(self._out), True

    def _release(self, end: int) -> None:
        """Lets go of what stands behind the last whole word, where it cannot be part of a run."""
        partial = self._held[end:]
        if partial and not self._may_be(partial):
            self._break()
            self._free_to = len(self._held)
            self._is_in_word = True
        elif end - self._read_to > _MOST_BETWEEN_CHARS:
            self._break()
            self._free_to = end
        elif not self._run:
            self._free_to = end

    def _may_be(self, partial: str) -> bool:
        return len(partial) <= self._known.longest_chars and self._known.may_be(_key(partial))

    def _break(self) -> None:
        """What is pending is no run."""
        self._starts.clear()
        self._run.clear()
        self._is_open = False

    def _shown(self) -> str:
        cut = max(self._free_to, self._shown_to)
        self._out.append(self._held[self._shown_to : cut])
        self._held = self._held[cut:]
        self._base += cut
        self._read_to = max(0, self._read_to - cut)
        self._shown_to = self._free_to = 0
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
