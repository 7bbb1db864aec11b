"""Secrets must not be sent, and must not be shown: those in use by exact value, all others by their format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from nbkit.guards.secret_blocks import BEGIN, GROWS
from nbkit.guards.secret_formats import Found, joined, keywords, scan
from nbkit.guards.secret_rule import LOOKBACK_CHARS
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Action, Request, Screened, Span, Stage, Verdict

_SHOWN_CHARS: Final = 4
_LONG_CHARS: Final = 16
"""Only of a secret at least this long are the first characters shown."""
_NAMED: Final = 3
_TOKEN_GROWS: Final = re.compile(r"[^!#-&(-;=?-_a-~]")
_QUIET_CHARS: Final = 512
_QUIET_GROWTH: Final = 1.25


class SecretsGuard:
    """Blocks a prompt that holds a secret; takes secrets out of answers and retrieved passages.

    The values in use are never let through. What only has the format of a secret follows the policy, and passes where
    its kind is allowed.

    >>> guard = SecretsGuard(GuardOptions(SecretRegistry({"HF_TOKEN": "hf_0123456789"})))
    >>> guard.screen("use hf_0123456789", stage="output", request=Request("echo", "echo", ())).text
    'use [secret:HF_TOKEN]'
    """

    name: ClassVar[str] = "secrets"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "retrieved", "output")
    standard: ClassVar[Mapping[Stage, Action]] = {"input": "block", "retrieved": "redact", "output": "redact"}
    # A passage with a key in it often has more beside it that has no format, so it is left out whole. An answer loses
    # the key while it streams: to block it as well would save nothing and lose what was paid for.
    strict: ClassVar[Mapping[Stage, Action]] = {"input": "block", "retrieved": "block", "output": "redact"}

    def __init__(self, options: GuardOptions) -> None:
        self._options = options

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:  # noqa: ARG002 - the Protocol has it
        """The text with each secret replaced by its name; the verdict says what was found."""
        return self._stream(stage).finish(text)

    def open(self, request: Request) -> SecretsStream:  # noqa: ARG002 - the Protocol has it
        """A new stream of the output stage."""
        return self._stream("output")

    def _stream(self, stage: Stage) -> SecretsStream:
        action = self._options.actions.get(stage, self.standard[stage])
        # Nothing can be asked again by this guard: the stronger action is taken.
        return SecretsStream(
            self._options.secrets,
            stage=stage,
            action="block" if action == "reask" else action,
            allowed_kinds=self._options.allowed_kinds,
        )


@dataclass(frozen=True, slots=True)
class _Hit:
    """A secret that was found: `is_value` if it is one in use."""

    start: int
    end: int
    name: str
    is_value: bool
    head: str = ""


class SecretsStream:
    """One text in pieces. Held back: only an end that may go on to be a secret."""

    def __init__(
        self,
        secrets: SecretRegistry,
        *,
        stage: Stage,
        action: Action = "redact",
        allowed_kinds: frozenset[str] = frozenset(),
    ) -> None:
        self._secrets = secrets
        self._stage: Stage = stage
        self._action: Action = action
        self._allowed = allowed_kinds
        self._before = ""
        """The end of what is decided: a secret may be known by what stands before it."""
        self._held = ""
        self._grows: re.Pattern[str] | None = None
        """What has to come before what is held can be decided."""
        self._looked_chars = 0
        """How long what is held was when it was last looked at."""
        self._done_chars = 0
        self._marks: list[tuple[int, int]] = []
        """Keywords by number and their places in all that came: what was searched once is not searched again."""
        self._searched_chars = 0
        self._hits: list[_Hit] = []

    def feed(self, text: str) -> str:
        """What is certain not to be part of a secret."""
        self._held += text
        # A long token or key arrives in hundreds of pieces; each would be looked at again from its beginning.
        is_short = self._grows is GROWS or len(self._held) < max(_QUIET_CHARS, self._looked_chars * _QUIET_GROWTH)
        if self._grows is not None and is_short and self._grows.search(text) is None:
            return ""
        return self._settle(is_last=False)

    def finish(self, text: str = "") -> Screened:
        """What was held back, then the last piece; and the verdict."""
        self._held += text
        return Screened(self._settle(is_last=True), self._verdict())

    def _settle(self, *, is_last: bool) -> str:
        text, base = self._held, len(self._before)
        whole = self._before + text
        found, open_from = scan(whole, start=base, is_last=is_last, marks=self._places(whole))
        pending = len(text) if is_last else max(0, min(open_from - base, self._secrets.pending(text)))
        values = self._secrets.find(text)
        if not found and not values:
            self._keep(text, pending, is_key=False)
            return text[:pending]
        hits = self._merged(text, [hit for hit in joined(found) if hit.start >= base], values, base=base)
        for hit in hits:
            if hit.start < pending < hit.end:
                pending = hit.start
        out: list[str] = []
        at = 0
        for hit in hits:
            if hit.start >= pending:
                break
            self._hits.append(
                _Hit(
                    self._done_chars + hit.start,
                    self._done_chars + hit.end,
                    hit.name,
                    is_value=hit.is_value,
                    head=hit.head,
                )
            )
            if hit.is_value or self._action in ("redact", "block"):
                label = self._secrets.label(hit.name)
                out += (text[at : hit.start], label)
                at = hit.end
        out.append(text[at:pending])
        self._keep(text, pending, is_key=any(hit.start == pending and text.startswith(BEGIN, pending) for hit in hits))
        return "".join(out)

    def _places(self, whole: str) -> Sequence[tuple[int, int]]:
        """Keywords in what is at hand, the end of what is decided included: exact ones only behind that."""
        words, base = keywords(), len(self._before)
        shift = self._done_chars - base
        start = max(0, self._searched_chars - shift)
        found = words.find(whole[start:], exact_from=max(0, base - start))
        # What may have begun is searched with what comes.
        self._searched_chars = shift + len(whole) - words.open_chars(whole)
        if not self._marks and not (found and start + shift):
            self._marks = found
            return found
        known = [
            (number, at)
            for number, at in self._marks
            if (self._done_chars if words.is_exact(number) else shift) <= at < shift + start
        ]
        self._marks = sorted([*known, *((number, at + start + shift) for number, at in found)])
        return [(number, at - shift) for number, at in self._marks]

    def _keep(self, text: str, pending: int, *, is_key: bool) -> None:
        self._before = (self._before + text[:pending])[-LOOKBACK_CHARS:]
        self._held = text[pending:]
        self._looked_chars = len(self._held)
        self._done_chars += pending
        self._grows = None if not self._held else GROWS if is_key else _TOKEN_GROWS

    def _merged(
        self, text: str, found: list[Found], places: Sequence[tuple[int, int, str]], *, base: int
    ) -> list[_Hit]:
        """Values in use and formats in order, those that overlap made one; a value in use names it."""
        formats = [
            _Hit(
                each.start - base,
                each.end - base,
                each.kind,
                is_value=False,
                head=text[each.start - base : each.start - base + _SHOWN_CHARS],
            )
            for each in found
            if each.kind not in self._allowed
        ]
        values = [_Hit(start, end, name, is_value=True) for start, end, name in places]
        if not values:
            return formats
        removes = self._action in ("redact", "block")
        merged: list[_Hit] = []
        for each in sorted(formats + values, key=lambda hit: (hit.start, hit.end)):
            last = merged[-1] if merged else None
            if last is None or each.start >= last.end:
                merged.append(each)
            elif removes or last.is_value == each.is_value:
                named = last if last.is_value or not each.is_value else each
                merged[-1] = _Hit(
                    last.start, max(last.end, each.end), named.name, is_value=named.is_value, head=named.head
                )
            elif each.is_value:
                # What only has the format passes here, the value in use does not.
                merged[-1] = each
        return merged

    def _verdict(self) -> Verdict:
        if not self._hits:
            return Verdict(SecretsGuard.name, self._stage, "allow")
        spans = tuple(Span(hit.start, hit.end, self._kind(hit)) for hit in self._hits)
        action = self._taken()
        if action == "block":
            return Verdict(SecretsGuard.name, self._stage, "block", self._why(), spans)
        times = Counter(span.kind for span in spans)
        found = ", ".join(f"{kind} ({n} times)" if n > 1 else kind for kind, n in times.items())
        verb = "removed" if action == "redact" else "found, and left in"
        return Verdict(SecretsGuard.name, self._stage, action, f"secrets {verb}: {found}", spans)

    def _taken(self) -> Action:
        if any(hit.is_value for hit in self._hits):
            value_action: Action = "block" if self._stage == "input" else "redact"
            if value_action == "block" or self._action != "block":
                return value_action
        return "block" if self._action == "block" and any(not hit.is_value for hit in self._hits) else self._action

    def _why(self) -> str:
        where = ", ".join(self._place(hit) for hit in self._hits[:_NAMED])
        more = f" and {len(self._hits) - _NAMED} more" if len(self._hits) > _NAMED else ""
        if self._stage == "input":
            return f"the prompt holds {where}{more}: take it out of the cell or the variable"
        return f"{'the passage' if self._stage == 'retrieved' else 'the answer'} holds {where}{more}"

    def _place(self, hit: _Hit) -> str:
        if hit.is_value:
            return f"the value of {self._kind(hit)} at character {hit.start + 1:,}"
        chars = hit.end - hit.start
        shown = f"{hit.head}…, " if chars >= _LONG_CHARS else ""
        return f"{hit.name} at characters {hit.start + 1:,}\u2013{hit.end:,} ({shown}{chars:,} characters)"

    def _kind(self, hit: _Hit) -> str:
        """The name; without it where that holds the value of another secret."""
        return self._secrets.label(hit.name)[1:-1].partition(":")[2] or "secret"
