"""The Messages API of Anthropic, and of servers that speak it."""

from __future__ import annotations

from typing import ClassVar

from nbkit.http.client import HttpClient
from nbkit.http.clock import Clock
from nbkit.protocols import OnText, ProviderOptions
from nbkit.providers.answer import Answer, Body, Draft, Payload, count, part, parts, with_params, words
from nbkit.providers.chat import Service, complete, listing
from nbkit.types import FinishReason, Request, Response, Usage

BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class AnthropicProvider:
    """Answers from Anthropic's models.

    >>> from pathlib import Path
    >>> AnthropicProvider(ProviderOptions(home=Path())).key_env
    ('ANTHROPIC_API_KEY',)
    """

    name: ClassVar[str] = "anthropic"
    is_local: ClassVar[bool] = False
    key_env: ClassVar[tuple[str, ...]] = ("ANTHROPIC_API_KEY",)
    model_prefixes: ClassVar[tuple[str, ...]] = ("claude-",)

    def __init__(self, options: ProviderOptions, *, clock: Clock | None = None) -> None:
        base_url = (options.base_url or BASE_URL).rstrip("/").removesuffix("/v1")
        self._service = Service(
            self.name,
            HttpClient(base_url, clock=clock),
            key=options.api_key,
            key_env=self.key_env,
            header=lambda key: (("x-api-key", key), ("anthropic-version", VERSION)),
        )

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The whole answer; each piece goes to `on_text` as it arrives."""
        return complete(self._service, AnthropicDialect(), request, on_text=on_text, timeout_s=timeout_s)

    def models(self) -> list[str]:
        """Names that can be asked for, sorted."""
        rows = parts(listing(self._service, "/v1/models?limit=1000"), "data")
        return sorted(name for row in rows if (name := words(row, "id")))

    def close(self) -> None:
        """Closes the connections of all threads."""
        self._service.client.close()


class AnthropicDialect:
    """How messages are asked for and read."""

    streams: ClassVar[str] = "text/event-stream"

    def draft(self, request: Request) -> Draft:
        """The call for a request; the system prompt goes beside the messages."""
        system = "\n\n".join(message.content for message in request.messages if message.role == "system")
        body: Body = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            "messages": [
                {"role": message.role, "content": message.content}
                for message in request.messages
                if message.role != "system"
            ],
            "temperature": request.temperature,
            "stream": True,
        }
        if system:
            body["system"] = system
        if request.stop:
            body["stop_sequences"] = list(request.stop)
        draft = Draft("/v1/messages", with_params(body, request.params))
        if request.seed is not None:
            draft = draft.noting("seed was left out: Anthropic has none")
        if request.format == "json":
            draft = draft.noting("format json was not asked of the provider: Anthropic has no such mode")
        return draft

    def read(self, payload: Payload, answer: Answer) -> str:
        """The text in one event."""
        kind = payload.get("type")
        if kind == "content_block_delta":
            answer.has_begun = True
            return words(part(payload, "delta"), "text")
        if kind == "content_block_start":
            return words(part(payload, "content_block"), "text")
        if kind == "message_start":
            message = part(payload, "message")
            answer.model = words(message, "model")
            answer.response_id = words(message, "id") or None
            _add_usage(part(message, "usage"), answer)
        elif kind == "message_delta":
            stop = part(payload, "delta").get("stop_reason")
            if stop is not None:
                answer.finish_reason = _FINISH.get(str(stop), "other")
            _add_usage(part(payload, "usage"), answer)
        elif kind == "message_stop":
            answer.is_done = True
        return ""

    def read_whole(self, payload: Payload, answer: Answer) -> str:
        """The text of a message that was not streamed."""
        answer.model = words(payload, "model")
        answer.response_id = words(payload, "id") or None
        answer.finish_reason = _FINISH.get(words(payload, "stop_reason"), "other")
        _add_usage(part(payload, "usage"), answer)
        return "".join(words(block, "text") for block in parts(payload, "content"))


def _add_usage(usage: Payload, answer: Answer) -> None:
    # The first event counts what was sent, the last what was generated; some servers repeat or correct both.
    if not usage:
        return
    before = answer.usage or Usage(0, 0)
    read = count(usage, "cache_read_input_tokens") or before.cached_input_tokens
    written = count(usage, "cache_creation_input_tokens") or before.cache_write_tokens
    fresh = count(usage, "input_tokens") or before.input_tokens - before.cached_input_tokens - before.cache_write_tokens
    answer.usage = Usage(
        input_tokens=fresh + read + written,
        output_tokens=count(usage, "output_tokens") or before.output_tokens,
        cached_input_tokens=read,
        cache_write_tokens=written,
    )
