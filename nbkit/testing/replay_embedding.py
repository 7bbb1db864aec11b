"""Embedders that keep beside a notebook what its run embedded, and give it again without the model."""

from __future__ import annotations

import functools
import re
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nbkit.canonical import sha256
from nbkit.embed.naming import DEFAULT, choose
from nbkit.embed.naming import open as open_embedder
from nbkit.embed.texts import check_texts
from nbkit.errors import BadSetting, EmbedError, NotebookError, WeightsError
from nbkit.protocols import Embedder, EmbedderOptions
from nbkit.store.files import write_atomic
from nbkit.testing import vectors as kept
from nbkit.testing.replay import SECRET, find_notebook, missing_secrets

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_WORD = re.compile(r"\S+")


class ReplayEmbedder:
    """Vectors as they were recorded beside the notebook that `EmbedderOptions.base_url` names.

    Environment `NBKIT_REPLAY=PATH` puts it in the place of every embedder. It has the recorded one's id and window.
    Where nothing was recorded, the model that `EmbedderOptions.model` names gives the vectors that the run had, if it
    is on this machine; nothing is fetched, and no service is asked.
    """

    name: ClassVar[str] = "replay"
    is_local: ClassVar[bool] = True
    key_env: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: EmbedderOptions) -> None:
        self._notebook = find_notebook(_named(options, "NBKIT_REPLAY=NOTEBOOK"))
        self._options = options

    @property
    def id(self) -> str:
        """That of the embedder that was recorded."""
        return self._kept.embedder_id if self._model is None else self._model.id

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._kept.dimensions if self._model is None else self._model.dimensions

    @property
    def max_tokens(self) -> int:
        """That of the embedder that was recorded."""
        return self._kept.max_tokens if self._model is None else self._model.max_tokens

    @property
    def splits_at_blanks(self) -> bool:
        """Whether tokens are those of single words: recorded ones are."""
        return self._model is None or bool(getattr(self._model, "splits_at_blanks", False))

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> NDArray[float32]:
        """The recorded vectors, shape (len(texts), dimensions); raises `EmbedError` for a text that has none."""
        import numpy as np

        if self._model is not None:
            return self._model.embed(texts, is_query=is_query)
        check_texts(texts)
        made = np.empty((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            found = self._kept.rows.get(kept.key_of(text, is_query=is_query))
            if found is None:
                raise self._unknown(text, f"the {'question' if is_query else 'text'} is new, or was changed since")
            made[row] = found
        return made

    def token_starts(self, text: str) -> list[int]:
        """Where each token of the text starts, in characters; raises `EmbedError` for words that were not recorded."""
        if self._model is not None:
            return self._model.token_starts(text)
        check_texts([text])
        starts = self._kept.starts
        whole = starts.get(kept.whole(text))
        if whole is not None:
            return list(whole)
        found: list[int] = []
        for word in _WORD.finditer(text):
            places = starts.get(word.group())
            if places is None:
                raise self._unknown(text, f"a word of it, at character {word.start() + 1}, was in no text of that run")
            found += [word.start() + place for place in places]
        return found

    def close(self) -> None:
        """Closes the model, where nothing was recorded; a later `embed` opens it again."""
        if "_model" in vars(self) and self._model is not None:
            self._model.close()

    @functools.cached_property
    def _kept(self) -> kept.Vectors:
        return kept.read(kept.beside(self._notebook))

    @functools.cached_property
    def _model(self) -> Embedder | None:
        """The model itself, where no file of vectors stands beside the notebook; raises `NotebookError`."""
        if kept.beside(self._notebook).exists():
            return None
        name = self._options.model or DEFAULT
        if not choose(name).is_local:
            fix = f"embed on this machine, %rag add PATH --embedder {DEFAULT} --rebuild, and run the notebook again"
            why = f"{name} is a service, and a replay asks none"
            raise self._missing(why, fix=fix)
        model = open_embedder(name, replace(self._options, base_url=None))
        try:
            model.token_starts("")
        except (WeightsError, EmbedError) as error:
            notebook = self._notebook.name
            fix = f"nbkit models pull {name}, or where it is: nbkit run {notebook} -o {notebook} --vectors"
            raise self._missing(error.what, fix=fix) from error
        return model

    def _missing(self, why: str, *, fix: str) -> NotebookError:
        vectors = kept.beside(self._notebook).name
        return NotebookError(what=f"{vectors} is missing, which keeps what the notebook embedded", why=why, fix=fix)

    def _unknown(self, text: str, why: str) -> EmbedError:
        return EmbedError(
            what=f"a text is not among the {len(self._kept.rows)} that {self._notebook.name} embedded",
            why=f"{why} ({len(text):,} characters, sha256 {sha256(text)[:8]})",
            # Words that were cut are kept as they were: names of secrets too, which stood there for their values.
            fix=missing_secrets({name for word in self._kept.starts for name in SECRET.findall(word)}),
        )


class RecordingEmbedder:
    """The embedder that `EmbedderOptions.model` names, and all that it is asked for kept in the file `base_url`.

    Environment `NBKIT_RECORD=PATH` puts it round every embedder. What it gives is rounded as it is kept, so that the
    run and its replay compute with the same vectors. The file is whole after each call: a kernel may end at any time.
    """

    name: ClassVar[str] = "recording"
    is_local: ClassVar[bool] = True
    key_env: ClassVar[tuple[str, ...]] = ()
    splits_at_blanks: ClassVar[bool] = True

    def __init__(self, options: EmbedderOptions, *, embedder: Embedder | None = None) -> None:
        self._path = Path(_named(options, "NBKIT_RECORD=FILE"))
        # Another embedder, for tests.
        self._embedder = embedder or open_embedder(options.model or DEFAULT, replace(options, base_url=None))
        self._lock = threading.Lock()
        self._kept: kept.Vectors | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - id and limits are the embedder's
        return getattr(self._embedder, name)

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> NDArray[float32]:
        """The embedder's own vectors, rounded and kept."""
        vectors = kept.rounded(self._embedder.embed(texts, is_query=is_query))
        keys = [kept.key_of(text, is_query=is_query) for text in texts]
        self._keep(rows=dict(zip(keys, vectors, strict=True)))
        return vectors

    def token_starts(self, text: str) -> list[int]:
        """The embedder's own, kept by word."""
        starts = self._embedder.token_starts(text)
        self._keep(text=text, starts=starts)
        return starts

    def close(self) -> None:
        """Closes the embedder; a later `embed` opens it again."""
        self._embedder.close()

    def _keep(
        self, *, rows: Mapping[bytes, NDArray[float32]] | None = None, text: str = "", starts: Sequence[int] = ()
    ) -> None:
        with self._lock:
            made = self._kept = self._kept or self._begun()
            before = len(made.rows), len(made.starts)
            made.rows.update(rows or {})
            # A word keeps what it was first; a text whose tokens are not those of its words is kept whole.
            words = dict(_by_word(text, starts)) | made.starts
            is_sum = _summed(text, words) == [*starts]
            made.starts.update(words if is_sum else {kept.whole(text): tuple(starts)})
            if before != (len(made.rows), len(made.starts)) or not self._path.exists():
                write_atomic(self._path, kept.packed(made))

    def _begun(self) -> kept.Vectors:
        """What is in the file, from before `close` or from an earlier kernel; empty when there is none."""
        if not getattr(self._embedder, "splits_at_blanks", False):
            raise EmbedError(
                what=f"what the embedder {self._embedder.name!r} does cannot be recorded",
                why="its tokens are not those of single words, by which they are kept",
                fix=f"use {DEFAULT!r}, or run without NBKIT_RECORD",
            )
        if not self._path.exists():
            return kept.Vectors(self._embedder.id, self._embedder.dimensions, self._embedder.max_tokens)
        found = kept.read(self._path)
        if found.embedder_id != self._embedder.id:
            raise EmbedError(
                what=f"{self._path.name} holds the vectors of another embedder",
                why="a notebook is recorded with one",
                fix="use one embedder in the notebook, or record to another file",
            )
        return found


def _by_word(text: str, starts: Sequence[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    at = 0
    for word in _WORD.finditer(text):
        first = bisect_left(starts, word.start(), lo=at)
        at = bisect_left(starts, word.end(), lo=first)
        yield word.group(), tuple(start - word.start() for start in starts[first:at])


def _summed(text: str, words: Mapping[str, tuple[int, ...]]) -> list[int]:
    return [word.start() + place for word in _WORD.finditer(text) for place in words[word.group()]]


def _named(options: EmbedderOptions, variable: str) -> str:
    if not options.base_url:
        raise BadSetting(
            what="this embedder is not chosen by name",
            why="it stands in the place of the one that is chosen",
            fix=f"choose another, such as {DEFAULT!r}, and set {variable} in the environment",
        )
    return options.base_url
