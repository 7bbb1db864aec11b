"""Secrets that are in use must not be sent, and must not be shown: by exact value, also encoded."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Request, Screened, Span, Stage, Verdict


class SecretsGuard:
    """Blocks a prompt that holds a secret; takes secrets out of answers and retrieved passages.

    >>> guard = SecretsGuard(GuardOptions(SecretRegistry({"HF_TOKEN": "hf_0123456789"})))
    >>> guard.screen("use hf_0123456789", stage="output", request=Request("echo", "echo", ())).text
    'use [secret:HF_TOKEN]'
    """

    name: ClassVar[str] = "secrets"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "retrieved", "output")

    def __init__(self, options: GuardOptions) -> None:
        self._secrets = options.secrets

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:  # noqa: ARG002 - the Protocol has it
        """The text with each secret replaced by its name; the verdict blocks at the input."""
        stream = SecretsStream(self._secrets, stage=stage)
        shown = stream.feed(text)
        rest = stream.finish()
        return Screened(shown + rest.text, rest.verdict)

    def open(self, request: Request) -> SecretsStream:  # noqa: ARG002 - the Protocol has it
        """A new stream of the output stage."""
        return SecretsStream(self._secrets, stage="output")


class SecretsStream:
    """One text in pieces. Held back: only an end that may go on to be a secret."""

    def __init__(self, secrets: SecretRegistry, *, stage: Stage) -> None:
        self._secrets = secrets
        self._stage: Stage = stage
        self._held = ""
        self._done_chars = 0
        self._spans: list[Span] = []

    def feed(self, text: str) -> str:
        """What is certain not to be part of a secret."""
        whole = self._held + text if self._held else text
        if self._secrets.is_clear(whole):
            self._done_chars += len(whole)
            self._held = ""
            return whole
        return self._settle(whole, is_last=False)

    def finish(self) -> Screened:
        """What was held back, and the verdict."""
        return Screened(self._settle(self._held, is_last=True), self._verdict())

    def _settle(self, text: str, *, is_last: bool) -> str:
        pending = len(text) if is_last else self._secrets.pending(text)
        out: list[str] = []
        at = 0
        for start, end, name in self._secrets.find(text):
            if start >= pending:
                break
            out += (text[at:start], self._secrets.label(name))
            self._spans.append(Span(self._done_chars + start, self._done_chars + end, name))
            at = end
            if end > pending:
                # The secret took the place where another seemed to begin: look again behind it.
                pending = self._secrets.pending(text, end)
        out.append(text[at:pending])
        self._held = text[pending:]
        self._done_chars += pending
        return "".join(out)

    def _verdict(self) -> Verdict:
        if not self._spans:
            return Verdict(SecretsGuard.name, self._stage, "allow")
        names = Counter(span.kind for span in self._spans)
        spans = tuple(Span(span.start, span.end, "secret") for span in self._spans)
        if self._stage == "input":
            where = ", ".join(f"{span.kind} at character {span.start + 1:,}" for span in self._spans[:3])
            reason = f"the prompt holds the value of {where}: take it out of the cell or the variable"
            return Verdict(SecretsGuard.name, self._stage, "block", reason, spans)
        found = ", ".join(f"{name} ({times} times)" if times > 1 else name for name, times in names.items())
        return Verdict(SecretsGuard.name, self._stage, "redact", f"secrets removed: {found}", spans)
