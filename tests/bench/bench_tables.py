"""What the header above each piece of a table that is cut gives: rows found by the names of their columns.

Eight tables list the same 60 products with other columns each, so that only its header says which table has what is
asked: "What is the torque of the Heron pump 23?". A row counts where a passage of its table has it. Made up for this,
with MiniLM and the chunker as shipped; without the header is the same chunks with it taken away.
Run: python tests/bench/bench_tables.py
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nbkit.config import home_path
from nbkit.documents import Document, SearchMode
from nbkit.embed.onnx import OnnxEmbedder
from nbkit.protocols import EmbedderOptions
from nbkit.rag.chunking import Chunker
from nbkit.rag.chunking_neighbours import blend
from nbkit.rag.index import Index
from nbkit.rag.ingest import Embedded
from nbkit.types import Span

COLUMNS = (
    ("Torque", "Speed"), ("Price", "Discount"), ("Weight", "Length"), ("Supplier", "Country"),
    ("Warranty", "Service interval"), ("Colour", "Material"), ("Noise", "Power"), ("Stock", "Delivery time"),
)  # fmt: skip
NAMES = ["Heron", "Falcon", "Osprey", "Kestrel", "Merlin", "Harrier", "Swift", "Condor", "Raven", "Plover"]
KINDS = ["pump", "fan", "valve", "filter", "seal", "motor"]
MODES: tuple[SearchMode, ...] = ("hybrid", "dense", "bm25")
ASKED_A_COLUMN = 8


@dataclasses.dataclass(frozen=True)
class Question:
    text: str
    product: str
    source: str


def tables(rng: random.Random, products: list[str]) -> Iterator[tuple[str, Document]]:
    for number, columns in enumerate(COLUMNS):
        rng.shuffle(products)
        rows = (f"| {one} | {rng.randrange(1, 999)} | {rng.randrange(1, 999)} |" for one in products)
        text = "\n".join([f"| Product | {' | '.join(columns)} |", "| --- | --- | --- |", *rows])
        yield f"part-{number}.md", Document(text, blocks=(Span(0, len(text), "table"),))


def main() -> None:
    """Prints the figures."""
    rng = random.Random(0)
    products = [f"{name} {kind} {rng.randrange(10, 99)}" for name in NAMES for kind in KINDS]
    made = dict(tables(rng, products))
    asked = [
        Question(f"What is the {column.lower()} of the {product}?", product, source)
        for source, columns in zip(made, COLUMNS, strict=True)
        for column in columns
        for product in rng.sample(products, ASKED_A_COLUMN)
    ]
    embedder = OnnxEmbedder(EmbedderOptions(home=home_path()))
    vectors = embedder.embed([one.text for one in asked], is_query=True)
    for name in ("header above", "without"):
        with (
            tempfile.TemporaryDirectory() as home,
            contextlib.closing(
                Index.open(Path(home, "x"), embedder_id="m", chunker_id="c", dimensions=embedder.dimensions)
            ) as index,
        ):
            for source, document in made.items():
                chunks = Chunker(embedder).chunks(document)
                if name == "without":
                    chunks = [dataclasses.replace(one, header="") for one in chunks]
                own = blend(embedder.embed([one.embedded_text for one in chunks]))
                index.put(source, source, document=document, parts=Embedded(chunks, own))
            for mode in MODES:
                places = []
                for one, vector in zip(asked, vectors, strict=True):
                    found = [match.passage for match in index.search(one.text, vector, mode=mode, k=5)]
                    places.append([each.source == one.source and one.product in each.text for each in found])
                first, five = sum(each[:1] == [True] for each in places), sum(map(any, places))
                print(f"{name:13} {mode:7} first {first:3}, in 5 {five:3} of n = {len(asked)}", flush=True)


if __name__ == "__main__":
    main()
