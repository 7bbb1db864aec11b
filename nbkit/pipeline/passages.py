"""Passages that were looked up through guards, before a model reads them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence

from nbkit.pipeline.screening import in_order, strongest
from nbkit.protocols import Guard
from nbkit.types import Request, Screened, Verdict


def screen_passages(
    texts: Sequence[str],
    guards: Iterable[Guard],
    *,
    request: Request,
    may_fail: frozenset[str] = frozenset(),
    changed: dict[int, list[Verdict]] | None = None,
) -> tuple[list[str | Verdict], list[Verdict]]:
    """The texts that were looked up, as a model may read them; in the place of one that is left out, why.

    Each guard gives one verdict on all of them, without places. A guard that raises blocks what it could not look at.
    `changed` takes, by the number of a text, what guards say of it that took something out or replaced it.
    """
    shown: list[str | Verdict] = list(texts)
    verdicts: list[Verdict] = []
    for guard in in_order(guards):
        if "retrieved" not in guard.stages:
            continue
        started = time.perf_counter()
        found: list[Verdict] = []
        for number, text in enumerate(shown):
            if isinstance(text, Verdict):
                continue
            screened = screen_passage(guard, text, request, can_fail=guard.name in may_fail)
            found.append(screened.verdict)
            if changed is not None and screened.verdict.action == "redact":
                changed.setdefault(number, []).append(screened.verdict)
            shown[number] = screened.verdict if screened.verdict.action == "block" else screened.text
        if found:
            spent_s = time.perf_counter() - started
            verdicts.append(dataclasses.replace(strongest(found), spans=(), duration_s=spent_s))
    return shown, verdicts


def screen_passage(guard: Guard, text: str, request: Request, *, can_fail: bool) -> Screened:
    """One passage after one guard; a guard that raises blocks it, unless it may."""
    try:
        return guard.screen(text, stage="retrieved", request=request)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and then the text is left out
        reason = f"the guard failed: {type(error).__name__}"
        if can_fail:
            return Screened(text, Verdict(guard.name, "retrieved", "warn", f"{reason}; it was let fail"))
        reason += f"; the passage was left out, which --allow guard:{guard.name} would not do"
        return Screened("", Verdict(guard.name, "retrieved", "block", reason))
