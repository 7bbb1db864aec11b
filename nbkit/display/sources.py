"""Below an answer from documents: which passages it rests on, with file, page, characters and quote."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbkit.display.markdown import cited_numbers
from nbkit.display.passages import passage_html, shortened
from nbkit.documents import Passage, place
from nbkit.escape import clean, escape, excerpt, line
from nbkit.figures import count, duration, money
from nbkit.rag.citing import UNSUPPORTED, citations
from nbkit.rag.prompt import NOT_FOUND, quoted
from nbkit.recorded import Record, Retrieval, Retrieved

_MOST_QUOTE_CHARS, _MOST_OPEN_CHARS = 300, 4000
_RESET = "border:none;background:transparent;text-align:left;"
_CELL = "padding:3px 14px 3px 0;font-weight:400;vertical-align:top;white-space:normal;" + _RESET
_TABLE = "border-collapse:collapse;margin:4px 0 0 0;font-size:12px;" + _RESET
_BELOW = "margin:6px 0 0 0;font-size:12px"
_CITED, _UNCITED = "Passages that the answer cites", "Passages that the answer does not cite"
_NAMES = ("No.", "Where", "Quote", "How near")
_SCALE = "; similarity: 1 says just what is asked, 0 nothing of it"


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that a call was given."""

    number: int
    where: str
    quote: str
    """The words that a sentence of the answer rests on; the passage's first where none does; all, line by line, where
    all is to be seen."""
    score: str
    """How near it is to the question, named; where all is to be seen, all that the search said, and what it was ordered
    by."""
    is_cited: bool
    anchor: str = ""
    """Name of its row in the page, to which the marks in the answer lead."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What one answer was given to read."""

    summary: str
    rows: tuple[Source, ...]
    note: str = ""
    """What of the answer leads to no row."""
    left_out: tuple[str, ...] = ()
    """Place and reason of each passage that a guard kept from the model."""
    is_open: bool = False
    """Whether all passages are in sight."""
    taken_out: tuple[str, ...] = ()
    """Number and reason of each passage that a guard took part of out."""


def sources(record: Record, *, samples: Sequence[Record] = (), is_open: bool = False) -> Sources | None:
    """What the record's answer rests on, and those of other `samples`; None for a call without documents.

    Quotes are there where the record keeps its text. `is_open`: every passage is shown whole, with all its figures.
    """
    found = record.retrieval
    if found is None:
        return None
    texts = quoted(record.request) if record.request is not None else []
    texts += [""] * (len(found.passages) - len(texts))
    passages = [Passage(one.id, text, one.source) for one, text in zip(found.passages, texts, strict=False)]
    answers = [one.response.text for one in samples or (record,) if one.response is not None]
    said = [citation for answer in answers for citation in citations(answer, passages)]
    quotes: dict[int, list[tuple[int, int]]] = {}
    for one in said:
        quotes.setdefault(one.number, []).append((one.start, one.end))
    # A mark was checked with the document's headings, which a record has not: it stands also where no quote is found.
    marked = set().union(*map(cited_numbers, answers))
    rows = tuple(
        Source(
            number,
            place(one) if is_open else _place_of_quote(one, texts[number - 1], quotes.get(number)),
            _whole(texts[number - 1]) if is_open else _quote(texts[number - 1], quotes.get(number)),
            ", ".join(_figures(one, found) if is_open else _figures(one, found)[:1]),
            number in marked,
            anchor,
        )
        for (number, anchor), one in zip(anchors(record).items(), found.passages, strict=True)
    )
    times = sum(row.is_cited for row in rows)
    note = _note("\n".join(answers), is_cited=times > 0) if any(texts) else ""
    left_out = tuple(f"{place(one)} ({one.left_out or 'by a guard'})" for one in found.left_out)
    less = f", {len(left_out):,} left out" if left_out else ""
    cut = tuple(f"[{number}] {one.taken_out}" for number, one in enumerate(found.passages, 1) if one.taken_out)
    less += f", part of {len(cut):,} taken out" if cut else ""
    summary = f"Sources: {times} of {count(len(rows), 'passage')} cited{less} ({_took(found)})"
    return Sources(summary, rows, note, left_out, is_open, cut)


def anchors(record: Record) -> dict[int, str]:
    """Of each passage that a call was given, by its number, the name of its row; nothing for one without documents.

    Another call has other names, also where its answer is the same: a page may show both.
    """
    found = record.retrieval
    call = re.sub(r"[^\w-]", "", record.id)
    return {} if found is None else {number: f"nbkit-{call}-{number}" for number in range(1, len(found.passages) + 1)}


def sources_html(found: Sources) -> str:
    """Cited passages, and the others folded beneath them; reads without styles."""
    cited = [row for row in found.rows if row.is_cited]
    others = [row for row in found.rows if not row.is_cited]
    parts = [f'<details open style="margin:8px 0 0 0"><summary>{escape(found.summary)}</summary>']
    scale = _SCALE if any(row.score.startswith("similarity") for row in found.rows) else ""
    if cited:
        parts.append(_table(cited, _CITED + scale, is_open=found.is_open))
    if others:
        title = count(len(others), "passage that was not cited", "passages that were not cited")
        is_open = " open" if found.is_open else ""
        table = _table(others, _UNCITED + scale * (not cited), is_open=found.is_open)
        parts.append(f'<details{is_open} style="margin:6px 0 0 0"><summary>{title}</summary>{table}</details>')
    for title, lines in _kept_away(found):
        listed = "".join(f'<li style="margin:0">{escape(one)}</li>' for one in lines)
        parts.append(f'<div style="{_BELOW}">{title}<ul style="margin:0">{listed}</ul></div>')
    if found.note:
        parts.append(f'<div style="{_BELOW}">{escape(found.note)}</div>')
    return "".join([*parts, "</details>"])


def sources_text(found: Sources) -> list[str]:
    """The same as lines of text."""
    lines = [found.summary]
    for row in found.rows:
        mark = "cited" if row.is_cited else "not cited"
        lines.append(f"  [{row.number}] {line(row.where)} ({mark}, {row.score})")
        if (row.is_cited or found.is_open) and row.quote:
            lines.append("      “" + clean(row.quote).replace("\n", "\n       ") + "”")
    for title, rows in _kept_away(found):
        lines += [f"  {title}", *(f"    {clean(one)}" for one in rows)]
    return [*lines, found.note] if found.note else lines


def _kept_away(found: Sources) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the model was not shown, each kind under its title."""
    if found.left_out:
        yield f"{count(len(found.left_out), 'passage')} left out, and not shown to the model:", found.left_out
    if found.taken_out:
        yield "Taken out of passages, and not shown to the model:", found.taken_out


def _took(found: Retrieval) -> str:
    """What was looked up, how, in which time, and what a service took for embedding the question."""
    parts = [f"index {found.index}", found.mode]
    if found.rerank is not None:
        parts.append(f"reranked by {line(found.rerank, most_chars=60)}")
    parts.append(duration(found.duration_s))
    cost = found.embedding_cost
    if cost is not None:
        usd = "?" if cost.usd is None else ("~" if cost.is_estimate else "") + money(cost.usd)
        parts.append(f"question embedded: {count(found.embedding_tokens, 'token')}, {usd}")
    return ", ".join(parts)


def _figures(one: Retrieved, found: Retrieval) -> list[str]:
    """What has a meaning first: similarity, else the words' score; then what it was ordered by, where that is neither.

    What both sides say together has no scale, and compares within one call only.
    """
    own = [] if one.cosine is None else [f"similarity {one.cosine:.2f}"]
    if one.words is not None:
        own.append(f"BM25 {one.words:.1f}")
    if found.rerank is not None:
        own.append(f"reranked {one.score:.2f}")
    elif not own or (one.cosine is not None and found.mode == "hybrid"):
        own.append(f"{'ordered by' if own else 'score'} {one.score:.2f}")
    return own


def _whole(text: str) -> str:
    return shortened(text, most_chars=_MOST_OPEN_CHARS)


def _note(answer: str, *, is_cited: bool) -> str:
    if f" {UNSUPPORTED}" in answer:
        return f"{UNSUPPORTED} marks a sentence that no passage supports."
    is_claim = bool(answer.strip()) and not answer.startswith(NOT_FOUND)
    return "" if is_cited or not is_claim else "The answer cites no passage: none of it was found in one."


def _table(rows: Sequence[Source], caption: str, *, is_open: bool) -> str:
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in _NAMES)
    body = "".join(
        f'<tr id="{escape(row.anchor)}" style="{_RESET}"><th scope="row" style="{_CELL}">[{row.number}]</th>'
        f'<td style="{_CELL}">{escape(row.where)}</td>'
        f'<td style="{_CELL}">{passage_html(row.quote) if is_open else escape(row.quote)}</td>'
        f'<td style="{_CELL}">{escape(row.score)}</td></tr>'
        for row in rows
    )
    return (
        f'<table style="{_TABLE}"><caption style="font-size:11px;text-align:left;padding:4px 0 0 0">{escape(caption)}'
        f'</caption><thead style="{_RESET}"><tr style="{_RESET}">{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _place_of_quote(one: Retrieved, text: str, places: Sequence[tuple[int, int]] | None) -> str:
    """Where the quotes stand; that of the passage where there are none, or where the text is not the document's own.

    Which of several pages a quote is on is not known; then, too, the passage's place is said.
    """
    if not places or one.page is not None or len(text) != one.end - one.start:
        return place(one)
    start, end = min(first for first, _ in places), max(last for _, last in places)
    parts = one.parts
    if len(parts) > 1:
        (before, first), (other, last) = (label.rpartition(" ")[::2] for label in (parts[0], parts[-1]))
        is_counted = before == other and first.isdecimal() and last.isdecimal()
        # A row a line; where some are empty, nobody knows which.
        if is_counted and int(last) - int(first) == text.count("\n"):
            numbers = (int(first) + text.count("\n", 0, at) for at in (start, end))
            parts = tuple(dict.fromkeys(f"{before} {number}" for number in numbers))
    return place(dataclasses.replace(one, start=one.start + start, end=one.start + end, parts=parts))


def _quote(text: str, places: Sequence[tuple[int, int]] | None) -> str:
    """The words at these places, in the order of the text; where one goes on with the next there is no gap."""
    if not places:
        return excerpt(text, most_chars=_MOST_QUOTE_CHARS)
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return excerpt(" … ".join(text[start:end] for start, end in joined), most_chars=_MOST_QUOTE_CHARS)
