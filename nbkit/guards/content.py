"""What a user does not want to ask or be told: words of their own, and requests that would do harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from nbkit.guards.deny import DenyList
from nbkit.guards.linear import head, prose, words
from nbkit.guards.views import views
from nbkit.marks import question_start
from nbkit.protocols import GuardOptions
from nbkit.types import Action, Request, Screened, Span, Stage, Verdict

HARM_THRESHOLD: Final = 0.75
_HARMFUL: Final = "harmful-request"
_WINDOW: Final = 400
"""A request that would do harm is short; what is long is read in parts."""
_MOST_WINDOWS: Final = 100
_REMOVED: Final = "[\u2026]"


class ContentGuard:
    """Finds the user's own denied words, and requests that read like meaning harm.

    Kinds of findings: `denied`, `harmful-request`. Harm is a guess: it warns, and blocks only where the policy says
    block. Under `redact` denied words are taken out.

    >>> from nbkit.secrets import SecretRegistry
    >>> guard = ContentGuard(GuardOptions(SecretRegistry(), deny=("project falcon",)))
    >>> guard.screen("When is Project Falcon due?", stage="input", request=Request("echo", "echo", ())).verdict.reason
    'denied words: 1'
    """

    name: ClassVar[str] = "content"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "retrieved")
    standard: ClassVar[Mapping[Stage, Action]] = {"input": "warn", "retrieved": "warn"}
    strict: ClassVar[Mapping[Stage, Action]] = {"input": "block", "retrieved": "block"}

    def __init__(self, options: GuardOptions) -> None:
        self._actions = options.actions
        self._deny = DenyList(options.deny if "denied" not in options.allowed_kinds else ())
        self._scores_harm = _HARMFUL not in options.allowed_kinds

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text, and what was found in it; changed only where denied words are redacted."""
        # Passages that a prompt quotes were judged where they were retrieved.
        start = question_start(text, request) if stage == "input" else 0
        denied = self._denied(text, start)
        is_asked = stage == "input" and self._scores_harm and _is_users(text, request)
        score, harm = _harm(text, start) if is_asked else (None, None)
        is_harmful = score is not None and harm is not None and score >= HARM_THRESHOLD
        wanted = self._actions.get(stage, self.standard[stage])
        spans = [*denied, *([harm] if is_harmful and harm else [])]
        threshold = HARM_THRESHOLD if score is not None else None
        if not spans or wanted == "allow":
            return Screened(text, Verdict(self.name, stage, "allow", "", tuple(spans), score, threshold))
        action: Action = wanted
        if not denied and wanted != "warn":
            # A guess never changes or stops a text but where the reader asked for a block.
            action = "block" if wanted == "block" else "warn"
        screened = _without(text, denied) if action == "redact" else text
        reason = "; ".join(
            part
            for part in (f"denied words: {len(denied)}" if denied else "", _said(score) if is_harmful else "")
            if part
        )
        return Screened(screened, Verdict(self.name, stage, action, reason, tuple(spans), score, threshold))

    def _denied(self, text: str, start: int) -> list[Span]:
        if not self._deny:
            return []
        found: dict[Span, None] = {}
        for view in views(text[start:]):
            for span in self._deny.find(view.text):
                first, last = view.place(span.start, span.end)
                found[Span(start + first, start + last, span.kind)] = None
        return sorted(found, key=lambda span: (span.start, span.end))


def _is_users(text: str, request: Request) -> bool:
    roles = {message.role for message in request.messages if message.content == text}
    return not roles or "user" in roles


def _harm(text: str, begin: int) -> tuple[float, Span]:
    """How much the worst part of the text from `begin` reads like a request that means harm, and where that is."""
    language = head("harm")
    best, where = 0.0, Span(begin, begin, _HARMFUL)
    for start in range(begin, min(len(text), begin + _WINDOW * _MOST_WINDOWS), _WINDOW):
        score = language.score(words(prose(text[start : start + _WINDOW])))
        if score > best:
            best, where = score, Span(start, min(len(text), start + _WINDOW), _HARMFUL)
    return round(best, 4), where


def _said(score: float | None) -> str:
    return f"reads like a request that means harm: score {score or 0.0:.2f}, from {HARM_THRESHOLD:.2f}"


def _without(text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    at = 0
    for span in spans:
        if span.end <= at:
            continue
        parts += (text[at : max(at, span.start)], _REMOVED)
        at = span.end
    return "".join([*parts, text[at:]])
