from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from nbkit.errors import StoreError
from nbkit.store.files import append_line, private_dir, private_file, write_atomic


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_directory_that_others_could_read_is_closed_to_them(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    private_dir(folder)
    assert mode(folder) == 0o700


def test_files_are_readable_by_their_owner_alone(tmp_path):
    write_atomic(tmp_path / "a", b"x")
    append_line(tmp_path / "b", "x")
    private_file(tmp_path / "c")
    assert {mode(tmp_path / name) for name in "abc"} == {0o600}


def test_file_in_place_of_the_directory_is_an_error_of_three_lines(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError) as caught:
        private_dir(tmp_path / "taken" / "deeper")
    assert str(caught.value).count("\n") == 2


def test_atomic_write_that_fails_keeps_the_old_content_and_leaves_no_part(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    (target / "inside").write_text("old")
    with pytest.raises(StoreError):
        write_atomic(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_line_cut_off_by_a_kill_does_not_swallow_the_next(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b'{"whole": 1}\n{"cut')
    append_line(path, '{"next": 2}')
    assert path.read_text().splitlines() == ['{"whole": 1}', '{"cut', '{"next": 2}']


def test_line_with_a_line_break_is_refused(tmp_path):
    with pytest.raises(ValueError, match="line break"):
        append_line(tmp_path / "log", "a\nb")


def _append_many(path: Path, name: str) -> None:
    for number in range(50):
        append_line(path, f"{name}-{number}-" + name * 2000)


def test_lines_of_several_processes_do_not_mix(tmp_path):
    path = tmp_path / "log"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 100
    assert all(len(set(line.split("-")[2])) == 1 and len(line.split("-")[2]) == 2000 for line in lines)
