"""Any CrossEncoder of sentence-transformers: reads question and passage together, on a GPU when there is one."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbkit.embed.hub import folder_of, library, load_failures, no_progress_bar
from nbkit.embed.texts import check_texts
from nbkit.errors import EmbedError, WeightsError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_BATCH_PAIRS = 16
_MOST_TOKENS = 1 << 20
_OVERLAP = 4
"""Of a window, one part in so many is also in the one before it: a sentence that is cut is whole in one of them."""
_SLACK_TOKENS = 8
"""A window may begin or end within a word, whose parts are more tokens than they were together."""
_HEADS = ("ForSequenceClassification", "ForCausalLM")
"""Models that were trained to judge a text, by what they say of themselves; others would get random weights for it."""


class CrossEncoderReranker:
    """Scores of the model that `name` names: one of the hub that is on this machine, or a folder.

    Nothing is fetched. Neither question nor passage is cut off: a passage that is longer than the model's window is
    read in windows that overlap, and its best one counts; a question of more than half a window is asked in parts,
    and the mean of theirs counts. The library, which takes seconds to import, and the weights are loaded at the first
    score. Safe to be used by several threads, one at a time.

    >>> CrossEncoderReranker("cross-encoder/ms-marco-MiniLM-L6-v2").name
    'cross-encoder/ms-marco-MiniLM-L6-v2'
    """

    def __init__(self, name: str, *, threads: int | None = None, device: str | None = None) -> None:
        self.name = name
        self._threads = threads
        self._device = device
        # Scoring sets the padding of the tokenizer, which threads share.
        self._lock = threading.RLock()
        self._model: CrossEncoder | None = None

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        """How well each passage answers the question, higher is better; loads the model.

        Raises `WeightsError` where the model is not here or is none that scores pairs, `EmbedError` for what is no
        text.
        """
        check_texts([question, *passages])
        if not passages:
            return []
        with self._lock:
            model = self._running()
            parts, windows = self._cut(model, question, passages)
            pairs = [(part, window) for part in parts for own in windows for window in own]
            found = model.predict(pairs, batch_size=_BATCH_PAIRS, show_progress_bar=False)
        by_part = found.reshape(len(parts), -1)
        import numpy as np

        starts = np.cumsum([0, *(len(own) for own in windows[:-1])])
        best = np.maximum.reduceat(by_part, starts, axis=1).mean(axis=0)
        if not np.isfinite(best).all():
            raise EmbedError(
                what=f"the model {self.name!r} cannot rerank these passages",
                why="it gave a score that is not a number",
                fix="use another model, or leave --rerank out",
            )
        return [float(one) for one in best]

    def close(self) -> None:
        """Frees the model; a later `score` loads it again."""
        with self._lock:
            self._model = None

    def _cut(self, model: CrossEncoder, question: str, passages: Sequence[str]) -> tuple[list[str], list[list[str]]]:
        """The question in parts, and each passage in windows that fit beside the longest of them."""
        room = min(int(model.max_seq_length or _MOST_TOKENS), _MOST_TOKENS)
        room -= int(model.tokenizer.num_special_tokens_to_add(pair=True))
        starts = _starts(model, question)
        parts = _windows(question, starts, room // 2) if starts else [question]
        left = room - min(len(starts), room // 2)
        return parts, [_windows(one, _starts(model, one), left) for one in passages]

    def _running(self) -> CrossEncoder:
        if self._model is None:
            self._model = self._load()
        return self._model

    def _load(self) -> CrossEncoder:
        package = library(needed_by="models that --rerank names", instead="leave --rerank out")
        folder = folder_of(self.name, organisation="cross-encoder")
        if folder is None:
            full = self.name if "/" in self.name else f"cross-encoder/{self.name}"
            raise WeightsError(
                what=f"the model {self.name!r} is not on this machine",
                why="passages are reranked by a model that is here already; nothing is fetched while a cell runs",
                fix=f"fetch it once (hf download {full}), or name a folder that holds a CrossEncoder",
            )
        refuse_other_models(folder, self.name)
        try:
            with no_progress_bar():
                model: CrossEncoder = package.CrossEncoder(str(folder), device=self._device, local_files_only=True)
        except load_failures() as error:
            raise _unusable(self.name, f"{type(error).__name__}: {_first_line(error)}") from error
        if model.num_labels != 1:
            raise _unusable(self.name, f"it gives a pair {model.num_labels} figures, and a score is one")
        if not getattr(model.tokenizer, "is_fast", False):
            raise _unusable(self.name, "its tokenizer does not say where tokens start (there is no tokenizer.json)")
        if self._threads:
            import torch

            torch.set_num_threads(self._threads)
        return model


def refuse_other_models(folder: Path, name: str) -> None:
    """Nothing; raises `WeightsError` for a model that was not made to score pairs.

    Loaded as one it would get random weights in its last layer, and order passages at random without a word.
    """
    kind = _read(folder / "config_sentence_transformers.json").get("model_type")
    heads = _read(folder / "config.json").get("architectures") or ()
    if kind not in (None, "CrossEncoder"):
        raise _unusable(name, f"it is a {kind}, and not a CrossEncoder")
    if kind is None and not any(str(one).endswith(_HEADS) for one in heads):
        raise _unusable(name, f"it is {', '.join(map(str, heads)) or 'no model'}, which does not score pairs")


def _windows(text: str, starts: Sequence[int], room: int) -> list[str]:
    """The text in pieces of at most `room` tokens; `starts` are those of its tokens."""
    if len(starts) <= room:
        return [text]
    size = max(1, room - min(_SLACK_TOKENS, room // 4))
    step = max(1, size - size // _OVERLAP)
    places = [*starts, len(text)]
    firsts = range(0, max(1, len(starts) - size + step), step)
    return [text[0 if first == 0 else places[first] : places[min(first + size, len(starts))]] for first in firsts]


def _starts(model: CrossEncoder, text: str) -> list[int]:
    marks = {"add_special_tokens": False, "return_offsets_mapping": True}
    found = model.tokenizer(text, truncation=False, padding=False, verbose=False, **marks)
    return [start for start, end in found["offset_mapping"] if end > start]


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]


def _unusable(name: str, why: str) -> WeightsError:
    return WeightsError(
        what=f"the model {name!r} cannot rerank passages",
        why=why,
        fix="name a CrossEncoder, such as cross-encoder/ms-marco-MiniLM-L6-v2, or a folder that holds one",
    )
