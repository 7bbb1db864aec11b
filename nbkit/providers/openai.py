"""Chat completions as OpenAI defined them, from any server that speaks them."""

from __future__ import annotations

from typing import ClassVar

from nbkit.http.client import HttpClient
from nbkit.http.clock import Clock
from nbkit.protocols import OnText, ProviderOptions
from nbkit.providers.answer import Answer, Body, Draft, Payload, count, part, parts, usage_of, with_params, words
from nbkit.providers.chat import Service, complete, listing
from nbkit.types import FinishReason, Request, Response, Usage

BASE_URL = "https://api.openai.com/v1"
_REASONING = ("o1", "o3", "o4", "gpt-5")
_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "content_filter": "content_filter",
}


class OpenAIProvider:
    """Answers from OpenAI, or from any server that speaks its chat completions: set `base_url` to it.

    >>> from pathlib import Path
    >>> OpenAIProvider(ProviderOptions(home=Path())).name
    'openai'
    """

    name: ClassVar[str] = "openai"
    is_local: ClassVar[bool] = False
    key_env: ClassVar[tuple[str, ...]] = ("OPENAI_API_KEY",)
    model_prefixes: ClassVar[tuple[str, ...]] = ("gpt-", "o1", "o3", "o4", "chatgpt-")

    def __init__(self, options: ProviderOptions, *, clock: Clock | None = None) -> None:
        self._service = Service(
            self.name,
            HttpClient(options.base_url or BASE_URL, clock=clock),
            key=options.api_key,
            key_env=self.key_env,
            header=lambda key: (("authorization", f"Bearer {key}"),),
        )

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The whole answer; each piece goes to `on_text` as it arrives."""
        return complete(self._service, OpenAIDialect(), request, on_text=on_text, timeout_s=timeout_s)

    def models(self) -> list[str]:
        """Names that can be asked for, sorted."""
        return sorted(name for row in parts(listing(self._service, "/models"), "data") if (name := words(row, "id")))

    def close(self) -> None:
        """Closes the connections of all threads."""
        self._service.client.close()


class OpenAIDialect:
    """How chat completions are asked for and read."""

    streams: ClassVar[str] = "text/event-stream"

    def draft(self, request: Request) -> Draft:
        """The call for a request."""
        body: Body = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            # The newer name of the limit is the only one that reasoning models take, and the older one all that most
            # other servers know; the wrong guess is mended.
            "max_completion_tokens" if request.model.startswith(_REASONING) else "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.seed is not None:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        if request.format == "json":
            body["response_format"] = {"type": "json_object"}
        return Draft("/chat/completions", with_params(body, request.params))

    def read(self, payload: Payload, answer: Answer) -> str:
        """The text in one chunk."""
        if not answer.model:
            _read_head(payload, answer)
        if payload.get("usage"):
            answer.usage = _usage(part(payload, "usage"))
        choices = parts(payload, "choices")
        if not choices:
            return ""
        choice = choices[0]
        finish = choice.get("finish_reason")
        if finish is not None:
            answer.finish_reason = _FINISH.get(str(finish), "other")
        delta = part(choice, "delta")
        content = delta.get("content")
        if content and isinstance(content, str):
            return content
        if delta.get("refusal") and isinstance(delta["refusal"], str):
            answer.has_begun = True
            return str(delta["refusal"])
        if delta.get("reasoning_content") or delta.get("reasoning"):
            answer.has_begun = True
        return ""

    def read_whole(self, payload: Payload, answer: Answer) -> str:
        """The text of a completion that was not streamed."""
        _read_head(payload, answer)
        if part(payload, "usage"):
            answer.usage = _usage(part(payload, "usage"))
        for choice in parts(payload, "choices"):
            answer.finish_reason = _FINISH.get(words(choice, "finish_reason"), "other")
            return words(part(choice, "message"), "content")
        return ""


def _read_head(payload: Payload, answer: Answer) -> None:
    answer.model = words(payload, "model")
    answer.response_id = words(payload, "id") or None


def _usage(usage: Payload) -> Usage:
    return usage_of(
        sent=count(usage, "prompt_tokens"),
        made=count(usage, "completion_tokens"),
        read=count(part(usage, "prompt_tokens_details"), "cached_tokens"),
        reasoning=count(part(usage, "completion_tokens_details"), "reasoning_tokens"),
    )
