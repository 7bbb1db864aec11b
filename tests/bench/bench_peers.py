"""nDCG@10 of the stock hybrids of LangChain, LlamaIndex and Haystack beside nbkit's, on the same vectors, in one run.

The peers' own code with their defaults: EnsembleRetriever of BM25Retriever and FAISS, QueryFusionRetriever by
reciprocal ranks of BM25Retriever and VectorStoreIndex, DocumentJoiner by reciprocal ranks of the two in-memory
retrievers. Each is given the texts with their titles and the vectors of MiniLM, and asks both sides for as many as its
line says. They are run by an interpreter of their own, so that what they install is none of nbkit's; what is missing
there is named.
Needs NBKIT_BENCH_DATA and embeddings as tests/bench/bench_retrieval.py describes them.
Run: python tests/bench/bench_peers.py --embeddings DIR --peers VENV/bin/python [--collections NAME …] [--more DIR]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

K = 10
DEPTHS = (10, 100)
INSTALLS = {
    "LangChain": ("langchain-classic", "langchain-community", "rank-bm25", "faiss-cpu"),
    "LlamaIndex": ("llama-index-core", "llama-index-retrievers-bm25"),
    "Haystack": ("haystack-ai",),
}
Ask = Callable[[str], list[str]]
"""Ids of the documents for a question, best first."""


@dataclass(frozen=True)
class Given:
    """One collection as the peers are given it."""

    names: list[str]
    texts: list[str]
    vectors: np.ndarray
    asked: dict[str, np.ndarray]
    """Question to its vector."""


def langchain(given: Given, depth: int) -> Ask:
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_community.vectorstores import FAISS
    from langchain_core.embeddings import Embeddings

    class Kept(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise NotImplementedError

        def embed_query(self, text: str) -> list[float]:
            vector: list[float] = given.asked[text].tolist()
            return vector

    ids = [{"id": name} for name in given.names]
    pairs = list(zip(given.texts, given.vectors.tolist(), strict=True))
    dense = FAISS.from_embeddings(pairs, Kept(), metadatas=ids).as_retriever(search_kwargs={"k": depth})
    words = BM25Retriever.from_texts(given.texts, metadatas=ids, k=depth)
    both = EnsembleRetriever(retrievers=[words, dense])
    return lambda text: [one.metadata["id"] for one in both.invoke(text)]


def llamaindex(given: Given, depth: int) -> Ask:
    from llama_index.core import VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import TextNode
    from llama_index.retrievers.bm25 import BM25Retriever

    class Kept(BaseEmbedding):  # type: ignore[misc] # a class without types where it is not installed
        def _get_text_embedding(self, text: str) -> list[float]:
            raise NotImplementedError

        def _get_query_embedding(self, query: str) -> list[float]:
            vector: list[float] = given.asked[query].tolist()
            return vector

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    depth = min(depth, len(given.names))
    nodes = [
        TextNode(id_=name, text=text, embedding=vector)
        for name, text, vector in zip(given.names, given.texts, given.vectors.tolist(), strict=True)
    ]
    dense = VectorStoreIndex(nodes, embed_model=Kept()).as_retriever(similarity_top_k=depth)
    words = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=depth)
    both = QueryFusionRetriever(
        [words, dense],
        llm=MockLLM(),
        mode="reciprocal_rerank",
        num_queries=1,
        similarity_top_k=depth,
        use_async=False,
    )
    return lambda text: [one.node.node_id for one in both.retrieve(text)]


def haystack(given: Given, depth: int) -> Ask:
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore()
    rows = zip(given.names, given.texts, given.vectors.tolist(), strict=True)
    store.write_documents([Document(id=name, content=text, embedding=vector) for name, text, vector in rows])
    words = InMemoryBM25Retriever(store, top_k=depth)
    dense = InMemoryEmbeddingRetriever(store, top_k=depth)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def ask(text: str) -> list[str]:
        found = [
            words.run(query=text)["documents"],
            dense.run(query_embedding=given.asked[text].tolist())["documents"],
        ]
        return [one.id for one in joiner.run(documents=found)["documents"]]

    return ask


PEERS: dict[str, Callable[[Given, int], Ask]] = {"LangChain": langchain, "LlamaIndex": llamaindex, "Haystack": haystack}


def rank_all(folder: Path) -> Iterator[dict[str, Any]]:
    """Run by the peers' interpreter: what each found for a collection that was put in `folder`, or why it did not."""
    told = json.loads((folder / "given.json").read_text(encoding="utf-8"))
    held = np.load(folder / "vectors.npz")
    asked = dict(zip(told["questions"].values(), held["queries"], strict=True))
    given = Given(told["names"], told["texts"], held["docs"], asked)
    for peer, make in PEERS.items():
        try:
            versions = {name: importlib.metadata.version(name) for name in INSTALLS[peer]}
            for depth in DEPTHS:
                ask, started = make(given, depth), time.process_time()
                ranked = {query: ask(text)[:K] for query, text in told["questions"].items()}
                spent_ms = (time.process_time() - started) / len(ranked) * 1e3
                yield {"peer": f"{peer} {depth}", "ranked": ranked, "spent_ms": spent_ms, "versions": versions}
        except ImportError as error:
            yield {"peer": peer, "missing": f"{error}; pip install {' '.join(INSTALLS[peer])}"}


def compare(folder: Path, embeddings: Path, *, python: str) -> dict[str, str]:
    """Prints the figures of nbkit and of the peers for one collection; the versions that were measured."""
    import bench_retrieval as own

    collection = own.load(folder, embeddings)
    print(f"\n{folder.name}, n = {len(collection.queries)} questions, {len(collection.documents)} documents")
    ranked, spent = own.rank_modes(collection)
    figures = {f"nbkit {mode}": (names, None) for mode, names in ranked.items()} | {
        "nbkit hybrid": (ranked["hybrid"], spent["hybrid"])
    }
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        given = {
            "names": [one["_id"] for one in collection.documents],
            "texts": [own.text_of(one) for one in collection.documents],
            "questions": {one["_id"]: one["text"] for one in collection.queries},
        }
        Path(name, "given.json").write_text(json.dumps(given), encoding="utf-8")
        np.savez(Path(name, "vectors.npz"), docs=collection.vectors, queries=collection.query_vectors)
        command = [python, str(Path(__file__).resolve()), "--rank", name]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
        for line in Path(name, "found.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "missing" in row:
                print(f"  {row['peer']:16} not measured: {row['missing']}")
            else:
                figures[row["peer"]] = (row["ranked"], row["spent_ms"])
                versions.update(row["versions"])
    scores = {name: own.ndcg(collection, names) for name, (names, _) in figures.items()}
    reference = scores["nbkit hybrid"]
    for name, (_, spent_ms) in figures.items():
        gap = "" if name == "nbkit hybrid" else own.interval(reference, scores[name])
        cost = "" if spent_ms is None else f"{spent_ms:7.1f} CPU-ms"
        print(f"  {name:16} {np.mean(scores[name]):.4f} {cost:14} {gap and f'nbkit hybrid over it: {gap}'}", flush=True)
    return versions


def main() -> None:
    """Prints the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--embeddings", type=Path)
    options.add_argument("--peers", default=sys.executable, help="the interpreter that has the peers")
    options.add_argument("--collections", nargs="*", default=["cranfield", "cisi", "xquad-en"])
    options.add_argument("--more", type=Path, help="a folder with further collections, all of which are measured")
    options.add_argument("--rank", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.rank:
        with (given.rank / "found.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rank_all(given.rank))
        return
    versions: dict[str, str] = {}
    folders = [Path(os.environ["NBKIT_BENCH_DATA"], name) for name in given.collections]
    for folder in [*folders, *(sorted(given.more.iterdir()) if given.more else ())]:
        versions = compare(folder, given.embeddings, python=given.peers)
    print("\n" + ", ".join(f"{name} {version}" for name, version in versions.items()))


if __name__ == "__main__":
    main()
