"""What Python code calls: the same corridor and the same records as a cell."""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, overload

from nbkit import session
from nbkit.display.found import Found, Shown
from nbkit.display.origin import origin
from nbkit.display.result import Result
from nbkit.display.unshown import keep_unshown
from nbkit.documents import SearchMode
from nbkit.errors import UnknownSetting
from nbkit.prompts.schema import shape_of
from nbkit.prompts.template import names_in
from nbkit.session.labelled import refuse_private
from nbkit.session.screening import Screening
from nbkit.setting import Settings
from nbkit.types import CacheMode, Format, GuardPolicy, JsonValue, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from nbkit.rag.added import Added
    from nbkit.rag.listing import DocumentList, IndexStats


def ask(  # noqa: PLR0913 - every setting of one call, all by name
    prompt: str,
    *,
    model: str | None = None,
    system: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    stop: str | tuple[str, ...] | None = None,
    samples: int | None = None,
    format: Format = "text",  # noqa: A002 - the option's name
    schema: object = None,
    guard: GuardPolicy | None = None,
    allow: str | tuple[str, ...] | None = None,
    cache: CacheMode | None = None,
    ttl: float | str | None = None,
    timeout: float | str | None = None,
    base_url: str | None = None,
    tag: str | None = None,
    thread: str | None = None,
    params: Mapping[str, JsonValue] | None = None,
    on_text: Callable[[str], None] | None = None,
    **variables: object,
) -> Result:
    """The answer to a prompt, through the same guards, cache, prices and records as a `%%llm` cell.

    What is left out is as configured. `variables` fill `{{names}}` in the prompt; without any, the prompt is sent as
    it is. `on_text` takes each piece as it arrives (of the first sample; of an answer that is asked for again, first
    those of the one and then those of the other). Unlike a cell's, the answer's format is `text`: nothing in it is made
    inert, so escape it before you draw it, or ask with `format="md"`.
    `schema`: what the answer has to look like, a pydantic model, a JSON Schema, or text such as `"name, age int"`;
    `.json()` gives it. `guard`, `allow`: as `--guard` and `--allow` of a cell.
    Raises an `NbkitError` when there is no answer; its record is kept all the same. In a notebook the cell that called
    ends with one line for all its calls, which carries their records.

    >>> ask("Say {{word}}", word="hello", model="echo").text
    'Say hello'
    """
    own: dict[str, object] = {"model": model, "system": system, "temperature": temperature, "max_tokens": max_tokens}
    own |= {"stop": stop, "samples": samples, "format": format, "cache": cache, "ttl": ttl, "timeout": timeout}
    own |= {"seed": seed, "base_url": base_url, "tag": tag, "guard_policy": guard, "guard_allow": allow}
    _refuse_mistyped(variables, own, prompt)
    here = session.current()
    in_force = here.config({name: value for name, value in own.items() if value is not None}).settings
    outcomes = here.ask(
        prompt,
        settings=in_force,
        params=params,
        variables=variables or None,
        origin=origin(),
        thread=thread,
        shape=None if schema is None else shape_of(schema),
        on_text=_of_first_sample(on_text),
    )
    keep_unshown(outcomes, in_force)
    error = outcomes[-1].error
    if error is not None:
        raise error
    return Result(outcomes, restores=in_force.guard_restore, allowed_hosts=in_force.allowed_hosts)


@overload
def screen(
    text: str, *, stage: Stage = "input", context: str | Sequence[str] | None = None, question: str = ""
) -> Screening: ...
@overload
def screen(
    text: list[str] | tuple[str, ...],
    *,
    stage: Stage = "input",
    context: str | Sequence[str] | None = None,
    question: str = "",
) -> list[Screening]: ...
def screen(
    text: str | list[str] | tuple[str, ...],
    *,
    stage: Stage = "input",
    context: str | Sequence[str] | None = None,
    question: str = "",
) -> Screening | list[Screening]:
    """A text after the guards in force, as a cell's prompt, passage or answer would pass them; a list for a list.

    `.text` is what would go on (empty when it is blocked), `.verdicts` what each guard said: `.guard`, `.action`,
    `.score`, `.spans`. `context`: what an answer should rest on. Nothing is sent, nothing is recorded.

    >>> screen("Write to jane@example.org").action in ("allow", "redact")
    True
    """
    here = session.current()
    given = [text] if isinstance(text, str) else list(text)
    contexts = () if context is None else (context,) if isinstance(context, str) else tuple(context)
    found = here.screen(given, settings=here.config().settings, stage=stage, contexts=contexts, question=question)
    return found[0] if isinstance(text, str) else found


def configure(**values: object) -> None:
    """Sets settings for the rest of the session, as `%config NbKit` does; None goes back to what holds without it.

    Raises `UnknownSetting` and `BadSetting`. Dotted names are written with an underscore.

    >>> configure(temperature=0.2)
    >>> configure(temperature=None)
    """
    session.current().configure(values)


def settings(**values: object) -> AbstractContextManager[Settings]:
    """A `with` block in which these settings hold, for cells and for `ask`, in every thread.

    >>> with settings(model="echo"):
    ...     ask("hi").text
    'hi'
    """
    return session.current().settings(values)


class Documents:
    """One index of documents: what `%rag` does, for code. Made by `nbkit.index`."""

    def __init__(self, name: str | None) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"nbkit.index({self._name!r})" if self._name else "nbkit.index()"

    def add(
        self,
        *paths: str | Path,
        allow_urls: bool = False,
        embedder: str | None = None,
        chunk_tokens: int | None = None,
        overlap: int | None = None,
        rebuild: bool = False,
    ) -> Added:
        """What became of the files: only new and changed ones are read and embedded, those that are gone taken out.

        `paths`: files, folders, globs, and with `allow_urls` https URLs of the open internet. A file or URL that cannot
        be read is a row of the result. `chunk_tokens`, `overlap`: the most tokens of a chunk, and how many of them it
        repeats; as in the settings, else as the index was made. `rebuild`: made anew beside the old index, which stays
        until the new one is whole. Raises `CollectionError` when nothing of what is named
        is there, `BadSetting` for a URL that is not allowed, `EmbedError`, `WeightsError`, `StoreError`.
        """
        here = session.current()
        own = {"rag_embedder": embedder, "rag_chunk_tokens": chunk_tokens, "rag_chunk_overlap": overlap}
        in_force = here.config({name: value for name, value in own.items() if value is not None}).settings
        own_name = None if self._name in here.collections.names() else self._name
        refuse_private(here, {"--index": own_name, "--tag": in_force.tag}, in_force)
        with here.embedding_calls.made_for(origin(), tag=in_force.tag):
            _, added = here.collections.add(self._name, paths, in_force, rebuild=rebuild, allow_urls=allow_urls)
        if not added.is_whole:
            raise KeyboardInterrupt
        return added

    def search(
        self,
        question: str,
        *,
        k: int | None = None,
        mode: SearchMode | None = None,
        where: str | None = None,
        rerank: str | None = None,
    ) -> Found:
        """The passages that fit a question best, at most `k`; `where` is a filter such as `"page < 10"`.

        What is drawn of them, and `to_frame()`, passes the guards as passages of `%%rag` do; the passages themselves
        are as they are in the index.
        `rerank`: a CrossEncoder that reads the best ones again and orders them. Raises `CollectionError` for an index
        that is not there, `BadSetting` for a filter that cannot be read, `WeightsError` for a model that is not here.
        """
        here = session.current()
        own = {"rag_k": k, "rag_mode": mode, "rag_rerank": rerank}
        in_force = here.config({name: value for name, value in own.items() if value is not None}).settings
        return search_index(here, self._name, question, in_force, where=where)

    def remove(self, source: str) -> bool:
        """Whether there was such a document."""
        with session.current().collections.look(self._name) as found:
            return found.remove(source)

    def documents(self) -> DocumentList:
        """All documents, in the order of their sources: a list that draws as a table and has `to_frame()`."""
        from nbkit.rag.listing import DocumentList

        with session.current().collections.look(self._name) as found:
            return DocumentList(found.folder.name, tuple(found.documents()))

    def stats(self) -> IndexStats:
        """How much there is, and what it was made with: `.documents`, `.chunks`, `.size_bytes`, `.embedder_name`."""
        from nbkit.rag.listing import IndexStats

        with session.current().collections.look(self._name) as found:
            return IndexStats(**dataclasses.asdict(found.stats()), index=found.folder.name)

    def drop(self) -> None:
        """Removes the index whole, without asking; waits for another kernel that is adding to it."""
        collections = session.current().collections
        with collections.look(self._name) as found:
            name = found.folder.name
        collections.drop(name)


def search_index(
    here: session.Session, name: str | None, question: str, in_force: Settings, *, where: str | None
) -> Found:
    """What an index has on a question, with the settings in force; `Documents.search` and `%rag search`."""
    mode, k = in_force.rag_mode, in_force.rag_k
    here.secrets.add_variables(here.environment)
    refuse_private(here, {"--tag": in_force.tag}, in_force)
    question = here.secrets.redact(question)
    with here.embedding_calls.made_for(origin(), tag=in_force.tag):
        collection, reranker = here.collections.open(name, in_force), here.collections.reranker(in_force)
        found = collection.matches(question, mode=mode, k=k, where=where, reranker=reranker)
    meets = bool(found) or where is None or collection.meets(where)
    note = "" if meets else f"no document meets the filter {where}"
    passages = tuple(match.passage for match in found)
    # Guards look when it is drawn, and once: code that only reads passages waits for none of them.
    shown = functools.cache(lambda: Shown(*here.look(passages, settings=in_force, question=question)))
    return Found(question, collection.name, in_force.rag_mode, passages, note, shown)


def index(name: str | None = None) -> Documents:
    """The index of this name; without one the only one there is. It is made when documents are first added.

    >>> index("handbook").add.__name__
    'add'
    """
    return Documents(name)


def _refuse_mistyped(variables: Mapping[str, object], settings: Mapping[str, object], prompt: str) -> None:
    """Raises `UnknownSetting` for a variable that is not in the prompt and all but named as a setting is."""
    for name in variables:
        near = difflib.get_close_matches(name, settings, n=1, cutoff=0.75)
        if near and name not in names_in(prompt):
            raise UnknownSetting(
                what=f"ask() has no setting named {name!r}, and the prompt no {{{{ {name} }}}}",
                why="a name that is no setting is a variable of the prompt",
                fix=f"use {near[0]!r}, or put {{{{ {name} }}}} into the prompt",
            )


def _of_first_sample(on_text: Callable[[str], None] | None) -> Callable[[int, str], None]:
    def pass_on(sample: int, text: str) -> None:
        if sample == 0 and on_text is not None:
            on_text(text)

    return pass_on
