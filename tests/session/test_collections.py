"""Indexes of a session, by name."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from nbkit.errors import BadSetting, CollectionError, MissingKey, WeightsError
from nbkit.session import Session
from nbkit.testing import FakeEmbedder


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("The fan needs 30 W.")
    made = Session(home=tmp_path / "home", environment={}, folder=tmp_path)
    made.collections.embedders["fake"] = FakeEmbedder()
    made.configure({"rag_embedder": "fake"})
    yield made
    made.close()


def test_index_outlives_its_session(session, tmp_path):
    settings = session.config().settings
    assert session.collections.open("docs", settings, is_new=True).add(["docs"]).embedded == 1
    session.close()
    again = Session(home=tmp_path / "home", environment={}, folder=tmp_path)
    fake = again.collections.embedders["fake"] = FakeEmbedder()
    found = again.collections.open("docs", settings).search("fan power")
    assert [one.text for one in found] == ["The fan needs 30 W."]
    assert fake.texts == ["fan power"]
    again.close()


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x" * 65])
def test_name_that_is_no_directory_is_refused(session, name):
    with pytest.raises(CollectionError, match="cannot be named"):
        session.collections.open(name, session.config().settings, is_new=True)


def test_embedder_without_its_key_names_the_variable(session):
    settings = session.config({"rag_embedder": "openai:text-embedding-3-small"}).settings
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        session.collections.open("docs", settings, is_new=True)


def test_file_has_one_name_wherever_it_is_added_from(session, tmp_path, monkeypatch, tmp_path_factory):
    collection = session.collections.open("docs", session.config().settings, is_new=True)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "b.md").write_text("Seals are kept dry.")
    collection.add(["docs"])
    collection.add([elsewhere])
    monkeypatch.chdir(tmp_path / "docs")
    assert [row.status for row in collection.add(["."]).rows] == ["unchanged"]
    sources = [one.source for one in collection.documents()]
    assert sources == [f"../{elsewhere.name}/b.md", "docs/a.md"]


def test_deleted_file_is_taken_out_and_files_of_other_folders_stay(session, tmp_path):
    settings = session.config().settings
    collection = session.collections.open("docs", settings, is_new=True)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.md").write_text("Seals are kept dry.")
    collection.add(["docs", "more"])
    (tmp_path / "docs" / "a.md").unlink()
    assert [row.status for row in collection.add(["docs"]).rows] == ["removed"]
    assert [one.source for one in collection.documents()] == ["more/b.md"]


def test_passages_side_by_side_are_one_and_are_the_documents_own_words(session, tmp_path):
    text = "\n\n".join(f"Paragraph {number} says that pumps of size {number} are oiled weekly." for number in range(30))
    (tmp_path / "docs" / "a.md").write_text(text)
    collection = session.collections.open("docs", session.config().settings, is_new=True)
    collection.add(["docs"])
    for passage in collection.search("which pumps are oiled weekly?", k=3):
        assert text[passage.start : passage.end] == passage.text


def test_question_longer_than_the_window_is_asked_as_far_as_it_goes(session):
    collection = session.collections.open("docs", session.config().settings, is_new=True)
    collection.add(["docs"])
    assert collection.search("fan " * 2000)


def test_first_try_without_weights_leaves_no_index_and_says_how_to_get_them(session):
    settings = session.config({"rag_embedder": "all-minilm-l6-v2"}).settings
    with pytest.raises(WeightsError, match="nbkit models pull all-minilm-l6-v2"):
        session.collections.open("docs", settings, is_new=True)
    assert session.collections.names() == []
    assert not (session.home / "indexes" / "docs").exists()


def test_of_several_indexes_one_has_to_be_named(session):
    settings = session.config().settings
    for name in ("one", "two"):
        session.collections.open(name, settings, is_new=True)
    with pytest.raises(CollectionError, match="--index one"):
        session.collections.open(None, settings)


def added(session, *given, **options):
    return session.collections.add("docs", given or ["docs"], session.config().settings, **options)[1]


OTHER = """
import sys
from pathlib import Path
from nbkit.session import Session
from nbkit.testing import FakeEmbedder
session = Session(home=Path(sys.argv[1]), environment={}, folder=Path.cwd())
session.collections.embedders["fake"] = FakeEmbedder()
session.configure({"rag_embedder": "fake"})
session.collections.drop("docs")
if len(sys.argv) > 2:
    session.collections.add("docs", sys.argv[2:], session.config().settings)
session.close()
"""


def elsewhere(session, *given):
    """Drops the index in another process, and builds it again from what is given."""
    subprocess.run([sys.executable, "-c", OTHER, str(session.home), *given], check=True)


def test_an_index_that_another_kernel_dropped_and_built_again_is_the_one_asked(session, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.md").write_text("Seals are kept dry.")
    settings = session.config().settings
    added(session, "docs")
    assert session.collections.open("docs", settings).search("fan")
    elsewhere(session, "more")
    assert [one.source for one in session.collections.open("docs", settings).search("fan seals")] == ["more/b.md"]
    added(session, "docs")
    with session.collections.look("docs") as index:
        assert [one.source for one in index.documents()] == ["docs/a.md", "more/b.md"]


def test_an_index_that_another_kernel_dropped_is_made_anew_or_missing(session):
    settings = session.config().settings
    added(session)
    elsewhere(session)
    with pytest.raises(CollectionError, match="there is no index named 'docs'"):
        session.collections.open("docs", settings)
    assert [row.status for row in added(session).rows] == ["new"]


def test_who_drops_waits_for_who_adds_and_leaves_nothing(session, tmp_path):
    for number in range(200):
        (tmp_path / "docs" / f"{number}.md").write_text(f"Pump {number} is oiled weekly.")
    events, dropping = [], []

    def drop():
        session.collections.drop("docs", on_wait=lambda: events.append("waits"))
        events.append("dropped")

    def begin(progress):
        if progress.chunks and not dropping:
            dropping.append(threading.Thread(target=drop))
            dropping[0].start()
            while "waits" not in events:
                time.sleep(0.01)

    found = added(session, on_progress=begin)
    events.append("added")
    dropping[0].join()
    assert len(found.rows) == 201
    assert [one for one in events if one != "waits"] in (["added", "dropped"], ["dropped", "added"])
    assert session.collections.names() == []
    assert [one.name for one in session.collections.folder.iterdir()] == [".docs.lock"]


def test_of_several_that_are_dropped_all_are_there_or_none_is_removed(session):
    settings = session.config().settings
    for name in ("club", "team"):
        session.collections.open(name, settings, is_new=True)
    with pytest.raises(CollectionError, match="no index named 'clubs'"):
        session.collections.drop("club", "clubs")
    assert session.collections.names() == ["club", "team"]
    session.collections.drop("club", "team", "club")
    assert session.collections.names() == []


def test_what_a_killed_process_left_of_one_that_it_dropped_is_no_index(session):
    added(session)
    (session.collections.folder / "docs").rename(session.collections.folder / ".dropped-1")
    assert session.collections.names() == []
    added(session)
    session.collections.drop("docs")
    assert not (session.collections.folder / ".dropped-1").exists()


def test_an_add_that_fails_leaves_no_empty_index(session, monkeypatch):
    fake = session.collections.embedders["fake"]
    monkeypatch.setattr(fake, "embed", lambda texts, *, is_query=False: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        added(session)
    assert session.collections.names() == []


def test_sizes_that_do_not_fit_are_refused_before_an_index_begins_again(session):
    added(session)
    session.configure({"rag_chunk_tokens": 40, "rag_chunk_overlap": 30})
    with pytest.raises(BadSetting, match="repeats up to half"):
        added(session, rebuild=True)
    assert session.collections.names() == ["docs"]


def stop_after(session, monkeypatch, count, error):
    """The embedder raises when it has been given so many texts."""
    fake = session.collections.embedders["fake"]
    embed, given = fake.embed, []

    def stopping(texts, *, is_query=False):
        given.extend(texts)
        if len(given) > count:
            raise error
        return embed(texts, is_query=is_query)

    monkeypatch.setattr(fake, "embed", stopping)


def texts(session, question="fan", name="docs"):
    found = session.collections.open(name, session.config().settings).search(question, mode="bm25")
    return sorted(one.text for one in found)


def beside(session):
    return sorted(one.name for one in session.collections.folder.iterdir())


def test_a_rebuild_that_is_interrupted_keeps_the_old_index(session, tmp_path, monkeypatch):
    added(session)
    (tmp_path / "docs" / "a.md").write_text("The fan needs 99 W.")
    (tmp_path / "docs" / "b.md").write_text("\n\n".join(f"Pump {number} " + "hums. " * 60 for number in range(80)))
    stop_after(session, monkeypatch, 64, KeyboardInterrupt)
    found = added(session, rebuild=True)
    assert (found.is_whole, found.is_discarded) == (False, True)
    assert str(found).endswith("interrupted: the index is as it was before")
    assert texts(session) == ["The fan needs 30 W."]
    assert beside(session) == [".docs.lock", "docs"]


def test_a_rebuild_that_fails_keeps_the_old_index(session, tmp_path, monkeypatch):
    added(session)
    (tmp_path / "docs" / "a.md").write_text("The fan needs 99 W.")
    stop_after(session, monkeypatch, 0, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        added(session, rebuild=True)
    assert texts(session) == ["The fan needs 30 W."]
    assert beside(session) == [".docs.lock", "docs"]


def test_a_rebuild_that_can_read_nothing_keeps_the_old_index(session, tmp_path):
    added(session)
    (tmp_path / "docs" / "a.md").unlink()
    (tmp_path / "docs" / "b.bin").write_bytes(b"\0")
    assert str(added(session, rebuild=True)).endswith("nothing could be read: the index is as it was before")
    assert texts(session) == ["The fan needs 30 W."]


def test_while_it_is_rebuilt_others_find_the_old_index_and_then_the_new(session, tmp_path):
    added(session)
    other = Session(home=tmp_path / "home", environment={}, folder=tmp_path)
    other.collections.embedders["fake"] = FakeEmbedder()
    other.configure({"rag_embedder": "fake"})
    reader = other.collections.open("docs", other.config().settings)
    assert [one.text for one in reader.search("fan")] == ["The fan needs 30 W."]
    (tmp_path / "docs" / "a.md").write_text("The fan needs 99 W.")
    seen = []
    added(session, rebuild=True, on_progress=lambda _: seen.append([one.text for one in reader.search("fan")]))
    assert seen
    assert {*map(tuple, seen)} == {("The fan needs 30 W.",)}
    assert reader.is_current is False
    assert [one.text for one in reader.search("fan")] == ["The fan needs 99 W."]
    assert reader.is_current
    other.close()


def test_who_has_the_old_index_open_is_not_given_another_model_s_vectors(session, tmp_path):
    added(session)
    reader = session.collections.open("docs", session.config().settings)
    assert reader.search("fan")
    session.collections.embedders["other"] = FakeEmbedder(seed="other")
    session.configure({"rag_embedder": "other"})
    added(session, rebuild=True)
    assert texts(session) == ["The fan needs 30 W."]
    for _ in range(2):
        with pytest.raises(CollectionError, match="embedder name was other and is fake"):
            reader.search("fan")
        with pytest.raises(CollectionError, match="embedder name was other and is fake"):
            reader.add(["docs"])


def test_an_index_that_is_rebuilt_names_its_sources_from_where_that_is_done(session, tmp_path, monkeypatch):
    added(session)
    monkeypatch.chdir(tmp_path / "docs")
    session.collections.add("docs", ["."], session.config().settings, rebuild=True)
    collection = session.collections.open("docs", session.config().settings)
    assert [one.source for one in collection.documents()] == ["a.md"]
    monkeypatch.chdir(tmp_path)
    assert [row.status for row in added(session).rows] == ["unchanged"]


@pytest.mark.parametrize("loss", ["settings", "database", "vectors", "garbage"])
def test_an_index_that_is_damaged_is_rebuilt(session, loss):
    added(session)
    session.collections._let_go("docs")
    folder = session.collections.folder / "docs"
    if loss == "settings":
        with contextlib.closing(sqlite3.connect(folder / "index.sqlite")) as connection, connection:
            connection.execute("DELETE FROM setting")
    elif loss == "database":
        for path in folder.glob("index.sqlite*"):
            path.write_bytes(b"")
    elif loss == "vectors":
        shutil.rmtree(folder / "epoch-0")
    else:
        (folder / "index.sqlite").write_bytes(b"no database at all" * 1000)
    assert [row.status for row in added(session, rebuild=True).rows] == ["new"]
    assert texts(session) == ["The fan needs 30 W."]
    assert [row.status for row in added(session).rows] == ["unchanged"]


def test_what_a_killed_rebuild_left_is_removed_by_the_next_and_by_drop(session):
    added(session)
    left = session.collections.folder / ".building-docs" / "docs"
    for end in (lambda: added(session, rebuild=True), lambda: session.collections.drop("docs")):
        left.mkdir(parents=True)
        (left / "index.sqlite").write_bytes(b"half")
        assert session.collections.names() == ["docs"]
        end()
        assert not left.parent.exists()


def test_another_size_is_refused_to_who_adds_and_is_nothing_to_who_asks(session):
    added(session)
    session.configure({"rag_chunk_tokens": 40})
    assert session.collections.open("docs", session.config().settings).search("fan")
    with pytest.raises(CollectionError, match=r"chunk tokens was 80 and is 40"):
        added(session)
    assert [row.status for row in added(session, rebuild=True).rows] == ["new"]
    session.configure({"rag_chunk_tokens": None})
    assert [row.status for row in added(session).rows] == ["unchanged"]
