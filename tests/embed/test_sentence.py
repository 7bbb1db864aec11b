"""The engine for every other model, with a tiny one that is built here from random weights."""

from __future__ import annotations

import builtins
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from nbkit import embed
from nbkit.embed.sentence import SentenceTransformersEmbedder
from nbkit.errors import EmbedError, UnknownModel, WeightsError
from nbkit.protocols import EmbedderOptions
from nbkit.testing import EmbedderContract

WINDOW, PROMPT = 48, "what is it ? "
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A sentence-transformers model of 0.1 MB with a prompt for queries."""
    base, whole = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from sentence_transformers import SentenceTransformer, models
        from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

        torch.manual_seed(7)
        size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        BertModel(BertConfig(vocab_size=len(tiny.VOCABULARY), max_position_embeddings=64, **size)).save_pretrained(base)
        marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        PreTrainedTokenizerFast(tokenizer_object=tiny.tokenizer(), **marks).save_pretrained(base)
        states = models.Transformer(str(base), max_seq_length=WINDOW)
        pooling = models.Pooling(32, pooling_mode="mean")
        SentenceTransformer(modules=[states, pooling], prompts={"query": PROMPT}, device="cpu").save(str(whole))
    return whole


@pytest.fixture
def made(folder):
    return SentenceTransformersEmbedder(EmbedderOptions(home=Path(), model=str(folder), device="cpu"))


class TestIsAnEmbedder(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _folder(self, folder):
        self.options = EmbedderOptions(home=Path(), model=str(folder), device="cpu")

    def embedder(self):
        return SentenceTransformersEmbedder(self.options)


def test_vectors_are_the_librarys_own(tiny, folder, made):
    from sentence_transformers import SentenceTransformer

    texts = [" ".join(text.split()[:30]) for text in tiny.sentences(70)]
    wanted = SentenceTransformer(str(folder), device="cpu").encode(texts, normalize_embeddings=True)
    assert np.allclose(made.embed(texts), wanted, atol=1e-5)


def test_a_query_gets_the_models_prompt(made):
    [plain], [query] = made.embed(["the pump"]), made.embed(["the pump"], is_query=True)
    [prompted] = made.embed([f"{PROMPT}the pump"])
    assert not np.allclose(plain, query, atol=1e-3)
    assert np.allclose(prompted, query, atol=1e-5)


def test_the_window_leaves_room_for_special_tokens_and_prompt(made):
    assert made.max_tokens == WINDOW - 2 - 4


def test_it_is_opened_by_its_name(folder):
    opened = embed.open(f"sentence-transformers:{folder}", EmbedderOptions(home=Path(), device="cpu"))
    assert isinstance(opened, SentenceTransformersEmbedder)
    assert opened.dimensions == 32


def test_the_id_follows_the_files_and_not_the_folder(folder, made, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    options = EmbedderOptions(home=Path(), model=str(copied))
    assert SentenceTransformersEmbedder(options).id == made.id
    (copied / "README.md").write_text("another text")
    assert SentenceTransformersEmbedder(options).id == made.id
    [weights] = copied.rglob("model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert SentenceTransformersEmbedder(options).id != made.id


def test_the_id_does_not_need_the_library(folder, monkeypatch):
    refuse_import(monkeypatch)
    assert SentenceTransformersEmbedder(EmbedderOptions(home=Path(), model=str(folder))).id


def test_without_the_extra_the_error_is_three_lines_with_the_command(folder, monkeypatch):
    refuse_import(monkeypatch)
    with pytest.raises(EmbedError, match="not installed") as caught:
        SentenceTransformersEmbedder(EmbedderOptions(home=Path(), model=str(folder))).embed(["pump"])
    assert len(str(caught.value).splitlines()) == 3
    assert 'pip install "jupyter-nbkit[st]"' in caught.value.fix


def test_a_model_that_is_nowhere_is_three_lines(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="cannot be loaded") as caught:
        SentenceTransformersEmbedder(EmbedderOptions(home=tmp_path, model="no/such-model-here")).embed(["pump"])
    assert len(str(caught.value).splitlines()) == 3


def test_a_folder_without_a_model_is_three_lines(tmp_path):
    with pytest.raises(WeightsError, match="cannot be loaded") as caught:
        SentenceTransformersEmbedder(EmbedderOptions(home=tmp_path, model=str(tmp_path))).embed(["pump"])
    assert len(str(caught.value).splitlines()) == 3


def test_weights_that_are_cut_off_are_three_lines(folder, tmp_path):
    copied = shutil.copytree(folder, tmp_path / "copied")
    [weights] = copied.rglob("model.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be loaded") as caught:
        SentenceTransformersEmbedder(EmbedderOptions(home=tmp_path, model=str(copied))).embed(["pump"])
    assert len(str(caught.value).splitlines()) == 3


def test_a_name_without_a_model_is_refused():
    with pytest.raises(UnknownModel, match="sentence-transformers:NAME"):
        embed.open("sentence-transformers", EmbedderOptions(home=Path()))


def refuse_import(monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest):
        if name.partition(".")[0] == "sentence_transformers":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "sentence_transformers", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
