"""Tiles and tables of a report: what the calls came to, and where each figure comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbkit.escape import escape, line
from nbkit.figures import count, duration, money
from nbkit.pricing.own import price_tables
from nbkit.recorded import Record
from nbkit.report.reading import installed
from nbkit.report.summary import Latency, Summary, by_model, summarise

_HASH_CHARS = 12


def tiles_html(records: Sequence[Record]) -> str:
    """The sums as tiles."""
    if not records:
        return '<p class="nb-note">No call was recorded in this notebook.</p>'
    total = summarise(records)
    models = list(dict.fromkeys(record.request.model for record in records if record.request))
    tiles = [
        ("Calls", f"{total.calls:,}", count(len(models), "model") if models else "none was sent"),
        ("Cost", cost(total), _cost_note(total, records)),
        ("Saved by the cache", saved(total), f"{total.hits:,} of {count(total.calls, 'call')} from the cache"),
        ("Latency, median", duration(total.live.p50_s), _latency_note(total)),
        ("Tokens in → out", tokens(total), _token_note(total)),
        ("Failures", f"{total.failures:,}", _failure_note(total)),
    ]
    rows = "".join(
        f'<div class="nb-tile"><dt>{escape(name)}</dt><dd><b>{escape(value)}</b><span>{escape(note)}</span></dd></div>'
        for name, value, note in tiles
    )
    return f'<dl class="nb-tiles">{rows}</dl>'


def models_html(records: Sequence[Record]) -> str:
    """One row of sums for each model; nothing when there was none."""
    if not records:
        return ""
    heads = ("Model", "Calls", "Hits", "Failed", "Cost", "Saved", "Latency p50 / p95 (n)", "Hits p50 (n)", "In → out")
    rows = [
        (
            line(name, most_chars=60),
            f"{one.calls:,}",
            f"{one.hits:,}",
            f"{one.failures:,}",
            cost(one),
            saved(one),
            f"{duration(one.live.p50_s)} / {duration(one.live.p95_s)} ({one.live.n})" if one.live.n else "—",
            _with_n(one.cached),
            tokens(one),
        )
        for name, one in by_model(records)
    ]
    return table_html("By model; latency of answered live calls, cache hits apart", heads, rows)


def calls_html(numbered: Sequence[tuple[int, Record]]) -> str:
    """One row for each call, with the hash of its prompt and a link to its cell."""
    if not numbered:
        return ""
    heads = ("Cell", "Time (UTC)", "Model asked", "Model that answered", "Outcome", "Cost", "Latency", "Prompt SHA-256")
    rows = [
        (
            f"#nb-cell-{number}",
            f"{record.started_at:%Y-%m-%d %H:%M:%S}",
            line(record.request.model, most_chars=60) if record.request else "—",
            line(record.response.model, most_chars=60) if record.response else "—",
            f"{record.status}, {record.cache.status}" if record.status == "ok" else record.status,
            money(record.cost.usd),
            duration(record.timing.total_s),
            record.prompt_sha256[:_HASH_CHARS],
        )
        for number, record in numbered
    ]
    return (
        f"<details><summary>{count(len(rows), 'recorded call')}</summary>"
        f"{table_html('Every call, in the order of the notebook', heads, rows)}</details>"
    )


def provenance_html(
    notebook: Any,  # noqa: ANN401 - nbformat has no types
    records: Sequence[Record],
    *,
    name: str,
    digest: str | None,
    version: str,
) -> str:
    """Where the page and its figures come from; all of it from the file, nothing from now."""
    facts = [("Notebook", name)]
    if digest:
        facts.append(("SHA-256 of the file", digest))
    if records:
        first, last = min(r.started_at for r in records), max(r.started_at for r in records)
        facts.append(("Executed", f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"))
        asked = sorted({f"{r.request.provider}:{r.request.model}" for r in records if r.request})
        answered = sorted({r.response.model for r in records if r.response})
        tables, own = price_tables(records)
        facts += [
            (head, ", ".join(found)) for head, found in (("Models asked", asked), ("Models that answered", answered))
        ]
        facts.append(("Prices as of", ", ".join([*tables, *own]) or "no price table was used"))
        facts.append(("Sessions", ", ".join(sorted({r.session_id[:_HASH_CHARS] for r in records}))))
    facts += [*installed(notebook), ("Reported by", f"nbkit {version}, from the file alone: no kernel, no network")]
    rows = "".join(
        f"<div><dt>{escape(head)}</dt><dd>{escape(line(fact, most_chars=600))}</dd></div>" for head, fact in facts
    )
    return f'<dl class="nb-facts">{rows}</dl>'


def table_html(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column heads its rows; a first cell `#ANCHOR` is a link to that place."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{_row_head(first)}</th>'
        + "".join(f"<td>{escape(line(cell))}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    # It may be wider than the page: then it scrolls, and so has to be reachable by keyboard.
    return (
        f'<div class="nb-wide" tabindex="0"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def cost(total: Summary) -> str:
    """Cost in words; `?` when a price is unknown, with what is known beside it.

    >>> cost(summarise([]))
    '$0'
    """
    known = ("~" if total.is_estimate else "") + money(total.cost_usd)
    if total.unpriced == 0:
        return f"{known} local" if total.is_local else known
    return "?" if total.unpriced == total.calls or not total.cost_usd else f"{known} + ?"


def saved(total: Summary) -> str:
    """What hits would have cost, in words."""
    if total.unpriced_savings == 0:
        return money(total.saved_usd)
    return f"{money(total.saved_usd)} + ?" if total.saved_usd else "?"


def tokens(total: Summary) -> str:
    """Tokens of live calls, `~` when any was estimated."""
    mark = "~" if total.has_estimated_tokens else ""
    return f"{mark}{total.input_tokens:,} → {mark}{total.output_tokens:,}"


def _with_n(latency: Latency) -> str:
    return f"{duration(latency.p50_s)} ({latency.n})" if latency.n else "—"


def _cost_note(total: Summary, records: Sequence[Record]) -> str:
    if total.unpriced:
        return f"{count(total.unpriced, 'call')} without a known price"
    tables, own = price_tables(records)
    if tables or own:
        return line(", ".join([*([f"prices {', '.join(tables)}"] if tables else []), *own]), most_chars=80)
    return "the model runs on this machine" if total.is_local else "no price table was used"


def _latency_note(total: Summary) -> str:
    if not total.live.n:
        return f"no live answer; hits {_with_n(total.cached)}" if total.cached.n else "no live answer"
    hits = f" · hits {_with_n(total.cached)}" if total.cached.n else ""
    return f"p95 {duration(total.live.p95_s)}, n = {total.live.n}{hits}"


def _token_note(total: Summary) -> str:
    cached = f"{total.cached_input_tokens:,} in from prompt cache, " if total.cached_input_tokens else ""
    return f"{cached}live calls only"


def _failure_note(total: Summary) -> str:
    found = [count(total.errors, "error")] if total.errors else []
    found += [f"{total.blocked} blocked"] if total.blocked else []
    # An interrupt is the reader's own doing and not a failure: it is named, and not counted.
    found += [f"besides {total.interrupted} interrupted"] if total.interrupted else []
    return ", ".join(found) or "every call was answered"


def _row_head(text: str) -> str:
    if text.startswith("#nb-cell-"):
        return f'<a href="{escape(text)}">{escape(text.removeprefix("#nb-cell-"))}</a>'
    return escape(line(text))
