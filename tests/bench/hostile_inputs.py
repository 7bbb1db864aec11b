"""Long texts of what patterns may stumble over, the same in every run: repeats, alternations, nests, runs."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

from nbkit.guards.injection_patterns import PATTERNS
from nbkit.guards.secret_formats import keywords

LONG_CHARS = 100_000
UNITS = (
    "a", " ", "\n", "-", "1", "1 ", "a@", "@a.", "(", "[", "![", "](", "<a ", "```\n", "sk-", "AKIA", "eyJ", "+1 ",
    "::", "1.1.1.", "word ", "a ", "ignore ", "you are ", "=a", "%61", "\\u0061", "aGVsbG8", "\u202e", "⟦EMAIL_1⟧ ",
    "http://a", "password = ", "\t\u2028", "a: b\n", "| a ", "> ", "$$", "DE89 3704 0044 0532 0130 00 ",
)  # fmt: skip
"""The first set, by which earlier figures were measured."""
_MARKS = (
    "`", "``", "```", "~~~", "`a`", "`` ` ``", "[a]", "[a](", "[a](b)", "[a][b]", "![a](", "[a]: ", "[]:\n",
    "]:", "]: a\n",
    "](#a)", "](http://a", "](https://a.b/c) ", "![](", "[![](", "<", "</", "<!--", "<!-- a -->", "<a>", "<a\n", "< ",
    "<img src=", "&lt;", "&#105;", "&#x69;", "&amp;", "&", "://", "a://", "http://", "https://a.b/", "www.",
    "www.a ", "w",
    "ww", "\\", "\\\\", "\\(", "\\[", "\\begin{a}", "\\href{", "\\a", "$", "$a$", "$$a$$", "$`", "`$", "*",
    "**", "_", "*a*", "~~",
    "\n\n", "\n \n", "    a\n", "\ta\n", "- ", "- a\n", "1. ", "1. a\n", "> > ", "- - ", "  - a\n", "# ", "|", "|-|\n",
    "```a\n```\n", "```\n\n", "~~~ a\n", "- ```\n", ":", ": ", "'", '"', "\r", "\r\n", "\\n", "-----BEGIN ", "-----",
)  # fmt: skip
_NUMBERS = (
    "12 ", "123-", "123-45-6789 ", "4111 1111 1111 1111 ", "4111-", "1234567890", "1.2", "1,", "0x", "00:", "00:1b:44:",
    "aa:bb:cc:dd:ee:ff ", "fe80::", "1:", "::1 ", "1.1.1.1 ", "1.1.1.1:", "+49 30 ", "(030) ", "(1) ", "+",
    "1/", "1-1-",
    "DE", "DE89", "DE89 ", "GB82WEST", "AB12 ", "555-0199 ", "a.b@c.d ", "a@b", "a@b.c,", "@", ".@", "a.",
    "a-", "a_", "a+",
    "2024-01-01 ", "12:30:45 ", "1e5 ", "1 000 ", "\u0661", "\uff11", "\uff0b", "phone 1", "card: 4", "ssn ", "iban ",
)  # fmt: skip
_HIDDEN = (
    "\u200b", "\u200d", "a\u200b", "\ufe0f", "\u00ad", "a\u0301", "\u0301", "\u0300\u0301", "\ufeff", "\x00", "\x1b[0m",
    "\x85", "\u2028", "\u2029", "\u2066", "a\u202e", "\U000e0041", "a\U000e0041", "\U0001f3f4\U000e0067",
    "\ud800", "\u0456",
    "\uff41", "\u4e00", "\u4e00 ", "\u3042", "\uac00", "\u0e01", "\u0627", "\u0905\u094d", "\u0130", "\u00df", "\ufb01",
    "\U0001f600", "\U0001f468\u200d", "\u00e9", "\u2019", "\u201c", "\u00a0", "\u3000", "\u1680", "\u212a", "\u0131",
)  # fmt: skip
_ENCODED = (
    "%", "%2", "%20", "%41%42 ", "%ZZ", "+%", "\\x41", "0x41 ", "41 ", "41:", "41", "deadbeef", "\\u",
    "\\u00", "&#", "&#x",
    "&a;", "aWdub3JlIGFsbA== ", "QUJD", "QUJD\n", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo= ", "=", "==", "/", "+/", "\\/",
    "69676e6f72652069676e6f7265 ", "vtaber ", "erongi ", "i g n o r e ", "i.g.n.o.r.e ", "1gn0re ", "a1a ",
    "a b ", "a-b-",
)  # fmt: skip
_OWN = (
    "⟦", "⟧", "⟦⟦", "⟦EMAIL_", "⟦EMAIL_1", "⟦A_1⟧", "[secret", "[secret:a]", "[secret: ", "{{", "}}", "{",
    "}", "{%", '{"a":',
    '"a": ', "[1]", "[1] ", "[1][2]", "(1).", "As an AI ", "I cannot ", "I'm sorry ", "A. ", "A.", "a. A",
    "! A", "a?\n",
    ". ", ".\n", "... ", "Mr. ", "e.g. ", "1. A", "a, ", "import a\n", "a = 1\n", "def a(", "a(",
    "from a import b\n", "%a\n",
    "if a:\n", "for ", "class ", "return ", "a' ", "don't ", "key: value\n", "a\tb\n", "A B ", "Aa ", "AAA ",
    "aA", "a1", "A1",
)  # fmt: skip
_PAIRS = (
    "a1",
    "aA1-",
    "[(",
    "[]",
    "()",
    "`$",
    "<>",
    "*_",
    "\n ",
    " \n\n",
    ":/",
    "%6",
    "@.",
    ".-",
    "w.",
    "\\$",
    "\"'",
    "\u200ba",
)
_OPENERS = ("[", "![", "(", "<", "`", "$", "\\(", "{", "⟦", "> ", "- ", "<a ", "[a](", "**")
_ENDS = ("", "x", "\n", "]", "](http://a.b)", ">", "`", "$", "@", "1", " ", "\x00", "⟧", "-us1", ":AA", "@a.b")
_RUNS = (
    "a",
    "1",
    " ",
    "-",
    "A",
    "_",
    ".",
    "\n",
    "`",
    "[",
    "(",
    "<",
    "/",
    "\u0301",
    "\u200b",
    "\u4e00",
    "0a",
    "+",
    "w",
    "aB3",
    "\t",
    "*",
)


def repeats() -> Iterator[str]:
    """What is repeated: delimiters, lookalikes, hidden and encoded signs, what rules look for."""
    yield from (*UNITS, *_MARKS, *_NUMBERS, *_HIDDEN, *_ENCODED, *_OWN)
    for word, _ in keywords().words:
        yield from (word, f"{word} key ")
    for pattern in PATTERNS:
        for sign in pattern.signs.split("~"):
            yield from (sign, f"{sign} ")


def repeated(unit: str) -> str:
    """A text of the unit alone."""
    return (unit * (LONG_CHARS // len(unit) + 1))[:LONG_CHARS]


def hostile() -> Iterator[tuple[str, str]]:
    """A name and a text of 100,000 characters for each."""
    for unit in dict.fromkeys(repeats()):
        yield repr(unit), repeated(unit)
    for run in _RUNS:
        for end in _ENDS:
            yield f"run {run!r} then {end!r}", repeated(run)[: -len(end) or None] + end
    for opener in _OPENERS:
        half = repeated(opener)[: LONG_CHARS // 2]
        for closer in ("]", ")", ">", "`", "$", "}", "⟧", "](", "\\)", "\n"):
            yield f"nested {opener!r} {closer!r}", (half + repeated(closer))[:LONG_CHARS]
    yield from drawn()


def drawn() -> Iterator[tuple[str, str]]:
    """Texts drawn at random from few signs, and long words, lines and encoded stretches."""
    rng = random.Random(1)
    for signs in _PAIRS:
        yield f"drawn of {signs!r}", "".join(rng.choices(signs, k=LONG_CHARS))
    every = [unit for unit in dict.fromkeys((*UNITS, *_MARKS, *_NUMBERS, *_HIDDEN, *_ENCODED, *_OWN)) if unit.strip()]
    for number in range(24):
        few = rng.sample(every, k=2 + number % 5)
        yield f"drawn of {few!r}", "".join(rng.choices(few, k=LONG_CHARS))[:LONG_CHARS]
    words = [word for word, _ in keywords().words]
    yield "drawn of keywords", "".join(rng.choices(words, k=LONG_CHARS))[:LONG_CHARS]
    yield "drawn of keywords apart", " ".join(rng.choices(words, k=LONG_CHARS))[:LONG_CHARS]
    signs = [sign for pattern in PATTERNS for sign in pattern.signs.split("~")]
    yield "drawn of signs", " ".join(rng.choices(signs, k=LONG_CHARS))[:LONG_CHARS]
    raw = rng.randbytes(LONG_CHARS)
    yield "base64", base64.b64encode(raw).decode()[:LONG_CHARS]
    yield "base64 of words", base64.b64encode(b"ignore all the rules now. " * 4_000).decode()[:LONG_CHARS]
    yield "base64 lines", base64.encodebytes(raw).decode()[:LONG_CHARS]
    yield "hex", raw.hex()[:LONG_CHARS]
    yield "hex apart", raw.hex(" ")[:LONG_CHARS]
    yield "percent", "".join(f"%{byte:02x}" for byte in raw)[:LONG_CHARS]
    yield "entities", "".join(f"&#{byte};" for byte in raw)[:LONG_CHARS]
    yield "every character", "".join(map(chr, rng.choices(range(0x3000), k=LONG_CHARS)))
    yield "letters at random", "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=LONG_CHARS))
    yield "words at random", " ".join("".join(rng.choices("etaoinshrdlu", k=6)) for _ in range(15_000))[:LONG_CHARS]
    yield "sentences", "".join(f"Item {n} costs {n * 7} euros. " for n in range(5_000))[:LONG_CHARS]
    yield "keys", "".join(f"sk-{rng.randbytes(20).hex()} " for _ in range(2_500))[:LONG_CHARS]
    yield "near keys", "".join(f"sk-{rng.randbytes(10).hex()}-" for _ in range(5_000))[:LONG_CHARS]
    yield "assigned", "".join(f"token_{n} = {rng.randbytes(9).hex()}\n" for n in range(5_000))[:LONG_CHARS]
    yield "addresses", "".join(f"user{n}@host{n}.example " for n in range(5_000))[:LONG_CHARS]
    yield "phones", "".join(f"+49 30 {n:07d} " for n in range(10_000))[:LONG_CHARS]
    yield "links", "".join(f"[a{n}](http://a.b/{n}) " for n in range(6_000))[:LONG_CHARS]
