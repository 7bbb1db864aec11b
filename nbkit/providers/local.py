"""Models that run in this process: nothing leaves the machine and nothing is paid."""

from __future__ import annotations

import difflib
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from nbkit.errors import BadResponse, ContextTooLong, ProviderTimeout, RequestRefused, WeightsError
from nbkit.http.private import Private
from nbkit.models.weights import Weights, find, is_present, path_of, present, verify
from nbkit.protocols import OnText, ProviderOptions
from nbkit.providers import llama
from nbkit.providers.actor import Actor, Closed, Late, Load
from nbkit.types import FinishReason, JsonValue, Request, Response, Usage

_FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
_KNOWN_PARAMS = frozenset(
    # One string: a name a line would fill the screen.
    "cache_prompt chat_template_kwargs dry_allowed_length dry_base dry_multiplier dry_penalty_last_n "  # noqa: SIM905
    "dry_sequence_breakers dynatemp_exponent dynatemp_range frequency_penalty grammar ignore_eos json_schema "
    "logit_bias min_keep min_p mirostat mirostat_eta mirostat_tau n_keep presence_penalty reasoning_format "
    "repeat_last_n repeat_penalty response_format samplers top_k top_n_sigma top_p typical_p xtc_probability "
    "xtc_threshold".split()
)
_SEEDS = 1 << 31


class LocalProvider:
    """llama.cpp, with one model loaded at a time, kept until another is asked for or `close`."""

    name: ClassVar[str] = "local"
    is_local: ClassVar[bool] = True
    key_env: ClassVar[tuple[str, ...]] = ()
    model_prefixes: ClassVar[tuple[str, ...]] = ("smollm2", "qwen2.5-coder")

    def __init__(self, options: ProviderOptions, *, load: Load | None = None) -> None:
        self._home = options.home
        self._context_tokens = options.context_tokens
        self._load = load or _loader(options)
        self._lock = threading.Lock()
        self._actor: Actor | None = None
        self._leave: Callable[[], object] = lambda: None

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The whole answer; each piece goes to `on_text` on the calling thread.

        Calls queue up and each keeps its own deadline, loading and waiting included. An interrupt is felt at once and
        stops the generation; only while a model is being loaded does it wait for that. Temperature 0 gives the same
        text for the same request. Raises `WeightsError`, `ContextTooLong`, `RequestRefused`, `ProviderTimeout`.
        """
        deadline = time.monotonic() + timeout_s
        body = _body(request)
        path, check = self._file(request.model)
        answer = _Answer(request, context_tokens=self._context_tokens)
        events = self._running().chat(path, body, check=check, deadline=deadline)
        try:
            with closing(events):
                for event in events:
                    if text := answer.add(event):
                        on_text(text)
        except Late as error:
            raise ProviderTimeout(
                what=f"no answer from {request.model!r} within {timeout_s:g} s",
                why=f"{answer.pieces} pieces had come; this machine needs longer, or another call was before this one",
                fix="raise --timeout, lower --max-tokens, or use a smaller model",
            ) from error
        except Closed as error:
            raise BadResponse(
                what=f"the call to {request.model!r} was given up",
                why="the local model was closed while the call was running or waiting",
                fix="run the cell again",
            ) from error
        return answer.response()

    def models(self) -> list[str]:
        """Names of the models whose weights are here, the preferred first."""
        return [weights.name for weights in present(self._home)]

    def close(self) -> None:
        """Stops what runs and frees the model; a later `complete` loads it again."""
        with self._lock:
            leave, self._actor, self._leave = self._leave, None, lambda: None
        leave()

    def _running(self) -> Actor:
        with self._lock:
            # A forked process has the object, but not its thread.
            if self._actor is None or not self._actor.is_alive:
                self._actor = Actor(self._load)
                # Runs at interpreter exit too: llama.cpp's threads must not outlive Python's.
                self._leave = weakref.finalize(self, self._actor.close)
            return self._actor

    def _file(self, model: str) -> tuple[Path, Callable[[], None]]:
        """The file of a model, and the check that is due before it is loaded."""
        if model.lower().endswith(".gguf"):
            return Path(model).expanduser(), lambda: None
        weights = find(model)
        if not is_present(weights, self._home):
            raise WeightsError(
                what=f"the weights of {model!r} are not on this machine",
                why=f"no file {path_of(weights, self._home).name!r} of {weights.size_bytes:,} bytes",
                fix=f"nbkit models pull {model}",
            )
        return path_of(weights, self._home), lambda: _check(weights, self._home)


class _Answer:
    """One answer while its events arrive."""

    def __init__(self, request: Request, *, context_tokens: int) -> None:
        self.pieces = 0
        self._request = request
        self._context_tokens = context_tokens
        self._texts: list[str] = []
        self._finish: FinishReason = "other"
        self._usage: Usage | None = None
        self._id: str | None = None

    def add(self, event: dict[str, Any]) -> str:
        """The text that one event brings, often empty; raises what an error event says."""
        if "error" in event:
            raise self._failure(event["error"])
        self._id = event.get("id") or self._id
        if usage := event.get("usage"):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            self._usage = Usage(usage["prompt_tokens"], usage["completion_tokens"], cached_input_tokens=cached)
        text = ""
        for choice in event.get("choices", ()):
            if reason := choice.get("finish_reason"):
                self._finish = _FINISH.get(reason, "other")
            text += choice.get("delta", {}).get("content") or ""
        if text:
            self.pieces += 1
            self._texts.append(text)
        return text

    def response(self) -> Response:
        """The answer, whole."""
        if self._usage is None:
            raise BadResponse(
                what=f"the answer of {self._request.model!r} has no end",
                why=f"llama.cpp stopped after {self.pieces} pieces without saying how many tokens it used",
                fix="run the cell again",
            )
        text = "".join(self._texts)
        return Response(text, self._request.model, self._usage, self._finish, response_id=self._id)

    def _failure(self, error: dict[str, Any]) -> Exception:
        if error.get("type") == "exceed_context_size_error":
            return ContextTooLong(
                what=f"the prompt does not fit {self._request.model!r}",
                why=f"it has {error.get('n_prompt_tokens', '?')} tokens, the window {error.get('n_ctx', '?')}",
                fix="shorten the prompt, or raise the setting local.context_tokens",
                status_code=400,
            )
        texts = [message.content for message in self._request.messages]
        said = Private(key=None, texts=texts).quote(str(error.get("message", "")))
        code = error.get("code")
        is_refused = code == 400  # noqa: PLR2004 - HTTP's Bad Request
        return (RequestRefused if is_refused else BadResponse)(
            what=f"llama.cpp {'refused the request' if is_refused else 'failed'} for {self._request.model!r}",
            why=said or "it gave no reason that can be shown",
            fix="check the parameters given with -p" if is_refused else "run the cell again, or use another model",
            status_code=code if isinstance(code, int) else None,
        )


def _body(request: Request) -> llama.Body:
    """The request as llama.cpp takes it; raises `RequestRefused` for a parameter that it would ignore."""
    for name, _ in request.params:
        if name not in _KNOWN_PARAMS:
            near = difflib.get_close_matches(name, _KNOWN_PARAMS, n=1)
            raise RequestRefused(
                what=f"local models have no parameter {name!r}",
                why="llama.cpp would ignore it silently",
                fix=f"use {near[0]!r}, or leave it out" if near else "leave it out",
            )
    messages: list[JsonValue] = [{"role": message.role, "content": message.content} for message in request.messages]
    body: llama.Body = {
        # Off: with a cached prefix the prompt is read in other batches, rounding differs, and with it the text at
        # temperature 0 (3 of 5 prompts of qwen2.5-coder-0.5b; smollm2-135m 0 of 10).
        "cache_prompt": False,
        **dict(request.params),
        "messages": messages,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        # An event for each batch of the prompt: so a job can be stopped before its first token.
        "return_progress": True,
    }
    if request.seed is not None:
        body["seed"] = request.seed % _SEEDS
    if request.stop:
        body["stop"] = list(request.stop)
    if request.format == "json" and not {"response_format", "json_schema", "grammar"} & body.keys():
        body["response_format"] = {"type": "json_object"}
    return body


def _check(weights: Weights, home: Path) -> None:
    if not verify(weights, home):
        raise WeightsError(
            what=f"the weights of {weights.name!r} are damaged",
            why=f"SHA-256 of {path_of(weights, home).name!r} is not {weights.sha256[:16]}…",
            fix=f"nbkit models pull {weights.name}",
        )


def _loader(options: ProviderOptions) -> Load:
    # A closure over values, not over the provider: the thread must not keep the provider alive.
    context_tokens, threads = options.context_tokens, options.threads
    return lambda path: llama.load(path, context_tokens=context_tokens, threads=threads)
