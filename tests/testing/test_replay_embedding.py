"""What a run embedded is given again without its model, and nowhere else."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit import embed
from nbkit.errors import BadSetting, EmbedError, NotebookError
from nbkit.protocols import EmbedderOptions
from nbkit.rag.collection import Collection
from nbkit.session import Session
from nbkit.testing import EmbedderContract, FakeEmbedder, RecordingEmbedder, ReplayEmbedder
from nbkit.testing.vectors import beside, read


class WordsEmbedder(FakeEmbedder):
    splits_at_blanks = True


class RunOnEmbedder(WordsEmbedder):
    """Its tokens are not those of words: one for every three characters that are no blank."""

    def token_starts(self, text):
        return [place for place, char in enumerate(text) if not char.isspace()][::3]


TEXTS = st.lists(st.text(st.sampled_from("ab-. \n\x1cé日\u200b"), max_size=12), max_size=8)


def recording(path, embedder=None):
    return RecordingEmbedder(
        EmbedderOptions(path.parent, base_url=str(beside(path))), embedder=embedder or WordsEmbedder()
    )


def replay(path):
    return ReplayEmbedder(EmbedderOptions(path.parent, base_url=str(path)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ipynb"


@pytest.fixture
def recorded(path):
    path.write_text("{}")
    made = recording(path)
    made.embed(["The fan needs 30 W.", "Seals are kept dry."])
    made.embed(["How much?"], is_query=True)
    made.token_starts("The fan needs 30 W. Seals are kept dry. How much?")
    return replay(path)


class TestRecordingIsAnEmbedder(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _path(self, path):
        self.path = path

    def embedder(self):
        return recording(self.path)


class TestReplayIsAnEmbedder(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _path(self, path):
        self.path = path
        made = recording(path)
        asked = [*self.texts(), "a " * made.max_tokens, "again", "short", "b"]
        made.embed(asked)
        made.embed(["What is it?"], is_query=True)
        for text in asked:
            made.token_starts(text)

    def embedder(self):
        return replay(self.path)


@pytest.mark.parametrize("kind", [WordsEmbedder, RunOnEmbedder])
@given(texts=TEXTS, is_query=st.booleans())
def test_vectors_and_tokens_are_those_of_the_run_bit_for_bit(tmp_path_factory, kind, texts, is_query):
    path = tmp_path_factory.mktemp("r") / "run.ipynb"
    made = recording(path, kind())
    vectors = made.embed(texts, is_query=is_query)
    starts = [made.token_starts(text) for text in texts]
    again = replay(path)
    assert np.array_equal(again.embed(texts[::-1], is_query=is_query), vectors[::-1])
    assert [again.token_starts(text) for text in texts] == starts == [kind().token_starts(text) for text in texts]
    assert (again.id, again.dimensions, again.max_tokens) == (made.id, 64, 254)


def test_recorded_words_are_counted_in_texts_that_are_new(recorded):
    assert recorded.token_starts("kept fan\tfan") == [0, 5, 9]


def test_text_that_was_not_embedded_is_three_lines_and_keeps_its_words_to_itself(recorded):
    for ask in (
        lambda: recorded.embed(["Seals are kept dry.", "The fan needs 31 W."]),
        lambda: recorded.embed(["Seals are kept dry."], is_query=True),
        lambda: recorded.token_starts("The propeller"),
    ):
        with pytest.raises(EmbedError) as raised:
            ask()
        lines = str(raised.value).splitlines()
        assert len(lines) == 3
        assert "not among the 3 that run.ipynb embedded" in lines[0]
        assert "pytest -m live --update-notebooks" in lines[2]
        assert not {"31", "Seals", "propeller"} & set(str(raised.value).replace(".", " ").split())


def test_notebook_without_vectors_and_model_names_the_file_and_the_command(path):
    path.write_text("{}")
    with pytest.raises(NotebookError) as raised:
        replay(path).token_starts("")
    what, why, fix = str(raised.value).splitlines()
    assert "run.vectors is missing" in what
    assert "the weights of 'all-minilm-l6-v2' are not on this machine" in why
    assert "nbkit run run.ipynb -o run.ipynb --vectors" in fix


def test_notebook_without_vectors_has_those_of_the_model_that_is_here(path, monkeypatch):
    path.write_text("{}")
    monkeypatch.setattr("nbkit.testing.replay_embedding.open_embedder", lambda *_: WordsEmbedder())
    with contextlib.closing(replay(path)) as found:
        assert np.array_equal(found.embed(["Seals"]), WordsEmbedder().embed(["Seals"]))
        assert found.token_starts("Seals are dry") == WordsEmbedder().token_starts("Seals are dry")
        assert found.id == WordsEmbedder().id


def test_no_service_is_asked_in_a_replay(path):
    path.write_text("{}")
    options = EmbedderOptions(path.parent, "openai:text-embedding-3-small", base_url=str(path))
    with pytest.raises(NotebookError, match="is a service, and a replay asks none"):
        ReplayEmbedder(options).embed(["Seals"])


def test_recording_goes_on_where_an_earlier_kernel_ended(path, recorded):
    before = read(beside(path))
    recording(path).embed(["Later."])
    assert read(beside(path)).rows.keys() > before.rows.keys()
    assert recorded.embed(["Later.", "Seals are kept dry."]).shape == (2, 64)
    assert recorded.token_starts("Seals are kept dry.") == [0, 6, 10, 15, 18]


def test_two_embedders_are_not_recorded_into_one_file(path, recorded):
    before = beside(path).read_bytes()
    with pytest.raises(EmbedError, match="another embedder"):
        recording(path, WordsEmbedder(seed="other")).embed(["Later."])
    assert beside(path).read_bytes() == before


def test_embedder_whose_tokens_cross_blanks_cannot_be_recorded(path):
    with pytest.raises(EmbedError, match="cannot be recorded"):
        recording(path, FakeEmbedder()).embed(["a"])
    assert not beside(path).exists()


@pytest.mark.parametrize("name", ["replay", "recording", "recording:all-minilm-l6-v2"])
def test_it_is_not_chosen_by_name(name):
    with pytest.raises(BadSetting, match="not chosen by name"):
        embed.open(name)


def test_notebook_is_found_from_the_folder_that_its_kernel_works_in(path, recorded, monkeypatch, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    assert replay(path).embed(["Seals are kept dry."]).shape == (1, 64)
    assert ReplayEmbedder(EmbedderOptions(tmp_path, base_url="run.ipynb")).max_tokens == 254


def _files(folder):
    return {one.relative_to(folder): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize("variable", ["NBKIT_REPLAY", "NBKIT_RECORD"])
def test_nothing_of_a_replay_or_a_recording_gets_into_the_home(tmp_path, monkeypatch, variable):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("The fan needs 30 W.")
    path, home = tmp_path / "run.ipynb", tmp_path / "home"
    path.write_text("{}")
    own = Session(home=home, environment={}, folder=tmp_path)
    own.collections.embedders["all-minilm-l6-v2"] = WordsEmbedder()
    own.collections.open("docs", own.config().settings, is_new=True).add(["docs"])
    own.close()
    before = _files(home)
    # Another file than that of the home, and in an index of the same name.
    (tmp_path / "docs" / "a.md").write_text("The pump needs 90 W.")
    with contextlib.closing(Collection(tmp_path / "first", embedder=recording(path), embedder_name="")) as first:
        first.add(["docs"])
        first.search("pump")
    environment = {"NBKIT_REPLAY": str(path)} if variable == "NBKIT_REPLAY" else {}
    session = Session(home=home, environment=environment, folder=tmp_path)
    if variable == "NBKIT_RECORD":
        session.environment = {"NBKIT_RECORD": str(beside(path))}
        monkeypatch.setattr("nbkit.testing.replay_embedding.open_embedder", lambda *_: WordsEmbedder())
    collection = session.collections.open("docs", session.config().settings, is_new=True)
    assert collection.add(["docs"]).embedded == 1
    assert [one.text for one in collection.search("pump")] == ["The pump needs 90 W."]
    place = session.collections.folder
    session.close()
    assert not place.exists()
    assert _files(home) == before


def test_index_of_the_home_is_not_seen_while_a_notebook_is_replayed(tmp_path, recorded, path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = {}
    session = Session(home=tmp_path / "home", environment=environment, folder=tmp_path)
    session.collections.embedders["fake"] = WordsEmbedder()
    session.configure({"rag_embedder": "fake"})
    (tmp_path / "a.md").write_text("The fan needs 30 W.")
    settings = session.config().settings
    session.collections.open("docs", settings, is_new=True).add(["a.md"])
    assert session.collections.names() == ["docs"]
    environment["NBKIT_REPLAY"] = str(path)
    assert session.collections.names() == []
    assert session.collections.open("docs", settings, is_new=True).documents() == []
    session.close()


def test_text_that_held_a_secret_in_that_run_says_which_variable_to_set(path):
    path.write_text("{}")
    made = recording(path)
    made.token_starts("The code is [secret:HF_TOKEN] here.")
    made.embed(["The code is [secret:HF_TOKEN] here."])
    with pytest.raises(EmbedError, match="set HF_TOKEN, whose value that run had in its texts, or record"):
        replay(path).embed(["The code is hf_0123456789abcdef here."])
