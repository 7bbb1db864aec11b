"""nDCG@10 of each mode on the development collections, beside MiniLM alone, BM25 alone, RRF 60 and what was published.

Needs NBKIT_BENCH_DATA and a folder for the collections' embeddings (NAME.docs.npy, NAME.queries.npy: float32, one row
for each line of corpus.jsonl, title and text, and of queries.jsonl), which are made where they are missing. Every
document is one chunk; the figures are those of trec_eval, the intervals paired bootstrap over the questions.

The fusion was chosen on cranfield, cisi, xquad-en, the marked excerpts of `chunking`, the pages of financebench, and
halueval, gptcache-mock, mrpc-pairs and qqp-pairs made to collections. What it gives where nobody tuned it was measured
on the classic test collections adi, cacm, medline and npl (--more).
Run: python tests/bench/bench_retrieval.py --embeddings DIR [--collections NAME …] [--more DIR]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytrec_eval

from nbkit.config import home_path
from nbkit.documents import Chunk, Document, SearchMode
from nbkit.embed.onnx import OnnxEmbedder
from nbkit.protocols import EmbedderOptions
from nbkit.rag.index import Index

_K = 10
_DEEP = 1_000
_RRF = 60
_DRAWS = 10_000
_TOGETHER = 256
MODES: dict[SearchMode, int] = {"dense": _DEEP, "bm25": _DEEP, "hybrid": _K}
"""How many documents each is asked for."""
_REFERENCE = {
    "cranfield": "MiniLM .374, BM25 .365, RRF .408, best fixed .410; goal .415",
    "cisi": "MiniLM .421, BM25 .396, RRF .446, best fixed .460; goal .465",
    "xquad-en": "MiniLM .944, BM25 .968, RRF .968, best fixed .980; goal .980",
}


@dataclass(frozen=True)
class Parts:
    chunks: Sequence[Chunk]
    vectors: np.ndarray


@dataclass(frozen=True)
class Collection:
    """One collection in the layout of BEIR."""

    documents: list[dict[str, str]]
    queries: list[dict[str, str]]
    judgements: dict[str, dict[str, int]]
    vectors: np.ndarray
    query_vectors: np.ndarray


def load(folder: Path, embeddings: Path) -> Collection:
    documents, queries = (
        [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for name in ("corpus.jsonl", "queries.jsonl")
    )
    judgements: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, gain = line.split("\t")
        judgements.setdefault(query, {})[document] = int(gain)
    vectors, query_vectors = (np.load(embeddings / f"{folder.name}.{kind}.npy") for kind in ("docs", "queries"))
    judged = [number for number, query in enumerate(queries) if query["_id"] in judgements]
    return Collection(documents, [queries[number] for number in judged], judgements, vectors, query_vectors[judged])


def text_of(document: dict[str, str]) -> str:
    """Title and text, as they are embedded."""
    return "\n".join(part for part in (document.get("title", ""), document["text"]) if part)


def embed_missing(folder: Path, embeddings: Path) -> None:
    """Makes the two files of a collection that has none."""
    embeddings.mkdir(parents=True, exist_ok=True)
    made = None
    for kind, name in (("docs", "corpus"), ("queries", "queries")):
        path = embeddings / f"{folder.name}.{kind}.npy"
        if not path.exists():
            made = made or OnnxEmbedder(EmbedderOptions(home=home_path()))
            rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
            texts = [_within(text_of(row), made) for row in rows]
            groups = [texts[start : start + _TOGETHER] for start in range(0, len(texts), _TOGETHER)]
            np.save(path, np.concatenate([made.embed(some, is_query=kind == "queries") for some in groups]))


def _within(text: str, embedder: OnnxEmbedder) -> str:
    starts = embedder.token_starts(text)
    return text if len(starts) <= embedder.max_tokens else text[: starts[embedder.max_tokens]]


def fill(index: Index, collection: Collection) -> None:
    with index.writing():
        for document, vector in zip(collection.documents, collection.vectors, strict=True):
            text = document["text"]
            put = Parts([Chunk(text, 0, len(text))], vector[None])
            content_sha256 = hashlib.sha256(text.encode()).hexdigest()
            index.put(document["_id"], content_sha256, document=Document(text, document.get("title", "")), parts=put)


def ndcg(collection: Collection, ranked: dict[str, list[str]]) -> list[float]:
    measure = f"ndcg_cut_{_K}"
    run = {query: {name: float(-rank) for rank, name in enumerate(names)} for query, names in ranked.items()}
    found = pytrec_eval.RelevanceEvaluator(collection.judgements, {f"ndcg_cut.{_K}"}).evaluate(run)
    return [found[query][measure] if query in found else 0.0 for query in ranked]


def rank_modes(collection: Collection) -> tuple[dict[str, dict[str, list[str]]], dict[str, float]]:
    """The documents that each mode finds, best first, and RRF of the first two; CPU-ms a query of each mode."""
    ranked: dict[str, dict[str, list[str]]] = {}
    spent: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        index = Index.open(Path(home, "x"), embedder_id="m", chunker_id="1", dimensions=collection.vectors.shape[1])
        fill(index, collection)
        for mode, k in MODES.items():
            before = time.process_time()
            ranked[mode] = {
                query["_id"]: [
                    match.passage.source for match in index.search(query["text"], vector, mode=mode, k=k, merge=False)
                ]
                for query, vector in zip(collection.queries, collection.query_vectors, strict=True)
            }
            spent[mode] = (time.process_time() - before) / len(collection.queries) * 1000
        index.close()
    ranked["RRF 60"] = {query: rrf(ranked["dense"][query], ranked["bm25"][query]) for query in ranked["dense"]}
    return ranked, spent


def interval(better: Sequence[float], other: Sequence[float]) -> str:
    """The mean difference over the same questions, with its bootstrap interval of 95 %."""
    gain = np.array(better) - np.array(other)
    draws = np.random.default_rng(0).integers(0, len(gain), (_DRAWS, len(gain)))
    low, high = np.percentile(gain[draws].mean(axis=1), (2.5, 97.5))
    return f"{gain.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def report(name: str, collection: Collection) -> None:
    ranked, spent = rank_modes(collection)
    scores = {mode: ndcg(collection, given) for mode, given in ranked.items()}
    better = max("dense", "bm25", key=lambda mode: statistics.fmean(scores[mode]))
    figures = "  ".join(f"{mode} {statistics.fmean(values):.4f}" for mode, values in scores.items())
    print(f"{name:14} n = {len(collection.queries):5}  {figures}")
    gains = "; ".join(f"over {other} {interval(scores['hybrid'], scores[other])}" for other in (better, "RRF 60"))
    print(f"{'':14} hybrid {gains}; {spent['hybrid']:.1f} CPU-ms a query")
    if name in _REFERENCE:
        print(f"{'':14} reference: {_REFERENCE[name]}")


def rrf(*lists: Sequence[str]) -> list[str]:
    scores: dict[str, float] = {}
    for names in lists:
        for rank, name in enumerate(names, 1):
            scores[name] = scores.get(name, 0.0) + 1 / (_RRF + rank)
    return sorted(scores, key=lambda name: -scores[name])[:_DEEP]


def main() -> None:
    """Prints the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("--embeddings", type=Path, required=True)
    options.add_argument("--collections", nargs="+", default=["cranfield", "cisi", "xquad-en"])
    options.add_argument("--more", type=Path, help="a folder with further collections, all of which are measured")
    given = options.parse_args()
    folders = [Path(os.environ["NBKIT_BENCH_DATA"], name) for name in given.collections]
    folders += sorted(given.more.iterdir()) if given.more else []
    print(f"nDCG@{_K}")
    for folder in folders:
        embed_missing(folder, given.embeddings)
        report(folder.name, load(folder, given.embeddings))


if __name__ == "__main__":
    main()
