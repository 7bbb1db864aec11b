from __future__ import annotations

import sqlite3

import pytest

from nbkit.store.damage import inode, is_damage, set_aside


@pytest.fixture
def path(tmp_path):
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"a.sqlite{suffix}").write_text(f"old{suffix}")
    return tmp_path / "a.sqlite"


def test_log_of_the_damaged_file_goes_with_it_and_is_not_replayed_into_the_new_one(path):
    aside = set_aside(path, inode(path))
    assert aside is not None
    assert sorted(file.name for file in path.parent.iterdir()) == [aside.name + end for end in ("", "-shm", "-wal")]
    assert aside.with_name(aside.name + "-wal").read_text() == "old-wal"


def test_file_that_took_the_place_of_the_damaged_one_stays(path):
    found = inode(path)
    path.rename(path.with_name("elsewhere"))
    path.write_text("new")
    assert set_aside(path, found) is None
    assert path.read_text() == "new"


def test_file_that_is_gone_is_left_alone(tmp_path):
    assert set_aside(tmp_path / "none", inode(tmp_path / "none")) is None


def test_two_files_moved_aside_do_not_meet(path):
    first = set_aside(path, inode(path))
    path.write_text("new")
    second = set_aside(path, inode(path))
    assert first != second
    assert (first.read_text(), second.read_text()) == ("old", "new")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_CORRUPT, True),
        (sqlite3.SQLITE_CORRUPT_INDEX, True),
        (sqlite3.SQLITE_NOTADB, True),
        (sqlite3.SQLITE_IOERR_SHORT_READ, True),
        (sqlite3.SQLITE_BUSY, False),
        (sqlite3.SQLITE_FULL, False),
        (sqlite3.SQLITE_READONLY, False),
        (sqlite3.SQLITE_IOERR_WRITE, False),
    ],
)
def test_only_a_file_that_cannot_be_read_is_damaged(code, expected):
    error = sqlite3.OperationalError("message")
    error.sqlite_errorcode = code
    assert is_damage(error) is expected
