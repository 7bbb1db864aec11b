"""What a reader names, as files with the names that the index has for them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from nbkit.errors import CollectionError
from nbkit.rag.gathering import Gathering, refuse_nothing


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "index").mkdir()
    for name in ("docs/a.md", "docs/more/b.md", "other/c.md", "docs2/d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "index"


def gathered(folder, *given):
    with contextlib.closing(Gathering(given, folder=folder)) as gathering:
        return [(one.source, one.reason, one.is_kept) for one in gathering.found()]


def sources(folder, *given):
    return [source for source, _, _ in gathered(folder, *given)]


def test_files_folders_and_globs_are_files_once(folder):
    assert sources(folder, "docs", "docs/a.md", "docs/*.md", "other/*") == ["docs/a.md", "docs/more/b.md", "other/c.md"]


@pytest.mark.parametrize("given", ["", "*.md", "**/*.md", "*"])
def test_a_link_in_a_folder_elsewhere_leads_nowhere_else(folder, tmp_path_factory, given):
    there, private = tmp_path_factory.mktemp("downloads"), tmp_path_factory.mktemp("private")
    (private / "diary.md").write_text("secret")
    (there / "fine.md").write_text("# Fine")
    (there / "notes.md").symlink_to(private / "diary.md")
    (there / "same.md").symlink_to(there / "fine.md")
    found = gathered(folder, "docs", there / given)
    assert [Path(source).name for source, reason, _ in found if not reason] == ["fine.md", "a.md", "b.md"]
    assert [reason for _, reason, _ in found if reason] == ["it is outside the folder that may be read"]


def test_a_link_in_a_folder_elsewhere_may_lead_into_the_one_that_names_start_from(folder, tmp_path, tmp_path_factory):
    there = tmp_path_factory.mktemp("downloads")
    (there / "notes.md").symlink_to(tmp_path / "docs" / "a.md")
    assert sources(folder, there) == ["docs/a.md"]


def test_a_link_that_is_named_itself_is_followed(folder, tmp_path_factory):
    there, private = tmp_path_factory.mktemp("downloads"), tmp_path_factory.mktemp("private")
    (private / "diary.md").write_text("mine")
    (there / "all").symlink_to(private)
    assert [Path(source).name for source in sources(folder, there / "all")] == ["diary.md"]


def test_names_stay_those_of_the_first_working_directory(folder, tmp_path, monkeypatch):
    assert sources(folder, "docs/a.md") == ["docs/a.md"]
    monkeypatch.chdir(tmp_path / "other")
    assert sources(folder, "c.md", "../docs/a.md", tmp_path / "docs2") == ["docs/a.md", "docs2/d.md", "other/c.md"]


def test_the_home_directory_is_meant_by_a_tilde(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "other"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "other"))
    assert sources(folder, "~/c.md") == ["other/c.md"]
    assert gathered(folder, "~nobody-of-this-name/c.md")[0][1] == "there is no such file"


@pytest.mark.parametrize(
    ("given", "inside", "outside"),
    [
        ("docs", ["docs/x.md", "docs/more/x.md"], ["docs2/x.md", "x.md", "../docs/x.md", "https://a.org/docs/x.md"]),
        (".", ["x.md", "docs/x.md"], ["../x.md", "https://a.org/x.md", "https://…0123456789ab"]),
        ("docs/a.md", [], ["docs/a.md", "docs/x.md"]),
        ("docs/*.md", ["docs/x.md"], ["docs/x.txt", "docs/more/x.md", "../docs/x.md", "https://a.org/docs/x.md"]),
        ("*/x.md", ["docs/x.md"], ["../x.md", "x.md"]),
        ("docs/**/*.md", ["docs/x.md", "docs/more/x.md"], ["docs2/x.md"]),
        ("https://a.org/docs", [], ["https://a.org/docs/x.md", "docs/x.md"]),
    ],
)
def test_only_what_lies_in_a_folder_that_was_added_can_be_gone(folder, given, inside, outside):
    gathering = Gathering([given], folder=folder)
    assert [gathering.is_under(source) for source in inside] == [True] * len(inside)
    assert [gathering.is_under(source) for source in outside] == [False] * len(outside)


def test_pages_are_files_with_the_url_for_a_name_until_it_is_closed(folder, open_internet):
    url = open_internet.put("/care.md", "# Care")
    gathering = Gathering([url, "docs/a.md", f"{url}#part", url], folder=folder)
    found = list(gathering.found())
    assert [one.source for one in found] == ["docs/a.md", url]
    assert (found[1].path.read_text(), found[1].size_bytes, found[1].is_kept) == ("# Care", 6, True)
    gathering.close()
    assert not found[1].path.parent.exists()
    assert open_internet.asked == ["/care.md"]


def test_nothing_is_fetched_before_it_is_asked_for(folder, open_internet):
    Gathering([open_internet.put("/care.md", "# Care")], folder=folder).close()
    assert open_internet.asked == []


def test_a_page_that_fails_is_a_reason_and_no_reason_to_forget_it(folder, open_internet):
    [(source, reason, is_kept)] = gathered(folder, open_internet.drop("/care.md"))
    assert source == "https://93.184.215.14/care.md"
    assert reason.startswith("the connection broke")
    assert is_kept


def test_tokens_are_digests_of_the_index_which_keeps_no_token(folder, tmp_path, open_internet):
    url = open_internet.put("/care.md", "# Care") + "?page=2&token=8f14e45fceea167a"
    first, second, other = (sources(one, url) for one in (folder, folder, _made(tmp_path / "another")))
    assert first == second != other
    assert first[0].startswith("https://93.184.215.14/care.md?page=2&token=…")
    assert open_internet.asked[0] == "/care.md?page=2&token=8f14e45fceea167a"
    assert all(b"8f14e45f" not in path.read_bytes() for path in folder.iterdir())


def test_fetching_tells_which_page_it_is_at(folder, open_internet):
    told = []
    urls = [open_internet.put(f"/{number}.md", "# Care") for number in range(2)]
    with contextlib.closing(Gathering([*urls, "docs"], folder=folder)) as gathering:
        list(gathering.found(told.append))
    assert [one.step for one in told] == [*(f"fetching {url}" for url in urls), ""]
    assert {(one.files_done, one.files, one.chunks) for one in told} == {(0, 2, 0)}


def test_no_secret_of_a_url_is_told_while_it_is_fetched(folder, open_internet):
    told = []
    with contextlib.closing(Gathering(["https://me:hunter@a.org/?key=hunter"], folder=folder)) as gathering:
        found = list(gathering.found(told.append))
    assert "hunter" not in repr((told, found))


def test_nothing_named_and_nothing_there_are_refused(folder):
    with pytest.raises(CollectionError, match="nothing is named"):
        refuse_nothing([])
    with pytest.raises(CollectionError, match="there is no 'doc' and 1 more"):
        refuse_nothing(["doc", "others"])
    with pytest.raises(CollectionError, match=r"there is no 'docs/\*\.pdf'"):
        refuse_nothing(["docs/*.pdf"])


@pytest.mark.parametrize("given", [["docs"], ["doc", "docs/a.md"], ["docs/*.md"], ["https://a.org/none"], ["do*/**"]])
def test_one_that_leads_somewhere_is_enough(folder, given):
    refuse_nothing(given)


def test_a_broken_link_is_there(folder, tmp_path):
    (tmp_path / "link.md").symlink_to(tmp_path / "nowhere")
    refuse_nothing(["link.md"])


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("dosc/", "did you mean 'docs'?"),
        ("docs/A.MD", "did you mean 'a.md'?"),
        ("docs/*.txt", "docs/**/*.md those below it too"),
        (r"docs\a.md", "write it with /: docs/a.md"),
        ("nowhere/at/all", "a name with spaces stands in quotes"),
        ("zzz", "a name with spaces stands in quotes"),
    ],
)
def test_the_error_says_what_may_have_been_meant(folder, given, hint):
    with pytest.raises(CollectionError) as caught:
        refuse_nothing([given])
    assert hint in caught.value.fix


def test_names_with_line_breaks_are_one_line_of_the_error(folder):
    with pytest.raises(CollectionError) as caught:
        refuse_nothing(["a\nb\x1b[31m.md"])
    assert len(str(caught.value).splitlines()) == 3
    assert "\x1b" not in str(caught.value)


def _made(path):
    path.mkdir()
    return path
