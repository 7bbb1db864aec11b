"""What every guard must do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import get_args

from nbkit.protocols import Guard
from nbkit.testing import factories
from nbkit.types import Action, Request, Screened, Stage


class GuardContract:
    """Behaviours of every guard, on texts that are plain, odd, and of the guard's own concern."""

    texts: Sequence[str] = ()
    """Texts the guard acts on."""

    def guard(self) -> Guard:
        """The guard under test, new."""
        raise NotImplementedError

    def request(self) -> Request:
        """The request that the texts belong to."""
        return factories.request()

    def test_says_what_it_is(self) -> None:
        """A name, and stages that exist."""
        guard = self.guard()
        assert isinstance(guard.name, str)
        assert guard.name
        assert guard.stages
        assert set(guard.stages) <= set(get_args(Stage))

    def test_verdicts_are_whole(self) -> None:
        """Guard, stage and action are named; spans lie in the text as it came."""
        for guard, stage, text, screened in self._screened():
            verdict = screened.verdict
            assert (verdict.guard, verdict.stage) == (guard.name, stage)
            assert verdict.action in get_args(Action)
            assert all(0 <= span.start <= span.end <= len(text) for span in verdict.spans)

    def test_same_text_has_the_same_verdict(self) -> None:
        """Screening is pure; only the time it took may differ."""
        for guard, stage, text, screened in self._screened():
            again = guard.screen(text, stage=stage, request=self.request())
            assert _timeless(again) == _timeless(screened)

    def test_text_that_is_allowed_is_unchanged(self) -> None:
        """Changing text is `redact`."""
        for _, _, text, screened in self._screened():
            assert screened.text == text or screened.verdict.action in ("redact", "block")

    def test_screened_text_passes_unchanged(self) -> None:
        """A cached answer is screened again and must not change again."""
        for guard, stage, _, screened in self._screened():
            if screened.verdict.action != "block":
                assert guard.screen(screened.text, stage=stage, request=self.request()).text == screened.text

    def test_reason_does_not_quote_what_was_matched(self) -> None:
        """Reasons are recorded and drawn."""
        for _, _, text, screened in self._screened():
            matched = {text[span.start : span.end] for span in screened.verdict.spans}
            assert not any(len(part) >= 8 and part in screened.verdict.reason for part in matched)  # noqa: PLR2004 - shorter is a word

    def test_pieces_passed_on_are_the_screened_text(self) -> None:
        """However the text is split; for guards that screen while it arrives."""
        guard = self.guard()
        if "output" not in guard.stages or not hasattr(guard, "open"):
            return
        for text in self._texts():
            whole = guard.screen(text, stage="output", request=self.request())
            for pieces in _splits(text):
                stream = guard.open(self.request())
                shown = "".join(stream.feed(piece) for piece in pieces)
                last = stream.finish()
                assert last.verdict.action == whole.verdict.action, (text, pieces)
                if whole.verdict.action == "block":
                    assert whole.text.startswith(shown) or not shown
                else:
                    assert shown + last.text == whole.text, (text, pieces)

    def _texts(self) -> list[str]:
        return ["", "plain text", "line\nline\n", "{{name}} {x} %", "é 漢字 🙂", "\ud800", *self.texts]

    def _screened(self) -> Iterator[tuple[Guard, Stage, str, Screened]]:
        guard = self.guard()
        for stage in guard.stages:
            for text in self._texts():
                yield guard, stage, text, guard.screen(text, stage=stage, request=self.request())


def _timeless(screened: Screened) -> Screened:
    return dataclasses.replace(screened, verdict=dataclasses.replace(screened.verdict, duration_s=0.0))


def _splits(text: str) -> Iterator[list[str]]:
    yield list(text)
    yield [text]
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]
