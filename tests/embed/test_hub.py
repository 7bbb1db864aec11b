"""Models of the hub, as far as they are on this machine."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from nbkit.embed.hub import folder_of, no_progress_bar

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the hub that holds what it is given."""
    cache = tmp_path / "hub"
    for place in (
        "huggingface_hub.constants.HF_HUB_CACHE",
        "huggingface_hub._snapshot_download.constants.HF_HUB_CACHE",
    ):
        monkeypatch.setattr(place, str(cache))
    monkeypatch.chdir(tmp_path)

    def place(name):
        own = cache / f"models--{name.replace('/', '--')}"
        folder = own / "snapshots" / COMMIT
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (own / "refs").mkdir()
        (own / "refs" / "main").write_text(COMMIT)
        return folder

    return place


def test_a_model_that_is_here_is_found_without_asking_the_network(hub):
    folder = hub("some/model")
    assert folder_of("some/model", organisation="other") == folder


def test_a_name_without_an_organisation_is_one_of_the_given_first(hub):
    plain = hub("model")
    assert folder_of("model", organisation="some") == plain
    owned = hub("some/model")
    assert folder_of("model", organisation="some") == owned


def test_a_folder_is_itself(hub, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    assert folder_of(str(tmp_path / "mine"), organisation="some") == tmp_path / "mine"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert folder_of("~/mine", organisation="some") == Path(tmp_path / "mine")


@pytest.mark.parametrize("name", ["no/such", "such", "", "a/b/c", "~nobody-of-this-name/x", "a b", "..", "x" * 300])
def test_what_is_not_here_is_none_and_is_not_asked_for(hub, name, tmp_path):
    found = folder_of(name, organisation="some")
    # Only what is a folder anyway.
    assert found is None or found.is_dir()
    assert not (tmp_path / "hub").exists()


def test_the_bar_is_left_out_and_back_afterwards():
    from transformers import utils

    before = utils.logging.is_progress_bar_enabled()
    utils.logging.enable_progress_bar()
    try:
        with contextlib.suppress(ZeroDivisionError), no_progress_bar():
            assert not utils.logging.is_progress_bar_enabled()
            _ = 1 / 0
        assert utils.logging.is_progress_bar_enabled()
        utils.logging.disable_progress_bar()
        with no_progress_bar():
            pass
        assert not utils.logging.is_progress_bar_enabled()
    finally:
        if before:
            utils.logging.enable_progress_bar()
