"""Only what is new or changed is read, cut and embedded."""

import numpy as np
import pytest

from nbkit.documents import Chunk
from nbkit.loaders.finding import find
from nbkit.loaders.reading import Reader
from nbkit.rag.added import Added
from nbkit.rag.ingest import hash_of, ingest, prune


class Shelf:
    def __init__(self):
        self.kept = {}

    def fingerprints(self):
        return {source: kept[0] for source, kept in self.kept.items()}

    def put(self, source, content_sha256, *, document, parts):
        self.kept[source] = (content_sha256, document, parts)

    def remove(self, source):
        return self.kept.pop(source, None) is not None


def cut(document):
    return [Chunk(line, 0, len(line)) for line in document.text.splitlines() if line]


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def run(tmp_path, shelf):
    embedded = []

    def embed(groups):
        embedded.append([len(group) for group in groups])
        return [np.zeros((len(group), 2), np.float32) for group in groups]

    with Reader(children=2) as reader:

        def call(*paths):
            found = list(find(paths or [tmp_path], root=tmp_path))
            rows = list(ingest(found, shelf=shelf, read=reader.read_many, cut=cut, embed=embed))
            rows += prune(shelf, under=lambda source: True, settled=[one.source for one in found])
            return {row.source: row for row in rows}

        call.embedded = embedded
        yield call


def test_unchanged_folder_is_neither_read_nor_embedded(tmp_path, run):
    (tmp_path / "a.md").write_text("one\n\ntwo")
    assert {source: row.status for source, row in run().items()} == {"a.md": "new"}
    assert run.embedded == [[2]]
    assert run()["a.md"].status == "unchanged"
    assert run.embedded == [[2]]


def test_changed_and_removed_files_follow(tmp_path, run, shelf):
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("one")
    run()
    (tmp_path / "a.md").write_text("other")
    (tmp_path / "b.md").unlink()
    rows = run()
    assert (rows["a.md"].status, rows["b.md"].status) == ("changed", "removed")
    assert list(shelf.kept) == ["a.md"]
    assert shelf.kept["a.md"][0] == hash_of(tmp_path / "a.md")


def test_file_that_cannot_be_read_is_a_row_and_the_others_are_kept(tmp_path, run, shelf):
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 cut off")
    (tmp_path / "good.md").write_text("fine")
    rows = run()
    assert (rows["bad.pdf"].status, rows["good.md"].status) == ("failed", "new")
    assert rows["bad.pdf"].reason


def test_file_that_became_unreadable_no_longer_answers(tmp_path, run, shelf):
    (tmp_path / "a.json").write_text('{"a": 1}')
    run()
    (tmp_path / "a.json").write_text('{"a": ')
    rows = run()
    assert rows["a.json"].status == "failed"
    assert shelf.kept == {}


def test_small_files_are_embedded_together(tmp_path, run):
    for number in range(100):
        (tmp_path / f"{number:03}.md").write_text(f"line {number}")
    run()
    assert [sum(group) for group in run.embedded] == [64, 36]


def test_interrupt_while_embedding_keeps_what_was_put(tmp_path, shelf):
    for number in range(3):
        (tmp_path / f"{number}.md").write_text("\n".join(f"line {line}" for line in range(64)))
    calls = []

    def embed(groups):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return [np.zeros((len(group), 2), np.float32) for group in groups]

    with Reader(children=2) as reader:
        rows = ingest(find([tmp_path], root=tmp_path), shelf=shelf, read=reader.read_many, cut=cut, embed=embed)
        with pytest.raises(KeyboardInterrupt):
            list(rows)
    assert list(shelf.kept) == ["0.md"]


def test_summary_counts_each_kind():
    assert "interrupted: what was done is kept" in str(Added((), embedded=0, duration_s=0.1, is_whole=False))
