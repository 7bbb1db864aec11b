"""Files that two processes share: locks are kept, commits are seen, and nothing sound is thrown away."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nbkit.errors import StoreError
from nbkit.loaders.finding import find
from nbkit.store.bytestore import ByteStore
from nbkit.store.damage import inode, is_confirmed
from nbkit.store.database import Database
from nbkit.store.files import private_file
from nbkit.store.integrity import damage_in
from nbkit.store.locks import is_held_elsewhere

SCHEMA = ["CREATE TABLE note (text TEXT); CREATE INDEX note_text ON note (text);"]
PRELUDE = f"""
import sys, threading
from pathlib import Path
from nbkit.store.database import Database
path, name, SCHEMA = Path(sys.argv[1]), sys.argv[2], {SCHEMA!r}
"""
LOCK_ALL = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
try:
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
except OSError:
    print("locked")
"""
WRITE_OFTEN = """
database = Database(path, schema=SCHEMA)
for number in range(60):
    database.execute("INSERT INTO note VALUES (?)", (f"{name}-{number}",))
    if number % 3 == 0:
        second = Database(path, schema=SCHEMA)
        second.execute("SELECT 1")
        second.close()
    if number % 4 == 1:
        thread = threading.Thread(target=database.execute, args=("SELECT 1",))
        thread.start()
        thread.join()
    if number % 7 == 6:
        database.close()
    mine = database.execute("SELECT count(*) FROM note WHERE text LIKE ?", (f"{name}-%",))
    assert mine == [(number + 1,)], (name, number, mine)
assert database.notice is None, database.notice
database.close()
"""
HOLD = """
database = Database(path, schema=SCHEMA)
database.execute("SELECT 1")
print("open", flush=True)
sys.stdin.readline()
"""
WRITE_FIVE = """
database = Database(path, schema=SCHEMA)
print("ready", flush=True)
sys.stdin.readline()
for number in range(5):
    database.execute("INSERT INTO note VALUES (?)", (f"{name}-{number}",))
"""


def start(script: str, path: Path, name: str = "other") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(script), str(path), name]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(*processes: subprocess.Popen[str]) -> list[int]:
    """Their exit codes, once all have ended."""
    for process in processes:
        process.communicate()
    return [process.returncode for process in processes]


def is_locked(path: Path) -> bool:
    """Whether this process has a lock on the file, as another one sees it."""
    found = subprocess.run([sys.executable, "-c", LOCK_ALL, path], capture_output=True, text=True, check=True)
    return found.stdout == "locked\n"


def asides(path: Path) -> list[str]:
    """Names of what was moved aside, without side files."""
    return [file.name for file in path.parent.glob("*.corrupt-*") if not file.name.endswith(("-wal", "-shm"))]


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "notes.sqlite", schema=SCHEMA, busy_s=2)
    made.execute("INSERT INTO note VALUES ('first')")
    yield made
    made.close()


def texts(database: Database) -> list[str]:
    return [text for (text,) in database.execute("SELECT text FROM note ORDER BY rowid")]


def second_database(path: Path) -> None:
    second = Database(path, schema=SCHEMA)
    second.execute("SELECT 1")
    second.close()


def second_thread_of(database: Database) -> None:
    thread = threading.Thread(target=database.execute, args=("SELECT 1",))
    thread.start()
    thread.join()


BESIDE = {
    "a second database": second_database,
    "what makes the file": private_file,
    "the doctor": damage_in,
    "a second look at damage": lambda path: is_confirmed(path, busy_s=1),
    "a question for others' locks": is_held_elsewhere,
    "a search for documents": lambda path: list(find([path.name, f"{path.name}-shm"], root=path.parent)),
}


@pytest.mark.parametrize("name", BESIDE)
def test_lock_is_kept_by(name, database):
    assert is_locked(database.path)
    BESIDE[name](database.path)
    assert is_locked(database.path)


def test_lock_is_kept_by_a_second_thread(database):
    second_thread_of(database)
    assert is_locked(database.path)


def test_lock_is_kept_by_a_second_cache_of_the_folder(tmp_path):
    first, second = ByteStore(tmp_path), ByteStore(tmp_path)
    first.put("key", b"value")
    second.get("key")
    second.close()
    assert is_locked(first.database.path)
    first.close()


def test_commits_are_seen_by_the_other_process_after_it_closed_and_opened(database):
    second_database(database.path)
    second_thread_of(database)
    for number in range(4):
        # The other one is the last to close, as it thinks, when this one's lock is lost.
        script = f"Database(path, schema=SCHEMA).execute('INSERT INTO note VALUES (?)', ('other {number}',))"
        assert finish(start(script, database.path)) == [0]
        database.execute("INSERT INTO note VALUES (?)", (f"own {number}",))
    expected = ["first", *(f"{who} {number}" for number in range(4) for who in ("other", "own"))]
    assert texts(database) == expected
    database.close()
    assert texts(database) == expected


def test_processes_that_open_and_close_as_they_write_lose_nothing(tmp_path):
    path = tmp_path / "notes.sqlite"
    writers = [start(WRITE_OFTEN, path, name) for name in "abc"]
    assert finish(*writers) == [0, 0, 0]
    database = Database(path, schema=SCHEMA)
    assert len(set(texts(database))) == 180
    assert damage_in(path) is None
    assert asides(path) == []
    database.close()


def claim_damage(times: int) -> Callable[[sqlite3.Connection], list[object]]:
    """An action that finds the file damaged so many times, whatever it is like."""
    left = [times]

    def act(connection: sqlite3.Connection) -> list[object]:
        if left[0]:
            left[0] -= 1
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        return connection.execute("SELECT text FROM note").fetchall()

    return act


def test_sound_file_that_one_connection_takes_for_damaged_is_read_again(database):
    before = inode(database.path)
    assert database.run(claim_damage(1)) == [("first",)]
    assert (inode(database.path), database.notice, asides(database.path)) == (before, None, [])


def test_sound_file_that_is_taken_for_damaged_again_is_an_error_and_stays(database):
    before = inode(database.path)
    with pytest.raises(StoreError, match="malformed"):
        database.run(claim_damage(2))
    assert (inode(database.path), asides(database.path), texts(database)) == (before, [], ["first"])


def test_sound_file_that_a_transaction_takes_for_damaged_stays(database):
    with pytest.raises(StoreError, match="malformed"), database.transaction():
        database.run(claim_damage(1))
    assert (asides(database.path), texts(database)) == ([], ["first"])


def test_damaged_file_is_not_moved_while_another_process_has_it_open(database):
    database.executemany("INSERT INTO note VALUES (?)", [("x" * 500,) for _ in range(100)])
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with start(HOLD, database.path) as other:
        other.stdout.readline()
        with database.path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 40960)
        with pytest.raises(StoreError, match="another process has it open"):
            texts(database)
        assert asides(database.path) == []
        other.communicate("\n")
    assert texts(database) == []
    assert len(asides(database.path)) == 1


def test_processes_that_meet_a_damaged_file_at_once_move_it_once_and_share_the_new_one(tmp_path):
    path = tmp_path / "notes.sqlite"
    path.write_bytes(b"not a database " * 500)
    writers = [start(WRITE_FIVE, path, name) for name in "abcd"]
    for writer in writers:
        writer.stdout.readline()
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert finish(*writers) == [0] * 4
    database = Database(path, schema=SCHEMA)
    assert len(texts(database)) == 20
    assert len(asides(path)) == 1
    database.close()


def test_file_that_another_process_has_replaced_is_opened_anew_before_the_next_write(database):
    generation = database.generation
    # As another kernel does that found it damaged when this one had not yet opened it.
    for file in list(database.path.parent.iterdir()):
        file.rename(file.with_name(f"moved-{file.name}"))
    assert finish(start("Database(path, schema=SCHEMA).execute('SELECT 1')", database.path)) == [0]
    database.execute("INSERT INTO note VALUES ('kept')")
    database.close()
    assert texts(database) == ["kept"]
    assert database.generation > generation


def test_connection_whose_file_was_moved_leaves_the_log_of_the_new_one_alone(database):
    stale = Database(database.path, schema=SCHEMA)
    stale.execute("SELECT 1")
    database.set_aside("was moved by the test")
    database.execute("INSERT INTO note VALUES ('new')")
    # The last one of the old file: SQLite would remove the log of that name.
    stale.close()
    assert database.path.with_name("notes.sqlite-wal").exists()
    assert is_locked(database.path)
    seen = "assert Database(path, schema=SCHEMA).execute('SELECT * FROM note') == [('new',)]"
    assert finish(start(seen, database.path)) == [0]


def test_file_is_made_without_a_descriptor_of_its_own(tmp_path):
    opened: list[str] = []
    script = """
        opened = []
        sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
        database = Database(path, schema=SCHEMA)
        database.execute("SELECT 1")
        Database(path, schema=SCHEMA).execute("SELECT 1")
        print([name for name in opened if Path(name).name.startswith(path.name)])
    """
    with start(textwrap.dedent(script), tmp_path / "notes.sqlite") as other:
        assert other.communicate()[0] == f"{opened}\n"


def test_file_behind_a_link_is_made_where_the_link_leads(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "notes.sqlite").symlink_to(tmp_path / "disk" / "real.sqlite")
    private_file(tmp_path / "notes.sqlite")
    assert (tmp_path / "disk" / "real.sqlite").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["real.sqlite"]


def test_file_is_made_once_by_threads_that_come_together(tmp_path):
    path, found = tmp_path / "notes.sqlite", set()

    def make() -> None:
        private_file(path)
        found.add(inode(path))

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["notes.sqlite"]


def test_file_is_made_where_there_are_no_links(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    private_file(tmp_path / "a")
    (tmp_path / "a").write_text("kept")
    private_file(tmp_path / "a")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "kept")]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
