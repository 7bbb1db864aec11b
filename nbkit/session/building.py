"""A request from a prompt and the settings in force; everything that can be checked is checked here, before paying."""

from __future__ import annotations

import dataclasses
import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from nbkit import canonical
from nbkit.errors import BadSetting, PromptError
from nbkit.pipeline import Call, Prepared, run
from nbkit.pipeline.again import asked_again
from nbkit.prompts.schema import Shape, example_of
from nbkit.prompts.template import expand
from nbkit.recorded import Origin, Outcome
from nbkit.session.targets import Target
from nbkit.setting import Settings
from nbkit.types import JsonValue, Message, Request, Verdict

OnSample = Callable[[int, str], None]
"""Takes a sample's index and the next piece of its answer."""

_OWN = ("model", "messages", "temperature", "max_tokens", "seed", "stop", "stream")
_SEVERAL = ("n", "best_of", "candidateCount")
"""Parameters that ask for several answers in one response, which would run into one another."""
LOCAL_TIMEOUT_S: Final = 900.0
"""Deadline of a call to a model on this machine where none was set."""


def build(
    prompt: str,
    *,
    settings: Settings,
    target: Target,
    params: Mapping[str, JsonValue],
    variables: Mapping[str, object] | None,
    history: Sequence[Message],
    shape: Shape | None = None,
) -> Request:
    """The request for one prompt: system, the conversation so far, the prompt with its `{{names}}` filled in, once.

    `shape`: what the answer has to look like; then it is read as JSON. Raises `PromptError` for an empty prompt or an
    unknown name, `BadSetting` for a parameter that is a setting.
    """
    _check_params(params)
    if not isinstance(prompt, str):
        raise PromptError(
            what=f"the prompt is {type(prompt).__name__}, not text",
            why="only text is sent to a model",
            fix="put it into a prompt: nbkit.ask('Describe {{ x }}', x=…), or give str(…) of it",
        )
    text = prompt if variables is None else expand(prompt, variables)
    if not text.strip():
        raise PromptError(
            what="the prompt is empty",
            why="there is nothing to send" if not prompt.strip() else "its variables are all empty",
            fix="write the prompt below the %%llm line, or name a file with --file",
        )
    messages = [*history, Message("user", text)]
    system = settings.system or ""
    if system and variables is not None:
        system = expand(system, variables)
    rules = "\n\n".join(filter(None, (system, "" if shape is None else shape.rules)))
    if rules:
        messages.insert(0, Message("system", rules))
    return Request(
        provider=target.provider,
        model=target.model,
        messages=tuple(messages),
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        seed=settings.seed,
        stop=settings.stop,
        format=settings.format if shape is None else "json",
        schema=None if shape is None else shape.schema,
        base_url=target.base_url,
        params=tuple(sorted(params.items())),
    )


def _check_params(params: Mapping[str, JsonValue]) -> None:
    for name in params:
        if name in _OWN:
            raise BadSetting(
                what=f"{name!r} cannot be given with --param",
                why="it is a setting of its own, and two values for one thing would hide one of them",
                fix=f"use the option --{name.replace('_', '-')}",
            )
        if name in _SEVERAL:
            raise BadSetting(
                what=f"{name!r} cannot be given with --param",
                why="several answers in one response cannot be told apart, cached or priced one by one",
                fix="draw samples with -n; each is recorded by itself",
            )
    try:
        canonical.to_plain(dict(params))
    except TypeError as error:
        raise BadSetting(
            what="a parameter cannot be sent", why=str(error), fix="give numbers, text, lists and objects of them"
        ) from None


def sample_of(request: Request, index: int, *, of: int) -> Request:
    """The request for one of several samples: its own index, and its own seed, or all samples would be one.

    >>> sample_of(Request("echo", "echo", (), seed=7), 2, of=3).seed
    9
    """
    if of == 1:
        return request
    return dataclasses.replace(request, sample=index, seed=None if request.seed is None else request.seed + index)


def call_of(
    settings: Settings, *, session_id: str, origin: Origin, thread: str | None, ready: Prepared, is_local: bool = False
) -> Call:
    """What of the settings belongs to a call and not to its request.

    `is_local`: a model on this machine is asked. It is as fast as the machine has time for it, and does not hang: where
    no deadline was set, it is not given up while it works.
    """
    is_default = settings.timeout == Settings().timeout
    return Call(
        id="",
        session_id=session_id,
        started_at=datetime.now(UTC),
        cache_mode=settings.cache,
        ttl_s=settings.ttl,
        timeout_s=LOCAL_TIMEOUT_S if is_local and is_default else settings.timeout,
        origin=origin,
        tag=settings.tag,
        thread=thread,
        verdicts=ready.verdicts,
        restores=settings.guard_restore,
        notes=warnings(settings),
    )


def draw(
    ready: Prepared, call: Call, *, samples: int, on_text: OnSample, on_phase: Callable[[str], None]
) -> list[Outcome]:
    """The outcomes of so many samples, each a call of its own; the first that fails is the last.

    An answer that is to be asked for again is followed by the outcome of that call, which takes its place. Where that
    came from the cache and a guard refuses it now, as after a validator was changed, it is asked for anew.
    """
    outcomes: list[Outcome] = []

    def one(request: Request, sample: int, **changes: Any) -> Outcome:  # noqa: ANN401 - fields of the call
        return run(
            request,
            stages=ready.stages,
            call=dataclasses.replace(call, id=uuid.uuid4().hex, started_at=datetime.now(UTC), **changes),
            on_text=functools.partial(on_text, sample),
            on_phase=on_phase,
        )

    for sample in range(samples):
        asked = sample_of(ready.request, sample, of=samples)
        outcome = one(asked, sample)
        outcomes.append(outcome)
        found = _refused(outcome)
        if found is not None:
            again, first_id = _repair(asked, found), outcome.record.id
            outcome = one(again, sample, repairs=first_id)
            if outcome.record.cache.status == "hit" and _refused(outcome) is not None:
                outcome = one(again, sample, repairs=first_id, cache_mode="refresh")
            outcomes.append(outcome)
        if outcome.error is not None:
            break
    return outcomes


def _refused(outcome: Outcome) -> Verdict | None:
    return None if outcome.error is not None else asked_again(outcome.record.verdicts)


def _repair(asked: Request, found: Verdict) -> Request:
    """The request with what was wrong with its first answer.

    That answer is left out: small models copy what they see of themselves, its mistake included.
    """
    *before, question = asked.messages
    reason = found.reason or "a guard gave no reason"
    if found.guard == "schema":
        said = (
            f"A first answer did not fit the schema: {reason}. Write JSON alone, in this form, with what the text says "
            f"in place of the samples: {example_of(asked.schema or '{}')}"
        )
    else:
        said = f"A first answer could not be used: {reason}. Answer again, without that."
    again = Message(question.role, f"{question.content}\n\n{said}")
    return dataclasses.replace(asked, messages=(*before, again))


def warnings(settings: Settings) -> tuple[str, ...]:
    """What the reader should know about these settings before reading the answer."""
    if settings.samples > 1 and settings.temperature == 0:
        return (f"{settings.samples} samples at temperature 0 are likely all the same; try -t 0.8",)
    return ()
