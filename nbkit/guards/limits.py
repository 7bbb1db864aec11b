"""Requests that cannot be served, and text that a reader cannot see: empty, too long, or with hidden characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, Final

from nbkit.guards.hidden import find_hidden, is_unseen, without
from nbkit.pricing.tokens import estimate_tokens
from nbkit.protocols import GuardOptions
from nbkit.types import Action, Request, Screened, Span, Stage, Verdict

MAX_CHARS: Final = 2_000_000
"""Longer prompts are refused whatever the model: nothing reads them, and they are a mistake in a variable."""
_SURE: Final = 0.75
"""Tokens are estimated here. Only what would not fit with a quarter fewer is refused; the rest is for the provider."""
_MOST_SPANS: Final = 200


class LimitsGuard:
    """Blocks a request that is empty or too long, warns when it is probably too long, strips hidden characters.

    Kinds of findings: `bidi`, `tags`, `invisible`, `control`.

    >>> from nbkit.secrets import SecretRegistry
    >>> from nbkit.types import Message
    >>> guard = LimitsGuard(GuardOptions(SecretRegistry()))
    >>> guard.screen(" ", stage="input", request=Request("echo", "echo", (Message("user", " "),))).verdict.reason
    'the prompt is empty: write one, or check the variable it comes from'
    >>> guard.screen("pay\u202e 10 EUR", stage="retrieved", request=Request("echo", "echo", ())).text
    'pay 10 EUR'
    """

    name: ClassVar[str] = "limits"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "retrieved")
    standard: ClassVar[Mapping[Stage, Action]] = {"input": "redact", "retrieved": "redact"}
    strict: ClassVar[Mapping[Stage, Action]] = {"input": "redact", "retrieved": "redact"}

    def __init__(self, options: GuardOptions) -> None:
        self._context_tokens = options.context_tokens
        self._actions = options.actions
        self._allowed = options.allowed_kinds

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text without hidden characters, and whether it fits."""
        action, reason = self._judge(text, request) if stage == "input" else ("allow", "")
        found = [] if text.isascii() and text.isprintable() else self._hidden(text)
        if action == "block" or not found:
            return Screened(text, Verdict(self.name, stage, action, reason))
        reason = "; ".join(filter(None, (_said(found), reason)))
        spans = tuple(found[:_MOST_SPANS])
        wanted = self._actions.get(stage, self.standard[stage])
        if wanted == "allow":
            return Screened(text, Verdict(self.name, stage, action, reason if action == "warn" else "", spans))
        screened = without(text, found) if wanted == "redact" else text
        return Screened(screened, Verdict(self.name, stage, wanted, reason, spans))

    def _hidden(self, text: str) -> list[Span]:
        found = find_hidden(text)
        return [span for span in found if span.kind not in self._allowed] if self._allowed else found

    def _judge(self, text: str, request: Request) -> tuple[Action, str]:
        asked = request.messages[-1].content if request.messages else text
        if not asked.strip() or (not asked.isascii() and is_unseen(asked)):
            return "block", "the prompt is empty: write one, or check the variable it comes from"
        contents = [message.content for message in request.messages]
        if text not in contents:
            contents[-1:] = [text]
        chars = sum(map(len, contents))
        if chars > MAX_CHARS:
            return "block", f"{chars:,} characters, more than {MAX_CHARS:,}: send a part, or a summary"
        window = self._context_tokens(request)
        if window is None:
            return "allow", ""
        tokens = sum(map(estimate_tokens, contents))
        if tokens + request.max_tokens <= window:
            return "allow", ""
        reason = (
            f"about {tokens:,} tokens and max_tokens {request.max_tokens:,} are more than the context window of "
            f"{request.model!r}, {window:,}: shorten the prompt, lower --max-tokens, or take a larger model"
        )
        return ("block" if tokens * _SURE + request.max_tokens > window else "warn"), reason


def _said(found: list[Span]) -> str:
    chars = Counter[str]()
    for span in found:
        chars[span.kind] += span.end - span.start
    return "hidden characters: " + ", ".join(f"{kind} {count:,}" for kind, count in sorted(chars.items()))
