"""Citations that are checked: each sentence of an answer is matched to the passages while it streams.

What the model cites is not believed. A number that supports its sentence stays; one that does not is replaced by the
passage that does; a sentence without a number gets one; a sentence that no passage supports is marked `[?]`.
A row of a table is checked as a sentence is, and marked in its last cell. Code, headings that only name what follows,
and sentences that claim nothing stay as they are.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from nbkit.documents import Passage
from nbkit.guards.answer_tables import AnswerTable
from nbkit.guards.claim_ends import ITEM, Sentences
from nbkit.guards.claims import is_unknown, without_lead_in
from nbkit.guards.grounding import ENOUGH, Sources
from nbkit.pseudonyms import Pseudonyms
from nbkit.rag.marking import with_marks, without_marks
from nbkit.rag.support import Support, Words, support, words
from nbkit.types import Action, Request, Screened, Span, Stage, Verdict

UNSUPPORTED = "[?]"
_MOST_CITED = 2
_LEAST_WORDS = 2
"""A sentence with fewer content words and no number claims nothing, unless it is all that the answer says."""
_MOST_WAITING = 20
_HEAD = re.compile(r"^#{1,6} .*$", re.MULTILINE)
_IN_LINES = re.compile(r"\s*(?:\||```|~~~)")


@dataclass(frozen=True, slots=True)
class Citation:
    """One sentence of the answer and a passage that supports it."""

    number: int
    """Of the passage, from 1, as it stands in brackets."""
    sentence: str
    start: int
    """The quote, in characters of the passage's text."""
    end: int
    score: float
    """Share of the sentence's content words that the quote holds."""


def citations(text: str, passages: Sequence[Passage]) -> list[Citation]:
    """The citations of an answer that has been through the guard, each with its quote.

    >>> [found] = citations("It needs 30 W [1].", [Passage("a", "Loud. The fan needs 30 W.", "fan.md")])
    >>> found.number, "Loud. The fan needs 30 W."[found.start : found.end]
    (1, 'The fan needs 30 W.')
    """
    stream = CitationStream(passages)
    stream.feed(text)
    stream.finish()
    return stream.citations


class CitationGuard:
    """The output guard of one `%%rag` call; it knows the passages that the call was given.

    >>> guard = CitationGuard([Passage("a", "The fan needs 30 W.", "fan.md")])
    >>> guard.screen("It needs 30 W [7]. It sings.", stage="output", request=Request("echo", "echo", ())).text
    'It needs 30 W [1]. It sings.'
    """

    name: ClassVar[str] = "citations"
    stages: ClassVar[tuple[Stage, ...]] = ("output",)

    def __init__(self, passages: Sequence[Passage], *, question: str = "", replaced: Pseudonyms | None = None) -> None:
        self._passages = tuple(passages)
        self._question = question
        self._replaced = replaced

    def knowing(self, replaced: Pseudonyms) -> CitationGuard:
        """The same guard for one call, whose request had values of the passages replaced."""
        return CitationGuard(self._passages, question=self._question, replaced=replaced)

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text with its citations put right."""
        stream = self.open(request)
        shown = stream.feed(text)
        rest = stream.finish()
        del stage
        return Screened(shown + rest.text, rest.verdict)

    def open(self, request: Request) -> CitationStream:  # noqa: ARG002 - the Protocol has it
        """A new stream."""
        return CitationStream(self._passages, question=self._question, replaced=self._replaced)


_NO_WORDS = Words(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A sentence that was read, and may have to be checked."""

    text: str
    plain: str
    """Without marks."""
    start: int
    """In the answer, in characters."""
    body: str = ""
    """What is held against the passages: without what stands before it, as the mark of a list's item."""
    named: str = ""
    """Of a row of a table, each cell behind the name of its column."""
    claim: Words = _NO_WORDS
    cited: tuple[int, ...] = ()
    is_claim: bool = True
    is_word: bool = False
    """Whether it claims a single word, as a whole answer may."""


class CitationStream:
    """One answer in pieces. Held back: the sentence that has not ended."""

    def __init__(self, passages: Sequence[Passage], *, question: str = "", replaced: Pseudonyms | None = None) -> None:
        self._passages = passages
        self._question = question
        self._replaced = replaced or Pseudonyms()
        self._table = AnswerTable()
        self._above = [" ".join((one.title, *one.headings, one.header)) for one in passages]
        # A sentence need not say again what stands above it in the passage.
        self._heads = [
            " ".join((above, *_HEAD.findall(one.text))) for above, one in zip(self._above, passages, strict=True)
        ]
        self._sentences = Sentences()
        self._held = ""
        self._done_chars = 0
        self._spans: list[Span] = []
        self._corrected = 0
        self._has_words = False
        self._waiting: list[_Waiting] | None = []
        self._bare: list[int] = []
        self.citations: list[Citation] = []
        """What supports the sentences so far, in their order."""

    def feed(self, text: str) -> str:
        """The sentences that are complete."""
        self._held += text
        return self._settle(is_last=False)

    def finish(self) -> Screened:
        """The last sentence, and the verdict."""
        rest = self._settle(is_last=True)
        # All that the answer says is a word: that is what it claims.
        rest += "".join(self._checked(one) if one.is_word else one.plain for one in self._waiting or ())
        if not self._has_words and self._bare:
            # An answer that only names passages leads the reader to them: it is little, and more than nothing.
            rest = "".join(f"[{number}]" for number in self._bare)
        return Screened(rest, self._verdict())

    # What is asked, and the headings, are no evidence: a sentence may repeat them and is not better for it. Sources are
    # read when the first sentence is there, not before the model is asked.
    @functools.cached_property
    def _alone(self) -> list[Sources]:
        return [
            Sources([one.text], question=f"{self._question}\n{above}")
            for one, above in zip(self._passages, self._above, strict=True)
        ]

    @functools.cached_property
    def _together(self) -> Sources:
        texts = [one.text for one in self._passages]
        return Sources(texts, question="\n".join((self._question, *self._above)))

    def _settle(self, *, is_last: bool) -> str:
        out: list[str] = []
        at = 0
        while at < len(self._held):
            end = self._sentences.end(self._held, at, is_last=is_last)
            if end is None and not is_last:
                break
            end = len(self._held) if end is None else end
            out.append(self._sentence(self._held[at:end]))
            self._done_chars += end - at
            at = end
        self._held = self._held[at:]
        return "".join(out)

    def _sentence(self, text: str) -> str:
        """What is shown of it now: nothing of a word as long as it may be the whole answer."""
        one = self._read(text)
        self._has_words = self._has_words or bool(one.plain.strip())
        if self._waiting is None:
            return one.plain if one.is_word or not one.is_claim else self._checked(one)
        is_checked = one.is_claim and not one.is_word
        # A word before a table, or code, is not all that the answer says: each row is shown as it is there.
        is_over = is_checked or (bool(self._waiting) and _IN_LINES.match(one.plain) is not None)
        if not is_over and (one.is_word or self._waiting) and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(one)
            return ""
        if not is_over and not one.is_word:
            return one.plain
        before = "".join(each.plain for each in self._waiting)
        self._waiting = None
        return before + (self._checked(one) if is_checked else one.plain)

    def _read(self, text: str) -> _Waiting:
        is_prose = self._sentences.is_prose(text)
        plain, cited = without_marks(text, known=len(self._passages))
        row = None if self._sentences.is_in_code else self._table.row(self._replaced.undo(plain))
        if row is not None:
            claim = words(row.text)
            is_claim = bool(claim.numbers) or len(claim.content) >= _LEAST_WORDS
            return _Waiting(text, plain, self._done_chars, row.text, row.named, claim, tuple(cited), is_claim=is_claim)
        if not is_prose:
            return _Waiting(text, text, self._done_chars, is_claim=False)
        item = ITEM.match(plain)
        body = without_lead_in(plain[item.end() :] if item else plain)
        if cited and not any(char.isalnum() for char in body):
            known = (number for number in cited if 0 < number <= len(self._passages))
            self._bare += [number for number in dict.fromkeys(known) if number not in self._bare]
            self._sentences.drop()
            return _Waiting(text, "".join(char for char in plain if char.isspace()), self._done_chars, is_claim=False)
        # What stands for a value in the request is that value in the passages.
        body = self._replaced.undo(body)
        claim = words(body)
        is_word = not claim.numbers and len(claim.content) < _LEAST_WORDS
        is_claim = bool(claim.content or claim.numbers) and not is_unknown(plain)
        return _Waiting(
            text,
            plain,
            self._done_chars,
            body,
            "",
            claim,
            tuple(cited),
            is_claim=is_claim,
            is_word=is_word and is_claim,
        )

    def _checked(self, one: _Waiting) -> str:
        """The sentence with the marks of what supports it."""
        found = [
            support(one.claim, passage.text, context=heads)
            for passage, heads in zip(self._passages, self._heads, strict=True)
        ]
        numbers = [] if self._together.conflict(one.body, named=one.named) else self._choose(one.body, found, one.cited)
        if not numbers:
            self._spans.append(Span(one.start, one.start + len(one.text), "no source"))
            return with_marks(one.plain, UNSUPPORTED)
        self._corrected += bool(one.cited) and not set(one.cited) & set(numbers)
        for number in numbers:
            place = found[number - 1]
            if not place.score:
                continue  # Its words are spread over the passage: there is no short quote.
            self.citations.append(Citation(number, one.plain.strip(), place.start, place.end, place.score))
        return with_marks(one.plain, "".join(f"[{number}]" for number in numbers))

    def _choose(self, sentence: str, found: Sequence[Support], cited: Sequence[int]) -> list[int]:
        """The passages to cite: those the model named that support the sentence, else the best that does.

        Where none does alone, but all do together, the two that hold most of its words.
        """
        scores = [sources.support(sentence)[0] for sources in self._alone]
        held = [one.score for one in found]
        enough = [number for number, score in enumerate(scores, 1) if score >= ENOUGH and held[number - 1]]
        kept = [number for number in dict.fromkeys(cited) if number in enough]
        if kept:
            return kept[:_MOST_CITED]
        best = sorted(range(1, len(held) + 1), key=lambda number: (-held[number - 1], -scores[number - 1]))
        if enough:
            return [min(enough, key=best.index)]
        if self._together.support(sentence)[0] < ENOUGH:
            return []
        # Spread over a passage, as over rows of a table: it says all of it, and needs no other.
        whole = [number for number in best if scores[number - 1] >= ENOUGH]
        if whole:
            return [next((number for number in cited if number in whole), max(whole, key=lambda at: scores[at - 1]))]
        return sorted(best[:_MOST_CITED])

    def _verdict(self) -> Verdict:
        parts = []
        if self._spans:
            parts.append(f"{len(self._spans)} {'sentence' if len(self._spans) == 1 else 'sentences'} without a source")
        if self._corrected:
            parts.append(f"{self._corrected} {'citation' if self._corrected == 1 else 'citations'} corrected")
        if self._bare and not self._has_words:
            return Verdict(CitationGuard.name, "output", "warn", "the model named passages and said nothing of them")
        action: Action = "warn" if self._spans else "redact" if self._corrected else "allow"
        return Verdict(
            CitationGuard.name,
            "output",
            action,
            ", ".join(parts),
            tuple(sorted(self._spans, key=lambda span: span.start)),
        )
