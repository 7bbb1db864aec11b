"""Cases of an evaluation: the worst of them, and those that two runs answered otherwise."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from nbkit.display.evaluation import html_table, value_text
from nbkit.escape import clean, escape, excerpt
from nbkit.evals.alike import is_same_metric
from nbkit.evals.runs import Graded, Run
from nbkit.tables import Table

_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top"'
_SHOWN_CHARS = 160
_WORDS = re.compile(r"\s+|[^\s\w]|\w+")


def worst(run: Run, *, most: int) -> list[Graded]:
    """The cases that did worst, failures first; by the mean of those of their scores that are shares, less is worse."""

    def key(one: Graded) -> tuple[float, float]:
        values = [
            score.value
            for name, score in one.scores.items()
            if score.value is not None and not run.units.get(name) and name not in run.lower_is_better
        ]
        return (0.0, 0.0) if one.error is not None else (1.0, sum(values) / len(values) if values else 1.0)

    return sorted(run.graded, key=key)[:most]


def cases_table(run: Run, graded: Sequence[Graded], *, caption: str, note: str = "") -> Table:
    """A table of cases: question, what was expected, what was answered, each score."""
    names = run.pins.metrics
    rows = [
        (
            one.case.id,
            excerpt(one.case.input, most_chars=_SHOWN_CHARS),
            excerpt(expected_text(one), most_chars=_SHOWN_CHARS),
            excerpt(said_text(one), most_chars=_SHOWN_CHARS),
            *(score_text(run, one, name) for name in names),
        )
        for one in graded
    ]
    return Table(caption, ("case", "question", "expected", "answer", *names), rows, note=note)


def changed_words(before: str, after: str) -> str:
    """The second text as HTML: what is new in it underlined, what is gone struck through. Reads without styles.

    Changes with less between them than they change are one, so that no words of both stand by turns.

    >>> changed_words("open at nine", "open at ten")
    'open at <s>nine</s> <u>ten</u>'
    >>> changed_words("It is 77 purple parrots.", "every sixth batch.")
    '<s>It is 77 purple parrots</s> <u>every sixth batch</u>.'
    """
    parts: list[str] = []
    for gone, come in _runs(_WORDS.findall(clean(before)), _WORDS.findall(clean(after))):
        if gone == come:
            parts.append(escape(come))
            continue
        marked = (f"<{tag}>{escape(text)}</{tag}>" if text else "" for tag, text in (("s", gone), ("u", come)))
        parts.append(" ".join(filter(None, marked)))
    return "".join(parts)


def _runs(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Pieces of both texts in order, the same in both or changed from one to the other."""
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    found = [("".join(old[left:right]), "".join(new[start:end])) for _, left, right, start, end in codes]
    at = 1
    while at < len(found) - 1:
        (gone, come), (same, other), (gone_next, come_next) = found[at - 1 : at + 2]
        least = min(max(len(gone), len(come)), max(len(gone_next), len(come_next)))
        if same == other and gone != come and gone_next != come_next and (len(same) <= least or not same.strip()):
            found[at - 1 : at + 2] = [(gone + same + gone_next, come + same + come_next)]
            at = max(1, at - 2)
        else:
            at += 1
    return found


def changes(before: Run, after: Run) -> Iterator[tuple[Graded, Graded]]:
    """The samples that both runs have, whose answers differ, in the order of the second."""
    had = {(one.case.id, one.sample): one for one in before.graded}
    for one in after.graded:
        other = had.get((one.case.id, one.sample))
        if other is not None and said_text(other) != said_text(one):
            yield other, one


def changes_html(before: Run, after: Run, pairs: Sequence[tuple[Graded, Graded]], *, caption: str) -> str:
    """A table of cases whose answers differ, with the words that changed marked and both scores."""
    names = _shares(before, after)
    body = "".join(
        f'<tr><th scope="row" {_CELL}>{escape(new.case.id)}</th>'
        f"<td {_CELL}>{escape(excerpt(new.case.input, most_chars=_SHOWN_CHARS))}</td>"
        f"<td {_CELL}>{changed_words(said_text(old), said_text(new))}</td>"
        + "".join(
            f"<td {_CELL}>{escape(_change(score_text(before, old, name), score_text(after, new, name)))}</td>"
            for name in names
        )
        + "</tr>"
        for old, new in pairs
    )
    return html_table(caption, ("case", "question", "answer, <s>before</s> <u>after</u>", *names), body, is_html=True)


def _shares(before: Run, after: Run) -> list[str]:
    """Metrics that say how good an answer is, of both runs."""
    shared = [name for name in after.pins.metrics if name in before.pins.metrics and not after.units.get(name)]
    return [name for name in shared if is_same_metric(before, after, name)]


def expected_text(one: Graded) -> str:
    """What a right answer says."""
    if one.case.is_answerable is False:
        return "(there is no answer)"
    return "—" if one.case.expected is None else " | ".join(one.case.acceptable)


def said_text(one: Graded) -> str:
    """What was answered, as far as it may be drawn; else what failed."""
    if one.answer is None:
        return f"✗ {one.error.what}" if one.error is not None else "✗"
    return one.answer.text if one.answer.kept_text is None else one.answer.kept_text


def score_text(run: Run, one: Graded, name: str) -> str:
    """What a metric says of a sample, in its unit."""
    score = one.scores.get(name)
    if score is None or score.status == "error":
        return "✗ failed" if score is not None else "—"
    return value_text(score.value, run.units.get(name, ""))


def _change(before: str, after: str) -> str:
    """Both scores, or the one that it still is."""
    return after if before == after else f"{before} → {after}"


def changes_text(before: Run, after: Run, pairs: Sequence[tuple[Graded, Graded]], *, caption: str) -> str:
    """The same as text: what was said before above what is said now."""
    names = _shares(before, after)
    rows = [
        (
            new.case.id,
            excerpt(said_text(old), most_chars=_SHOWN_CHARS),
            excerpt(said_text(new), most_chars=_SHOWN_CHARS),
            *(_change(score_text(before, old, name), score_text(after, new, name)) for name in names),
        )
        for old, new in pairs
    ]
    return Table(caption, ("case", "before", "after", *names), rows).text()
