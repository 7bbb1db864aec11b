"""Vectors from a service's answer: every row there, of one length, finite, or an error that says what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from nbkit.embed.texts import unit
from nbkit.errors import BadResponse
from nbkit.http.body import Reply
from nbkit.http.faults import Peer, complaint_of, raise_for, status_of

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_MOST_TOKENS = 1 << 53
_MOST_DIMENSIONS = 1 << 16
_MOST_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Vectors:
    """What one call brought."""

    rows: NDArray[float32]
    """Unit vectors in the order of the texts."""
    tokens: int | None
    """None when the service did not count them."""
    model: str | None = None
    """The model that answered, None when the service does not say."""


def read_vectors(reply: Reply, peer: Peer, *, count: int, dimensions: int | None) -> Vectors:
    """The vectors of an answer with status 200; raises `BadResponse`, or what a complaint inside it means.

    `dimensions` is the length that earlier vectors had, None when there were none.
    """
    import numpy as np

    try:
        plain = json.loads(reply.body)
    except (ValueError, RecursionError):
        kind = reply.headers.get("content-type", "none").partition(";")[0].strip().lower()
        _bad(peer, f"it is no JSON; its content type is {peer.private.quote(kind)[:60]!r}")
    complaint = complaint_of(plain)
    if complaint is not None:
        raise_for(peer, status=status_of(complaint), complaint=complaint, headers=reply.headers)
    if not isinstance(plain, dict) or not isinstance(plain.get("data"), list):
        _bad(peer, "it has no list named 'data'")
    lists = _in_order(plain["data"], count, peer)
    length = len(lists[0])
    if not 0 < length <= _MOST_DIMENSIONS or any(len(one) != length for one in lists):
        _bad(peer, "its vectors are empty, too long, or not of one length")
    if dimensions is not None and length != dimensions:
        _bad(peer, f"its vectors have {length:,} numbers, and earlier ones had {dimensions:,}")
    try:
        rows = np.array(lists, np.float64)
    except (ValueError, TypeError, OverflowError):
        rows = np.full((1, 1), np.nan)
    # In double precision: the square of a large float32 is infinite.
    scale = np.abs(rows).max(axis=-1, keepdims=True)
    if rows.ndim != 2 or not np.isfinite(rows).all() or not scale.all():  # noqa: PLR2004 - rows and columns
        _bad(peer, "its vectors hold something else than finite numbers, or nothing but zeros")
    model = plain.get("model")
    said = model[:_MOST_NAME_CHARS] if isinstance(model, str) and model else None
    return Vectors(unit((rows / scale).astype(np.float32)), _tokens(plain), said)


def _in_order(found: list[Any], count: int, peer: Peer) -> list[list[Any]]:
    """The lists of numbers by the index that the service gave each, or in its order where it gave none."""
    lists: dict[int, list[Any]] = {}
    for position, row in enumerate(found):
        index = row.get("index", position) if isinstance(row, dict) else None
        if isinstance(index, int) and isinstance(row.get("embedding"), list):
            lists[index] = row["embedding"]
    if len(found) != count or lists.keys() != set(range(count)):
        _bad(peer, f"{count} texts were sent, and it holds {len(found)} vectors, or some of them twice")
    return [lists[index] for index in range(count)]


def _tokens(plain: dict[str, Any]) -> int | None:
    usage = plain.get("usage")
    counted = usage.get("prompt_tokens", usage.get("total_tokens")) if isinstance(usage, dict) else None
    if not isinstance(counted, int) or isinstance(counted, bool) or counted <= 0:
        return None
    return min(counted, _MOST_TOKENS)


def _bad(peer: Peer, why: str) -> NoReturn:
    raise BadResponse(
        what=f"the answer of {peer.provider} ({peer.url}) holds no embeddings that can be used",
        why=why,
        fix="check that base_url leads to the API, and that the model is one that embeds",
    )
