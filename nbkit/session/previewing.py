"""What a call would be, without making it: nothing is sent, nothing is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbkit import canonical
from nbkit.errors import Blocked
from nbkit.ledger.budgets import Standing
from nbkit.pipeline.screening import screen_request
from nbkit.recorded import Origin
from nbkit.session.building import sample_of
from nbkit.session.spending import most
from nbkit.setting import Settings
from nbkit.types import CacheEntry, Cost, Request, Response, Usage, Verdict

if TYPE_CHECKING:
    from nbkit.session.session import Session


@dataclass(frozen=True, slots=True)
class Preview:
    """One cell's call before it is made."""

    request: Request
    """As it would be sent; as it came, where a guard blocks it."""
    verdicts: tuple[Verdict, ...]
    blocked: Blocked | None
    """What a guard would raise."""
    input_tokens: int
    """Of all messages, estimated: services count their own way."""
    least: Cost
    """Of one sample that is not in the cache, with an answer of nothing."""
    most: Cost
    """Of the same, with the longest answer: what is reserved of a budget."""
    hits: tuple[CacheEntry | None, ...]
    """What the cache has for each sample."""
    budgets: tuple[Standing, ...] = ()
    """Those in force, and how they stand."""
    is_named: bool = True
    """Whether the notebook has a name, without which a budget of its own refuses paid calls."""

    @property
    def misses(self) -> int:
        """Samples that the cache has no answer for."""
        return 0 if self.blocked else sum(entry is None for entry in self.hits)


def preview(session: Session, prompt: str, *, settings: Settings, origin: Origin, **given: Any) -> Preview:  # noqa: ANN401 - what `Session.build` takes
    """What the corridor would do with a call up to its provider. Raises what building it does, and `StoreError`."""
    ready, _ = session.build(prompt, settings=settings, origin=origin, **given)
    stages, verdicts = ready.stages, list(ready.verdicts)
    request, blocked = ready.request, None
    try:
        request = screen_request(request, stages.guards, verdicts, may_fail=stages.may_fail, secrets=stages.secrets)
    except Blocked as error:
        blocked = error
        session.clean(error)
    tokens = sum(stages.estimate_tokens(message.content) for message in request.messages)
    nothing = Response("", request.model, Usage(tokens, 0, source="estimate"))
    is_kept = stages.cache is not None and settings.cache in ("use", "only") and blocked is None
    samples = [sample_of(request, number, of=settings.samples) for number in range(settings.samples)]
    keys = map(canonical.request_key, samples)
    return Preview(
        request,
        tuple(verdicts),
        blocked,
        tokens,
        stages.price(request, nothing),
        most(request, stages.price),
        tuple(session.cache.peek(key, max_age_s=settings.ttl) if is_kept else None for key in keys),
        tuple(session.standings(settings, notebook=origin.notebook)),
        origin.notebook is not None,
    )
