"""One call as it is recorded: where it was made, what was looked up for it, and all that became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nbkit.pseudonyms import Pseudonyms
from nbkit.types import CacheOutcome, Cost, GuardPolicy, Request, Response, Status, Timing, Verdict

RECORD_MIME = "application/vnd.nbkit.record+json"
"""MIME type under which an output carries its records: a list, each as `canonical.to_plain` writes it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as data: the three sentences, and where they came from."""

    kind: str
    """Class name of the error, as in `nbkit.errors`."""
    what: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call was made."""

    cell_id: str | None = None
    notebook: str | None = None
    execution_count: int | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A passage that a call was given, without its text."""

    id: str
    """Hash of its source and text."""
    source: str
    page: int | None = None
    start: int = 0
    """Characters of the document's text."""
    end: int = 0
    score: float = 0.0
    """What it was ordered by; comparable within one call only."""
    cosine: float | None = None
    """Of question and passage; None without vectors."""
    words: float | None = None
    """Its BM25; None in mode `dense`."""
    document_sha256: str | None = None
    """Of the whole file's content as it was indexed: which document has changed since."""
    parts: tuple[str, ...] = ()
    """Labels of its first and last row, line, cell or paragraph; empty where its characters lead there."""
    left_out: str | None = None
    """Which guard kept it from the model, and why; None for one that the model was given."""
    taken_out: str | None = None
    """Which guard took part of it out, and why; None for one that is whole."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was looked up for a call before it was made."""

    index: str
    mode: str
    """`hybrid`, `dense` or `bm25`."""
    duration_s: float
    passages: tuple[Retrieved, ...] = ()
    """In the order in which they were numbered, from 1."""
    left_out: tuple[Retrieved, ...] = ()
    """Those that a guard kept from the model, best first."""
    k: int | None = None
    """How many passages were asked for."""
    where: str | None = None
    """The filter of documents."""
    rerank: str | None = None
    """The model whose scores the passages are ordered by; None where those of the search are."""
    embedding_id: str | None = None
    """Id of the record of the question's embedding, None when no service was called for it."""
    embedding_tokens: int = 0
    embedding_cost: Cost | None = None
    """What that record cost: not in the cost of this one, or a sum over records would count it twice."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """How much was turned into vectors by a service, without a word of it."""

    texts: int
    """Texts that were asked for."""
    sent: int
    """Texts that the service embedded: not those in the cache of embeddings, but the one that may be sent to learn how
    long a model's vectors are."""
    calls: int
    """Calls that the service answered."""


@dataclass(frozen=True, slots=True)
class Record:
    """One call, whole: written also on error, block and interrupt. Holds screened text only."""

    id: str
    session_id: str
    started_at: datetime
    operation: str
    """`chat` or `embeddings`, as in `gen_ai.operation.name`."""
    status: Status
    request: Request | None
    """None when a guard blocked it: then only `prompt_sha256` and `prompt_chars` are kept. Without messages for
    `embeddings`."""
    prompt_sha256: str
    """Hash of the prompt; of several texts that were embedded, the hash of their hashes."""
    prompt_chars: int
    request_sha256: str | None = None
    """The cache key's hash; a replay finds its answer by it."""
    response: Response | None = None
    verdicts: tuple[Verdict, ...] = ()
    cache: CacheOutcome = field(default_factory=CacheOutcome)
    timing: Timing = field(default_factory=Timing)
    cost: Cost = field(default_factory=Cost)
    error: Failure | None = None
    origin: Origin = field(default_factory=Origin)
    tag: str | None = None
    thread: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    """Hash of the prompt's template, before variables went in."""
    retrieval: Retrieval | None = None
    embedded: Embedded | None = None
    """Of `embeddings` only."""
    policy: GuardPolicy = "standard"
    """What guards did about what they found."""
    loosened: tuple[str, ...] = ()
    """What of the guards was looser than the standard, one text for each."""
    repairs: str | None = None
    """Id of the record whose answer did not fit its schema, and was asked for again."""
    notes: tuple[str, ...] = ()
    """Warnings the reader should see, in order."""
    asked: str | None = None
    """PROVIDER:MODEL that a call was for whose request is not kept."""
    replayed: Timing | None = None
    """How long the call took whose answer a replay gave again; None for one that was made. `timing` is the replay's."""

    @property
    def is_unasked(self) -> bool:
        """Whether it is an answer for which nobody was asked: `%%rag` found nothing near the question, and said so."""
        return self.status == "ok" and self.response is not None and self.cost.source == "none"

    @property
    def provider(self) -> str | None:
        """The provider that was, or would have been, asked; None when no record says."""
        return self.request.provider if self.request is not None else self.asked and self.asked.partition(":")[0]

    @property
    def model(self) -> str | None:
        """The model that was, or would have been, asked for."""
        return self.request.model if self.request is not None else self.asked and self.asked.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A record, with the exception that is to be raised after it was drawn."""

    record: Record
    error: BaseException | None = None
    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms)
    """What stands for what in the record; it lives in memory alone."""


def final(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """One outcome for each sample: without those whose answer was asked for again.

    >>> final([])
    []
    """
    replaced = repaired([outcome.record for outcome in outcomes])
    return [outcome for outcome in outcomes if outcome.record.id not in replaced]


def repaired(records: Sequence[Record]) -> frozenset[str]:
    """Ids of the records among these whose answer was asked for again, in another of them.

    >>> repaired([])
    frozenset()
    """
    known = {record.id for record in records}
    return frozenset(record.repairs for record in records if record.repairs in known)
