"""Answers that cannot reach out of the page: links, images, HTML and control characters made inert."""

from __future__ import annotations

from typing import ClassVar

from nbkit.guards.controls import without_controls
from nbkit.guards.findings import Findings
from nbkit.guards.hosts import Hosts
from nbkit.guards.neutral import Neutraliser
from nbkit.protocols import GuardOptions
from nbkit.types import Request, Screened, Stage, Verdict


class MarkdownGuard:
    """Neutralises Markdown; takes control characters out of every other format, which is drawn escaped.

    >>> from nbkit.secrets import SecretRegistry
    >>> guard = MarkdownGuard(GuardOptions(SecretRegistry()))
    >>> guard.screen("![x](http://evil/a)", stage="output", request=Request("echo", "echo", ())).text
    '![x] (http[:]//evil/a)'
    """

    name: ClassVar[str] = "markdown"
    stages: ClassVar[tuple[Stage, ...]] = ("output",)

    def __init__(self, options: GuardOptions) -> None:
        self._hosts = Hosts(options.allowed_hosts)

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text with nothing live in it that is not allowed."""
        stream = MarkdownStream(self._hosts, stage=stage, request=request)
        shown = stream.feed(text)
        rest = stream.finish()
        return Screened(shown + rest.text, rest.verdict)

    def open(self, request: Request) -> MarkdownStream:
        """A new stream of the output stage."""
        return MarkdownStream(self._hosts, stage="output", request=request)


class MarkdownStream:
    """One answer in pieces. Held back: at most the construct that is not yet decided."""

    def __init__(self, hosts: Hosts, *, stage: Stage, request: Request) -> None:
        self._stage: Stage = stage
        self._neutraliser = Neutraliser(hosts) if request.format in ("md", "table") else None
        self._findings = Findings() if self._neutraliser is None else self._neutraliser.findings
        self._done_chars = 0

    def feed(self, text: str) -> str:
        """What may be shown now."""
        if self._neutraliser is not None:
            return self._neutraliser.feed(text)
        shown, places = without_controls(text)
        self._findings.add_controls(places, self._done_chars)
        self._done_chars += len(text)
        return shown

    def finish(self) -> Screened:
        """What was held back, and the verdict."""
        rest = "" if self._neutraliser is None else self._neutraliser.finish()
        return Screened(rest, _verdict(self._stage, self._findings))


def _verdict(stage: Stage, findings: Findings) -> Verdict:
    if not findings.counts:
        return Verdict(MarkdownGuard.name, stage, "allow")
    counts = findings.counts.copy()
    removed = counts.pop("control character", 0)
    parts = [_count(kind, times) for kind, times in sorted(counts.items())]
    reason = f"{', '.join(parts)} made inert" if parts else ""
    if removed:
        reason += ("; " if reason else "") + f"{_count('control character', removed)} removed"
    return Verdict(MarkdownGuard.name, stage, "redact", reason, findings.spans())


def _count(kind: str, times: int) -> str:
    plural = "es" if kind.endswith("s") else "s"
    return f"{times} {kind}{plural if times > 1 else ''}"
