"""What stands in front of the corridor of a `%%rag` cell: the question is screened, passages are found and screened.

1. The question passes the input guards: what they block is not looked up, and blocks in the corridor.
2. Passages are found, and pass the guards of stage retrieved; one that is blocked is left out.
3. Where even the best is far from the question, by meaning and, in mode `hybrid`, by its words, nobody is asked: the
   answer is that the sources do not say.
4. Else the model is asked about numbered passages, and each sentence that comes back is checked against them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from nbkit.documents import Passage, SearchMode, place
from nbkit.errors import Blocked
from nbkit.guards.grounded import GroundedGuard
from nbkit.pipeline import Prepared, Stages
from nbkit.pipeline.passages import screen_passages
from nbkit.pipeline.screening import screen_request
from nbkit.protocols import Guard, OnText
from nbkit.rag.citing import CitationGuard
from nbkit.rag.nearness import Nearness, nearness
from nbkit.rag.prompt import NOT_FOUND, with_passages
from nbkit.recorded import Retrieval, Retrieved
from nbkit.session.sealing import Sealing
from nbkit.types import Cost, Message, Request, Response, Usage, Verdict

if TYPE_CHECKING:
    from nbkit.setting import Settings

_AFTER_CITATIONS = ("grounded", "markdown", "secrets")
_NEAREST = 3
_LEAST_SAID = 4
"""Words of a name that may give an order."""
_TAKES_OUT = "injection"
"""The guard that takes out lines; others replace single words, and say by what."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found for a question, best first."""

    passages: tuple[Passage, ...]
    retrieved: tuple[Retrieved, ...]
    """The same as records keep them."""
    nearest: float | None
    """How near the nearest is to the question, 0 to 1; None without vectors."""


class Lookup(Protocol):
    """What finds passages."""

    name: str

    def search(self, question: str, *, mode: SearchMode, k: int, where: str | None) -> Looked:
        """The passages that fit a question best."""


def prepare(
    request: Request, stages: Stages, *, lookup: Lookup, settings: Settings, secret: bytes | None, where: str | None
) -> Prepared:
    """The call of a `%%rag` cell. `secret` seals the passages; None sends them unsealed, as a replay has to."""
    question = dataclasses.replace(request, messages=request.messages[-1:])
    try:
        asked = screen_request(question, stages.guards, [], may_fail=stages.may_fail).messages[-1].content
    except Blocked:
        return Prepared(request, stages)
    started = time.perf_counter()
    found = lookup.search(asked, mode=settings.rag_mode, k=settings.rag_k, where=where)
    taken_out: dict[int, str] = {}
    read, verdicts = retrieved(
        found.passages, stages.guards, request=request, may_fail=stages.may_fail, taken_out=taken_out
    )
    passages = [one for one in read if isinstance(one, Passage)]
    retrieval = Retrieval(
        lookup.name,
        settings.rag_mode,
        time.perf_counter() - started,
        tuple(
            dataclasses.replace(one, start=text.start, end=text.end, taken_out=taken_out.get(number))
            for number, (one, text) in enumerate(zip(found.retrieved, read, strict=True))
            if isinstance(text, Passage)
        ),
        tuple(
            dataclasses.replace(one, left_out=reason_of(said))
            for one, said in zip(found.retrieved, read, strict=True)
            if isinstance(said, Verdict)
        ),
        k=settings.rag_k,
        where=_recorded(where, question, stages),
        rerank=settings.rag_rerank,
    )
    made, least = with_passages(request, passages), settings.rag_min_score
    near = None
    if found.nearest is not None:
        near = nearness(asked, passages, found.nearest, has_words=settings.rag_mode == "hybrid")
    if not passages or (near is not None and near.score < least):
        return Prepared(made, _unasked(stages, passages, near, least=least), retrieval, tuple(verdicts))
    provider = stages.provider if secret is None else Sealing(stages.provider, secret)
    guards = _with_sources(stages.guards, passages, question=asked)
    return Prepared(made, dataclasses.replace(stages, provider=provider, guards=guards), retrieval, tuple(verdicts))


def _recorded(where: str | None, question: Request, stages: Stages) -> str | None:
    """The filter as the record keeps it: what guards keep from a prompt, they keep from there."""
    if not where:
        return where
    said = dataclasses.replace(question, messages=(Message("user", where),))
    with contextlib.suppress(Blocked):
        return screen_request(said, stages.guards, [], may_fail=stages.may_fail).messages[-1].content
    return "(a guard blocks it)"


def retrieved(
    passages: Sequence[Passage],
    guards: Sequence[Guard],
    *,
    request: Request,
    may_fail: frozenset[str] = frozenset(),
    taken_out: dict[int, str] | None = None,
) -> tuple[list[Passage | Verdict], list[Verdict]]:
    """The passages as the guards of stage retrieved leave them, in the place of one that is left out why; and verdicts.

    `taken_out` takes, by the number of a passage, which guard took part of it out, and why.

    >>> retrieved([Passage("a", "30 W.", "fan.md")], [], request=Request("echo", "echo", ()))[0][0].text
    '30 W.'
    """
    headers = list(dict.fromkeys(one.header for one in passages if one.header))
    called = list(dict.fromkeys(name for one in passages if (name := _called(one))))
    given = [*map(_said_by, passages), *headers, *called]
    changed: dict[int, list[Verdict]] = {}
    read, verdicts = screen_passages(given, guards, request=request, may_fail=may_fail, changed=changed)
    if taken_out is not None:
        cuts = ((number, reason_of(one)) for number, said in changed.items() for one in said if one.guard == _TAKES_OUT)
        taken_out.update(cuts)
    above = dict(zip([*headers, *called], read[len(passages) :], strict=True))
    texts = [_unless(above.get(_called(one)), text) for one, text in zip(passages, read, strict=False)]
    return [
        # Of a table whose header a guard does not let through, the rows that it does are read without.
        dataclasses.replace(_saying(text, one), header=head if isinstance(head := above.get(one.header), str) else "")
        if isinstance(text, str)
        else text
        for one, text in zip(passages, texts, strict=True)
    ], verdicts


def reason_of(verdict: Verdict) -> str:
    """Which guard left a passage out, and why.

    >>> reason_of(Verdict("injection", "retrieved", "block", "it gives orders"))
    'injection: it gives orders'
    """
    return f"{verdict.guard}: {verdict.reason}" if verdict.reason else verdict.guard


def _called(passage: Passage) -> str:
    """The name of a file that is long enough to say something, as words; empty for others."""
    name = PurePosixPath(passage.source.replace("\\", "/")).stem
    words = re.findall(r"[^\W_]+", name)
    return " ".join(words) if len(words) >= _LEAST_SAID else ""


def _unless(name: str | Verdict | None, text: str | Verdict) -> str | Verdict:
    """The text, unless the name that stands above it in the prompt is kept back."""
    if not isinstance(name, Verdict) or isinstance(text, Verdict):
        return text
    return dataclasses.replace(name, reason=f"the name of its file: {name.reason}")


def _said_by(passage: Passage) -> str:
    """All that a prompt quotes of somebody else: the headings in the first line, as they are shown to guards."""
    above = _above(passage)
    return f"{above}\n{passage.text}" if above else passage.text


def _saying(text: str, passage: Passage) -> Passage:
    """The passage as guards leave it of what `_said_by` gave."""
    if text == _said_by(passage):
        return passage
    above, _, rest = text.partition("\n") if _above(passage) else ("", "", text)
    start, end = passage.start, passage.end
    if len(rest) == len(passage.text):
        # What was taken out at an end is not of the passage any more; in between, its place is kept by blanks.
        start, end = start + len(rest) - len(rest.lstrip()), end - len(rest) + len(rest.rstrip())
        rest = rest.strip()
    return dataclasses.replace(
        passage, text=rest, start=start, end=end, headings=(above.rstrip(),) if above.strip() else ()
    )


def _above(passage: Passage) -> str:
    return " > ".join(filter(None, (" ".join(one.split()) for one in passage.headings)))


class Unasked:
    """Answers in place of the provider that the sources do not say, and what was nearest."""

    def __init__(self, passages: Sequence[Passage], near: Nearness | None, *, least: float) -> None:
        places = [place(one) for one in passages[:_NEAREST]]
        how = "" if near is None else f" ({near}; asked from {least:.2f} on)"
        listed = "".join(f"\n- {one}" for one in places)
        self._text = f"{NOT_FOUND} The nearest passages{how}:\n{listed}" if places else NOT_FOUND

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The sentence, without tokens and without a call."""
        del timeout_s
        on_text(self._text)
        return Response(self._text, request.model, Usage(0, 0, source="exact"), attempts=0)


def _unasked(stages: Stages, passages: Sequence[Passage], near: Nearness | None, *, least: float) -> Stages:
    def free(request: Request, response: Response) -> Cost:
        del request, response
        return Cost(Decimal(0), source="none")

    unasked = Unasked(passages, near, least=least)
    return dataclasses.replace(stages, provider=unasked, cache=None, price=free, reserve=lambda *_: None)


def about(guard: Guard, contexts: Sequence[str], *, question: str) -> Guard:
    """The guard with what an answer should rest on, if it is one that asks for it."""
    return guard.about(contexts, question=question) if isinstance(guard, GroundedGuard) else guard


def _with_sources(guards: Sequence[Guard], passages: Sequence[Passage], *, question: str) -> tuple[Guard, ...]:
    """The guards of one call: its citations are checked, and what scores answers against sources knows them."""
    contexts = ["\n".join((one.title, *one.headings, one.whole_text)) for one in passages]
    known = [about(guard, contexts, question=question) for guard in guards]
    # Sentences are looked up as the model wrote them; what is added passes the guards that come last like all else.
    at = next((index for index, guard in enumerate(known) if guard.name in _AFTER_CITATIONS), len(known))
    return (*known[:at], CitationGuard(passages, question=question), *known[at:])
