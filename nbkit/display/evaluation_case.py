"""One case of an evaluation whole: as it was asked, what was found and answered, and what each metric says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from nbkit.display.evaluation import html_row, html_table
from nbkit.display.evaluation_cases import expected_text, said_text, score_text
from nbkit.documents import Passage
from nbkit.escape import NO_MATH, clean, escape
from nbkit.evals.asking import passages_of
from nbkit.evals.runs import ID_CHARS, Graded, Run
from nbkit.figures import count
from nbkit.recorded import Record

Find: TypeAlias = Callable[[str], Record | None]
"""Gives the record of an id, as far as it was kept."""


def case_html(run: Run, samples: Sequence[Graded], *, find: Find, texts: Mapping[str, str]) -> str:
    """The case; `texts`: passages by their id, for those that no record has."""
    case = samples[0].case
    parts = [_part("Question", case.input), _part("Expected", expected_text(samples[0]))]
    for one in samples:
        of = f" {one.sample + 1} of {len(samples)}" if len(samples) > 1 else ""
        record = _record(one, find)
        prompt = _prompt(run, record)
        parts += [_folded(f"Prompt{of}, {prompt[0]}", prompt[1])] if prompt is not None else []
        parts.append(_part(f"Answer{of}", said_text(one)))
        if one.answer is None:
            parts += [_part("Why", _why(one))] if one.error is not None else []
            continue
        found = _passages(one, record, texts)
        parts += [f"<p><b>{count(len(found), 'passage')}</b></p>"] if found else []
        parts += [_folded(head, text) if text else f"<div>{escape(head)}</div>" for head, text in found]
        parts.append(_scores_html(run, one, f"Scores{of}"))
        parts += [_part("Record", _recalled(one))] if one.answer.record_ids else []
    return f"<div {NO_MATH}><p><b>Case {escape(case.id)}</b></p>{''.join(parts)}</div>"


def case_text(run: Run, samples: Sequence[Graded], *, find: Find, texts: Mapping[str, str]) -> str:
    """The same as text."""
    case = samples[0].case
    lines = [f"Case {case.id}", f"Question: {case.input}", f"Expected: {expected_text(samples[0])}"]
    for one in samples:
        record = _record(one, find)
        prompt = _prompt(run, record)
        lines += [f"Prompt, {prompt[0]}: {prompt[1]}"] if prompt is not None else []
        lines.append(f"Answer: {said_text(one)}")
        lines += [f"Why: {_why(one)}"] if one.error is not None else []
        lines += [f"  {head}\n    {text}" if text else f"  {head}" for head, text in _passages(one, record, texts)]
        lines += [
            f"  {name}: {score_text(run, one, name)}" + (f" ({score.note})" if score.note else "")
            for name, score in one.scores.items()
        ]
        lines += [f"Record: {_recalled(one)}"] if one.answer is not None and one.answer.record_ids else []
    return clean("\n".join(lines))


def _record(one: Graded, find: Find) -> Record | None:
    """Of the call that gave the answer, which is the last of several."""
    return find(one.answer.record_ids[-1]) if one.answer is not None and one.answer.record_ids else None


def _prompt(run: Run, record: Record | None) -> tuple[str, str] | None:
    """What the case was asked with, and how that is known; None where no prompt is known of."""
    messages = record.request.messages if record is not None and record.request is not None else ()
    if any(one.content for one in messages):
        said = [one.content if one.role == "user" else f"{one.role}: {one.content}" for one in messages]
        return "as it was sent", "\n\n".join(said)
    return ("as it was written", run.pins.task) if run.pins.settings.get("model") else None


def _passages(one: Graded, record: Record | None, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where each passage is from, and its text where that is known."""
    if one.answer is None:
        return []
    held = {passage.id: passage.text for passage in (passages_of(record) if record is not None else ())}
    return [
        (_place(number, passage), held.get(passage.id) or texts.get(passage.id, ""))
        for number, passage in enumerate(one.answer.passages, 1)
    ]


def _place(number: int, passage: Passage) -> str:
    return f"[{number}] {passage.source}" + (f", page {passage.page}" if passage.page else "")


def _scores_html(run: Run, one: Graded, caption: str) -> str:
    rows = [
        [name, score_text(run, one, name), score.note or ("" if score.status != "none" else "nothing to score")]
        for name, score in one.scores.items()
    ]
    columns = ("metric", "score", "reason")[: 3 if any(row[-1] for row in rows) else 2]
    return html_table(caption, columns, "".join(html_row(row[: len(columns)]) for row in rows))


def _recalled(one: Graded) -> str:
    """What gives the records of an answer."""
    assert one.answer is not None
    return ", ".join(f"nbkit.records(id={name[:ID_CHARS]!r})" for name in one.answer.record_ids)


def _why(one: Graded) -> str:
    assert one.error is not None
    return f"{one.error.why}; {one.error.fix}"


def _part(name: str, text: str) -> str:
    return f'<p><b>{escape(name)}</b><br><span style="white-space:pre-wrap">{escape(text)}</span></p>'


def _folded(name: str, text: str) -> str:
    said = f'<div style="white-space:pre-wrap;margin:2px 0 6px 12px">{escape(clean(text))}</div>'
    return f"<details><summary>{escape(name)}</summary>{said}</details>"
