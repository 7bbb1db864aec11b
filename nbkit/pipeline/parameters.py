"""No secret in what a request says beside its messages: no guard of texts sees it, and it is sent all the same."""

from __future__ import annotations

from collections.abc import Iterator

from nbkit.errors import Blocked
from nbkit.secrets import SecretRegistry
from nbkit.types import JsonValue, Request, Verdict


def refuse_secrets(request: Request, secrets: SecretRegistry, verdicts: list[Verdict]) -> None:
    """Raises `Blocked`, with a verdict, where a parameter, a stop text, the schema or the model's name holds a secret.

    An endpoint may: user names and keys are part of some addresses.

    >>> refuse_secrets(Request("echo", "echo", (), stop=("x",)), SecretRegistry({"HF_TOKEN": "hf_0123456789"}), [])
    """
    beside = [request.model, request.schema or "", *request.stop]
    beside += [text for name, value in request.params for text in (name, *_texts(value))]
    found = {name: None for text in beside for _, _, name in secrets.find(text)}
    if not found:
        return
    reason = f"a parameter of the call holds the value of {', '.join(found)}: take it out of the cell's options"
    verdicts.append(Verdict("secrets", "input", "block", reason))
    raise Blocked(
        what="blocked by the guard 'secrets' (input)",
        why=reason,
        fix="take it out and run the cell again; nothing was sent",
    )


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (name, *_texts(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
