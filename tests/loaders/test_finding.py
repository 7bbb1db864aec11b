"""Which files are read, and why others are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.loaders.finding import find


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    for name in (
        "b.md",
        "a.txt",
        "docs/deep/c.md",
        "docs/d.PDF",
        "docs/e.exe",
        ".hidden/f.md",
        ".g.md",
        ".git/h.md",
        "node_modules/i.md",
        "docs/__pycache__/j.py",
        "docs/.ipynb_checkpoints/k.ipynb",
        "docs/~$l.docx",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    (tmp_path / "outside.md").write_text("secret")
    return folder


def sources(paths, root):
    return [one.source for one in find(paths, root=root) if not one.reason]


def reasons(paths, root):
    return {one.source: one.reason for one in find(paths, root=root) if one.reason}


def test_a_folder_gives_its_files_sorted_without_what_is_hidden(root):
    assert sources(["."], root) == sources([root], root) == ["a.txt", "b.md", "docs/d.PDF", "docs/deep/c.md"]
    assert reasons(["."], root) == {"docs/e.exe": "no loader reads .exe"}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.md", ["b.md"]),
        ("**/*.md", ["b.md", "docs/deep/c.md"]),
        ("docs/*", ["docs/d.PDF", "docs/deep/c.md"]),
        ("docs/**/*.md", ["docs/deep/c.md"]),
        ("[ab].*", ["a.txt", "b.md"]),
    ],
)
def test_globs(root, pattern, found):
    assert sources([pattern], root) == found


def test_a_file_is_there_once_however_often_it_is_named(root):
    (root / "link.md").symlink_to(root / "b.md")
    assert sources(["b.md", "*.md", ".", root / "b.md", "docs/../b.md", "link.md"], root).count("b.md") == 1


def test_hidden_files_are_read_when_they_are_named(root):
    assert sources([".g.md", ".hidden"], root) == [".g.md", ".hidden/f.md"]


@pytest.mark.parametrize("given_name", ["../outside.md", "docs/../../outside.md", "link.md", "linked/outside.md"])
def test_nothing_outside_the_root_is_read(root, given_name):
    (root / "link.md").symlink_to(root.parent / "outside.md")
    (root / "linked").symlink_to(root.parent)
    assert sources([given_name], root) == []
    assert list(reasons([given_name], root).values()) == ["it is outside the folder that may be read"]
    assert "outside.md" not in " ".join(sources([".", root.parent, root.parent / "outside.md", "../*"], root))


def test_links_that_go_in_circles_end(root):
    (root / "docs" / "again").symlink_to(root)
    (root / "loop.md").symlink_to("loop.md")
    assert sources(["."], root) == ["a.txt", "b.md", "docs/d.PDF", "docs/deep/c.md"]


def test_a_pattern_looks_at_nothing_outside_the_root_or_behind_a_link(root):
    (root / "all").symlink_to("/")
    (root / "docs" / "again").symlink_to(root)
    assert sources(["**/*.md", "*/*", "/*/**", "/**", "../**/*.md", "all/**"], root) == [
        "b.md",
        "docs/d.PDF",
        "docs/deep/c.md",
    ]


def test_a_root_that_is_a_link_takes_absolute_names_below_it(root):
    (root.parent / "alias").symlink_to(root)
    alias = root.parent / "alias"
    assert sources([alias / "*.md", str(alias / "docs")], alias) == ["b.md", "docs/d.PDF", "docs/deep/c.md"]


def test_what_is_not_there_or_no_file_has_a_reason(root):
    os.mkfifo(root / "pipe.md")
    (root / "data").write_bytes(b"\x89PNG\0\0")
    assert reasons(["none.md", "*.nothing", "pipe.md", "data"], root) == {
        "none.md": "there is no such file",
        "*.nothing": "no file is named like this",
        "pipe.md": "it is no regular file",
        "data": "no loader reads files without a suffix (it is a binary file)",
    }


def test_files_that_are_known_by_name_need_no_suffix(root):
    for name in ("README", "Makefile", "LICENSE"):
        (root / name).write_text("text")
    assert set(sources(["."], root)) >= {"README", "Makefile", "LICENSE"}


def test_a_name_with_brackets_is_a_file_before_it_is_a_glob(root):
    (root / "notes [2024].md").write_text("text")
    assert sources(["notes [2024].md"], root) == ["notes [2024].md"]


def test_size_and_time_are_those_of_the_file(root):
    (found,) = find(["b.md"], root=root)
    assert (found.size_bytes, found.modified_s) == (4, (root / "b.md").stat().st_mtime)
    assert found.path == Path(os.path.realpath(root / "b.md"))


@given(
    st.lists(st.sampled_from(["..", ".", "docs", "a.txt", "*", "**", "/", "~", "deep", "[a"]), min_size=1, max_size=6)
)
def test_no_name_leads_out_of_the_root(tmp_path_factory, parts):
    base = tmp_path_factory.mktemp("base")
    (base / "root" / "docs").mkdir(parents=True)
    (base / "root" / "a.txt").write_text("in")
    (base / "a.txt").write_text("out")
    root = Path(os.path.realpath(base / "root"))
    assert all(one.reason or one.path.is_relative_to(root) for one in find(["/".join(parts)], root=root))


def test_a_database_that_somebody_has_open_is_not_looked_into(root):
    for name in ("a.sqlite", "a.sqlite-wal", "a.sqlite-shm", "closed.sqlite"):
        (root / name).write_bytes(b"\0")
    assert reasons(["*.sqlite*"], root) == {
        "a.sqlite": "it is a database in use",
        "a.sqlite-shm": "it is a database in use",
        "a.sqlite-wal": "it is a database in use",
        "closed.sqlite": "no loader reads .sqlite (it is a binary file)",
    }
