"""No secret in what a request says beside its messages: no guard of texts sees it, and it is sent all the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from nbkit.errors import Blocked
from nbkit.protocols import Guard
from nbkit.secrets import SecretRegistry
from nbkit.types import JsonValue, Request, Verdict


def judge_parameters(guard: Guard, request: Request) -> Iterator[Verdict]:
    """The guard's verdict on each text that a request says beside its messages.

    Nothing can be taken out of a parameter: where the guard would, it blocks.
    """
    for text in _beside(request):
        verdict = guard.screen(text, stage="input", request=request).verdict
        if verdict.action in ("redact", "block"):
            kinds = ", ".join(dict.fromkeys(span.kind for span in verdict.spans))
            yield dataclasses.replace(verdict, action="block", reason=_reason(kinds or guard.name), spans=())
        else:
            yield dataclasses.replace(verdict, spans=())


def refuse_secrets(request: Request, secrets: SecretRegistry, verdicts: list[Verdict]) -> None:
    """Raises `Blocked`, with a verdict, where a parameter, a stop text, the schema or the model's name holds a secret.

    An endpoint may: user names and keys are part of some addresses.

    >>> refuse_secrets(Request("echo", "echo", (), stop=("x",)), SecretRegistry({"HF_TOKEN": "hf_0123456789"}), [])
    """
    found = {name: None for text in _beside(request) for _, _, name in secrets.find(text)}
    if not found:
        return
    reason = _reason(f"the value of {', '.join(found)}")
    verdicts.append(Verdict("secrets", "input", "block", reason))
    raise Blocked(
        what="blocked by the guard 'secrets' (input)",
        why=reason,
        fix="take it out and run the cell again; nothing was sent",
    )


def _reason(held: str) -> str:
    return f"a parameter of the call holds {held}: take it out of the cell's options"


def _beside(request: Request) -> Iterator[str]:
    yield from filter(None, (request.model, request.schema, *request.stop))
    for name, value in request.params:
        yield from (name, *_texts(value))


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (name, *_texts(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
