"""Reranking with a CrossEncoder of 0.1 MB that is built here from random weights."""

from __future__ import annotations

import builtins
import json
import shutil
import sys
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import processors

from nbkit.embed.rerank import CrossEncoderReranker, _windows
from nbkit.errors import EmbedError, WeightsError

WINDOW = 48
ROOM = WINDOW - 3
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def build(tiny, folder, *, labels=1, head="BertForSequenceClassification"):
    """A model in the form in which transformers keeps them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        import transformers

        torch.manual_seed(7)
        size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        config = transformers.BertConfig(
            vocab_size=len(tiny.VOCABULARY), max_position_embeddings=WINDOW, initializer_range=0.5, **size
        )
        config.num_labels = labels
        getattr(transformers, head)(config).save_pretrained(folder)
        tokens = tiny.tokenizer()
        tokens.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokens, model_max_length=WINDOW, **marks)
        fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    return build(tiny, tmp_path_factory.mktemp("cross"))


@pytest.fixture(scope="module")
def library(folder):
    """The library's own scores."""
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(folder), device="cpu")
    return lambda question, passages: model.predict([(question, one) for one in passages], show_progress_bar=False)


@pytest.fixture
def made(folder):
    return CrossEncoderReranker(str(folder), device="cpu")


@pytest.fixture
def seen(made, monkeypatch):
    """The pairs that the model is given."""
    made.score("pump", ["warm"])
    pairs, predict = [], made._model.predict

    def keep(given, **options):
        pairs.extend(given)
        return predict(given, **options)

    monkeypatch.setattr(made._model, "predict", keep)
    return pairs


def sizes(made, pairs):
    return [len(made._model.tokenizer(*pair, truncation=False)["input_ids"]) for pair in pairs]


def test_scores_are_the_librarys_own_in_the_order_of_the_passages(tiny, made, library):
    passages = [" ".join(text.split()[:20]) for text in tiny.sentences(40)]
    found = made.score("what is the pump ?", passages)
    assert all(isinstance(one, float) for one in found)
    assert np.allclose(found, library("what is the pump ?", passages), atol=1e-5)
    assert len({round(one, 4) for one in found}) > 10


def test_no_passages_are_no_scores_and_load_nothing(tmp_path):
    assert CrossEncoderReranker(str(tmp_path)).score("pump", []) == []


def test_a_passage_counts_by_its_best_window(tiny, made, seen, library):
    passages = [" ".join(tiny.sentences(6, seed=seed)) for seed in range(3)]
    found = made.score("what is it ?", ["short .", *passages, "again ."])
    assert max(sizes(made, seen)) <= WINDOW
    scores = library("what is it ?", [window for _, window in seen])
    place = dict(zip(seen, scores, strict=True))
    windows = [[pair for pair in seen if pair[1] in passage] for passage in passages]
    assert min(map(len, windows)) > 3
    assert np.allclose(found[1:4], [max(place[pair] for pair in own) for own in windows], atol=1e-5)


def test_the_end_of_a_long_passage_is_read(made, library):
    filler = "then wait . " * 60
    plain = made.score("what is the pump ?", [filler])[0]
    words = ["pump pump", "naive short", "turn it off", "again again again"]
    found = made.score("what is the pump ?", [f"{filler}{one}" for one in words])
    assert any(abs(one - plain) > 1e-4 for one in found)


def test_a_long_question_is_asked_in_parts_and_their_mean_counts(tiny, made, seen, library):
    question = " ".join(tiny.sentences(4, seed=1))
    [found] = made.score(question, ["turn it off ."])
    parts = [part for part, _ in seen]
    assert len(parts) > 2
    assert max(sizes(made, seen)) <= WINDOW
    assert all(word in " ".join(parts) for word in question.split())
    wanted = np.mean([library(part, ["turn it off ."])[0] for part in parts])
    assert found == pytest.approx(float(wanted), abs=1e-5)


def test_nothing_is_cut_off_when_both_are_long(tiny, made, seen):
    question, passage = " ".join(tiny.sentences(2, seed=1)), " ".join(tiny.sentences(4, seed=2))
    assert len(made.score(question, [passage, "short"])) == 2
    assert max(sizes(made, seen)) <= WINDOW
    last = {window for _, window in seen if passage.endswith(window)}
    assert {part for part, window in seen if window in last} == {part for part, _ in seen}


def test_words_of_many_tokens_fit_wherever_they_are_cut(made, seen):
    made.score("what is it ?", ["pumps" * 200, "x" * 200, "naïve " * 90])
    assert max(sizes(made, seen)) <= WINDOW


@pytest.mark.parametrize("question", ["", " ", "\n"])
def test_blank_texts_have_scores_too(made, question):
    assert len(made.score(question, ["", "pump", " "])) == 3


@given(st.text("ab ", max_size=120), st.integers(1, 40))
def test_windows_hold_every_character_and_no_more_tokens_than_there_is_room(text, room):
    starts = [place for place, sign in enumerate(text) if sign != " "]
    windows = _windows(text, starts, room)
    assert max(len(one.replace(" ", "")) for one in windows) <= room
    at = 0
    for number, window in enumerate(windows):
        # Of equal stretches the nearest: no character lies between two windows.
        begin = text.find(window, 0) if number == 0 else text.rfind(window, 0, at + len(window))
        assert 0 <= begin <= at
        at = max(at, begin + len(window))
    assert len(windows) <= max(1, len(starts))
    assert windows[0] == text[: len(windows[0])]
    assert text.endswith(windows[-1])


def test_half_a_character_is_refused(made):
    with pytest.raises(EmbedError, match="half of a surrogate pair"):
        made.score("pump", ["\ud800"])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_is_an_error(made, monkeypatch, bad):
    made.score("pump", ["warm"])
    monkeypatch.setattr(made._model, "predict", lambda pairs, **_: np.array([0.5, bad], np.float32))
    with pytest.raises(EmbedError, match="not a number") as caught:
        made.score("pump", ["one", "two"])
    assert "--rerank" in caught.value.fix


def test_it_is_loaded_once_and_again_after_close(made):
    first = made.score("pump", ["it", "off"])
    model = made._model
    assert made.score("pump", ["it", "off"]) == first
    assert made._model is model
    made.close()
    assert made._model is None
    assert made.score("pump", ["it", "off"]) == first


def test_threads_get_their_own_scores(tiny, made):
    passages = tiny.sentences(5)
    wanted, wrong = [made.score("pump", [one])[0] for one in passages], []

    def ask(number):
        if not np.allclose(made.score("pump", passages[number:]), wanted[number:], atol=1e-5):
            wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def unusable(name, *, match):
    with pytest.raises(WeightsError, match=match) as caught:
        CrossEncoderReranker(str(name), device="cpu").score("pump", ["warm"])
    assert len(str(caught.value).splitlines()) == 3
    return caught.value


def test_a_model_that_is_not_here_is_not_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    assert "hf download no/such-model" in unusable("no/such-model", match="not on this machine").fix
    assert "hf download cross-encoder/such" in unusable("such", match="not on this machine").fix


@pytest.mark.parametrize("name", ["", "../..//x", "a b c", "~nobody-of-this-name/x", "x" * 200, "\0"])
def test_a_name_that_can_be_none_is_not_here(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unusable(name, match="not on this machine|cannot rerank")


def test_an_encoder_of_single_texts_is_refused(tiny, tmp_path):
    unusable(build(tiny, tmp_path, head="BertModel"), match="cannot rerank")


def test_a_model_of_sentence_transformers_that_embeds_is_refused(folder, tmp_path):
    copied = shutil.copytree(folder, tmp_path / "copied")
    (copied / "config_sentence_transformers.json").write_text(json.dumps({"model_type": "SentenceTransformer"}))
    assert "SentenceTransformer" in unusable(copied, match="cannot rerank").why


def test_a_model_that_gives_several_figures_is_refused(tiny, tmp_path):
    assert "3 figures" in unusable(build(tiny, tmp_path, labels=3), match="cannot rerank").why


def test_a_folder_without_a_model_is_refused(tmp_path):
    unusable(tmp_path, match="cannot rerank")


@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "config", "config_list", "tokenizer"])
def test_damaged_files_are_three_lines(folder, tmp_path, damage):
    copied = shutil.copytree(folder, tmp_path / "copied")
    weights, config = copied / "model.safetensors", copied / "config.json"
    if damage in ("cut", "empty"):
        weights.write_bytes(weights.read_bytes()[: 1000 if damage == "cut" else 0])
    elif damage == "gone":
        weights.unlink()
    elif damage == "tokenizer":
        (copied / "tokenizer.json").write_text("{")
    else:
        config.write_text("{" if damage == "config" else "[]")
    unusable(copied, match="cannot rerank")


def test_without_the_extra_the_error_says_how_to_do_without(folder, monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest):
        if name.partition(".")[0] == "sentence_transformers":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "sentence_transformers", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EmbedError, match="not installed") as caught:
        CrossEncoderReranker(str(folder)).score("pump", ["warm"])
    assert len(str(caught.value).splitlines()) == 3
    assert 'pip install "jupyter-nbkit[st]"' in caught.value.fix
    assert "leave --rerank out" in caught.value.fix
