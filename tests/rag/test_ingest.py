"""Only what is new or changed is read, cut and embedded."""

import numpy as np
import pytest

from nbkit.documents import Chunk
from nbkit.errors import Blocked
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


def test_file_that_cannot_be_read_just_now_answers_as_before(tmp_path, run, shelf):
    (tmp_path / "a.json").write_text('{"a": 1}')
    run()
    (tmp_path / "a.json").write_text('{"a": ')
    rows = run()
    assert rows["a.json"].status == "failed"
    assert rows["a.json"].reason.endswith("; what the index has of it is kept")
    assert list(shelf.kept) == ["a.json"]
    (tmp_path / "a.json").write_text('{"a": 2}')
    assert run()["a.json"].status == "changed"


def test_office_file_in_the_middle_of_being_saved_answers_as_before(tmp_path, run, shelf):
    from docx import Document as Word

    word = Word()
    word.add_paragraph("The K200 fan needs 30 W.")
    word.save(tmp_path / "a.docx")
    run()
    whole = (tmp_path / "a.docx").read_bytes()
    (tmp_path / "a.docx").write_bytes(whole[: len(whole) // 2])
    assert run()["a.docx"].status == "failed"
    assert list(shelf.kept) == ["a.docx"]
    (tmp_path / "a.docx").unlink()
    assert run()["a.docx"].status == "removed"


def test_document_that_a_guard_keeps_back_is_a_row_and_the_others_go_on(tmp_path, shelf):
    for number in range(5):
        (tmp_path / f"{number}.md").write_text("a secret" if number == 2 else f"line {number}")

    def embed(groups):
        if any("secret" in chunk.text for group in groups for chunk in group):
            raise Blocked(what="the guard kept it back", why="it holds a key", fix="")
        return [np.zeros((len(group), 2), np.float32) for group in groups]

    with Reader(children=2) as reader:
        found = find([tmp_path], root=tmp_path)
        rows = list(ingest(found, shelf=shelf, read=reader.read_many, cut=cut, embed=embed))
    assert {row.source: row.reason for row in rows if row.status == "failed"} == {
        "2.md": "the guard kept it back: it holds a key"
    }
    assert sorted(shelf.kept) == ["0.md", "1.md", "3.md", "4.md"]


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
