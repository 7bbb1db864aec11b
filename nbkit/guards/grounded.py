"""Says which sentences of an answer its sources do not support; the text stays as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from nbkit.guards.grounding import ENOUGH, Grounding, ground
from nbkit.protocols import GuardOptions
from nbkit.pseudonyms import Pseudonyms
from nbkit.types import Action, Request, Screened, Span, Stage, Verdict

KIND: Final = "unsupported"
_HOLDING: Final = ("block", "reask")


class GroundedGuard:
    """Scores an answer against the sources in `GuardOptions.contexts`; without any it has nothing to say.

    Both policies only warn: of faithful paraphrases a third fall under the line (tests/bench/bench_guard_grounded.py),
    and to block those would refuse right answers. Where `actions` say `block` or `reask`, that is done to an answer
    most of whose sentences are unsupported, and all is held back until then; fewer such sentences are warned of.
    Unlike other guards' scores this one is better when higher; the threshold is that of a sentence.

    >>> from nbkit.secrets import SecretRegistry
    >>> guard = GroundedGuard(GuardOptions(SecretRegistry(), contexts=("The fan needs 30 W.",)))
    >>> text = "The fan needs 30 W. It was built by monks."
    >>> verdict = guard.screen(text, stage="output", request=Request("echo", "echo", ())).verdict
    >>> verdict.action, verdict.reason, [text[span.start : span.end] for span in verdict.spans]
    ('warn', '1 of 2 sentences is in the sources', ['It was built by monks.'])
    """

    name: ClassVar[str] = "grounded"
    stages: ClassVar[tuple[Stage, ...]] = ("output",)
    standard: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"output": "warn"})
    strict: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"output": "warn"})

    def __init__(self, options: GuardOptions, *, replaced: Pseudonyms | None = None) -> None:
        self._options = options
        self._replaced = replaced or Pseudonyms()
        self._action: Action = options.actions.get("output", self.standard["output"])

    def knowing(self, replaced: Pseudonyms) -> GroundedGuard:
        """The same guard for one call, whose request had values of the sources replaced."""
        return GroundedGuard(self._options, replaced=replaced)

    def about(self, contexts: Sequence[str], *, question: str) -> GroundedGuard:
        """The same guard for the sources of one call."""
        options = dataclasses.replace(self._options, contexts=tuple(contexts), question=question)
        return GroundedGuard(options, replaced=self._replaced)

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text as it is; the verdict has the unsupported sentences as spans."""
        del stage, request
        return Screened(text, self._verdict(text))

    def open(self, request: Request) -> GroundedStream:
        """A new stream; nothing is held back unless the answer may be blocked."""
        return GroundedStream(self, request, is_holding=bool(self._options.contexts) and self._action in _HOLDING)

    def _verdict(self, text: str) -> Verdict:
        if not self._options.contexts:
            return Verdict(self.name, "output", "allow")
        found = ground(text, self._options.contexts, question=self._options.question, replaced=self._replaced)
        if not found.sentences:
            return Verdict(self.name, "output", "allow", _reason(found))
        spans = tuple(Span(one.start, one.end, KIND) for one in found.sentences if not one.is_supported)
        return Verdict(
            self.name, "output", self._done(found), _reason(found), spans, score=found.score, threshold=ENOUGH
        )

    def _done(self, found: Grounding) -> Action:
        if found.supported == len(found.sentences) or KIND in self._options.allowed_kinds or self._action == "allow":
            return "allow"
        is_mostly_made_up = found.supported * 2 < len(found.sentences)
        return self._action if self._action in _HOLDING and is_mostly_made_up else "warn"


class GroundedStream:
    """One answer in pieces, scored when it is whole."""

    def __init__(self, guard: GroundedGuard, request: Request, *, is_holding: bool) -> None:
        self._guard = guard
        self._request = request
        self._is_holding = is_holding
        self._pieces: list[str] = []

    def feed(self, text: str) -> str:
        """The piece."""
        self._pieces.append(text)
        return "" if self._is_holding else text

    def finish(self) -> Screened:
        """What was held back, and the verdict."""
        screened = self._guard.screen("".join(self._pieces), stage="output", request=self._request)
        return screened if self._is_holding else dataclasses.replace(screened, text="")


def _reason(found: Grounding) -> str:
    if not found.sentences:
        return "the answer claims nothing that sources could support"
    many = len(found.sentences)
    verb = "is" if found.supported == 1 else "are"
    note = next((f"; {one.note}" for one in found.sentences if one.note), "")
    return f"{found.supported} of {many} {'sentence' if many == 1 else 'sentences'} {verb} in the sources{note}"
