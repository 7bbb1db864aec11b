"""Any model of sentence-transformers, on a GPU when there is one; needs the extra `st`."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nbkit.embed.hub import folder_of, library, load_failures, no_progress_bar
from nbkit.embed.texts import check_texts, too_long, unit
from nbkit.errors import EmbedError, UnknownModel, WeightsError
from nbkit.protocols import EmbedderOptions

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

_READ = (".json", ".safetensors", ".bin", ".txt", ".model", ".py", ".jinja")
"""Files of a model that decide its vectors."""
_NOT_READ = ("onnx", "openvino", ".git")
_BATCH_TEXTS = 32
_MOST_TOKENS = 1 << 20
_CHUNK_BYTES = 1 << 20


class SentenceTransformersEmbedder:
    """Vectors of the model that `sentence-transformers:NAME` names: one of the hub, or a folder.

    The model's own prompts for queries and documents are used. The library, which takes seconds to import, is loaded
    at the first text; `id` needs the model's files alone.

    >>> from pathlib import Path
    >>> SentenceTransformersEmbedder(EmbedderOptions(home=Path(), model="all-MiniLM-L6-v2")).name
    'sentence-transformers'
    """

    name: ClassVar[str] = "sentence-transformers"
    is_local: ClassVar[bool] = True
    key_env: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: EmbedderOptions) -> None:
        if not options.model:
            raise UnknownModel(
                what="sentence-transformers needs a model",
                why="the name ends before it",
                fix="write sentence-transformers:NAME, NAME being a model of the hub or a folder",
            )
        self._name = options.model
        self._options = options
        # Encoding sets the padding of the tokenizer, which threads share: one at a time.
        self._lock = threading.RLock()
        self._model: SentenceTransformer | None = None
        self._reserved: int | None = None
        self._id: str | None = None

    @property
    def id(self) -> str:
        """Hash of the model's files; fetches the model when it is not here."""
        with self._lock:
            if self._id is None:
                folder = self._folder()
                if folder is None:
                    self._running()
                    folder = self._folder()
                assert folder is not None
                self._id = hashlib.sha256(f"{self.name}\n{_hash_of(folder)}".encode()).hexdigest()
            return self._id

    @property
    def dimensions(self) -> int:
        """Length of a vector; loads the model."""
        found = self._running().get_embedding_dimension()
        assert found is not None
        return found

    @property
    def max_tokens(self) -> int:
        """The model's window less its special tokens and its longest prompt; loads the model."""
        model = self._running()
        window = model.max_seq_length or model.tokenizer.model_max_length
        return max(1, min(int(window), _MOST_TOKENS) - self._overhead(model))

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> NDArray[float32]:
        """Unit vectors, shape (len(texts), dimensions), in the order of the texts.

        Every text is measured before the first is embedded. Raises `EmbedError` for one beyond `max_tokens`.
        """
        check_texts(texts)
        model = self._running()
        with self._lock:
            for position, text in enumerate(texts):
                # A token has a character at least.
                if len(text) > self.max_tokens and (count := len(self.token_starts(text))) > self.max_tokens:
                    raise too_long(texts, position, tokens=count, max_tokens=self.max_tokens, model=self._name)
            if not texts:
                import numpy as np

                return np.empty((0, self.dimensions), np.float32)
            encode = model.encode_query if is_query else model.encode_document
            return unit(encode(list(texts), batch_size=_BATCH_TEXTS, show_progress_bar=False, convert_to_numpy=True))

    def token_starts(self, text: str) -> list[int]:
        """Where each token of the text starts, in characters."""
        check_texts([text])
        model = self._running()
        with self._lock:
            marks = {"add_special_tokens": False, "return_offsets_mapping": True}
            found = model.tokenizer(text, truncation=False, padding=False, verbose=False, **marks)
        return [start for start, end in found["offset_mapping"] if end > start]

    def close(self) -> None:
        """Frees the model; a later `embed` loads it again."""
        with self._lock:
            self._model = None

    def _overhead(self, model: SentenceTransformer) -> int:
        if self._reserved is None:
            with self._lock:
                special = model.tokenizer.num_special_tokens_to_add(pair=False)
                prompts = [text for text in (model.prompts or {}).values() if text]
                self._reserved = special + max((len(self.token_starts(text)) for text in prompts), default=0)
        return self._reserved

    def _running(self) -> SentenceTransformer:
        model = self._model
        if model is None:
            with self._lock:
                model = self._model = self._model or self._load()
        return model

    def _load(self) -> SentenceTransformer:
        package = library(
            needed_by="embedders named 'sentence-transformers:NAME'", instead="use the embedder 'all-minilm-l6-v2'"
        )
        place = str(self._folder() or self._name)
        try:
            with no_progress_bar():
                model: SentenceTransformer = package.SentenceTransformer(place, device=self._options.device)
        except load_failures() as error:
            raise self._unusable(error) from error
        if self._options.threads:
            import torch

            torch.set_num_threads(self._options.threads)
        if not getattr(model.tokenizer, "is_fast", False):
            raise EmbedError(
                what=f"the model {self._name!r} cannot be used",
                why="its tokenizer does not say where tokens start, so text could not be cut to its window",
                fix="use a model with a fast tokenizer (a file tokenizer.json)",
            )
        return model

    def _folder(self) -> Path | None:
        """Where the model's files are; None when they are not on this machine yet."""
        # The library takes a name without an organisation for one of its own.
        return folder_of(self._name, organisation="sentence-transformers")

    def _unusable(self, error: Exception) -> WeightsError:
        said = str(error).strip().splitlines() or [""]
        return WeightsError(
            what=f"the model {self._name!r} cannot be loaded by sentence-transformers",
            why=f"{type(error).__name__}: {said[0][:200]}",
            fix="check the name and the network, or name a folder that holds the model",
        )


def _hash_of(folder: Path) -> str:
    """Hash of the files that decide the vectors, by name and content."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.suffix not in _READ or not path.is_file() or place.parts[0] in _NOT_READ:
            continue
        if path.suffix == ".bin" and any(path.parent.glob("*.safetensors")):
            # The same weights in the older form, which is not read; another program may fetch it later.
            continue
        digest.update(f"\n{place.as_posix()} {path.stat().st_size} ".encode())
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
