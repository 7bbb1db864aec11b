"""Texts through the guards in force, without a call: what `nbkit.screen` and `%guard test` do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from nbkit.errors import BadSetting, Blocked
from nbkit.pipeline.screening import OutputScreen, screen_passages, screen_request, strongest
from nbkit.protocols import Guard
from nbkit.pseudonyms import Pseudonyms
from nbkit.session.furniture import Furniture
from nbkit.session.retrieving import about
from nbkit.setting import Settings
from nbkit.types import Action, Message, Request, Stage, Verdict


@dataclass(frozen=True, slots=True)
class Screening:
    """One text after the guards, with what they said of it.

    >>> Screening("hi", (Verdict("secrets", "input", "allow"),)).action
    'allow'
    """

    text: str
    """As it would go on; empty when it was blocked."""
    verdicts: tuple[Verdict, ...]
    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms, repr=False)
    """What stands for what was replaced."""

    @property
    def action(self) -> Action:
        """The strongest of what was done."""
        return strongest(self.verdicts).action if self.verdicts else "allow"

    def restore(self, text: str) -> str:
        """A text with what was replaced in this one put back."""
        return self.pseudonyms.restore(text)


def screened(
    text: str, guards: Sequence[Guard], *, stage: Stage, asked: Request, may_fail: frozenset[str] = frozenset()
) -> Screening:
    """The text after the guards of a stage; what they block is empty. `asked`: the request it belongs to.

    Of stage input, `text` is the last message of `asked`, whatever that says.
    """
    verdicts: list[Verdict] = []
    if stage == "retrieved":
        (shown,), verdicts = screen_passages([text], guards, request=asked, may_fail=may_fail)
        return Screening(shown if isinstance(shown, str) else "", tuple(verdicts))
    held: list[Pseudonyms] = []
    try:
        if stage == "input":
            request = dataclasses.replace(asked, messages=(*asked.messages[:-1], Message("user", text)))
            sent = screen_request(request, guards, verdicts, may_fail=may_fail, held=held)
            passed = sent.messages[-1].content
        else:
            screen = OutputScreen(guards, lambda _: None, verdicts, may_fail=may_fail)
            screen.open(asked)
            screen.feed(text)
            screen.finish()
            passed = screen.shown
    except Blocked:
        return Screening("", tuple(verdicts))
    return Screening(passed, tuple(verdicts), held[0] if held else Pseudonyms())


def screen_texts(
    furniture: Furniture,
    texts: Sequence[str],
    *,
    settings: Settings,
    stage: Stage,
    contexts: Sequence[str] = (),
    question: str = "",
) -> list[Screening]:
    """Each text after the guards in force, alone. `contexts`: what an answer to `question` should rest on."""
    if stage not in get_args(Stage):
        raise BadSetting(
            what=f"there is no stage {stage!r}",
            why=f"texts are screened at {', '.join(get_args(Stage))}",
            fix='stage="output" for an answer',
        )
    guards, policy = furniture.guards(settings, is_local=False), furniture.policy(settings)[0]
    if contexts:
        guards = tuple(about(guard, contexts, question=question) for guard in guards)
    asked = Request("", settings.model or "", (Message("user", question),), format=settings.format)
    return [screened(text, guards, stage=stage, asked=asked, may_fail=policy.may_fail) for text in texts]
