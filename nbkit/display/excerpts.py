"""Places in a prompt or an answer that a guard warned of, or where it put something in the place of what was there.

A place is shown from the text as it was recorded, in which only stand-ins are left of what was replaced.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nbkit.escape import line
from nbkit.guards.claim_ends import Sentences
from nbkit.rag.citing import UNSUPPORTED, CitationGuard
from nbkit.recorded import Record
from nbkit.types import Span, Stage, Verdict

_AROUND_CHARS, _MOST_SPAN_CHARS, MOST_EXCERPTS = 32, 160, 8
_CUT: Final = "[…]"
_STAND_IN: Final = re.compile(
    r"⟦(?P<kind>[A-Z]{2,16})_[1-9][0-9]{0,5}⟧|\[(?P<secret>secret)(?::(?P<name>[^\[\]\s]{1,80}))?\]|\[…\]"
)
_WORD: Final = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A place, with what is around it."""

    kind: str
    stage: Stage
    before: str
    matched: str
    """What was matched; what stands in its place where it `is_replaced`."""
    after: str
    is_replaced: bool = False


def excerpts(records: Sequence[Record]) -> tuple[Excerpt, ...]:
    """The first places of a cell, each once: samples and repairs ask the same.

    >>> from nbkit.testing.factories import record, request
    >>> from nbkit.types import Span
    >>> replaced = Verdict("pii", "input", "redact", "", (Span(9, 24, "EMAIL"),))
    >>> [found] = excerpts([record(request=request("Write to ⟦EMAIL_1⟧."), verdicts=(replaced,))])
    >>> found.before, found.matched, found.is_replaced
    ('Write to ', '⟦EMAIL_1⟧', True)
    """
    found: dict[tuple[str, ...], Excerpt] = {}
    for record in records:
        for place in (*_warned(record), *_replaced(record)):
            found.setdefault((place.kind, place.stage, place.before, place.matched), place)
    return tuple(found.values())[:MOST_EXCERPTS]


def _texts(record: Record) -> dict[Stage, str]:
    texts: dict[Stage, str] = {}
    if record.request is not None and record.request.messages:
        texts["input"] = texts["retrieved"] = record.request.messages[-1].content
    if record.response is not None:
        texts["output"] = record.response.text
    return texts


def _warned(record: Record) -> Iterator[Excerpt]:
    """Those of guards that changed nothing, in a text that none changed before them."""
    for stage, text in _texts(record).items():
        own = [one for one in record.drawn_verdicts if one.stage == stage]
        is_moved = any(one.action == "redact" and one.spans for one in own)
        if is_moved or (stage != "output" and record.retrieval is not None):
            continue
        citing = next((at for at, one in enumerate(own) if one.guard == CitationGuard.name), -1)
        for at, verdict in enumerate(own):
            if verdict.action != "warn" or at < citing:  # Citations moved what guards before saw.
                continue
            for span in _without_source(text, verdict.spans) if at == citing else verdict.spans:
                if 0 <= span.start < span.end <= len(text):
                    yield _excerpt(text, span.start, span.end, kind=span.kind, stage=stage)


def _without_source(text: str, spans: Sequence[Span]) -> list[Span]:
    """The sentences that are marked to have none, as they stand in the recorded answer: each mark moves what follows.

    None where they are not as many as `spans`, which are of the answer without marks.
    """
    found: list[tuple[int, int]] = []
    reader, at = Sentences(), 0
    while at < len(text):
        end = reader.end(text, at, is_last=True) or len(text)
        sentence = text[at:end]
        if reader.is_prose(sentence) and f" {UNSUPPORTED}" in sentence:
            found.append((end - len(sentence.lstrip()), at + len(sentence.rstrip())))
        at = end
    if len(found) != len(spans):
        return []
    return [Span(start, end, span.kind) for (start, end), span in zip(found, spans, strict=True)]


def _replaced(record: Record) -> Iterator[Excerpt]:
    """Those where something stands in the place of what a guard found."""
    texts = _texts(record)
    sent = {match.group() for match in _STAND_IN.finditer(texts.get("input", ""))}
    for verdict in record.drawn_verdicts:
        if verdict.action != "redact":
            continue
        text = texts.get(verdict.stage, "")
        # A model that repeats what stands for an address in its prompt has not written one.
        known = sent if verdict.stage == "output" and verdict.guard != "content" else set()
        found = [match for match in _STAND_IN.finditer(text) if match.group() not in known]
        for match, kind in _of(verdict, found):
            yield _excerpt(text, *match.span(), kind=kind, stage=verdict.stage, is_replaced=True)


def _of(verdict: Verdict, found: Sequence[re.Match[str]]) -> Iterator[tuple[re.Match[str], str]]:
    """Those that stand for what a guard found, with their kinds: no more of a kind than it found."""
    if verdict.guard == "content":
        cut = [match for match in found if match.group() == _CUT]
        # Others write that too; where there are more of it, nobody knows which are the guard's.
        if len(cut) == len(verdict.spans):
            yield from zip(cut, (span.kind for span in verdict.spans), strict=True)
        return
    left = Counter(span.kind for span in verdict.spans)
    if verdict.stage == "retrieved":
        # Of passages, whose places nobody could show, a verdict says the kinds alone.
        left = Counter(dict.fromkeys(_WORD.findall(verdict.reason), MOST_EXCERPTS))
    for match in found:
        kind = match["kind"] or match["name"] or match["secret"]
        if kind is not None and left[kind] > 0 and (match["secret"] is not None) is (verdict.guard == "secrets"):
            left[kind] -= 1
            yield match, kind


def _excerpt(text: str, start: int, end: int, *, kind: str, stage: Stage, is_replaced: bool = False) -> Excerpt:
    first, last = max(0, start - _AROUND_CHARS), min(len(text), end + _AROUND_CHARS)
    matched = text[start:end]
    if len(matched) > _MOST_SPAN_CHARS:
        matched = matched[:_MOST_SPAN_CHARS] + "…"
    before = ("…" if first else "") + text[first:start]
    after = text[end:last] + ("…" if last < len(text) else "")
    return Excerpt(line(kind, most_chars=40), stage, before, matched, after, is_replaced)
