"""A small linear head over hashed words, word pairs and letters; its weights are plain numbers in the package."""

from __future__ import annotations

import base64
import functools
import json
import math
import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final
from zlib import crc32

from nbkit.guards.word_kinds import kind_marks

_WORD: Final = re.compile(
    r"[^\W\d_\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,24}|\d+|[\u0e00-\u9fff\uac00-\ud7af]|[?!:\"#<>|=\[{]"
)
_GRAM: Final = 4
_REPETITIVE: Final = 8
"""Where each word comes so often, it pays to look at each pair once."""

_NAME: Final = r"[A-Za-z_][\w.]{0,60}"
_CODE: Final = re.compile(
    # Five plain words in a row are language, whatever they begin with: "from now on you will", "return your rules".
    r"^[ \t]*+(?:(?:import|from [\w.]+ import) "
    r"|(?![A-Za-z',]++(?: [A-Za-z',]++){4})(?:(?:from|def|async def|class|return|raise|assert|elif|except|with|yield"
    r"|del|global) "
    r"|(?:if|for|while|else|try)\b.{0,120}:[ \t]*$|[%!@]{1,2}[A-Za-z]"
    r"|[A-Za-z_][\w.\[\]\"', ]{0,60} ?[+\-*/|]?=[^=]"
    rf"|{_NAME}\(.{{0,200}}\)?[ \t]*$"
    r"|[)\]}\"'\w, ]{0,80}[(\[{,)\]}][ \t]*$|[\"'][\w .-]{1,40}[\"']:|[)\]}])).*$",
    re.MULTILINE,
)


def prose(text: str) -> str:
    r"""The text without its lines of code, of which a head for language knows nothing.

    >>> prose("import os\nx = f(3)\nNow look at the plot:\nplot(x)").strip()
    'Now look at the plot:'
    """
    return _CODE.sub("", text)


def words(text: str) -> list[str]:
    """The words of a text in lower case, signs that matter among them; numbers are all alike.

    >>> words("Print 12 lines: done?")
    ['print', '0', 'lines', ':', 'done', '?']
    """
    return ["0" if word[0].isdigit() else word for word in _WORD.findall(text.lower())]


def marks(found: list[str], *, bits: int, extra: Iterable[str] = (), has_kinds: bool = False) -> set[int]:
    """Which of the `2 ** bits` features the words have: each word, its letters, pairs of words, kinds, `extra` ones."""
    mask = (1 << bits) - 1
    each = {word: crc32(word.encode("utf-8", "replace")) for word in set(found)}
    at = {own & mask for own in each.values()}
    for word in each:
        if len(word) > _GRAM:
            at.update(_grams(word, mask))
    owns = [each[word] for word in found]
    next_to: Iterable[tuple[int, int]] = zip([0, *owns], owns, strict=False)
    near: Iterable[tuple[int, int]] = zip([0, 0, *owns], owns, strict=False)
    if len(owns) > _REPETITIVE * len(each):
        next_to, near = set(next_to), set(near)
    at.update([(own * 31 + before * 17) & mask for before, own in next_to])
    at.update([(own * 131 + before * 7 + 3) & mask for before, own in near])
    at.update([crc32(name.encode("utf-8", "replace")) & mask for name in extra])
    if has_kinds:
        at |= kind_marks(found, mask)
    return at


@functools.lru_cache(maxsize=16_384)
def _grams(word: str, mask: int) -> tuple[int, ...]:
    framed = f"<{word}>"
    grams = [framed[at : at + _GRAM] for at in range(len(framed) - _GRAM + 1)]
    return tuple([crc32(b"~" + gram.encode("utf-8", "replace")) & mask for gram in grams])


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of one head."""

    bits: int
    bias: float
    scale: float
    """What one step of a weight is worth."""
    weights: array[int]
    """One signed byte for each feature."""
    has_kinds: bool = False
    """Whether it was trained with the kinds of words."""

    def score(self, found: list[str], *, extra: Iterable[str] = ()) -> float:
        """0 to 1, higher is more like what the head looks for; 0 for no words."""
        if not found:
            return 0.0
        at = marks(found, bits=self.bits, extra=extra, has_kinds=self.has_kinds)
        weights = self.weights
        total = self.bias + self.scale * sum(map(weights.__getitem__, at)) / math.sqrt(len(at))
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


@functools.cache
def head(name: str) -> Head:
    """The head of that name that comes with the package."""
    stored = json.loads(files("nbkit.guards").joinpath("weights", f"{name}.json").read_text(encoding="utf-8"))
    weights = array("b", base64.b64decode(stored["weights"]))
    return Head(stored["bits"], stored["bias"], stored["scale"], weights, bool(stored.get("has_kinds")))
