"""Token counts where no provider has counted: estimates, to be drawn with `~`."""

from __future__ import annotations

import re

_LETTER = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SPACE = b" \t\r\n"
_DIGIT = b"0123456789"
# Scripts whose characters are about a token each: Kana, CJK, Hangul, emoji. Others beyond ASCII take half of one.
_WHOLE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]+")


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, for the byte-pair vocabularies of current models; 0 only for empty text.

    Letters count 1 for each 4.7, digits 1 for each 2, punctuation 1 for each 1.3, ideographs and emoji 1 each, other
    scripts 1 for each 2; a space belongs to the word after it and longer white space is run together.

    >>> estimate_tokens("The quick brown fox jumps over the lazy dog.")
    9
    """
    if not text:
        return 0
    ascii_text = text.encode("ascii", "ignore")
    beyond = len(text) - len(ascii_text)
    letters = len(ascii_text) - len(ascii_text.translate(None, _LETTER))
    digits = len(ascii_text) - len(ascii_text.translate(None, _DIGIT))
    space = len(ascii_text) - len(ascii_text.translate(None, _SPACE))
    lines = ascii_text.count(b"\n")
    rest = len(ascii_text) - letters - digits - space
    whole = sum(map(len, _WHOLE.findall(text))) if beyond else 0
    # Each word costs at least one token; words are about as many as spaces.
    words = max(letters / 4.7, min(space - lines, letters / 2))
    count = words + digits / 2 + rest / 1.3 + lines * 0.7 + whole + (beyond - whole) / 2
    return max(1, round(count))
