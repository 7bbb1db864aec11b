"""Passages that were searched for as they may be drawn: what `%%rag` would give a model and show of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeAlias

from nbkit.documents import Passage
from nbkit.errors import Blocked
from nbkit.pipeline.screening import screen_request
from nbkit.protocols import Guard
from nbkit.secrets import SecretRegistry
from nbkit.session.furniture import Furniture
from nbkit.session.retrieving import reason_of, retrieved
from nbkit.setting import Settings
from nbkit.types import Message, Request, Verdict

Seen: TypeAlias = tuple[tuple[Passage | str, ...], tuple[Verdict, ...]]
"""Each passage, or in the place of one that is left out, why; and what guards said."""


def look(
    furniture: Furniture, passages: Sequence[Passage], *, question: str, settings: Settings, secrets: SecretRegistry
) -> Seen:
    """The passages after the guards in force, as a question about them would have them; and what the guards said.

    First those of stage retrieved, then those that replace personal data in a prompt, which see all of them together,
    so that one person has one name. What is blocked there is left out too.
    """
    guards, policy = furniture.guards(settings, is_local=False), furniture.policy(settings)[0]
    asked = Request("", settings.model or "", (Message("user", question),), format=settings.format)
    read, verdicts = retrieved(passages, guards, request=asked, may_fail=policy.may_fail)
    kept = [one for one in read if isinstance(one, Passage)]
    naming = [guard for guard in guards if hasattr(guard, "pseudonyms")]
    try:
        named = iter(_named(kept, naming, asked=asked, verdicts=verdicts, may_fail=policy.may_fail))
    except Blocked:
        why = reason_of(verdicts[-1])
        named = iter([why] * len(kept))
    shown = [reason_of(one) if isinstance(one, Verdict) else next(named) for one in read]
    return tuple(_clear(one, secrets) for one in shown), tuple(verdicts)


def _named(
    passages: Sequence[Passage],
    guards: Sequence[Guard],
    *,
    asked: Request,
    verdicts: list[Verdict],
    may_fail: frozenset[str],
) -> Sequence[Passage | str]:
    """The passages with personal data replaced; raises `Blocked`."""
    texts = [text for one in passages for text in (one.text, one.header, one.title, *one.headings)]
    if not texts:
        return []
    request = dataclasses.replace(asked, messages=tuple(Message("user", text) for text in texts))
    said = iter([one.content for one in screen_request(request, guards, verdicts, may_fail=may_fail).messages])
    return [
        dataclasses.replace(
            one, text=next(said), header=next(said), title=next(said), headings=tuple(next(said) for _ in one.headings)
        )
        for one in passages
    ]


def _clear(one: Passage | str, secrets: SecretRegistry) -> Passage | str:
    """Without secrets in use in what no guard reads: its name and place."""
    if isinstance(one, str):
        return secrets.redact(one)
    return dataclasses.replace(
        one,
        source=secrets.redact(one.source),
        title=secrets.redact(one.title),
        parts=tuple(map(secrets.redact, one.parts)),
    )
