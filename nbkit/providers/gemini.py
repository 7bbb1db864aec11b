"""The Gemini API of Google."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from nbkit.errors import RequestRefused
from nbkit.http.client import HttpClient
from nbkit.http.clock import Clock
from nbkit.protocols import OnText, ProviderOptions
from nbkit.providers.answer import Answer, Body, Draft, Payload, count, part, parts, usage_of, with_params, words
from nbkit.providers.chat import Service, complete, listing
from nbkit.types import FinishReason, Message, Request, Response, Usage

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
_OUTER = ("safetySettings", "cachedContent", "labels")
_FINISH: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
}


class GeminiProvider:
    """Answers from Google's Gemini models.

    >>> from pathlib import Path
    >>> GeminiProvider(ProviderOptions(home=Path())).key_env
    ('GEMINI_API_KEY', 'GOOGLE_API_KEY')
    """

    name: ClassVar[str] = "gemini"
    is_local: ClassVar[bool] = False
    key_env: ClassVar[tuple[str, ...]] = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    model_prefixes: ClassVar[tuple[str, ...]] = ("gemini-",)

    def __init__(self, options: ProviderOptions, *, clock: Clock | None = None) -> None:
        self._service = Service(
            self.name,
            HttpClient(options.base_url or BASE_URL, clock=clock),
            key=options.api_key,
            key_env=self.key_env,
            # In the URL, as the examples have it, the key would stand in every proxy's log.
            header=lambda key: (("x-goog-api-key", key),),
        )

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The whole answer; each piece goes to `on_text` as it arrives."""
        return complete(self._service, GeminiDialect(), request, on_text=on_text, timeout_s=timeout_s)

    def models(self) -> list[str]:
        """Names that can be asked for, sorted."""
        rows = parts(listing(self._service, "/models?pageSize=1000"), "models")
        chat = [row for row in rows if "generateContent" in row.get("supportedGenerationMethods", ["generateContent"])]
        return sorted(words(row, "name").removeprefix("models/") for row in chat if words(row, "name"))

    def close(self) -> None:
        """Closes the connections of all threads."""
        self._service.client.close()


class GeminiDialect:
    """How content is asked for and read."""

    streams: ClassVar[str] = "text/event-stream"

    def draft(self, request: Request) -> Draft:
        """The call for a request; `params` go into `generationConfig`, but for the few that stand beside it."""
        settings: Body = {"temperature": request.temperature, "maxOutputTokens": request.max_tokens}
        if request.seed is not None:
            settings["seed"] = request.seed
        if request.stop:
            settings["stopSequences"] = list(request.stop)
        if request.format == "json":
            settings["responseMimeType"] = "application/json"
        inner = tuple(param for param in request.params if param[0] not in _OUTER)
        outer = tuple(param for param in request.params if param[0] in _OUTER)
        body: Body = {
            "contents": [_content(message) for message in request.messages if message.role != "system"],
            "generationConfig": with_params(settings, inner),
        }
        system = [message.content for message in request.messages if message.role == "system"]
        if system:
            body["systemInstruction"] = {"parts": [{"text": text} for text in system]}
        model = quote(request.model.removeprefix("models/"), safe="")
        return Draft(f"/models/{model}:streamGenerateContent?alt=sse", with_params(body, outer))

    def read(self, payload: Payload, answer: Answer) -> str:
        """The text in one event; thoughts are counted but not part of the answer."""
        answer.model = answer.model or words(payload, "modelVersion")
        answer.response_id = answer.response_id or words(payload, "responseId") or None
        usage = part(payload, "usageMetadata")
        if usage:
            answer.usage = _usage(usage)
        blocked = words(part(payload, "promptFeedback"), "blockReason")
        if blocked:
            raise RequestRefused(
                what="gemini refused the prompt",
                why=f"its safety filter says {blocked[:40] if blocked.replace('_', '').isalnum() else 'no'}",
                fix="reword the prompt, or use another model",
            )
        text = []
        for candidate in parts(payload, "candidates")[:1]:
            finish = candidate.get("finishReason")
            if finish is not None:
                answer.finish_reason = _FINISH.get(str(finish), "other")
                answer.is_done = bool(usage)
            for piece in parts(part(candidate, "content"), "parts"):
                answer.has_begun = True
                if not piece.get("thought"):
                    text.append(words(piece, "text"))
        return "".join(text)

    def read_whole(self, payload: Payload, answer: Answer) -> str:
        """The text of content that was not streamed: the same object."""
        return self.read(payload, answer)


def _content(message: Message) -> Body:
    return {"role": "model" if message.role == "assistant" else "user", "parts": [{"text": message.content}]}


def _usage(usage: Payload) -> Usage:
    thoughts = count(usage, "thoughtsTokenCount")
    return usage_of(
        sent=count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount"),
        made=count(usage, "candidatesTokenCount") + thoughts,
        read=count(usage, "cachedContentTokenCount"),
        reasoning=thoughts,
    )
