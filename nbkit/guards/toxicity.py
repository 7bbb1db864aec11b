"""How much a prompt or an answer reads like an insult or a threat: a guess that is made only when asked for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from nbkit.guards.linear import head, prose, words
from nbkit.marks import question_start
from nbkit.protocols import GuardOptions
from nbkit.types import Action, Request, Screened, Span, Stage, Verdict

TOXICITY_THRESHOLD: Final = 0.8
_KIND: Final = "toxic"
_SENTENCE: Final = re.compile(r"[^.!?\n]{1,200}(?:[.!?]{1,9}|\n|$)?")
"""An insult is short: each sentence is read for itself."""
_MOST_CHARS: Final = 30_000
"""What is read of a text."""
_HOLDING: Final = ("block", "reask")


class ToxicityGuard:
    """Finds text that reads like an insult, a threat, harassment or contempt of a group; kind `toxic`.

    Both policies leave it off, and then it costs nothing: no text is read and no verdict has a score. `%guard on
    toxicity`, or `actions = { toxicity = "warn" }` in `[tool.nbkit.guard]`, turns it on. It is a guess: the small head
    learnt from texts of our own, and does not carry far. On 3,000 labelled tweets its AUC is .71 (a list of plain words
    .72), F1 .23 at the threshold: it finds 13 % of the toxic ones and warns of 0.4 % of the others (recall at 1 % false
    .16, the list .03; at 5 % .31 and .18). A warning is worth a look; that there is none says little. English only.
    Measured by tests/bench/bench_guard_toxicity.py.

    >>> from nbkit.secrets import SecretRegistry
    >>> guard = ToxicityGuard(GuardOptions(SecretRegistry(), actions=ToxicityGuard.opt_in))
    >>> guard.screen("You pathetic loser!", stage="output", request=Request("echo", "echo", ())).verdict.action
    'warn'
    """

    name: ClassVar[str] = "toxicity"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "output")
    standard: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"input": "allow", "output": "allow"})
    strict: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"input": "allow", "output": "allow"})
    opt_in: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"input": "warn", "output": "warn"})

    def __init__(self, options: GuardOptions) -> None:
        self._actions = options.actions
        self._is_allowed = _KIND in options.allowed_kinds

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text as it is, and where it reads like that; of a prompt, only what the user says."""
        wanted = self._action(stage)
        is_answer = stage == "output"
        if wanted == "allow" or not (is_answer or _is_users(text, request)):
            return Screened(text, Verdict(self.name, stage, "allow"))
        score, found = _worst(text, 0 if is_answer else question_start(text, request))
        spans = (found,) if score >= TOXICITY_THRESHOLD else ()
        if not spans:
            return Screened(text, Verdict(self.name, stage, "allow", "", (), score, TOXICITY_THRESHOLD))
        reason = f"reads like an insult or a threat: score {score:.2f}, from {TOXICITY_THRESHOLD:.2f}"
        # A guess never changes a text.
        action: Action = wanted if wanted in _HOLDING else "warn"
        return Screened(text, Verdict(self.name, stage, action, reason, spans, score, TOXICITY_THRESHOLD))

    def open(self, request: Request) -> ToxicityStream:
        """A new stream; nothing is held back unless the answer may be blocked."""
        return ToxicityStream(self, request, action=self._action("output"))

    def _action(self, stage: Stage) -> Action:
        return "allow" if self._is_allowed else self._actions.get(stage, self.standard[stage])


class ToxicityStream:
    """One answer in pieces, scored when it is whole."""

    def __init__(self, guard: ToxicityGuard, request: Request, *, action: Action) -> None:
        self._guard = guard
        self._request = request
        self._action = action
        self._pieces: list[str] = []

    def feed(self, text: str) -> str:
        """The piece."""
        if self._action != "allow":
            self._pieces.append(text)
        return "" if self._action in _HOLDING else text

    def finish(self) -> Screened:
        """What was held back, and the verdict."""
        screened = self._guard.screen("".join(self._pieces), stage="output", request=self._request)
        return screened if self._action in _HOLDING else dataclasses.replace(screened, text="")


def pieces(text: str, begin: int = 0) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text are, of which each is read for itself.

    >>> list(pieces("So it is. Or not"))
    [(0, 9), (9, 16)]
    """
    for found in _SENTENCE.finditer(text, begin, begin + _MOST_CHARS):
        yield found.span()


def _is_users(text: str, request: Request) -> bool:
    roles = {message.role for message in request.messages if message.content == text}
    return not roles or "user" in roles


def _worst(text: str, begin: int) -> tuple[float, Span]:
    """How toxic the worst part of the text from `begin` reads, and where that is."""
    language = head("toxicity")
    best, where = 0.0, Span(begin, begin, _KIND)
    for start, end in pieces(text, begin):
        score = language.score(words(prose(text[start:end])))
        if score > best:
            best, where = score, Span(start, end, _KIND)
    return round(best, 4), where
