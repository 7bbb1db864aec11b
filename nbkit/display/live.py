"""One prompt cell being drawn while it runs, and what stays when it has ended.

Nothing here starts a thread or a timer: text printed from a thread lands under whichever cell is running. Updates are
sent when a piece arrives and enough time has passed since the last; the end is always sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbkit.display.answer import answers_bundle
from nbkit.display.card import card_html, card_text
from nbkit.display.meter import Meter, Reading
from nbkit.display.rows import carried
from nbkit.display.surface import Bundle, Surface, surface
from nbkit.display.view import Live, view
from nbkit.pipeline import Prepared, Stages
from nbkit.recorded import RECORD_MIME, Outcome, Record
from nbkit.setting import Settings
from nbkit.types import Request, Status

if TYPE_CHECKING:
    from nbkit.display.result import Result

ANSWER_EVERY_S = 0.125
CARD_EVERY_S = 0.5
"""At most 8 + 2 updates a second, so that with the two that end the cell there are never more than 12."""
QUICK_S = 0.1
"""A cell that ends sooner without having asked the provider, as a cache hit does, is drawn once."""

_ENDINGS: dict[Status, str] = {
    "interrupted": "Interrupted here: the answer is not complete.",
    "error": "The call failed here: the answer is not complete.",
    "blocked": "A guard stopped the answer here.",
}


class Cell:
    """The drawing of one cell: hand `on_text` and `on_phase` to the session, then call `finish`.

    `meter` counts what it takes while it runs. `clock` gives seconds that only rise.

    >>> cell = Cell(Settings(quiet=True), model="echo")
    >>> cell.on_phase("provider")
    >>> cell.on_text(0, "hello")
    """

    def __init__(
        self,
        settings: Settings,
        *,
        model: str,
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
        on: Surface | None = None,
    ) -> None:
        self._settings = settings
        self._model = model
        self._meter = meter
        self._clock = clock
        self._surface = on or surface(settings.ui, is_quiet=settings.quiet)
        self._started = clock()
        self._answer_due = self._card_due = self._started + QUICK_S
        self._asked_at: float | None = None
        self._first_token_s: float | None = None
        self._phase = "waiting"
        self._pieces: list[list[str]] = []
        self._chars = 0
        self._begins = True

    def prepare(self, asked: Request, stages: Stages) -> Prepared:
        """Takes note of the request that will be sent, after what the meter was given to change it."""
        return Prepared(asked, stages) if self._meter is None else self._meter.prepare(asked, stages)

    def on_phase(self, name: str) -> None:
        """Takes the room of the corridor that the call has entered."""
        self._phase = name
        # Each answer begins with it; the second of one sample takes the place of the first.
        self._begins = self._begins or name == "guards in"
        if name == "guards in":
            self._asked_at = None
        if name == "provider":
            self._asked_at = self._clock()
            if self._meter is not None:
                self._meter.begin()
            # Now there may be a wait, with nothing that would draw until the first piece arrives.
            self._answer_due = min(self._answer_due, self._clock())
            self._card_due = min(self._card_due, self._clock())
        card = self._card_when_due()
        if card is not None:
            self._surface.live(card)

    def on_text(self, sample: int, text: str) -> None:
        """Takes a piece of the answer of a sample, and shows it when it is time."""
        while len(self._pieces) <= sample:
            self._pieces.append([])
        if self._begins:
            self._pieces[sample] = []
            self._begins = False
        self._pieces[sample].append(text)
        self._chars += len(text)
        if self._meter is not None and self._asked_at is not None:
            self._meter.take(text)
        now = self._clock()
        if self._first_token_s is None:
            self._first_token_s = now - self._started
        if self._settings.stream and not self._settings.quiet and now >= self._answer_due:
            self._answer_due = now + ANSWER_EVERY_S
            self._surface.stream(self._so_far(), self._card_when_due())
        elif not self._settings.stream and (card := self._card_when_due()) is not None:
            # While the answer streams, the card goes with its next update: one message for both.
            self._surface.live(card)

    def finish(self, outcomes: Sequence[Outcome], result: Result) -> None:
        """Replaces what was live by the answer and the card that stay; the caller raises the error afterwards."""
        records = tuple(outcome.record for outcome in outcomes)
        self._surface.end(self._answer(records, result.drawn), self._card(records))

    def _card_when_due(self) -> Bundle | None:
        now = self._clock()
        if now < self._card_due or self._settings.quiet:
            return None
        self._card_due = now + CARD_EVERY_S
        live = Live(
            model=self._model,
            phase=self._phase,
            elapsed_s=now - self._started,
            first_token_s=self._first_token_s,
            received_chars=self._chars,
            sample=max(0, len(self._pieces) - 1),
            samples=self._settings.samples,
            reading=Reading() if self._meter is None else self._meter.reading(),
            provider_s=0.0 if self._asked_at is None else now - self._asked_at,
        )
        card = view(live)
        return {"text/html": card_html(card), "text/plain": card_text(card)}

    def _so_far(self) -> str:
        texts = ["".join(pieces) for pieces in self._pieces]
        # Joined once: many small pieces are not joined again at each update.
        self._pieces = [[text] for text in texts]
        if self._settings.samples > 1:
            texts = [f"Sample {number}\n{text}" for number, text in enumerate(texts, 1)]
        return "\n\n".join(texts)

    def _answer(self, records: Sequence[Record], texts: Sequence[str]) -> dict[str, str] | None:
        if not any(texts):
            return None
        form = next((record.request.format for record in records if record.request), self._settings.format)
        last = records[-1]
        is_partial = last.response is not None and bool(last.response.text)
        ending = _ENDINGS.get(last.status, "") if is_partial else ""
        if last.error is not None and last.error.kind == "SchemaMismatch":
            ending = "This answer does not fit its schema."
        return answers_bundle(texts, form, ending=ending, anchors=_anchors(records))

    def _card(self, records: Sequence[Record]) -> dict[str, Any]:
        card = view(records, self._model)
        # As text, no passage is shown whole.
        drawn = view(records, self._model, opens_passages=True) if self._settings.rag_show else card
        return {
            "text/html": card_html(drawn),
            "text/plain": card_text(card),
            RECORD_MIME: carried(records, keeps_content=self._settings.records_content),
        }


def _anchors(records: Sequence[Record]) -> dict[int, str]:
    retrieved = next((record for record in records if record.retrieval is not None), None)
    if retrieved is None:
        return {}
    from nbkit.display.sources import anchors  # only answers from documents need it

    return anchors(retrieved)
