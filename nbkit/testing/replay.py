"""Answers from the records that an executed notebook carries, so that it re-runs without its model.

A request is found by its hash, so the notebook's code has to build the very request that was recorded; only what a
secret in it is called may be another, for that is the name of a variable of whoever recorded it. What was recorded is
given again: text as a stream, tokens, errors, interrupts. One request that was sent several times gets its answers in
the order of the notebook, the last one repeated.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from nbkit import errors, registry
from nbkit.canonical import from_plain, request_key, sha256, to_plain
from nbkit.errors import BadResponse, NbkitError, NoModel, NotebookError, ProviderError, UnknownPlugin
from nbkit.protocols import OnText, ProviderOptions
from nbkit.recorded import RECORD_MIME, Failure, Record
from nbkit.types import JsonValue, Message, Request, Response, Timing

RENEW = "pytest -m live --update-notebooks"
_PIECE = re.compile(r"\s*\S+|\s+$")
SECRET = re.compile(r"\[secret(?::([^\[\]\n]{1,80}))?\] *")
"""What stands in the place of a secret, with the blanks that fill the room of its value in an index."""


def read_records(notebook: Path) -> list[Record]:
    """The records in a notebook's outputs, in the order of its cells; raises `NotebookError`.

    An output may carry one record or a list of them; a record that is drawn twice is one.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        found = [output["data"][RECORD_MIME] for output in outputs if RECORD_MIME in output.get("data", {})]
        plain = [row for one in found for row in (one if isinstance(one, list) else [one])]
        return list({record.id: record for record in (from_plain(Record, row) for row in plain)}.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotebookError(
            what=f"no records can be read from {notebook.name}",
            why=f"{type(error).__name__}: {error}",
            fix=f"check that it is an executed notebook; {RENEW} records it again",
        ) from error


def find_notebook(name: str) -> Path:
    """The notebook that `NBKIT_REPLAY` names: from the working directory, or from the nearest one above that has it.

    A kernel works in its notebook's folder, and the variable was written in a folder above.
    """
    folders = (Path.cwd(), *Path.cwd().parents)
    return next((folder / name for folder in folders if name and (folder / name).is_file()), Path(name))


class ReplayProvider:
    """Answers as recorded in the notebook that `ProviderOptions.base_url` names.

    Environment `NBKIT_REPLAY=PATH` puts it in the place of every provider.
    """

    name: ClassVar[str] = "replay"
    key_env: ClassVar[tuple[str, ...]] = ()
    model_prefixes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: ProviderOptions) -> None:
        self._notebook = find_notebook(options.base_url or "")
        self._lock = threading.Lock()
        self._given: dict[str, int] = {}
        self._took: dict[str, Timing] = {}

    @property
    def is_local(self) -> bool:
        """Whether all recorded models ran on this machine: costs are then 0, as they were."""
        names = {record.request.provider for record in self._records if record.request is not None}
        return all(_is_local(name) for name in names)

    def was_local(self, request: Request) -> bool:
        """Whether the request's own model ran on this machine."""
        return _is_local(request.provider)

    def default_model(self) -> str:
        """`PROVIDER:MODEL` of the first record; raises `NoModel` when the notebook carries none."""
        for record in self._records:
            if record.request is not None:
                return f"{record.request.provider}:{record.request.model}"
        raise NoModel(
            what=f"no model to replay from {self._notebook.name}",
            why="its outputs carry no record of a request",
            fix=f"run it on a model first: {RENEW}",
        )

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:  # noqa: ARG002 - nothing to wait for
        """The recorded answer, or the recorded error; raises `BadResponse` for a request that was not recorded."""
        record = self._take(request)
        answered = None if _is_emptied(record) else record.response
        for piece in _PIECE.findall(answered.text) if answered is not None else ():
            on_text(piece)
        # An answer that was asked for again in vain is whole: the guards refuse it again.
        is_refused = any(verdict.action == "reask" for verdict in record.verdicts)
        if record.error is not None and not (is_refused and answered is not None):
            raise _error(record.error, attempts=record.timing.attempts)
        if answered is None:
            raise BadResponse(
                what="the recorded answer has no text",
                why=f"{self._notebook.name} was run with records.content = false",
                fix=f"keep content and record again: {RENEW}",
            )
        return answered

    def replayed(self, record: Record) -> Record:
        """The record with how long the call took whose answer it has; one for which nothing was asked as it is."""
        took = self._took.get(record.request_sha256 or "")
        return record if took is None or record.is_unasked else dataclasses.replace(record, replayed=took)

    def models(self) -> list[str]:
        """Models that the notebook has answers of, sorted."""
        return sorted({record.request.model for record in self._records if record.request is not None})

    def close(self) -> None:
        """Starts again from the notebook's first answer."""
        with self._lock:
            self._given.clear()
            self._took.clear()

    @functools.cached_property
    def _records(self) -> list[Record]:
        return read_records(self._notebook)

    @functools.cached_property
    def _answers(self) -> dict[str, list[Record]]:
        answers: dict[str, list[Record]] = {}
        # What the provider said comes first: a hit only repeats it, and stands in where the miss was not kept.
        for is_hit in (False, True):
            known = set(answers) if is_hit else set()
            for record in self._records:
                key = record.request_sha256
                has_answer = record.response is not None or record.timing.attempts > 0 or record.error is not None
                if key is not None and key not in known and (record.cache.status == "hit") is is_hit and has_answer:
                    answers.setdefault(key, []).append(record)
        return answers

    @functools.cached_property
    def _by_place(self) -> dict[str, list[Record]]:
        """Answers to requests that held secrets, by the request without their names."""
        asked = ((record.request, record.request_sha256) for record in self._records)
        held = {without_names(one): key for one, key in asked if one is not None and named_secrets(one)}
        return {place: self._answers[key] for place, key in held.items() if key in self._answers}

    def _take(self, request: Request) -> Record:
        key = request_key(request)
        records = self._answers.get(key)
        if records is None and named_secrets(request):
            records = self._by_place.get(without_names(request))
        if records is None:
            raise self._unknown(request)
        with self._lock:
            turn = self._given.get(key, 0)
            self._given[key] = turn + 1
            record = records[min(turn, len(records) - 1)]
            # Of a hit the call that it stood for; of what was itself a replay, the call that was made.
            self._took[key] = record.replayed or record.cache.original or record.timing
        return record

    def _unknown(self, request: Request) -> BadResponse:
        asked = [record.request for record in self._records if record.request is not None]
        nearest = min((list(_differences(request, old)) for old in asked), key=len, default=None)
        return BadResponse(
            what=f"this request is not among the {len(asked)} that {self._notebook.name} recorded",
            why="it recorded none" if nearest is None else f"the nearest differs in {', '.join(nearest)}",
            fix=missing_secrets({name for old in asked for name in named_secrets(old)} - named_secrets(request)),
        )


def named_secrets(request: Request) -> frozenset[str]:
    """The names that stand in a request in the place of secrets; empty for one of unknown name."""
    return frozenset(name for one in request.messages for name in SECRET.findall(one.content))


def without_names(request: Request) -> str:
    """A request's key whatever its secrets are called: neither their names nor the room of their values count."""
    messages = tuple(Message(one.role, SECRET.sub("[secret]", one.content)) for one in request.messages)
    # The id of a passage is a hash of its text, and that has the name.
    sources = tuple((place, "") for place, _ in request.sources)
    return request_key(dataclasses.replace(request, messages=messages, sources=sources))


def missing_secrets(names: Iterable[str]) -> str:
    """What to do where something is not as it was recorded: the variables to set, if it held the values of some.

    >>> missing_secrets(["HF_TOKEN"]).partition(",")[0]
    'set HF_TOKEN'
    """
    known = ", ".join(sorted(filter(None, names)))
    before = f"set {known}, whose value that run had in its texts, or " if known else ""
    return f"{before}record the notebook again: {RENEW}"


def _is_emptied(record: Record) -> bool:
    """Whether the record was kept without its text (`records.content = false`): an empty answer would be a lie."""
    asked = record.request
    return asked is not None and record.prompt_chars > 0 and not any(message.content for message in asked.messages)


def _is_local(provider: str) -> bool:
    try:
        return bool(getattr(registry.load("providers", provider), "is_local", False))
    except UnknownPlugin:  # a scripted provider, or one that is not installed here
        return False


def _error(failure: Failure, *, attempts: int) -> BaseException:
    kind = getattr(errors, failure.kind, None)
    if failure.kind == "KeyboardInterrupt":
        return KeyboardInterrupt()
    if not (isinstance(kind, type) and issubclass(kind, NbkitError)):
        return RuntimeError(f"{failure.kind}: {failure.what}")
    error = kind(what=failure.what, why=failure.why, fix=failure.fix)
    if isinstance(error, ProviderError):
        error.attempts = max(attempts, 1)
    return error


def _differences(now: Request, recorded: Request) -> Iterator[str]:
    """`field (recorded …, now …)` for each field that differs; prompts by length and hash only."""
    old, new = _plain(recorded), _plain(now)
    for name in new:
        if old[name] != new[name]:
            yield f"{name} (recorded {_shown(name, old[name])}, now {_shown(name, new[name])})"


def _plain(request: Request) -> dict[str, Any]:
    plain = to_plain(request)
    assert isinstance(plain, dict)
    return plain


def _shown(name: str, value: JsonValue) -> str:
    if name != "messages" or not isinstance(value, list):
        return repr(value)
    contents: Iterable[str] = [str(turn["content"]) for turn in value if isinstance(turn, dict)]
    text = "\n".join(contents)
    return f"{len(value)} of {len(text)} chars, sha256 {sha256(text)[:8]}"
