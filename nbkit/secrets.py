"""The exact secret values in use, found again in any text, also encoded.

Every sink asks it: what is sent, drawn, recorded, cached, logged or raised. Nothing here guesses what a secret looks
like; that is the guards' work. A value shorter than eight characters is not a secret: it would be found in ordinary
words.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

MIN_CHARS = 8
_CUT_FROM_CHARS, _PART_CHARS = 20, 12
_KEPT_IN_URLS = ("", "/", "!'()*", "!$&'()*+,/:;=?@")
"""What is left as it is in addresses by those who leave least, by Python, by browsers, and by those who leave most."""
_PERCENT = re.compile("%[0-9A-F]{2}")
_SCHEME_END = re.compile(r"(?<=[A-Za-z0-9+.\-])://")
_TAG = re.compile("<(?=[A-Za-z/!?])")
_LINE_ENDS = ("\n", "\r\n", "\\n")

_NAME = re.compile(r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD|CREDENTIALS?)(?:_|$)", re.IGNORECASE)
_NOT_SECRET = re.compile(
    r"^(?:/|[A-Za-z]:\\|\d+$|true$|false$|(?-i:[a-z]{1,15}|[A-Z]{1,15}|[A-Z][a-z]{1,14})$)|^(.)\1*$", re.IGNORECASE
)


class SecretRegistry:
    """Secret values by name, and where they occur in a text.

    `names`: variables that hold keys, whatever those look like.

    >>> registry = SecretRegistry({"MY_API_KEY": "sk-abcdefgh12345678"})
    >>> registry.redact("key=sk-abcdefgh12345678.")
    'key=[secret:MY_API_KEY].'
    """

    def __init__(self, values: Mapping[str, str] | None = None, *, names: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._names = frozenset(names)
        self._forms: dict[str, str] = {}
        self._values: set[str] = set()
        self._named: list[tuple[str, str]] = []
        self._matcher: _Matcher | None = None
        for name, value in (values or {}).items():
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Makes `value` known as `name`, in its encoded forms too. Short values are left out."""
        # Asked for at every call: a value that is known must not cost another matcher.
        if len(value) < MIN_CHARS or value in self._values:
            return
        with self._lock:
            self._values.add(value)
            self._named.append((name, value))
            self._forms = dict.fromkeys(_forms(value), name) | self._forms
            self._matcher = None

    def add_variables(self, variables: Mapping[str, str]) -> None:
        """Makes known what is a secret among the variables: those in `names`, and those named like a credential.

        The value of the latter is left out where it is a plain word, a path or a number: `POSTGRES_PASSWORD=postgres`
        must not block every prompt about postgres.

        >>> registry = SecretRegistry()
        >>> registry.add_variables({"HF_TOKEN": "hf_0123456789", "DB_PASSWORD": "postgres", "PATH": "/bin"})
        >>> registry.redact("hf_0123456789 for postgres")
        '[secret:HF_TOKEN] for postgres'
        """
        for name in variables:
            if name in self._names or (_is_credential(name) and not _NOT_SECRET.search(variables[name])):
                self.add(name, variables[name])

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Places of secrets in a text, in order: start, end, name."""
        matcher = self._ready()
        if matcher is None:
            return []
        return [(m.start(), m.end(), matcher.forms[m.group()]) for m in matcher.pattern.finditer(text)]

    def redact(self, text: str) -> str:
        """The text with each secret replaced by its label."""
        matcher = self._ready()
        if matcher is None:
            return text
        return matcher.pattern.sub(lambda m: self.label(matcher.forms[m.group()]), text)

    def redact_cut(self, text: str) -> str:
        """The text with each secret replaced, also one that was cut, as `repr` cuts long values in a traceback.

        >>> SecretRegistry({"MY_KEY": "sk-" + "abcdefgh12345678" * 9}).redact_cut("key='sk-abcdefgh12345...5678'")
        "key='[secret:MY_KEY]'"
        """
        text = self.redact(text)
        with self._lock:
            known = [(value, name) for name, value in self._named if len(value) >= _CUT_FROM_CHARS]
        for value, name in known:
            first, last = value[:_PART_CHARS], value[-_PART_CHARS:]
            if first in text or last in text:
                cut = rf"{re.escape(first)}[^\s'\"]{{0,400}}|[^\s'\"]{{0,400}}{re.escape(last)}"
                text = re.sub(cut, self.label(name).replace("\\", r"\\"), text)
        return text

    def label(self, name: str) -> str:
        """What stands in a text in place of the secret `name`.

        >>> SecretRegistry().label("HF_TOKEN")
        '[secret:HF_TOKEN]'
        """
        label = f"[secret:{name}]"
        matcher = self._ready()
        # A variable's name may hold the value of another, or its own.
        return label if matcher is None or matcher.pattern.search(label) is None else "[secret]"

    def pending(self, text: str, start: int = 0) -> int:
        """Where the end of a text begins that may go on to be a secret, from `start`; its length when there is none.

        What stands before it is decided. A text that ends in a whole secret is pending if a longer one begins with it.

        >>> SecretRegistry({"HF_TOKEN": "hf_0123456789"}).pending("see hf_01")
        4
        """
        matcher = self._ready()
        if matcher is None:
            return len(text)
        for found in matcher.heads.finditer(text, max(start, len(text) - matcher.longest_chars + 1)):
            at = found.start()
            tail = text[at:]
            if any(len(form) > len(tail) and form.startswith(tail) for form in matcher.by_first[text[at]]):
                return at
        return len(text)

    def is_clear(self, text: str) -> bool:
        """Whether nothing in the text could be a secret or begin one: a quick look that may say no for nothing."""
        matcher = self._ready()
        return matcher is None or matcher.heads.search(text) is None

    @property
    def longest_chars(self) -> int:
        """Length of the longest form."""
        return max(map(len, self._forms), default=0)

    def _ready(self) -> _Matcher | None:
        matcher = self._matcher
        if matcher is None and self._forms:
            # Compiled on first use: most of the variables in an environment are never looked for.
            with self._lock:
                # What is returned is held here: another thread's `add` may forget it at any moment.
                matcher = self._matcher = _Matcher.of(self._forms)
        return matcher


@dataclass(frozen=True, slots=True)
class _Matcher:
    """All forms as one pattern, branching on the first two characters so that many forms cost little more than one."""

    forms: Mapping[str, str]
    by_first: Mapping[str, Sequence[str]]
    pattern: re.Pattern[str]
    """Leftmost, then longest."""
    heads: re.Pattern[str]
    """Every place where the first two characters of a form are, or the first at the end of the text."""
    longest_chars: int

    @classmethod
    def of(cls, forms: Mapping[str, str]) -> _Matcher:
        by_first: dict[str, list[str]] = {}
        for form in sorted(forms, key=len, reverse=True):
            by_first.setdefault(form[0], []).append(form)
        whole, heads = [], []
        for first, group in by_first.items():
            seconds: dict[str, list[str]] = {}
            for form in group:
                seconds.setdefault(form[1], []).append(re.escape(form[2:]))
            rest = "|".join(f"{re.escape(second)}(?:{'|'.join(tails)})" for second, tails in seconds.items())
            whole.append(f"{re.escape(first)}(?:{rest})")
            heads.append(f"{re.escape(first)}(?:[{''.join(map(re.escape, seconds))}]|\\Z)")
        longest = max(map(len, forms))
        return cls(dict(forms), by_first, re.compile("|".join(whole)), re.compile(f"(?={'|'.join(heads)})"), longest)


@functools.lru_cache(maxsize=4096)
def _is_credential(name: str) -> bool:
    return _NAME.search(name) is not None


def _forms(value: str) -> set[str]:
    raw, wide = value.encode("utf-8", "surrogatepass"), value.encode("utf-16-le", "surrogatepass")
    once = base64.b64encode(raw)
    # What was encoded twice was first encoded alone.
    encoded = _in_base64(raw) | _in_base64(wide) | _in_base64(once.rstrip(b"="))
    forms = {value, value[::-1], raw.hex(), raw.hex().upper()} | _in_url(value) | _in_escapes(value)
    forms |= {form for text in (value, value[::-1]) for form in _in_code(text)} | _in_page(value)
    forms |= encoded | {form.replace("+", "-").replace("/", "_") for form in encoded}
    forms |= {quote(form, safe="") for form in encoded} | _in_lines(once.decode())
    return {form for form in forms if len(form) >= MIN_CHARS}


def _in_base64(raw: bytes) -> set[str]:
    """A stretch inside a longer base64 text, which starts at one of three alignments.

    The characters that depend on its neighbours are cut from both ends.
    """
    shifted = {base64.b64encode(b"\0" * shift + raw).decode()[skip:] for shift, skip in ((0, 0), (1, 2), (2, 3))}
    return {form.rstrip("=")[:-1] for form in shifted}


def _in_escapes(value: str) -> set[str]:
    r"""Every character by its number, `\u0073` and such; and in two bytes each, as UTF-16 looks when it is shown."""
    wide = value.encode("utf-16-be", "surrogatepass")
    units = "".join([f"\\u{int.from_bytes(wide[at : at + 2]):04x}" for at in range(0, len(wide), 2)])
    # Long forms are long to compile: what few tools write, such as escapes of bytes in JSON, is left out.
    forms = {nul.join(value) for nul in ("\0", "\\x00")} | {units, units.replace("\\", "\\\\")}
    forms.add(units.upper().replace("U", "u"))
    forms.add("".join([f"\\x{byte:02x}" for byte in value.encode("utf-8", "surrogatepass")]))
    forms |= {"".join([form.format(ord(char)) for char in value]) for form in ("&#{};", "&#x{:x};")}
    return forms


def _in_url(value: str) -> set[str]:
    """The value as tools write it into an address: they differ in what they leave, and in the case of the rest."""
    raw = value.encode("utf-8", "surrogatepass")
    forms = {quote(raw, safe=kept) for kept in _KEPT_IN_URLS} | {quote_plus(raw)}
    return forms | {_PERCENT.sub(lambda found: found.group().lower(), form) for form in forms}


def _in_code(text: str) -> set[str]:
    """The text between quotes, as JSON (twice, too) and as Python writes it."""
    forms = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    forms |= {json.dumps(form)[1:-1] for form in forms} | {form.replace("/", "\\/") for form in forms}
    return forms | {repr(text)[1:-1], repr(text.encode("utf-8", "surrogatepass"))[2:-1]}


def _in_page(value: str) -> set[str]:
    """The value as HTML, and as an answer in Markdown holds it once its links and tags were made inert."""
    inert = _SCHEME_END.sub("[:]//", value.replace("](", "] (").replace("www.", "www[.]"))
    marked = {_TAG.sub(sign, inert) for sign in ("&lt;", "< ")}
    return marked | {html.escape(value), html.escape(value, quote=False)}


def _in_lines(encoded: str) -> set[str]:
    """Base64 that goes over several lines, as mail and `base64` write it, its last character cut."""
    forms = set()
    for width in (64, 76):
        if len(encoded) > width:
            lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
            whole = "\n".join([*lines[:-1], lines[-1].rstrip("=")[:-1]]).rstrip("\n")
            forms |= {whole.replace("\n", end) for end in _LINE_ENDS}
    return forms
