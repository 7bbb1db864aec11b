"""Texts as vectors: models in this process, services over HTTP, and a cache so that no text is embedded twice."""

from nbkit.embed.cached import CachedEmbedder, store_in
from nbkit.embed.naming import DEFAULT, Choice, choose, open  # noqa: A004 - read as `embed.open`
from nbkit.embed.rerank import CrossEncoderReranker

__all__ = ["DEFAULT", "CachedEmbedder", "Choice", "CrossEncoderReranker", "choose", "open", "store_in"]
