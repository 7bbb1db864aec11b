"""Answers that are to be asked for again: which they are, what of them a cache keeps, and that it is done once."""

from __future__ import annotations

from collections.abc import Iterable

from nbkit.errors import Blocked, SchemaMismatch
from nbkit.types import Response, Verdict


def is_kept(answer: Response, verdicts: Iterable[Verdict]) -> bool:
    """Whether a cache may keep an answer: one that ended, says something, and that no guard but `schema` refuses.

    A misfit is kept as the first half of its repair: whoever finds it judges it again, comes to the same request for
    the repair, and finds that too. Were it not kept, a cell that was repaired would pay for its first call forever.
    One that another guard has changed is not: what is left of it may fit, or be wrong elsewhere.

    >>> from nbkit.types import Usage
    >>> answer = Response("{}", "echo", Usage(1, 1))
    >>> is_kept(answer, [Verdict("schema", "output", "reask")]), is_kept(answer, [Verdict("mine", "output", "reask")])
    (True, False)
    """
    if answer.finish_reason != "stop" or not answer.text.strip():
        return False
    said = [verdict for verdict in verdicts if verdict.stage == "output"]
    refused = {verdict.guard for verdict in said if verdict.action == "reask"}
    return not refused or (refused == {"schema"} and all(verdict.action != "redact" for verdict in said))


def redacted(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts of guards that changed an answer, to be kept with what they left of it.

    >>> [one.guard for one in redacted([Verdict("markdown", "output", "redact"), Verdict("pii", "input", "redact")])]
    ['markdown']
    """
    return tuple(one for one in verdicts if one.stage == "output" and one.action == "redact")


def asked_again(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict for which an answer is to be asked for again, None when it is not; a misfit to its schema first.

    >>> asked_again([Verdict("labels", "output", "warn", "the answer is empty")])
    """
    found = [verdict for verdict in verdicts if verdict.action == "reask" and verdict.stage == "output"]
    return next((verdict for verdict in found if verdict.guard == "schema"), found[0] if found else None)


def refuse_misfit(verdicts: Iterable[Verdict], *, is_last: bool) -> None:
    """Raises when an answer that is the last to be asked for is to be asked for again."""
    found = asked_again(verdicts) if is_last else None
    if found is None:
        return
    why = f"{found.reason or 'the guard gave no reason'}, also when the model was told and asked again"
    if found.guard == "schema":
        raise SchemaMismatch(
            what="the answer does not fit its schema",
            why=why,
            fix="say in the prompt what each field holds, make the schema simpler, or take a larger model",
        )
    raise Blocked(
        what=f"blocked by the guard {found.guard!r} (output)",
        why=why,
        fix=f'ask for something else, or set guard.actions: {found.guard} = "warn"',
    )
