"""What a card says, before it is drawn as HTML or as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbkit.display.guards import Guards, guards
from nbkit.display.meter import Reading
from nbkit.display.tiles import Tile, cache_tile, cost_tile, latency_tile, running_tiles, tiles, tokens_tile
from nbkit.escape import line
from nbkit.figures import count
from nbkit.pricing.own import price_tables
from nbkit.recorded import Record, repaired
from nbkit.types import Status

if TYPE_CHECKING:
    from nbkit.display.sources import Sources

BLUE, GREEN, AMBER, RED, GREY = "#3b82f6", "#159048", "#c2650a", "#d93a3a", "#767b85"
"""Each at least 3:1 on #fff, #f2f2f2, #111, #1f1f1f and #2a2a2a: for borders and bars, never for text."""

WORST_FIRST: tuple[Status, ...] = ("blocked", "error", "interrupted", "ok")
_TONES = {"blocked": RED, "error": RED, "interrupted": GREY}
_MOST_LOOSENED = 4
_MOST_MESSAGES = 12


@dataclass(frozen=True, slots=True)
class Live:
    """A cell that is still running."""

    model: str
    phase: str = "waiting"
    """Room of the corridor the call is in."""
    elapsed_s: float = 0.0
    first_token_s: float | None = None
    received_chars: int = 0
    sample: int = 0
    samples: int = 1
    reading: Reading = field(default_factory=Reading)
    """Tokens and cost so far, by estimate."""
    provider_s: float = 0.0
    """Since the provider was asked."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Time spent in one room of the corridor."""

    name: str
    seconds: float
    colour: str


@dataclass(frozen=True, slots=True)
class CardView:
    """Everything on a card."""

    caption: str
    tone: str
    """Colour of the left border; the caption says the same in words."""
    tiles: tuple[Tile, ...]
    phases: tuple[Phase, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """One for each call when there are several: its sample, status, cost, latency, tokens, cache."""
    rows_title: str = ""
    """How many samples and calls the rows are of."""
    row_is: str = "sample"
    """Or `call`, where a sample took several."""
    messages: tuple[str, ...] = ()
    footer: str = ""
    sources: Sources | None = None
    guards: Guards | None = None


def view(
    shown: Record | Sequence[Record] | Live | CardView, model: str | None = None, *, opens_passages: bool = False
) -> CardView:
    """The card of one record, of a cell's samples, or of a cell that is still running; one that is made already is it.

    `model` names the model where no record does, as when a guard blocked the request. `opens_passages`: see `sources`.

    >>> view(Live("echo", phase="provider", elapsed_s=1.5)).caption
    'nbkit · echo · running: provider'
    """
    if isinstance(shown, CardView):
        return shown
    if isinstance(shown, Live):
        return _running(shown)
    records = (shown,) if isinstance(shown, Record) else tuple(shown)
    return _finished(records, model, opens_passages=opens_passages)


def _running(live: Live) -> CardView:
    drawn = f", sample {live.sample + 1} of {live.samples}" if live.samples > 1 else ""
    return CardView(
        caption=f"nbkit · {line(live.model, most_chars=80)} · running: {line(live.phase, most_chars=40)}{drawn}",
        tone=BLUE,
        tiles=running_tiles(
            live.reading,
            elapsed_s=live.elapsed_s,
            first_token_s=live.first_token_s,
            provider_s=live.provider_s,
            received_chars=live.received_chars,
        ),
    )


def _finished(records: tuple[Record, ...], model: str | None, *, opens_passages: bool) -> CardView:
    status = next((s for s in WORST_FIRST if any(record.status == s for record in records)), "ok")
    is_hit = bool(records) and all(record.cache.status == "hit" for record in records)
    name = next((record.request.model for record in records if record.request), model)
    parts = ["nbkit", *([line(name, most_chars=80)] if name else [])]
    samples = len(records) - len(repaired(records))
    if samples > 1:
        parts.append(f"{samples} samples")
    if samples < len(records):
        times = len(records) - samples
        parts.append("asked again" if times == 1 else f"{times} asked again")
    replayed = sum(record.replayed is not None for record in records)
    if replayed:
        parts.append("replayed" if replayed == len(records) else f"{replayed} replayed")
    if status != "ok":
        failed = sum(record.status == status for record in records)
        parts.append(status if failed == len(records) else f"{failed} {status}")
    return CardView(
        caption=" · ".join(parts),
        tone=_TONES.get(status, GREEN if is_hit else BLUE),
        tiles=tiles(records),
        phases=_phases(records),
        rows=tuple(_row(name, record) for name, record in _named(records)) if len(records) > 1 else (),
        rows_title=count(samples, "sample") + (f", {count(len(records), 'call')}" if samples < len(records) else ""),
        row_is="call" if samples < len(records) else "sample",
        messages=_messages(records),
        footer=_footer(records),
        guards=guards(records),
        sources=_sources(records, opens_passages=opens_passages),
    )


def _sources(records: Sequence[Record], *, opens_passages: bool) -> Sources | None:
    retrieved = next((record for record in records if record.retrieval is not None), None)
    if retrieved is None:
        return None
    from nbkit.display.sources import sources  # only answers from documents need it

    return sources(retrieved, samples=records, is_open=opens_passages)


def _phases(records: Sequence[Record]) -> tuple[Phase, ...]:
    timings = [record.replayed or record.timing for record in records if record.cache.status != "hit"]
    timings += [record.timing for record in records if record.cache.status == "hit"]
    return (
        Phase("guards in", sum(timing.guards_in_s for timing in timings), GREY),
        Phase("cache", sum(timing.cache_s for timing in timings), GREEN),
        Phase("provider", sum(timing.provider_s for timing in timings), BLUE),
        Phase("guards out", sum(timing.guards_out_s for timing in timings), AMBER),
    )


def _named(records: Sequence[Record]) -> Iterator[tuple[str, Record]]:
    """Each call with the number of its sample."""
    known = {record.id for record in records}
    number = 0
    for record in records:
        is_again = record.repairs in known
        number += not is_again
        yield f"{number}, asked again" if is_again else str(number), record


def _row(name: str, record: Record) -> tuple[str, ...]:
    alone = (record,)
    figures = (cost_tile(alone), latency_tile(alone), tokens_tile(alone), cache_tile(alone))
    return (name, record.status, *(tile.value for tile in figures))


def _messages(records: Sequence[Record]) -> tuple[str, ...]:
    """Each fact once, in the order it happened: what failed, what guards changed or doubted, what was noted."""
    found: dict[str, None] = {}
    for record in records:
        if record.status == "interrupted":
            found["■ interrupted: what had arrived is kept, and not cached"] = None
        elif record.error is not None:
            found[f"✗ {line(record.error.kind, most_chars=60)}: {line(record.error.what)}"] = None
        if record.loosened:
            loose = "; ".join(line(text, most_chars=100) for text in record.loosened[:_MOST_LOOSENED])
            more = len(record.loosened) - _MOST_LOOSENED
            found[f"! guards looser than the standard: {loose}" + (f" and {more} more" if more > 0 else "")] = None
        if record.status == "ok" and record.response is not None and not record.response.text:
            found["! the answer is empty"] = None
        if record.response is not None and record.response.finish_reason == "length":
            found["! cut off at the most tokens allowed (--max-tokens), and not cached"] = None
        notes = (*(record.response.notes if record.response else ()), *record.notes)
        found.update(dict.fromkeys(f"! {line(note)}" for note in notes))
    messages = tuple(found)
    if len(messages) > _MOST_MESSAGES:
        return (*messages[:_MOST_MESSAGES], f"… and {len(messages) - _MOST_MESSAGES} more, all in the record")
    return messages


def _footer(records: Sequence[Record]) -> str:
    asked = {record.request.model for record in records if record.request}
    answered = sorted({record.response.model for record in records if record.response} - asked)
    tables, own = price_tables(records)
    parts = []
    if answered:
        parts.append(f"answered by {', '.join(line(name, most_chars=80) for name in answered[:3])}")
    if tables:
        parts.append(f"prices {', '.join(line(table, most_chars=60) for table in tables[:3])}")
    if any(record.replayed for record in records):
        parts.append("replayed from a record: times are those of the call that was made, and nobody was asked now")
    return " · ".join([*parts, *own])
