from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.documents import Document, Heading
from nbkit.rag.collection import Collection, named
from nbkit.rag.names import name_words

DIMENSIONS = 32


class Told:
    """An embedder that keeps what it was given; equal words, equal vectors."""

    id, dimensions, max_tokens, splits_at_blanks = "told", DIMENSIONS, 256, True

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> np.ndarray:
        self.texts += [] if is_query else texts
        found = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(found, texts, strict=True):
            for word in text.casefold().split():
                row[hashlib.sha256(word.encode()).digest()[0] % DIMENSIONS] += 1
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)

    def token_starts(self, text: str) -> list[int]:
        at, starts = 0, []
        for word in text.split():
            at = text.index(word, at)
            starts.append(at)
            at += len(word)
        return starts


@contextlib.contextmanager
def collection(folder: Path, files: dict[str, str], embedder: Told) -> Iterator[Collection]:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    with contextlib.closing(Collection(folder / "index", embedder=embedder, embedder_name="told")) as made:
        made.add([folder / name for name in files])
        yield made


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("filings/ACME_2022_10K.pdf", "ACME 2022 10K"),
        ("ACME_8K_dated-2022-05-20.pdf", "ACME 8K dated 2022 05 20"),
        ("https://example.org/guide/first-steps", "first steps"),
        ("notes/Bericht_März_2024.md", "Bericht März 2024"),
        ("parts/facade.csv", "facade"),
    ],
)
def test_names_are_cut_into_their_words(source, words):
    assert name_words(source) == words


@pytest.mark.parametrize(
    "source",
    [
        "550e8400-e29b-41d4-a716-446655440000.pdf",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.pdf",
        "d41d8cd.txt",
        "0000764478-23-000041.pdf",
        "2301.01234.pdf",
        "20230830.txt",
        "docs/index.html",
        "a/README",
        "Super_Bowl_50#0",
        "MED-10",
        "12",
        "",
    ],
)
def test_names_that_say_nothing_or_are_no_files_have_no_words(source):
    assert name_words(source) == ""


@given(st.text())
def test_any_source_has_words_that_are_in_it_or_none(source):
    words = name_words(source).split()
    assert all(word in source for word in words)
    assert not words or any(not word.isdecimal() for word in words)


def test_the_name_of_a_file_is_embedded_and_searched_and_not_shown(tmp_path):
    embedder = Told()
    files = {"acme-2022.md": "# Costs\n\nThey rose.", "bolt-2022.md": "# Costs\n\nThey fell."}
    with collection(tmp_path, files, embedder) as made:
        assert embedder.texts == [
            "acme 2022 > Costs\n# Costs\n\nThey rose.",
            "bolt 2022 > Costs\n# Costs\n\nThey fell.",
        ]
        for mode in ("hybrid", "dense", "bm25"):
            first = made.search("costs of bolt", mode=mode)[0]
            assert first.source.endswith("bolt-2022.md")
            assert first.headings == ("Costs",)
            assert first.text == files["bolt-2022.md"]


def test_a_name_that_is_a_hash_is_not_embedded(tmp_path):
    embedder = Told()
    with collection(tmp_path, {"9f86d081884c7d65.md": "They rose."}, embedder):
        assert embedder.texts == ["They rose."]


def test_a_name_that_is_the_title_is_not_said_twice():
    document = Document("It hums.", "Fan guide")
    assert named(document, "fan-guide.pdf").headings == (Heading(0, 0, "Fan guide"),)
    assert [one.text for one in named(document, "falcon.pdf").headings] == ["falcon", "Fan guide"]


def test_long_names_do_not_shorten_passages(tmp_path):
    text = " ".join(f"Sentence {number} says that pumps are oiled each week." for number in range(60))
    found = []
    for name in ("a.txt", "of-the-many-pumps-in-the-northern-works-and-how-they-are-kept.txt"):
        folder = tmp_path / name
        folder.mkdir()
        with collection(folder, {name: text}, Told()) as made:
            found.append([(one.start, one.end) for one in made.search("pumps oiled", k=3)])
    assert found[0] == found[1]
