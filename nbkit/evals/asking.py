"""What is evaluated, and a prompt that is asked of each case through the corridor."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from nbkit.canonical import canonical_json, sha256, to_plain
from nbkit.documents import Passage
from nbkit.errors import AuthFailed, BudgetExceeded, ConfigError, PromptError, WeightsError
from nbkit.evals.cases import Answer, Case
from nbkit.evals.declined import is_declined
from nbkit.evals.made import plain_of, without_address
from nbkit.evals.rows import NAMES
from nbkit.prompts.template import expand, names_in
from nbkit.rag.prompt import quoted
from nbkit.recorded import Failure, Origin, Outcome, Record, final
from nbkit.types import JsonValue

if TYPE_CHECKING:
    from nbkit.prompts.versions import Version
    from nbkit.rag.index import Index
    from nbkit.session.session import Session
    from nbkit.setting import Settings

PINNED = ("model", "system", "temperature", "max_tokens", "seed", "stop", "format", "base_url", "guard_policy")
PINNED_OF_RAG = ("rag_mode", "rag_k", "rag_min_score", "rag_rerank")
"""Settings that decide an answer."""
GUARDING = ("guard_actions", "guard_allow", "guard_deny", "guard_names")
"""What guards do about an answer, pinned by its hash: words that may not be sent stand in it."""


_HASH_CHARS = 16


class Task(Protocol):
    """What gives answers to a case. Called from several threads at once."""

    @property
    def name(self) -> str:
        """The prompt, or the name of the function."""

    @property
    def sha256(self) -> str | None:
        """Of all that it is made of, but for `settings` and what is looked up; None where that is not known."""

    @property
    def settings(self) -> Mapping[str, JsonValue]:
        """Model, parameters, search."""

    @property
    def index(self) -> str | None:
        """The index that it looks passages up in."""

    @property
    def index_version(self) -> str | None:
        """Hash of what is in the index."""

    @property
    def workers(self) -> int:
        """How many cases it answers at once, unless it is told otherwise."""

    def answers(self, case: Case, *, samples: int) -> Iterable[Answer | Failure]:
        """One for each sample, in order.

        Raises only what would stop every other case as well, and gives before that the samples that there are.
        """


class PromptTask:
    """A prompt with `{{ input }}` in it, asked as a `%%llm` or `%%rag` cell would be.

    `names`: further variables that the prompt may use. `is_rag`: it is a question to the index of the settings, which
    `where` filters.
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        session: Session,
        prompt: str,
        settings: Settings,
        *,
        names: Mapping[str, object],
        origin: Origin,
        is_rag: bool = False,
        where: str | None = None,
        params: Mapping[str, JsonValue] = MappingProxyType({}),
        version: Version | None = None,
    ) -> None:
        target = session.target(settings)
        self.name = prompt
        self.sha256 = version.sha256 if version else sha256(f"{settings.system or ''}\0{prompt}")
        self._version = version
        pinned = (*PINNED, *PINNED_OF_RAG) if is_rag else PINNED
        found = {name: to_plain(getattr(settings, name)) for name in pinned}
        self.settings = {
            **found,
            "model": f"{target.provider}:{target.model}",
            "where": where,
            "params": dict(params),
            "guards": _short([to_plain(getattr(settings, one)) for one in GUARDING]),
            "variables": _read(f"{settings.system or ''}\n{prompt}", names),
        }
        self._right = [one for one in NAMES["expected"] if one in names_in(f"{settings.system or ''}\n{prompt}")]
        self._params = params
        self.index, self.index_version = None, None
        if is_rag:
            with session.collections.look(settings.rag_index) as index:
                self.index, self.index_version = index.folder.name, _version(index)
        # Answers of a model in this process come one after the other anyhow: asked at once, each would seem slow.
        self.workers = 1 if session.provider(settings, target).is_local else 8
        self._session = session
        self._settings = settings
        self._names = names
        self._origin = origin
        self._where = where
        self._is_rag = is_rag

    def answers(self, case: Case, *, samples: int) -> Iterator[Answer | Failure]:
        """One for each sample, each with a record of its own."""
        session, settings = self._session, self._settings
        if samples != settings.samples:
            settings = dataclasses.replace(settings, samples=samples)
        given = {**self._names, **variables(case)}
        for name in self._right:
            if name not in given:
                _refuse_right(name)
        prepare = session.reading(settings, where=self._where) if self._is_rag else None
        outcomes = session.ask(
            self.name,
            settings=settings,
            params=self._params,
            variables=given,
            origin=self._origin,
            prepare=prepare,
            named=self._version,
        )
        return (answered(one, outcomes) for one in final(outcomes))


def _refuse_right(name: str) -> NoReturn:
    raise PromptError(
        what=f"{{{{ {name} }}}} is not given to the prompt",
        why="it is what the answer is compared with: a model that is told it has only to say it again",
        fix="leave it out; a case gives {{ input }}, {{ contexts }} and its further columns",
    )


def variables(case: Case) -> dict[str, Any]:
    """What a prompt may say of a case: `input`, `contexts`, and what of its metadata has a name. Not what is expected.

    `question` is `input` once more: so the column is called in most tables.

    >>> variables(Case("q", "Hi?", metadata={"lang": "en"}))["lang"]
    'en'
    """
    named = {name: value for name, value in case.metadata.items() if name.isidentifier()}
    return {"question": case.input, **named, "input": case.input, "contexts": "\n\n".join(case.contexts)}


def passages_of(record: Record) -> tuple[Passage, ...]:
    """The passages that a call was given, with their texts where its record has them."""
    if record.retrieval is None:
        return ()
    texts = quoted(record.request) if record.request is not None else []
    found = record.retrieval.passages
    if len(texts) != len(found):
        texts = [""] * len(found)
    return tuple(
        Passage(one.id, text, one.source, page=one.page, start=one.start, end=one.end, score=one.score)
        for one, text in zip(found, texts, strict=True)
    )


def answer_of(
    records: Sequence[Record],
    text: str,
    *,
    kept_text: str | None = None,
    originals: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """The answer that the last of the records is of, with what all of them took as they were made live."""
    last = records[-1]
    usages = [one.response.usage for one in records if one.response is not None]
    spent = [one.cost.saved_usd if one.cache.status == "hit" else one.cost.usd for one in records]
    known = [usd for usd in spent if usd is not None]
    return Answer(
        text,
        passages=passages_of(last),
        latency_s=sum(_live(one) for one in records),
        usd=sum(known[1:], known[0]) if known and len(known) == len(spent) else None,
        is_cached=all(one.cache.status == "hit" for one in records),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        is_refusal=is_declined(text),
        record_ids=tuple(one.id for one in records),
        is_searched=last.retrieval is not None,
        kept_text=None if kept_text == text else kept_text,
        originals=originals,
    )


def _version(index: Index) -> str:
    """Hash of all its documents and of what they were cut and embedded with."""
    made = index.settings()
    return sha256(canonical_json([sorted(index.fingerprints().items()), made.get("embedder"), made.get("chunker")]))


def answered(outcome: Outcome, outcomes: Sequence[Outcome]) -> Answer | Failure:
    """What one sample of a call came to; raises what every other case would meet too, and an interrupt."""
    record = outcome.record
    if outcome.error is not None:
        if record.error is not None and isinstance(outcome.error, Exception):
            raise_common(outcome.error)
            return record.error
        raise outcome.error
    said = record.response.text if record.response is not None else ""
    first = [one.record for one in outcomes if one.record.id == record.repairs]
    hidden = outcome.pseudonyms
    return answer_of([*first, record], hidden.restore(said), kept_text=said, originals=hidden.originals)


def raise_common(error: Exception) -> None:
    """Raises what every other case would meet too, such as a budget that is used up or a key that is refused."""
    if isinstance(error, AuthFailed | BudgetExceeded | ConfigError | PromptError | WeightsError):
        raise error


def _read(template: str, names: Mapping[str, object]) -> dict[str, JsonValue]:
    """The variables of the notebook that a prompt reads, each by the hash of what it holds."""
    return {name: _short(_held(name, names[name])) for name in sorted(names_in(template)) if name in names}


def _held(name: str, value: object) -> Any:  # noqa: ANN401 - plain data of any shape
    """What a prompt would say of a value; of a function what it is made of."""
    try:
        return plain_of(value) if callable(value) else without_address(expand(f"{{{{ {name} }}}}", {name: value}))
    except PromptError:  # such as a table of which the prompt takes a part
        return plain_of(value)


def _short(value: JsonValue) -> str:
    return sha256(canonical_json(value))[:_HASH_CHARS]


def _live(record: Record) -> float:
    original = record.cache.original
    return original.total_s if record.cache.status == "hit" and original is not None else record.timing.total_s
