"""Embeddings from a service that speaks OpenAI's `/embeddings`, with deadline, retries and errors as for answers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nbkit.embed.reply import Vectors, read_vectors
from nbkit.embed.spending import Tally
from nbkit.embed.texts import check_texts, too_long
from nbkit.errors import MissingKey
from nbkit.http.client import HttpClient
from nbkit.http.clock import Clock
from nbkit.http.faults import Peer, raise_for, read_complaint
from nbkit.http.private import Private
from nbkit.http.retry import Backoff, retry_after_s, retrying
from nbkit.protocols import EmbedderOptions
from nbkit.types import Spent

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

BASE_URL = "https://api.openai.com/v1"
_DEFAULT = "text-embedding-3-small"
_MOST_TEXTS, _MOST_CHARS = 128, 200_000
"""Of one call: the answer of 128 by 3,072 numbers is 8 MB, and services limit the tokens of a call too."""
_TOKEN = re.compile(r"[a-zA-Z]{1,4}|\d{1,3}|[^\sa-zA-Z\d]")


@dataclass(frozen=True, slots=True)
class _Model:
    dimensions: int
    max_tokens: int = 8191


_MODELS = {
    "text-embedding-3-small": _Model(1536),
    "text-embedding-3-large": _Model(3072),
    "text-embedding-ada-002": _Model(1536),
}
_UNKNOWN_MAX_TOKENS = 512
"""What the window of a model that is not in the table is taken for: few embedding models have less."""


class HttpEmbedder:
    """Vectors from OpenAI, or from any server that speaks its embeddings: set `base_url` to it.

    Tokens are counted by rule, since the service's own vocabulary is not here: a few more than it counts for English
    and code, about as many for other scripts.

    >>> from pathlib import Path
    >>> HttpEmbedder(EmbedderOptions(home=Path(), model="text-embedding-3-large")).dimensions
    3072
    """

    name: ClassVar[str] = "openai"
    is_local: ClassVar[bool] = False
    key_env: ClassVar[tuple[str, ...]] = ("OPENAI_API_KEY",)

    def __init__(self, options: EmbedderOptions, *, clock: Clock | None = None) -> None:
        self._model = options.model or _DEFAULT
        self._base_url = (options.base_url or BASE_URL).rstrip("/")
        self._client = HttpClient(self._base_url, clock=clock)
        self._key = options.api_key
        self._timeout_s = options.timeout_s
        self._dimensions: int | None = None
        self._tally = Tally(self._client.clock.monotonic)

    @property
    def id(self) -> str:
        """Hash of address and model: a service may change a model behind its name, and nobody can see that."""
        return hashlib.sha256(f"embeddings\n{self._base_url}\n{self._model}".encode()).hexdigest()

    @property
    def dimensions(self) -> int:
        """Length of a vector; of a model that is not well known, found by embedding one word."""
        known = _MODELS.get(self._model)
        if self._dimensions is None and known is not None and self._base_url == BASE_URL:
            return known.dimensions
        if self._dimensions is None:
            self.embed(["length"])
        assert self._dimensions is not None
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        """The service's own limit for a well-known model, else 512."""
        known = _MODELS.get(self._model)
        return known.max_tokens if known else _UNKNOWN_MAX_TOKENS

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> NDArray[float32]:
        """Unit vectors, shape (len(texts), dimensions), in the order of the texts; several calls for many texts.

        Raises `EmbedError` for a text beyond `max_tokens`, and a `ProviderError` when the service does not answer.
        """
        del is_query
        import numpy as np

        check_texts(texts)
        for position, text in enumerate(texts):
            if len(text) > self.max_tokens and (count := len(self.token_starts(text))) > self.max_tokens:
                raise too_long(texts, position, tokens=count, max_tokens=self.max_tokens, model=self._model)
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        return np.concatenate([self._ask(texts[start:end]) for start, end in self.batches(texts)])

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where each call's texts start and end; who asks for one call's at a time loses no other when one fails."""
        return _batches(texts)

    def token_starts(self, text: str) -> list[int]:
        """Where each token of the text is taken to start, in characters."""
        return [found.start() for found in _TOKEN.finditer(text)]

    def take_spent(self) -> Spent:
        """What this thread's calls took since it last asked; an estimate when the service did not count all tokens."""
        return self._tally.take()

    def close(self) -> None:
        """Closes the connections of all threads; a later `embed` opens others."""
        self._client.close()

    def _ask(self, texts: Sequence[str]) -> NDArray[float32]:
        # An empty text is refused by most services; a blank one is as empty and is not.
        body = {"model": self._model, "input": [text or " " for text in texts], "encoding_format": "float"}
        content, headers = json.dumps(body).encode(), self._headers()
        private = Private(key=self._key, texts=texts)
        peer = Peer(self.name, self._client.url, self._model, self.key_env, private)
        deadline = self._client.clock.monotonic() + self._timeout_s

        def send() -> Vectors:
            reply = self._client.send(
                "POST", "/embeddings", headers=headers, body=content, deadline=deadline, peer=peer
            )
            if reply.status != 200:  # noqa: PLR2004 - HTTP's own
                wait_s = retry_after_s(reply.headers, now=self._client.clock.wall())
                complaint = read_complaint(reply.body)
                raise_for(peer, status=reply.status, complaint=complaint, headers=reply.headers, retry_after_s=wait_s)
            return read_vectors(reply, peer, count=len(texts), dimensions=self._dimensions)

        with self._tally.call(texts, self.token_starts) as call:
            clock = self._client.clock
            answered = retrying(lambda _: call.attempt(send), deadline=deadline, clock=clock, backoff=Backoff())
            call.answer(tokens=answered.tokens, model=answered.model)
        self._dimensions = answered.rows.shape[1]
        return answered.rows

    def _headers(self) -> tuple[tuple[str, str], ...]:
        first = self.key_env[0]
        if self._key and self._key.isascii() and self._key.isprintable():
            return (("authorization", f"Bearer {self._key}"), ("accept", "application/json"))
        if self._key:
            raise MissingKey(
                what=f"the key for {self.name} cannot be sent",
                why="it holds characters that an HTTP header cannot carry, such as a line break",
                fix=f"set {first} again, without spaces or line breaks around it",
            )
        if not self._client.is_loopback:
            raise MissingKey(
                what=f"{self.name} needs an API key",
                why=f"{first} is not set",
                fix=f"set {first} before Jupyter starts, or use the embedder 'all-minilm-l6-v2', which needs none",
            )
        return (("accept", "application/json"),)


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where each call's texts start and end."""
    start = chars = 0
    for end, text in enumerate(texts):
        if end > start and (end - start == _MOST_TEXTS or chars + len(text) > _MOST_CHARS):
            yield start, end
            start, chars = end, 0
        chars += len(text)
    if texts:
        yield start, len(texts)
