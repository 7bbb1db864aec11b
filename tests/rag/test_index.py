from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nbkit.documents import Chunk, Document, Passage
from nbkit.errors import BadSetting, CollectionError
from nbkit.rag import store
from nbkit.rag.index import Index
from nbkit.rag.ingest import Embedded
from nbkit.store.database import Database

DIMENSIONS = 32
WORDS = ["boiler", "pump", "valve", "filter", "noise", "leak", "pressure", "limescale"]


def vector(text: str) -> np.ndarray:
    """Words added up: a deterministic embedder."""
    total = np.zeros(DIMENSIONS, np.float32)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        total += np.random.default_rng(seed).standard_normal(DIMENSIONS, dtype=np.float32)
    return total / max(1e-9, float(np.linalg.norm(total)))


@dataclass(frozen=True)
class Parts:
    chunks: Sequence[Chunk]
    vectors: np.ndarray


def cut(text: str, *, page: int | None = None, headings: tuple[str, ...] = ()) -> Parts:
    """A chunk for each line, one after the other without a gap."""
    chunks, start = [], 0
    for line in text.splitlines(keepends=True):
        chunks.append(Chunk(line, start, start + len(line), headings, page, len(line.split())))
        start += len(line)
    vectors = np.array([vector(chunk.embedded_text) for chunk in chunks], np.float32).reshape(-1, DIMENSIONS)
    return Parts(chunks, vectors)


def put(index: Index, source: str, text: str, *, title: str = "", page: int | None = None) -> None:
    parts = cut(text, page=page)
    index.put(source, hashlib.sha256(text.encode()).hexdigest(), document=Document(text, title), parts=parts)


def opened(folder: Path, **settings: object) -> Index:
    given = {"embedder_id": "fake", "chunker_id": "lines", "dimensions": DIMENSIONS} | settings
    return Index.open(folder, **given)  # type: ignore[arg-type]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = opened(tmp_path / "docs")
    yield made
    made.close()


def texts(index: Index, question: str, **options: object) -> list[str]:
    return [match.passage.text for match in index.search(question, vector(question), **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "bm25"])
def test_finds_what_was_put_and_says_where_it_is(index: Index, mode: str):
    put(index, "a.md", "The pump leaks.\nDescale the boiler.\n", title="Manual", page=3)
    put(index, "b.md", "Nothing of the kind.\n")
    [match, *_] = index.search("descale the boiler", vector("descale the boiler"), mode=mode, k=1, merge=False)  # type: ignore[arg-type]
    passage = match.passage
    assert (passage.text, passage.source, passage.title) == ("Descale the boiler.\n", "a.md", "Manual")
    assert (passage.start, passage.end, passage.page) == (16, 36, 3)
    assert match.cosine is not None
    assert (match.words is None) == (mode == "dense")


def test_words_alone_need_no_vector(index: Index):
    put(index, "a.md", "The pump leaks.\n")
    [match] = index.search("pumps", None, mode="bm25")
    assert match.cosine is None
    with pytest.raises(ValueError, match="needs the question's vector"):
        index.search("pumps", None)


def test_the_title_and_the_headings_are_found_by_words(index: Index):
    document = Document("Weekly.\n", "Limescale")
    index.put("a.md", "1", document=document, parts=cut(document.text, headings=("Boiler", "Care")))
    assert len(index.search("limescale", None, mode="bm25")) == 1
    assert index.search("boiler", None, mode="bm25")[0].passage.headings == ("Boiler", "Care")
    index.put(
        "a.md", "2", document=Document("Weekly.\n", "Descaler"), parts=cut("Weekly.\n", headings=("Boiler", "Care"))
    )
    assert not index.search("limescale", None, mode="bm25")
    assert len(index.search("descaler", None, mode="bm25")) == 1


def test_a_changed_file_says_only_what_it_says_now(index: Index):
    put(index, "a.md", "one boiler\ntwo pumps\n")
    put(index, "a.md", "two pumps\nthree valves\n")
    assert sorted(texts(index, "boiler pumps valves", merge=False)) == ["three valves\n", "two pumps\n"]
    assert index.stats().chunks == 2
    assert not index.search("boiler", None, mode="bm25")


def test_chunks_of_a_changed_file_keep_their_vectors_unless_their_neighbours_changed(index: Index):
    put(index, "a.md", "one boiler\ntwo pumps\nthree valves\n")
    rows = index._held.settings()["rows"]
    put(index, "a.md", "zero\none boiler\ntwo pumps\nthree valves\n")
    # Vectors are made with those beside them: the new line's, and that of the one that has a new neighbour.
    assert index._held.settings()["rows"] == rows + 2


def test_the_same_line_twice_is_two_chunks(index: Index):
    put(index, "a.md", "boiler\nboiler\n")
    assert index.stats().chunks == 2
    put(index, "a.md", "boiler\n")
    assert index.stats().chunks == 1


def test_a_removed_file_is_not_found(index: Index):
    put(index, "a.md", "one boiler\n")
    put(index, "b.md", "one pump\n")
    assert index.remove("a.md")
    assert not index.remove("a.md")
    assert texts(index, "boiler") == ["one pump\n"]
    assert index.fingerprints().keys() == {"b.md"}
    assert index.document("a.md") is None


def test_near_duplicates_are_said_once(index: Index):
    put(index, "a.md", "The boiler is descaled weekly.\n")
    put(index, "b.md", "the boiler is descaled weekly.\n")
    put(index, "c.md", "The boiler is descaled monthly.\n")
    assert len(index.search("boiler descaled", vector("boiler descaled"), k=3)) == 2


def test_neighbours_become_one_passage(index: Index):
    put(index, "a.md", "x y z\nboiler one\nboiler two\nu v w\n")
    [match, *_] = index.search("boiler one two", vector("boiler one two"), k=2)
    assert "boiler one\nboiler two\n" in match.passage.text
    assert "x y z\nboiler one\nboiler two\nu v w\n"[match.passage.start : match.passage.end] == match.passage.text
    assert (match.passage.start, match.passage.end) == (0, 34)
    around = index.neighbours(match.passage)
    assert [passage.text for passage in around] == ["x y z\n", "boiler one\n", "boiler two\n", "u v w\n"]
    assert len(texts(index, "boiler one two", k=2, merge=False)) == 2


def test_no_passage_goes_over_the_end_of_a_page(index: Index):
    text = "boiler one\nboiler two\n"
    chunks = [Chunk(text[:11], 0, 11, page=1, tokens=2), Chunk(text[11:], 11, 22, page=2, tokens=2)]
    document = Document(text, pages=(0, 11))
    index.put(
        "a.pdf", "1", document=document, parts=Parts(chunks, np.stack([vector("boiler one"), vector("boiler two")]))
    )
    found = index.search("boiler one two", vector("boiler one two"), k=2)
    assert sorted((match.passage.page, match.passage.text) for match in found) == [(1, text[:11]), (2, text[11:])]


def test_overlapping_neighbours_are_joined_without_saying_a_word_twice(index: Index):
    text = "boiler one two three"
    chunks = [Chunk(text[:14], 0, 14), Chunk(text[7:], 7, 20)]
    vectors = np.array([vector(chunk.text) for chunk in chunks])
    index.put("a.md", "1", document=Document(text), parts=Parts(chunks, vectors))
    assert texts(index, "boiler one two three") == [text]


def test_a_filter_limits_both_sides(index: Index):
    for number in range(30):
        put(index, f"docs/{number}.md" if number % 2 else f"{number}.txt", f"boiler number {number}\n", page=number)
    for mode in ("hybrid", "dense", "bm25"):
        found = index.search("boiler", vector("boiler"), mode=mode, k=50, where="path ~ 'docs/' and page < 10")  # type: ignore[arg-type]
        assert sorted(match.passage.page or 0 for match in found) == [1, 3, 5, 7, 9]
        assert not index.search("boiler", vector("boiler"), mode=mode, where="suffix = '.pdf'")  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="column 6"):
        index.search("boiler", None, mode="bm25", where="path docs")


def test_an_empty_index_finds_nothing(index: Index):
    assert texts(index, "boiler") == []
    assert index.documents() == []
    put(index, "empty.md", "")
    assert texts(index, "boiler") == []
    assert [entry.chunks for entry in index.documents()] == [0]


@pytest.mark.parametrize(
    "settings", [{"embedder_id": "other"}, {"chunker_id": "other"}, {"dimensions": 2 * DIMENSIONS}]
)
def test_other_settings_are_refused_with_the_command_that_rebuilds(index: Index, settings: dict[str, object]):
    with pytest.raises(CollectionError) as caught:
        opened(index.folder, **settings)
    assert "--rebuild" in caught.value.fix
    assert next(iter(settings)).removesuffix("_id") in caught.value.why


def test_reading_an_index_that_is_not_there_names_the_command_that_makes_it(tmp_path: Path):
    with pytest.raises(CollectionError, match="no index 'docs'") as caught:
        Index.read(tmp_path / "docs")
    assert "%rag add" in caught.value.fix
    assert not (tmp_path / "docs").exists()


def test_all_files_are_their_owners_alone(index: Index):
    put(index, "a.md", "boiler\n")
    for path in [index.folder, *index.folder.rglob("*")]:
        if "words" not in path.parts:  # the engine's own, in a directory that others cannot enter
            assert path.stat().st_mode & 0o077 == 0, path


def test_vacuum_gives_room_back_and_changes_no_answer(index: Index):
    for number in range(40):
        put(index, f"{number}.md", f"boiler {WORDS[number % 8]} {number}\n")
    for number in range(0, 40, 2):
        index.remove(f"{number}.md")
    before = index.search("boiler pump", vector("boiler pump"), k=20)
    assert index.stats().empty_slots == 20
    reader = Index.read(index.folder)
    reader.search("boiler", None, mode="bm25")
    index.vacuum()
    assert index.stats().empty_slots == 0
    for opened_before in (index, reader):
        after = opened_before.search("boiler pump", vector("boiler pump"), k=20)
        assert [match.passage.id for match in after] == [match.passage.id for match in before]
        assert len(opened_before.search("boiler", None, mode="bm25", k=40)) == 20
    reader.close()
    assert len(list(index.folder.glob("epoch-*"))) == 1


def test_a_lost_or_damaged_word_index_is_built_anew(index: Index):
    put(index, "a.md", "boiler\n")
    index.close()
    [words] = index.folder.glob("epoch-*/words")
    (words / "meta.json").write_text("{")
    again = opened(index.folder)
    put(again, "b.md", "pump\n")
    assert len(again.search("boiler", None, mode="bm25")) == 1
    again.close()


def test_several_files_in_one_block_are_all_found_afterwards(index: Index):
    with index.writing():
        for number in range(5):
            put(index, f"{number}.md", f"boiler {number}\n")
        assert len(texts(index, "boiler", mode="dense", k=9, merge=False)) == 5
    assert len(index.search("boiler", None, mode="bm25", k=9)) == 5


def test_an_interrupted_block_keeps_what_was_put(index: Index):
    def interrupted() -> None:
        with index.writing():
            put(index, "a.md", "boiler\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(index.search("boiler", None, mode="bm25")) == 1
    put(index, "b.md", "pump\n")


def test_a_file_with_too_few_vectors_is_refused_and_nothing_changes(index: Index):
    parts = cut("a\nb\n")
    with pytest.raises(ValueError, match="2 chunks"):
        index.put("a.md", "1", document=Document("a\nb\n"), parts=Parts(parts.chunks, parts.vectors[:1]))
    assert index.documents() == []


def test_threads_read_while_one_writes(index: Index):
    failures: list[BaseException] = []
    is_over = threading.Event()

    def read() -> None:
        try:
            while not is_over.is_set():
                for match in index.search("boiler", vector("boiler"), k=5, merge=False):
                    assert "boiler" in match.passage.text
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(25):
        put(index, f"{number % 7}.md", f"boiler {number}\n")
        if number % 10 == 9:
            index.vacuum()
    is_over.set()
    for reader in readers:
        reader.join()
    assert failures == []


OTHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_index import opened, put, texts
index = opened(Path(sys.argv[1]))
who, count = sys.argv[3], int(sys.argv[4])
for number in range(count):
    put(index, f"{who}-{number}.md", f"boiler {who} {number}\\n")
    assert texts(index, f"boiler {who} {number}", k=1) == [f"boiler {who} {number}\\n"]
"""


def test_two_processes_write_and_read_one_index(index: Index):
    command = [sys.executable, "-c", OTHER, str(index.folder), str(Path(__file__).parent)]
    others = [subprocess.Popen([*command, who, "12"], stderr=subprocess.PIPE, text=True) for who in ("one", "two")]
    for other in others:
        _, said = other.communicate(timeout=120)
        assert other.returncode == 0, said
    assert len(index.search("boiler", None, mode="bm25", k=50)) == 24
    assert len(index.fingerprints()) == 24


def test_a_passage_has_the_same_id_in_every_index(index: Index, tmp_path: Path):
    other = opened(tmp_path / "other")
    for one in (index, other):
        put(one, "a.md", "boiler\n")
    ids: set[Passage | str] = {one.search("boiler", None, mode="bm25")[0].passage.id for one in (index, other)}
    assert len(ids) == 1
    other.close()


def test_an_index_made_before_headers_of_tables_were_kept_is_read_and_written(tmp_path: Path):
    folder = tmp_path / "docs"
    older = Database(folder / "index.sqlite", schema=store.SCHEMA[:1])
    older.execute("INSERT INTO document VALUES (1, 'a.md', 'x', 'A', '.md', 'text/plain', '', 0, '[]')")
    older.execute("INSERT INTO chunk VALUES (0, 1, 0, 'k', 'old text', 0, 8, '', NULL, 2)")
    older.execute("INSERT INTO pending VALUES (0)")
    made = {"epoch": 0, "generation": 1, "rows": 1, "embedder": "e", "chunker": "c", "dimensions": 2}
    older.executemany("INSERT INTO setting VALUES (?, ?)", list(made.items()))
    older.close()
    with contextlib.closing(Index.open(folder, embedder_id="e", chunker_id="c", dimensions=2)) as index:
        chunk = Chunk("| Lid | 3 |", 0, 11, header="| Part | Price |")
        index.put("b.md", "y", document=Document(chunk.text), parts=Embedded([chunk], np.eye(2, dtype=np.float32)[:1]))
        found = index.search("old price", None, mode="bm25")
    assert {one.passage.header for one in found} == {"", "| Part | Price |"}
