from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from pathlib import Path

import pytest

from nbkit.errors import UnknownModel
from nbkit.models.sources import _reason
from nbkit.models.weights import CATALOGUE, HubFile, Weights, find, is_present, path_of, present, verify

CONTENT = b"GGUF" + bytes(1000)
TINY = Weights("tiny", "tiny.gguf", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), HubFile("a/b", "main", "c"), ())


def placed(home: Path, content: bytes = CONTENT) -> Path:
    path = path_of(TINY, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_default_comes_first_and_the_smallest_last():
    assert list(CATALOGUE) == ["qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m"]


@pytest.mark.parametrize("weights", CATALOGUE.values(), ids=str)
def test_every_entry_is_whole(weights):
    assert re.fullmatch("[0-9a-f]{64}", weights.sha256)
    assert sum(part.size_bytes for part in weights.parts) == weights.size_bytes
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", part.requirement) for part in weights.parts)
    assert find(weights.name) is weights


def test_an_unknown_name_lists_the_catalogue():
    with pytest.raises(UnknownModel, match="models in the catalogue"):
        find("gpt-4o")


def test_a_file_of_another_size_is_not_present(tmp_path):
    placed(tmp_path, CONTENT[:-1])
    assert not is_present(TINY, tmp_path)
    assert present(tmp_path) == []


def test_present_lists_the_preferred_first(tmp_path):
    for weights in CATALOGUE.values():
        path = path_of(weights, tmp_path)
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as sparse:
            sparse.truncate(weights.size_bytes)
    assert [weights.name for weights in present(tmp_path)] == list(CATALOGUE)


def test_the_right_file_is_verified_and_the_result_kept(tmp_path):
    path = placed(tmp_path)
    assert verify(TINY, tmp_path)
    assert path.with_name(f"{path.name}.verified.json").exists()


def test_a_kept_result_spares_the_reading(tmp_path):
    path = placed(tmp_path)
    assert verify(TINY, tmp_path)
    seen = path.stat()
    path.write_bytes(b"evil" + CONTENT[4:])
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    # Same size, same mtime: not read again. That is the promise's limit, stated in the docstring.
    assert verify(TINY, tmp_path)


def test_a_file_changed_later_is_read_again_and_refused(tmp_path):
    path = placed(tmp_path)
    assert verify(TINY, tmp_path)
    path.write_bytes(b"evil" + CONTENT[4:])
    os.utime(path, ns=(1, 1))
    assert not verify(TINY, tmp_path)


def test_a_result_kept_for_another_hash_does_not_count(tmp_path):
    placed(tmp_path)
    assert verify(TINY, tmp_path)
    other = dataclasses.replace(TINY, sha256=TINY.sha256[:16] + "0" * 48)
    assert not verify(other, tmp_path)


def test_a_damaged_note_is_ignored(tmp_path):
    path = placed(tmp_path)
    path.with_name(f"{path.name}.verified.json").write_bytes(b"\xff{")
    assert verify(TINY, tmp_path)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("/usr/bin/python: No module named pip\n", "this Python has no pip (python -m ensurepip adds it)"),
        ("x\nERROR: Could not install: [Errno 28] No space left on device\n", "the disk is full"),
        ("ERROR: a\nERROR: No match at https://me:secret@host/simple\n", "No match at https://host/simple"),
        ("", "pip gave no reason"),
    ],
)
def test_pips_last_error_is_the_reason_without_passwords(said, reason):
    assert _reason(said) == reason
