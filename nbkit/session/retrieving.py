"""What stands in front of the corridor of a `%%rag` cell: the question is screened, passages are found and screened.

1. The question passes the input guards: what they block is not looked up, and blocks in the corridor.
2. Passages are found, and pass the guards of stage retrieved; one that is blocked is left out.
3. Where even the best is far from the question, and in mode `hybrid` none has all its names and numbers, nobody is
   asked: the answer is that the sources do not say.
4. Else the model is asked about numbered passages, and each sentence that comes back is checked against them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from nbkit.documents import Passage, SearchMode, place
from nbkit.errors import Blocked
from nbkit.guards.grounded import GroundedGuard
from nbkit.guards.wording import tokens
from nbkit.pipeline import Prepared, Stages
from nbkit.pipeline.screening import screen_passages, screen_request
from nbkit.protocols import Guard, OnText
from nbkit.rag.citing import CitationGuard
from nbkit.rag.prompt import NOT_FOUND, with_passages
from nbkit.recorded import Retrieval, Retrieved
from nbkit.session.sealing import Sealing
from nbkit.types import Cost, Message, Request, Response, Usage, Verdict

if TYPE_CHECKING:
    from nbkit.setting import Settings

_AFTER_CITATIONS = ("grounded", "markdown", "secrets")
_NEAREST = 3


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
    read, verdicts = retrieved(found.passages, stages.guards, request=request, may_fail=stages.may_fail)
    passages = [one for one in read if isinstance(one, Passage)]
    retrieval = Retrieval(
        lookup.name,
        settings.rag_mode,
        time.perf_counter() - started,
        tuple(one for one, text in zip(found.retrieved, read, strict=True) if isinstance(text, Passage)),
        tuple(
            dataclasses.replace(one, left_out=reason_of(said))
            for one, said in zip(found.retrieved, read, strict=True)
            if isinstance(said, Verdict)
        ),
        k=settings.rag_k,
        where=_recorded(where, question, stages),
        rerank=settings.rag_rerank,
    )
    nearest = found.nearest
    made = with_passages(request, passages)
    is_near = (
        nearest is None
        or nearest >= settings.rag_min_score
        or (settings.rag_mode == "hybrid" and names_said(asked, passages))
    )
    if not passages or not is_near:
        return Prepared(made, _unasked(stages, passages, nearest), retrieval, tuple(verdicts))
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
    passages: Sequence[Passage], guards: Sequence[Guard], *, request: Request, may_fail: frozenset[str] = frozenset()
) -> tuple[list[Passage | Verdict], list[Verdict]]:
    """The passages as the guards of stage retrieved leave them, in the place of one that is left out why; and verdicts.

    >>> retrieved([Passage("a", "30 W.", "fan.md")], [], request=Request("echo", "echo", ()))[0][0].text
    '30 W.'
    """
    headers = list(dict.fromkeys(one.header for one in passages if one.header))
    given = [*map(_said_by, passages), *headers]
    read, verdicts = screen_passages(given, guards, request=request, may_fail=may_fail)
    texts, heads = read[: len(passages)], dict(zip(headers, read[len(passages) :], strict=True))
    return [
        # Of a table whose header a guard does not let through, the rows that it does are read without.
        dataclasses.replace(_saying(text, one), header=head if isinstance(head := heads.get(one.header), str) else "")
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


def _said_by(passage: Passage) -> str:
    """All that a prompt quotes of somebody else: the headings in the first line, as they are shown to guards."""
    above = _above(passage)
    return f"{above}\n{passage.text}" if above else passage.text


def _saying(text: str, passage: Passage) -> Passage:
    """The passage as guards leave it of what `_said_by` gave."""
    if text == _said_by(passage):
        return passage
    above, _, rest = text.partition("\n") if _above(passage) else ("", "", text)
    return dataclasses.replace(passage, text=rest, headings=(above,) if above else ())


def _above(passage: Passage) -> str:
    return " > ".join(filter(None, (" ".join(one.split()) for one in passage.headings)))


def names_said(question: str, passages: Sequence[Passage]) -> bool:
    """Whether one of the passages has all names and numbers of the question, word for word; not where it has none.

    A model that embeds knows no names: what is asked of a person, a code or an amount is far from all that it has read.

    >>> names_said("Who is Oleg Brandt?", [Passage("a", "The board: Petra Lindqvist, Oleg Brandt.", "board.md")])
    True
    """
    wanted = {token.stem for token in tokens(question) if token.kind in ("name", "number")}
    return bool(wanted) and any(wanted <= {token.stem for token in tokens(one.text)} for one in passages)


class Unasked:
    """Answers in place of the provider that the sources do not say, and what was nearest."""

    def __init__(self, passages: Sequence[Passage], nearest: float | None) -> None:
        places = [place(one) for one in passages[:_NEAREST]]
        least = "" if nearest is None else f" (similarity of the best: {nearest:.2f})"
        listed = "".join(f"\n- {one}" for one in places)
        self._text = f"{NOT_FOUND} The nearest passages{least}:\n{listed}" if places else NOT_FOUND

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The sentence, without tokens and without a call."""
        del timeout_s
        on_text(self._text)
        return Response(self._text, request.model, Usage(0, 0, source="exact"), attempts=0)


def _unasked(stages: Stages, passages: Sequence[Passage], nearest: float | None) -> Stages:
    def free(request: Request, response: Response) -> Cost:
        del request, response
        return Cost(Decimal(0), source="none")

    unasked = Unasked(passages, nearest)
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
