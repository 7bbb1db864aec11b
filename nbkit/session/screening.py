"""Texts through the guards in force, without a call: what `nbkit.screen` and `%guard test` do."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from nbkit.errors import BadSetting, Blocked
from nbkit.pipeline.passages import screen_passage
from nbkit.pipeline.screening import OutputScreen, in_order, screen_request, strongest
from nbkit.protocols import Guard
from nbkit.pseudonyms import Pseudonyms
from nbkit.session.furniture import Furniture
from nbkit.session.places import Places
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

    Of stage input, `text` is the last message of `asked`, whatever that says. Places are those in `text`, though a
    guard sees it as the one before left it.
    """
    verdicts: list[Verdict] = []
    held: list[Pseudonyms] = []
    places, passed = Places(), text
    for guard in guards if stage == "output" else in_order(guards):
        if stage not in guard.stages:
            continue
        before, own, started = passed, list[Verdict](), time.perf_counter()
        try:
            passed = _step(before, guard, stage, asked, own, may_fail=may_fail, held=held)
        except Blocked:
            passed = ""
        spent_s = time.perf_counter() - started
        verdicts += (dataclasses.replace(one, spans=places.all_as_given(one.spans), duration_s=spent_s) for one in own)
        if not passed and any(one.action == "block" for one in own):
            return Screening("", tuple(verdicts))
        places.change(before, passed, [span for one in own for span in one.spans])
    return Screening(passed, tuple(verdicts), held[0] if held else Pseudonyms())


def _step(
    text: str,
    guard: Guard,
    stage: Stage,
    asked: Request,
    verdicts: list[Verdict],
    *,
    may_fail: frozenset[str],
    held: list[Pseudonyms],
) -> str:
    """The text as one guard leaves it; raises `Blocked`."""
    if stage == "retrieved":
        found = screen_passage(guard, text, asked, can_fail=guard.name in may_fail)
        verdicts.append(found.verdict)
        return "" if found.verdict.action == "block" else found.text
    if stage == "input":
        request = dataclasses.replace(asked, messages=(*asked.messages[:-1], Message("user", text)))
        return screen_request(request, [guard], verdicts, may_fail=may_fail, held=held).messages[-1].content
    screen = OutputScreen([guard], lambda _: None, verdicts, may_fail=may_fail)
    screen.open(asked)
    screen.feed(text)
    screen.finish()
    return screen.shown


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
