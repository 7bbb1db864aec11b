"""What belongs into the record of several embedding calls, while it comes together."""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from nbkit.canonical import sha256
from nbkit.errors import Blocked
from nbkit.pipeline.recording import failure, status
from nbkit.pipeline.screening import strongest
from nbkit.recorded import Embedded, Record
from nbkit.session.spending import priced
from nbkit.types import Cost, FinishReason, Request, Response, Spent, Timing, Usage, Verdict


class Gathered:
    """What belongs into one record, while it comes together."""

    def __init__(self, asked: Request, embedder: Any, *, prices: Mapping[str, Any]) -> None:  # noqa: ANN401 - an embedder with `take_spent`, and what `priced` takes
        self.id = uuid.uuid4().hex
        """Of the record that it becomes."""
        self._asked = asked
        self._prices = prices
        self._embedder = embedder
        self._spent = Spent()
        self._started_at = datetime.now(UTC)
        self._digest = hashlib.sha256()
        self._first = sha256("")
        self._texts = 0
        self._chars = 0
        self._verdicts: dict[str, Verdict] = {}
        self.failed: BaseException | None = None
        """What embedding raised last."""
        self.guards_s = 0.0
        self.total_s = 0.0

    @property
    def has_called(self) -> bool:
        """Whether anything was sent, or a guard kept it from being sent."""
        return self.spent.attempts > 0 or any(one.action == "block" for one in self._verdicts.values())

    @property
    def spent(self) -> Spent:
        """What the calls took so far."""
        from nbkit.embed.spending import plus

        self._spent = plus(self._spent, self._embedder.take_spent())
        return self._spent

    @property
    def usage(self) -> Usage:
        """Tokens sent so far."""
        return self.spent.usage

    @property
    def cost(self) -> Cost:
        """What they cost."""
        response = self._response(None)
        if response is None:
            return Cost(Decimal(0), source="none")
        return priced(self._asked, response, is_local=False, **self._prices)

    def asked_for(self, texts: Sequence[str]) -> None:
        """Counts texts that passed the guards."""
        for text in texts:
            digest = sha256(text)
            self._first = digest if not self._texts else self._first
            self._digest.update(digest.encode())
            self._texts += 1
            self._chars += len(text)

    def heard(self, verdicts: Sequence[Verdict]) -> None:
        """Keeps of each guard the verdict that counts, and how long it took for all texts."""
        for one in verdicts:
            known = self._verdicts.get(one.guard)
            kept = one if known is None else strongest((known, one))
            spent_s = one.duration_s + (known.duration_s if known is not None else 0.0)
            self._verdicts[one.guard] = dataclasses.replace(kept, spans=(), duration_s=spent_s)

    def record(self, raised: BaseException | None) -> Record:
        """The record, but for whose it is. `raised`: what ended it, None when nothing did."""
        spent = self.spent
        # What went wrong elsewhere, such as a disk that is full, did not go wrong here.
        error = raised if raised is self.failed or not isinstance(raised, Exception) else None
        is_told_elsewhere = isinstance(self.failed, Blocked) and not self._texts
        error = error or (self.failed if isinstance(self.failed, KeyboardInterrupt) or is_told_elsewhere else None)
        response = self._response(error)
        in_service_s = min(spent.duration_s, self.total_s)
        return Record(
            id=self.id,
            session_id="",
            started_at=self._started_at,
            operation="embeddings",
            status=status(error),
            request=self._asked,
            prompt_sha256=self._first if self._texts < 2 else self._digest.hexdigest(),  # noqa: PLR2004 - several
            prompt_chars=self._chars,
            response=response,
            verdicts=tuple(self._verdicts.values()),
            timing=Timing(
                total_s=max(self.total_s, spent.duration_s),
                guards_in_s=self.guards_s,
                cache_s=max(0.0, self.total_s - self.guards_s - in_service_s),
                provider_s=spent.duration_s,
                attempts=spent.attempts,
            ),
            cost=self.cost,
            error=failure(error),
            embedded=Embedded(self._texts, spent.texts, spent.calls),
        )

    def _response(self, error: BaseException | None) -> Response | None:
        spent = self.spent
        if not spent.calls and not spent.usage.input_tokens:
            return None
        reason: FinishReason = "stop" if error is None else "other" if isinstance(error, Exception) else "interrupted"
        return Response("", spent.model or self._asked.model, spent.usage, reason, attempts=spent.attempts)
