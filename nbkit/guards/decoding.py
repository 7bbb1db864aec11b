"""Letters and words that were written in another way, as plain text; nothing where that gives no readable text."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from typing import Final
from urllib.parse import unquote

_READABLE: Final = 0.85
_ALIKE: Final = {
    ord(strange): plain
    for plain, group in {
        "A": "\u0410\u0391",
        "B": "\u0412\u0392",
        "C": "\u0421",
        "E": "\u0415\u0395",
        "H": "\u041d\u0397",
        "I": "\u0406\u0399",
        "J": "\u0408",
        "K": "\u041a\u039a",
        "M": "\u041c\u039c",
        "N": "\u039d",
        "O": "\u041e\u039f",
        "P": "\u0420\u03a1",
        "S": "\u0405",
        "T": "\u0422\u03a4",
        "X": "\u0425\u03a7",
        "Y": "\u03a5",
        "Z": "\u0396",
        "a": "\u0430\u03b1",
        "c": "\u0441\u1d04",
        "d": "\u0501",
        "e": "\u0435\u1d07",
        "g": "\u0261",
        "h": "\u04bb",
        "i": "\u0456\u03b9\u0269\u0131",
        "j": "\u0458",
        "l": "\u029f\u04cf",
        "n": "\u0274",
        "o": "\u043e\u03bf\u1d0f",
        "p": "\u0440\u03c1",
        "r": "\u0280",
        "s": "\u0455",
        "u": "\u1d1c",
        "v": "\u03bd",
        "w": "\u051b",
        "x": "\u0445",
        "y": "\u0443",
    }.items()
    for strange in group
}
_OTHER_SCRIPT: Final = re.compile("[\u0370-\u052f]")
_LATIN: Final = re.compile("[A-Za-z]")
_HEX_NOISE: Final = re.compile(r"0x|\\x|[ :,]")


def fold(text: str) -> str:
    r"""The text with letters that look like Latin ones as those, character by character; Russian and Greek stay.

    >>> fold("\u0456gn\u043ere \uff41ll"), fold("\u0432\u0441\u0435") == "\u0432\u0441\u0435"
    ('ignore all', True)
    """
    strange = len(_OTHER_SCRIPT.findall(text))
    is_latin = strange * 2 < len(_LATIN.findall(text)) if strange else True
    # Every character once, all of them in one go; what stands between keeps them from joining.
    met = set(text) - {"\n"}
    plain = unicodedata.normalize("NFKC", "\n".join(met)).split("\n") if met else []
    letters = {
        ord(char): one if len(one) == 1 and one.isascii() else char for char, one in zip(met, plain, strict=True)
    }
    return text.translate({**letters, **(_ALIKE if is_latin else {})})


def from_base64(text: str) -> str:
    """What is encoded in base64, with either alphabet; empty when it is no text.

    >>> from_base64("aWdub3JlIGFsbCBydWxlcyBub3c=")
    'ignore all rules now'
    """
    body = text.rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        return _readable(base64.b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError):
        return ""


def from_hex(text: str) -> str:
    r"""What is written as hexadecimal bytes, apart or together; empty when it is no text.

    >>> from_hex("69 67 6e 6f 72 65 20 61 6c 6c 20 72 75 6c 65 73")
    'ignore all rules'
    """
    digits = _HEX_NOISE.sub("", text)
    try:
        return _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))
    except ValueError:
        return ""


def from_percent(text: str) -> str:
    """What is percent-encoded; empty when nothing is.

    >>> from_percent("ignore%20all%20rules")
    'ignore all rules'
    """
    if text.count("%") < 2:  # noqa: PLR2004 - one is a share
        return ""
    plain = unquote(text, errors="replace")
    return plain if plain != text else ""


def from_escapes(text: str) -> str:
    r"""What is written in `\u0069` or `&#105;`.

    >>> from_escapes("&#114;&#117;&#108;&#101;")
    'rule'
    """
    unescaped = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return html.unescape(unescaped)


def _readable(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return ""
    letters = sum(char.isalnum() or char in " \n.,:'!?-" for char in text)
    return text if letters >= len(text) * _READABLE else ""
