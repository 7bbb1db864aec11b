"""Whether the page that answers a question about real filings is among the passages found, through `nbkit.index`.

Nine filings are added to one index as a reader would add them, and each question is asked as it stands. It is answered
when one of the first k passages is of the file and the page of its evidence. Goal: .90 of the first 10; the reference
is BM25 over whole pages, in the same run.
Run: NBKIT_BENCH_DATA=FOLDER python tests/bench/bench_financebench.py [--each]
Needs the weights of all-minilm-l6-v2 in NBKIT_HOME, where the index `financebench` is made anew.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import nbkit
from nbkit.api import Documents
from nbkit.documents import Chunk, Document, Passage, SearchMode
from nbkit.loaders.pdf import PdfLoader
from nbkit.rag.index import Index
from nbkit.rag.ingest import Embedded

MODES: tuple[SearchMode, ...] = ("hybrid", "dense", "bm25")
WANTED = (5, 10)
_DIMENSIONS = 64
Found = Callable[[str, int], Sequence[Passage]]
"""The passages for a question, so many of them."""


@dataclass(frozen=True)
class Question:
    text: str
    evidence: frozenset[tuple[str, int]]
    """File name and page, counted from 1."""


def questions(folder: Path) -> list[Question]:
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Question(row["question"], frozenset((f"{one['doc']}.pdf", one["page0"] + 1) for one in row["evidence"]))
        for row in rows
    ]


def rank(question: Question, passages: Sequence[Passage]) -> int:
    """Of the first passage on a page of the evidence, counted from 1; 0 where there is none."""
    places = [(Path(one.source).name, one.page) for one in passages]
    return next((number for number, place in enumerate(places, 1) if place in question.evidence), 0)


def by_pages(paths: Sequence[Path], home: Path) -> Index:
    """The reference: every page a text of its own, searched by its words."""
    index = Index.open(home / "pages", embedder_id="none", chunker_id="pages", dimensions=_DIMENSIONS)
    # Random vectors, no two near: pages alike in them would be left out as one.
    numbers = np.random.default_rng(0)
    with index.writing():
        for path in paths:
            document = PdfLoader().load(path)
            ends = [*document.pages[1:], len(document.text)]
            chunks = [
                Chunk(document.text[start:end], start, end, page=document.page_at(start))
                for start, end in zip(document.pages, ends, strict=True)
            ]
            vectors = numbers.standard_normal((len(chunks), _DIMENSIONS)).astype(np.float32)
            parts = Embedded(chunks, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
            index.put(path.name, path.name, document=Document(document.text, pages=document.pages), parts=parts)
    return index


def report(name: str, asked: Sequence[Question], found: Found, *, each: bool) -> float:
    """Prints a line; the share of questions answered by the first ten."""
    ranks: dict[int, list[int]] = {k: [] for k in WANTED}
    spent: list[float] = []
    for question in asked:
        for k in WANTED:
            started = time.perf_counter()
            ranks[k].append(rank(question, found(question.text, k)))
            spent.append(time.perf_counter() - started)
    shares = {k: sum(map(bool, some)) / len(asked) for k, some in ranks.items()}
    files = {question: ", ".join(sorted({file for file, _ in question.evidence})) for question in asked}
    whole = [
        all(place for question, place in zip(asked, ranks[10], strict=True) if files[question] == file)
        for file in dict.fromkeys(files.values())
    ]
    reciprocal = statistics.fmean(1 / place if place else 0.0 for place in ranks[10])
    figures = "  ".join(f"in {k:2} {share:.2f} ({sum(map(bool, ranks[k]))})" for k, share in shares.items())
    print(
        f"{name:14} {figures}  reciprocal rank {reciprocal:.3f}  all of a file's in 10: {sum(whole)} of {len(whole)}  "
        f"median {statistics.median(spent) * 1e3:.1f} ms"
    )
    if each:
        for question, place in zip(asked, ranks[10], strict=True):
            print(f"    {place or '-':>2}  {files[question]:44} {question.text[:90]}")
    return shares[10]


def passages(index: Documents, mode: SearchMode, text: str, k: int) -> Sequence[Passage]:
    return tuple(index.search(text, k=k, mode=mode))


def main() -> None:
    """Prints the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--each", action="store_true", help="the rank of every question too")
    each = options.parse_args().each
    folder = Path(os.environ["NBKIT_BENCH_DATA"], "financebench")
    paths, asked = sorted((folder / "pdfs").glob("*.pdf")), questions(folder)
    index = nbkit.index("financebench")
    added = index.add(*paths, rebuild=True)
    print(
        f"n = {len(asked)} questions, {len(paths)} files, {sum(row.chunks for row in added.rows)} chunks in one index"
    )
    shares: dict[str, float] = {}
    for mode in MODES:
        found = functools.partial(passages, index, mode)
        shares[mode] = report(mode, asked, found, each=each)
    with tempfile.TemporaryDirectory() as home:
        pages = by_pages(paths, Path(home))
        shares["pages"] = report(
            "BM25 by page",
            asked,
            lambda text, k: [one.passage for one in pages.search(text, None, mode="bm25", k=k, merge=False)],
            each=each,
        )
        pages.close()
    print(f"goal 0.90; hybrid {shares['hybrid'] / shares['pages']:.2f} times BM25 by page")


if __name__ == "__main__":
    main()
