import pytest

from nbkit.errors import BadSetting, ConfigError, UnknownSetting
from nbkit.session import current


def text(cell) -> str:
    assert cell.error is None, cell.error
    (found,) = cell.bundles("text/plain")
    return found


def test_why_names_the_field_that_differs(notebook):
    notebook.run("%%llm\nhello")
    notebook.run("%%llm -t 0.5\nhello")
    said = text(notebook.run("%cache why"))
    assert "temperature: 0.0 -> 0.5" in said
    assert "the same request again is a hit" in said


def test_why_tells_a_first_call_a_hit_and_a_call_without_the_cache_apart(notebook):
    notebook.run("%%llm\nhello")
    assert "nothing like it is stored" in text(notebook.run("%cache why"))
    notebook.run("%%llm\nhello")
    assert text(notebook.run("%cache why")).startswith("hit: ")
    notebook.run("%%llm --cache off\nhello")
    assert "cache was off" in text(notebook.run("%cache why"))


def test_why_never_shows_the_prompt(notebook):
    notebook.run("%%llm\nprivate words of the first")
    notebook.run("%%llm\nother words of the second")
    said = text(notebook.run("%cache why"))
    assert "private" not in said
    assert "chars" in said


def test_why_without_a_call_says_so(notebook):
    assert isinstance(notebook.run("%cache why").error, BadSetting)


def test_ls_shows_the_newest_and_how_many_there_are(notebook):
    for number in range(3):
        notebook.run(f"%%llm\nhello {number}")
    said = text(notebook.run("%cache ls 2"))
    assert said.count("echo:echo") == 2
    assert said.endswith("2 of 3 entries")
    assert "hello" not in said


@pytest.mark.parametrize("count", ["0", "x", "-1", "1.5"])
def test_ls_takes_a_number(notebook, count):
    assert isinstance(notebook.run(f"%cache ls {count}").error, BadSetting)


def test_stats_count_entries_hits_and_misses(notebook):
    notebook.run("%%llm\nhello")
    notebook.run("%%llm\nhello")
    said = text(notebook.run("%cache stats"))
    rows = dict(line.split("  ", 1) for line in said.split("\n") if "  " in line)
    assert rows["entries"].strip() == "1"
    assert rows["hits in this session"].strip() == "1"


def test_rm_removes_the_entry_that_ls_shows(notebook):
    notebook.run("%%llm\nhello")
    key = current().cache.entries(1)[0].key
    assert text(notebook.run(f"%cache rm {key[:12]}")) == "1 entry removed"
    assert current().cache.stats().entries == 0


@pytest.mark.parametrize("key", ["", "zz"])
def test_rm_of_nothing_is_an_error(notebook, key):
    assert isinstance(notebook.run(f"%cache rm {key}").error, ConfigError)


def test_clear_asks_nothing_and_says_how_many(notebook):
    for number in range(2):
        notebook.run(f"%%llm\nhello {number}")
    assert text(notebook.run("%cache clear")) == "2 entries removed"
    notebook.run("%%llm\nhello 1")
    assert not notebook.user_ns["_llm"].cached


def test_path_is_below_the_home(notebook):
    assert text(notebook.run("%cache path")) == str(current().cache.folder)


def test_an_unknown_command_is_answered_with_the_nearest(notebook):
    error = notebook.run("%cache cler").error
    assert isinstance(error, UnknownSetting)
    assert error.fix == "use %cache clear"
    assert isinstance(notebook.run("%cache").error, UnknownSetting)
    assert isinstance(notebook.run("%cache clear all").error, UnknownSetting)


def test_impact_sets_what_was_beside_what_would_have_been(notebook):
    notebook.run("%%llm\nhello")
    notebook.run("%%llm\nhello")
    text = "".join(notebook.run("%cache impact").bundles("text/plain"))
    assert "Cache impact: calls of the last 7d" in text
    assert "50% (1 of 2)" in text
    assert "Cache impact: this session" in "".join(notebook.run("%cache impact --since session").bundles("text/plain"))


@pytest.mark.parametrize("rest", ["7d", "--since", "--since tomorrow", "--by model"])
def test_impact_refuses_what_it_cannot_read(notebook, rest):
    assert isinstance(notebook.run(f"%cache impact {rest}").error, BadSetting)
