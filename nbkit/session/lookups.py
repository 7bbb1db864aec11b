"""What looks passages up for one call, in an index of the session."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbkit.documents import SearchMode
from nbkit.errors import CollectionError
from nbkit.recorded import Retrieved
from nbkit.secrets import SecretRegistry
from nbkit.session.furniture import Furniture
from nbkit.session.looking import Seen, look
from nbkit.session.retrieving import Looked, prepare
from nbkit.session.sealing import install_secret
from nbkit.setting import Settings

if TYPE_CHECKING:
    from nbkit.protocols import Reranker
    from nbkit.rag.collection import Collection
    from nbkit.rag.index import Match
    from nbkit.session.session import Prepare, Session


class _Lookup:
    """A collection as the retrieval of a call sees it."""

    def __init__(self, collection: Collection, reranker: Reranker | None) -> None:
        self.name = collection.name
        self._collection = collection
        self._reranker = reranker

    def search(self, question: str, *, mode: SearchMode, k: int, where: str | None) -> Looked:
        """The passages that fit a question best, and the cosine of the nearest of them."""
        found = self._collection.matches(question, mode=mode, k=k, where=where, reranker=self._reranker)
        if not found and where is not None and not self._collection.meets(where):
            raise CollectionError(
                what=f"no document meets the filter {where}",
                why=f"so there is nothing in {self.name} to answer from, and nobody was asked",
                fix=f"%rag ls {self.name} shows what there is to filter by; ~ finds a part of a name",
            )
        cosines = [match.cosine for match in found if match.cosine is not None]
        return Looked(
            tuple(match.passage for match in found),
            tuple(_retrieved(match) for match in found),
            max(cosines, default=None),
        )


def _retrieved(match: Match) -> Retrieved:
    one = match.passage
    return Retrieved(
        one.id,
        one.source,
        one.page,
        one.start,
        one.end,
        one.score,
        cosine=match.cosine,
        words=match.words,
        document_sha256=match.document_sha256 or None,
        parts=one.parts,
    )


def looker(furniture: Furniture, secrets: SecretRegistry) -> Callable[..., Seen]:
    """What has the guards of a session look at passages; see `look`."""
    return functools.partial(look, furniture, secrets=secrets)


def reading(session: Session, settings: Settings, *, where: str | None, is_look: bool = False) -> Prepare:
    """What looks passages up for one call, with the settings in force. `is_look`: without sending anything."""
    collections = session.collections
    collection = collections.open(settings.rag_index, settings)
    if is_look and not collection.is_local:
        settings = dataclasses.replace(settings, rag_mode="bm25")
    lookup = _Lookup(collection, collections.reranker(settings))
    # A replay finds its answer by the request as it was recorded, and that is the unsealed one.
    secret = None if session.environment.get("NBKIT_REPLAY") else install_secret(session.home)
    return functools.partial(prepare, lookup=lookup, settings=settings, secret=secret, where=where)
