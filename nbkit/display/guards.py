"""What the guards said of a cell: one line, and below it each guard with what it found and where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbkit.display.excerpts import Excerpt, excerpts
from nbkit.escape import clean, escape, line
from nbkit.figures import count, duration
from nbkit.recorded import Record
from nbkit.types import Verdict

_RESET = "border:none;background:transparent;text-align:left;"
_CELL = "padding:2px 14px 2px 0;font-weight:400;vertical-align:top;white-space:normal;" + _RESET
_TABLE = "border-collapse:collapse;margin:4px 0 0 0;font-size:12px;" + _RESET
_SMALL = "margin:6px 0 0 0;font-size:12px"
_NAMES = ("Guard", "Stage", "Did", "Found", "Score", "Time")
_SCORED = {"grounded": re.compile(r"(\d+) of (\d+) ")}
"""Guards whose figure is a count in their reason."""
_BLANKS = re.compile(r"\s+")
_TOLD = ("injection", "grounded")
"""Guards whose score is always in the line."""
_OWN = ("markdown", "citations", "injection")
_WORDS = (
    ("", "redact", "redacted"),
    ("markdown", "redact", "made inert"),
    ("citations", "redact", "corrected"),
    ("injection", "redact", "taken out"),
    (None, "warn", "warned"),
    (None, "reask", "asked again"),
)
"""Of the guard of this name, of those that have none here (empty), or of all, what an action is called."""


@dataclass(frozen=True, slots=True)
class Guards:
    """What is drawn of all verdicts of a cell."""

    summary: str
    rows: tuple[tuple[str, ...], ...]
    excerpts: tuple[Excerpt, ...] = ()
    note: str = ""
    """Which policy was in force, where it was not the standard one."""
    is_open: bool = False
    """Whether there is something a reader has to see."""


def guards(records: Sequence[Record]) -> Guards | None:
    """The guards' part of a card; None where none ran."""
    verdicts = [verdict for record in records for verdict in record.verdicts]
    if not verdicts:
        return None
    policies = sorted({record.policy for record in records} - {"standard"})
    is_loose = any(record.loosened for record in records)
    note = " · ".join([*(f"policy {name}" for name in policies), *(["looser than standard"] if is_loose else [])])
    summary = summed(records) + (f" · {note}" if note else "")
    is_open = any(map(is_end, verdicts))
    return Guards(summary, tuple(map(_row, verdicts)), excerpts(records), note, is_open)


def summed(records: Sequence[Record]) -> str:
    """The one line: what was blocked, else what was redacted and warned of, scores, and the time of all.

    >>> from nbkit.testing.factories import record
    >>> from nbkit.types import Span
    >>> found = Verdict("pii", "input", "redact", "", (Span(0, 5, "EMAIL"),), duration_s=0.002)
    >>> summed([record(verdicts=(found, Verdict("injection", "input", "allow", score=0.04)))])
    'guards ✓ 1 redacted (EMAIL 1) · injection 0.04 · 2.0 ms'
    """
    failed = (record for record in records if record.error is not None)
    refused = next((one for record in failed for one in record.verdicts if one.action == "reask"), None)
    return said([verdict for record in records for verdict in record.verdicts], refused=refused)


def said(verdicts: Sequence[Verdict], *, refused: Verdict | None = None) -> str:
    """The same of verdicts alone; `refused`: of an answer that was to be asked for again and could not.

    >>> said([Verdict("secrets", "input", "allow")])
    'guards ✓ passed · <0.1 ms'
    """
    spent = duration(sum(verdict.duration_s for verdict in verdicts))
    blocked = next((one for one in verdicts if is_end(one)), None)
    if blocked is not None:
        sent = " (not sent, $0)" if blocked.stage == "input" else ""
        return f"guards ✗ blocked: {line(blocked.reason) or blocked.guard}{sent} · {spent}"
    if refused is not None:
        return f"guards ✗ {line(refused.guard, most_chars=40)}: {line(refused.reason)} · {spent}"
    return " · ".join(["guards ✓ " + (_did(verdicts) or "passed"), *_scores(verdicts), spent])


def is_end(verdict: Verdict) -> bool:
    """Whether a verdict ended the call: a passage that is blocked is left out, and the call goes on.

    >>> is_end(Verdict("injection", "retrieved", "block")), is_end(Verdict("secrets", "input", "block"))
    (False, True)
    """
    return verdict.action == "block" and verdict.stage != "retrieved"


def _did(verdicts: Sequence[Verdict]) -> str:
    left_out = [one for one in verdicts if one.action == "block" and not is_end(one)]
    parts = [f"passages left out by {', '.join(dict.fromkeys(one.guard for one in left_out))}"] if left_out else []
    for guard, action, word in _WORDS:
        named = {None: verdicts, "": [one for one in verdicts if one.guard not in _OWN]}
        of_guard = named[guard] if guard in named else [one for one in verdicts if one.guard == guard]
        own = [one for one in of_guard if one.action == action]
        if not own:
            continue
        kinds = Counter(span.kind for one in own for span in one.spans)
        times = sum(max(1, len(one.spans)) for one in own)
        said = ", ".join(f"{line(kind, most_chars=40)} {number}" for kind, number in kinds.most_common(4))
        parts.append(f"{times} {word}" + (f" ({said or ', '.join(dict.fromkeys(one.guard for one in own))})"))
    return " · ".join(parts)


def _scores(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for guard in dict.fromkeys(one.guard for one in verdicts if one.score is not None and _is_told(one)):
        own = [one for one in verdicts if one.guard == guard and one.score is not None]
        counted = next((_SCORED[guard].match(one.reason) for one in own if guard in _SCORED), None)
        best = max(one.score or 0.0 for one in own)
        yield f"{guard} {counted[1]}/{counted[2]}" if counted else f"{line(guard, most_chars=40)} {best:.2f}"


def _is_told(verdict: Verdict) -> bool:
    return verdict.guard in _TOLD or verdict.action != "allow"


def _row(verdict: Verdict) -> tuple[str, ...]:
    said = line(verdict.reason)
    if verdict.spans and not said:
        kinds = Counter(span.kind for span in verdict.spans)
        said = ", ".join(f"{kind} {times}" for kind, times in kinds.most_common(4))
    score = "" if verdict.score is None else f"{verdict.score:.2f}"
    if verdict.threshold is not None and score:
        score += f" (acts from {verdict.threshold:.2f})"
    did = "left out" if verdict.action == "block" and not is_end(verdict) else verdict.action
    return (
        line(verdict.guard, most_chars=40),
        verdict.stage,
        did,
        said,
        score,
        duration(verdict.duration_s),
    )


def guards_html(found: Guards) -> str:
    """The line, which unfolds; reads without styles."""
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in _NAMES)
    body = "".join(
        f'<tr style="{_RESET}"><th scope="row" style="{_CELL}">{escape(row[0])}</th>'
        + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row[1:-1])
        + f'<td style="{_CELL}white-space:nowrap;text-align:right">{escape(row[-1])}</td>'
        + "</tr>"
        for row in found.rows
    )
    places = "".join(
        f'<div style="{_SMALL}">{escape(one.kind)} ({one.stage}{_did_what(one)}): {escape(_flat(one.before))}'
        f"<u><b>{escape(_flat(one.matched))}</b></u>{escape(_flat(one.after))}</div>"
        for one in found.excerpts
    )
    is_open = " open" if found.is_open else ""
    return (
        f'<details{is_open} style="margin:8px 0 0 0"><summary>{escape(found.summary)}</summary>'
        f'<table style="{_TABLE}"><caption style="font-size:11px;text-align:left;padding:4px 0 0 0">'
        f"{count(len(found.rows), 'check')}</caption>"
        f'<thead style="{_RESET}"><tr style="{_RESET}">{head}</tr></thead><tbody>{body}</tbody></table>'
        f"{places}</details>"
    )


def _flat(text: str) -> str:
    """The text on one line, blanks at its ends kept."""
    return clean(_BLANKS.sub(" ", text))


def guards_text(found: Guards) -> list[str]:
    """The same as lines of text: the summary, and the places."""
    told = [f"  {' · '.join(row[:4])}" for row in found.rows if row[2] != "allow" and row[3]]
    places = [
        f"  {one.kind}{_did_what(one)}: {_flat(one.before)}[{_flat(one.matched)}]{_flat(one.after)}"
        for one in found.excerpts
    ]
    return [found.summary, *told, *places]


def _did_what(one: Excerpt) -> str:
    return ", replaced" if one.is_replaced else ""
