"""Personal data in prompts and answers: stand-ins in its place that can be turned back into it."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from nbkit.guards.identifiers import find_identifiers
from nbkit.guards.segments import Segments
from nbkit.protocols import GuardOptions
from nbkit.pseudonyms import STAND_IN, Numbering, Pseudonyms
from nbkit.types import Action, Message, Request, Screened, Span, Stage, Verdict

_KEPT_REQUESTS: Final = 8
_MAX_ROUNDS: Final = 6
_SHORT_CHARS: Final = 64
_MOST_CLEAN: Final = 1024
_WORTH_A_LOOK: Final = re.compile(r"[@\uff20\d:⟦]")
"""Text without any of these holds neither an identifier nor a stand-in."""


class PiiGuard:
    """Puts `⟦EMAIL_1⟧` in place of an address, and so on, numbered over all messages of the request.

    `names`: what finds names and places, where that is asked for; it looks at prompts and passages, not at answers.

    >>> from nbkit.secrets import SecretRegistry
    >>> guard = PiiGuard(GuardOptions(SecretRegistry()))
    >>> request = Request("echo", "echo", (Message("user", "mail jane@example.org"),))
    >>> guard.screen("mail jane@example.org", stage="input", request=request).text
    'mail ⟦EMAIL_1⟧'
    >>> guard.pseudonyms(request).restore("Done: ⟦EMAIL_1⟧")
    'Done: jane@example.org'
    """

    name: ClassVar[str] = "pii"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "retrieved", "output")
    standard: ClassVar[Mapping[Stage, Action]] = MappingProxyType(
        # Passages become part of the prompt, and pass the input stage there: numbered with it, and only once.
        {"input": "redact", "retrieved": "allow", "output": "allow"}
    )
    strict: ClassVar[Mapping[Stage, Action]] = MappingProxyType(
        {"input": "redact", "retrieved": "allow", "output": "redact"}
    )

    def __init__(self, options: GuardOptions, *, names: Callable[[str], Sequence[Span]] | None = None) -> None:
        self._actions: Mapping[Stage, Action] = {**self.standard, **options.actions}
        self._allowed = options.allowed_kinds
        self._names = names
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[Message, ...], _Numbered] = OrderedDict()

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text with stand-ins, and how many of which kind there are."""
        if stage == "output":
            stream = self.open(request)
            shown = stream.feed(text)
            rest = stream.finish()
            return Screened(shown + rest.text, rest.verdict)
        numbered = self._numbered(request)
        if text in numbered.texts:
            replaced, spans = numbered.texts[text]
        else:
            numbering = numbered.numbering.copy()
            numbering.reserve(text)
            replaced, spans = self._replace(text, numbering, names=self._names)
        verdict = self.judge(stage, spans)
        return Screened(replaced if verdict.action in ("redact", "block") else text, verdict)

    def open(self, request: Request) -> PiiStream:
        """A new stream of the output stage, which goes on with the request's numbers."""
        return PiiStream(self, self._numbered(request).numbering.copy(), action=self._actions["output"])

    def pseudonyms(self, request: Request) -> Pseudonyms:
        """What the stand-ins of a request stand for: of one with the messages that this guard was given.

        Nothing, where the policy leaves prompts as they are: then none were sent.
        """
        if self._actions["input"] != "redact":
            return Pseudonyms()
        return self._numbered(request).numbering.pseudonyms()

    def judge(self, stage: Stage, spans: Sequence[Span]) -> Verdict:
        """The verdict on what was found."""
        if not spans:
            return Verdict(self.name, stage, "allow")
        action = self._actions[stage]
        kinds = ", ".join(f"{kind} {times}" for kind, times in Counter(span.kind for span in spans).most_common())
        reason = f"{len(spans)} {'replaced' if action == 'redact' else 'found'} ({kinds})"
        if action == "block":
            reason += ": take them out, or let the kind pass"
        return Verdict(self.name, stage, action, reason, tuple(spans))

    def replace_identifiers(self, text: str, numbering: Numbering) -> tuple[str, list[Span]]:
        """A stretch of an answer with stand-ins, and the places in the stretch as it came."""
        return self._replace(text, numbering, names=None)

    def _numbered(self, request: Request) -> _Numbered:
        """What the messages of a request say with stand-ins; not to be added to."""
        with self._lock:
            known = self._known.get(request.messages)
            if known is not None:
                self._known.move_to_end(request.messages)
                return known
        numbered = _Numbered(Numbering(), {})
        for message in request.messages:
            if message.role != "assistant":
                numbered.numbering.reserve(message.content)
        for message in request.messages:
            # An earlier answer speaks of values by their stand-ins; those that were not given yet are somebody else's.
            if message.role == "assistant":
                numbered.numbering.reserve(message.content)
            if message.content not in numbered.texts:
                numbered.texts[message.content] = self._replace(message.content, numbered.numbering, names=self._names)
        with self._lock:
            self._known[request.messages] = numbered
            while len(self._known) > _KEPT_REQUESTS:
                self._known.popitem(last=False)
        return numbered

    def _replace(
        self, text: str, numbering: Numbering, *, names: Callable[[str], Sequence[Span]] | None
    ) -> tuple[str, list[Span]]:
        """The text with stand-ins, and so often that nothing more is found in it: screened again, it stays as it is."""
        spans: list[Span] = []
        edits: list[tuple[int, int, str]] = []
        shown = text
        for _ in range(_MAX_ROUNDS):
            found = self.find(shown, names)
            if not found:
                break
            places = _origins(found, edits) if edits else found
            spans += places
            edits = sorted(
                edits
                + [
                    (place.start, place.end, numbering.stand_in_for(place.kind, text[place.start : place.end]))
                    for place in places
                ]
            )
            shown = _edited(text, edits)
        return shown, sorted(spans, key=lambda span: span.start)

    def find(self, text: str, names: Callable[[str], Sequence[Span]] | None = None) -> list[Span]:
        """Places of what is personal and may not pass, in order."""
        found = find_identifiers(text)
        if names is not None:
            for span in names(text):
                if not any(span.start < other.end and other.start < span.end for other in found):
                    found.append(span)
            found.sort(key=lambda span: span.start)
        if self._allowed:
            found = [span for span in found if span.kind not in self._allowed]
        if found and ("⟦" in text or names is not None):
            found = _apart(found, [match.span() for match in STAND_IN.finditer(text)])
        return found


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A request's numbering, and each of its texts with stand-ins and the places where they were put."""

    numbering: Numbering
    texts: dict[str, tuple[str, list[Span]]]


class PiiStream:
    """One answer in pieces. Held back, where something may be replaced: the sentence that is not yet complete."""

    def __init__(self, guard: PiiGuard, numbering: Numbering, *, action: Action) -> None:
        self._guard = guard
        self._numbering = numbering
        self._action = action
        self._changes = action in ("redact", "block")
        self._segments = Segments()
        self._done_chars = 0
        self._spans: list[Span] = []
        self._clean: set[str] = set()
        """Short segments in which nothing is: a long list of the same ones takes no longer than other texts."""

    def feed(self, text: str) -> str:
        """What may be shown now."""
        shown = "".join(map(self._settle, self._segments.feed(text)))
        return shown if self._changes else text

    def finish(self) -> Screened:
        """What was held back, and the verdict."""
        rest = self._settle(self._segments.finish())
        return Screened(rest if self._changes else "", self._guard.judge("output", self._spans))

    def _settle(self, segment: str) -> str:
        shown = segment
        if segment not in self._clean and _WORTH_A_LOOK.search(segment):
            if self._changes:
                self._numbering.reserve(segment)
                shown, spans = self._guard.replace_identifiers(segment, self._numbering)
            else:
                spans = self._guard.find(segment)
            if not spans and len(segment) <= _SHORT_CHARS and len(self._clean) < _MOST_CLEAN:
                self._clean.add(segment)
            self._spans += (Span(s.start + self._done_chars, s.end + self._done_chars, s.kind) for s in spans)
        self._done_chars += len(segment)
        is_stopped = self._action == "block" and self._spans
        return "" if is_stopped else shown


def _origins(found: Sequence[Span], edits: Sequence[tuple[int, int, str]]) -> list[Span]:
    """The places in the text as it came of places in the text as edited, which no edit touches; all are in order."""
    places: list[Span] = []
    left = iter([*edits, None])
    edit = next(left)
    shift = 0
    for span in found:
        while edit is not None and edit[0] + shift < span.end:
            shift += len(edit[2]) - (edit[1] - edit[0])
            edit = next(left)
        places.append(Span(span.start - shift, span.end - shift, span.kind))
    return places


def _apart(found: Sequence[Span], taken: Sequence[tuple[int, int]]) -> list[Span]:
    """Those that overlap none of the places that are taken, which are in order and apart."""
    starts = [start for start, _ in taken]
    left: list[Span] = []
    for span in found:
        before = bisect_left(starts, span.end)
        if not before or taken[before - 1][1] <= span.start:
            left.append(span)
    return left


def _edited(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    out: list[str] = []
    at = 0
    for start, end, put in edits:
        out += (text[at:start], put)
        at = end
    return "".join((*out, text[at:]))
