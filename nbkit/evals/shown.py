"""What of a run may be kept and drawn: without secrets, and with stand-ins for personal data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final, TypeVar

from nbkit.canonical import map_text
from nbkit.evals.cases import Answer
from nbkit.evals.runs import Graded, Run

T = TypeVar("T")
_WRITTEN: Final = ("system", "stop", "where", "params")
"""Settings of a run that hold the user's own words."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sieve:
    """What is taken out of a run before it reaches a file or a page.

    `redact` takes the secrets out of a text, and `screen` what guards would not send: for a case that has no answer,
    so that nobody knows what they replaced in it. Without `keeps_content` questions, right answers and answers are left
    out too.

    >>> from nbkit.evals.cases import Case
    >>> Sieve(str, keeps_content=False).graded(Graded(Case("a", "Who?"), 0, Answer("Ann"))).answer.text
    ''
    """

    redact: Callable[[str], str] = str
    keeps_content: bool = True
    screen: Callable[[str], str] = str

    def run(self, run: Run) -> Run:
        """A run with all its answers."""
        return dataclasses.replace(self.alone(run), graded=tuple(map(self.graded, run.graded)))

    def alone(self, run: Run) -> Run:
        """A run without its answers."""
        settings = run.pins.settings
        own = {name: map_text(settings[name], self._prompt) for name in _WRITTEN if name in settings}
        pins = dataclasses.replace(run.pins, task=self._prompt(run.pins.task), settings={**settings, **own})
        return map_text(dataclasses.replace(run, pins=pins, graded=()), self.redact)

    def graded(self, graded: Graded) -> Graded:
        """One sample: what a guard replaced in the prompt is replaced in the whole of it."""
        answer, case = graded.answer, graded.case
        hidden = dict(answer.originals) if answer is not None else {}
        found = map_text(
            dataclasses.replace(graded, case=dataclasses.replace(case, contexts=()), answer=None),
            lambda text: self.redact(_without(text, hidden)),
        )
        if answer is None and self.keeps_content:
            found = dataclasses.replace(found, case=map_text(found.case, self.screen))
        kept = None if answer is None else self._answer(answer, hidden)
        # The name of a case is what the next try finds it by.
        own = dataclasses.replace(found.case, id=self.redact(case.id))
        if not self.keeps_content:
            # What is further known of a case may stand in its prompt.
            own = dataclasses.replace(own, input="", expected=None if own.expected is None else "", metadata={})
            scores = {name: dataclasses.replace(one, note="") for name, one in found.scores.items()}
            found = dataclasses.replace(found, scores=scores)
        return dataclasses.replace(found, case=own, answer=kept)

    def passage(self, text: str) -> str:
        """What a passage says that was handed in, and that no guard has seen."""
        return self.redact(self.screen(text)) if self.keeps_content else ""

    def _prompt(self, text: str) -> str:
        return self.screen(text) if self.keeps_content else ""

    def _answer(self, answer: Answer, hidden: dict[str, str]) -> Answer:
        said = answer.text if answer.kept_text is None else answer.kept_text
        return dataclasses.replace(
            answer,
            text=self.redact(_without(said, hidden)) if self.keeps_content else "",
            passages=tuple(dataclasses.replace(one, text="", header="") for one in answer.passages),
            kept_text=None,
            originals={},
        )


def _without(text: str, hidden: dict[str, str]) -> str:
    for stand_in in sorted(hidden, key=lambda name: -len(hidden[name])):
        text = text.replace(hidden[stand_in], stand_in)
    return text
