"""Pages and files in one index, with a real web server that fails later."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import threading
import unicodedata

import pytest

from nbkit.errors import BadSetting, CollectionError, EmbedError
from nbkit.rag.collection import Collection
from nbkit.testing import FakeEmbedder


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    index = tmp_path / ".home" / "index"
    with contextlib.closing(Collection(index, embedder=FakeEmbedder(), embedder_name="fake")) as found:
        yield found


def added(collection, *given, **options):
    found = collection.add(given, allow_urls=True, **options)
    return {row.source: (row.status, row.reason) for row in found.rows}


def sources(collection):
    return [one.source for one in collection.documents()]


def test_a_page_is_found_by_its_words_and_named_by_its_url(made, open_internet):
    url = open_internet.put("/fans/care", "<title>Fans</title><p>The K200 fan needs 30 W.", kind="text/html")
    assert added(made, url) == {url: ("new", "")}
    [passage] = made.search("K200 fan power")
    assert (passage.source, passage.text) == (url, "The K200 fan needs 30 W.")


def test_urls_are_not_fetched_unless_the_call_allows_them(made, open_internet):
    with pytest.raises(BadSetting, match="not fetched unasked"):
        made.add([open_internet.put("/a.md", "# Care")])
    assert open_internet.asked == []


def test_a_page_that_stayed_the_same_is_not_embedded_again(made, open_internet):
    url = open_internet.put("/a.md", "# Care")
    added(made, url)
    before = made._embedder.calls
    assert added(made, url) == {url: ("unchanged", "")}
    assert made._embedder.calls == before


def test_a_page_that_changed_says_what_it_says_now(made, open_internet):
    url = open_internet.put("/a.md", "Seals are kept dry.")
    added(made, url)
    open_internet.put("/a.md", "Seals are kept wet.")
    assert added(made, url) == {url: ("changed", "")}
    assert [one.text for one in made.search("seals")] == ["Seals are kept wet."]


@pytest.mark.parametrize("fault", ["drop", "gone", "film", "damaged", "private"])
def test_a_page_that_fails_later_stays_as_the_index_has_it(made, open_internet, fault):
    url = open_internet.put("/a.json", '{"seals": "are kept dry"}', kind="application/json")
    added(made, url)
    faults = {
        "drop": lambda: open_internet.drop("/a.json"),
        "gone": open_internet.pages.clear,
        "film": lambda: (
            open_internet.redirect("/a.json", "/film") and open_internet.put("/film", b"x", kind="video/mp4")
        ),
        "damaged": lambda: open_internet.put("/a.json", '{"seals": ', kind="application/json"),
        "private": lambda: open_internet.redirect("/a.json", "https://10.0.0.1/a.json"),
    }
    faults[fault]()
    [(status, reason)] = added(made, url).values()
    assert status == "failed"
    assert reason.endswith("; what the index has of it is kept")
    assert sources(made) == [url]
    assert "dry" in made.search("seals")[0].text


def test_a_page_that_fails_at_first_is_a_row_and_nothing_else(made, open_internet):
    good, bad = open_internet.put("/a.md", "# Care"), f"{open_internet.put('/b.md', '')[:-4]}none.md"
    assert added(made, bad, good) == {bad: ("failed", "the server answered HTTP 404"), good: ("new", "")}
    assert sources(made) == [good]


def test_pages_stay_when_a_folder_or_other_pages_are_added(made, tmp_path, open_internet):
    url = open_internet.put("/a.md", "# Care")
    added(made, url)
    (tmp_path / "b.md").write_text("# Seals")
    assert added(made, ".")["b.md"] == ("new", "")
    (tmp_path / "b.md").unlink()
    assert added(made, ".") == {"b.md": ("removed", "")}
    assert sources(made) == [url]
    assert made.remove(url)
    assert sources(made) == []


def test_a_file_that_is_gone_and_was_named_is_taken_out(made, tmp_path):
    (tmp_path / "b.md").write_text("# Seals")
    added(made, "b.md")
    (tmp_path / "b.md").unlink()
    assert added(made, "b.md") == {"b.md": ("removed", "")}
    assert added(made, "b.md") == {"b.md": ("failed", "there is no such file")}


def test_a_file_that_cannot_be_read_any_more_stays_as_the_index_has_it(made, tmp_path):
    (tmp_path / "b.json").write_text('{"a": 1}')
    added(made, "b.json")
    (tmp_path / "b.json").write_text('{"a": ')
    [(status, reason)] = added(made, "b.json").values()
    assert status == "failed"
    assert reason.endswith("; what the index has of it is kept")
    assert sources(made) == ["b.json"]
    (tmp_path / "b.json").unlink()
    assert added(made, "b.json") == {"b.json": ("removed", "")}


@pytest.mark.parametrize("given", ["docs/*.md", "docs/**/*.md", "do*/*"])
def test_what_a_pattern_brought_and_is_gone_is_taken_out_with_it(made, tmp_path, given):
    (tmp_path / "docs").mkdir()
    for name in ("docs/a.md", "docs/b.md", "docs/c.txt", "d.md"):
        (tmp_path / name).write_text(f"# {name}")
    added(made, given, "docs/c.txt", "d.md")
    for name in ("docs/a.md", "d.md"):
        (tmp_path / name).unlink()
    found = added(made, given)
    assert found["docs/a.md"] == ("removed", "")
    assert sources(made) == ["d.md", "docs/b.md", "docs/c.txt"]


def test_a_pattern_that_nothing_is_like_any_more_takes_out_what_it_brought(made, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Seals")
    added(made, "docs/*.md")
    (tmp_path / "docs" / "a.md").unlink()
    assert added(made, "docs/*.md") == {"docs/a.md": ("removed", "")}
    assert added(made, "docs/*.md") == {"docs/*.md": ("failed", "no file is named like this")}


def test_a_hidden_file_that_was_named_stays_when_its_folder_is_added(made, tmp_path):
    for name in (".care.md", "a.md"):
        (tmp_path / name).write_text(f"# {name}")
    added(made, ".care.md")
    assert added(made, ".") == {"a.md": ("new", "")}
    assert sources(made) == [".care.md", "a.md"]
    (tmp_path / ".care.md").unlink()
    assert added(made, ".")[".care.md"] == ("removed", "")


def test_names_with_accents_are_met_however_their_letters_are_written(made, tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "Überblick.md")).write_text("# Seals are kept dry")
    added(made, ".")
    for where in ("path ~ 'überblick'", "path ~ 'ÜBERBLICK'", "path = 'Überblick.md'", "path in ('Überblick.md')"):
        assert len(made.search("seals", where=where)) == 1, where
    assert made.search("seals", where="path != 'Überblick.md'") == []
    assert made.remove(unicodedata.normalize("NFC", "Überblick.md"))


def test_an_open_index_goes_on_with_the_one_in_its_place(made, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.md").write_text(f"# Fan {name}")
    added(made, "a")
    assert [one.source for one in made.search("fan")] == ["a/a.md"]
    shutil.rmtree(made.folder)
    assert not made.is_current
    with pytest.raises(CollectionError, match="holds nothing any more"):
        made.search("fan")
    assert not made.folder.exists()
    with contextlib.closing(Collection(made.folder, embedder=FakeEmbedder(), embedder_name="fake")) as other:
        added(other, "b")
        assert [one.source for one in made.search("fan")] == ["b/b.md"]
        assert added(made, "a", "b") == {"a/a.md": ("new", ""), "b/b.md": ("unchanged", "")}
        assert sources(other) == sources(made) == ["a/a.md", "b/b.md"]


def test_an_open_index_that_was_built_with_another_model_is_refused(made, tmp_path):
    (tmp_path / "a.md").write_text("# Fan")
    added(made, "a.md")
    shutil.rmtree(made.folder)
    other = Collection(made.folder, embedder=FakeEmbedder(seed="other"), embedder_name="other")
    with contextlib.closing(other):
        added(other, "a.md")
        for _ in range(2):
            with pytest.raises(CollectionError, match="embedder name was other and is fake"):
                made.search("fan")


def test_who_waits_for_another_that_adds_is_told(made, tmp_path):
    (tmp_path / "a.md").write_text("# Fan")
    told = []
    with contextlib.closing(Collection(made.folder, embedder=FakeEmbedder(), embedder_name="fake")) as other:
        with other._index.writing():
            adding = threading.Thread(target=lambda: made.add(["a.md"], on_progress=told.append))
            adding.start()
            while not told:
                adding.join(0.05)
        adding.join()
    assert told[0].step == "waiting: another kernel is adding to this index"
    assert sources(made) == ["a.md"]


def test_chunks_have_the_size_that_the_index_was_made_with(made, tmp_path):
    (tmp_path / "a.md").write_text("\n\n".join(f"Pump {number} is oiled weekly by hand." for number in range(60)))
    folder = made.folder.parent / "small"

    def opened(**sizes):
        return contextlib.closing(Collection(folder, embedder=FakeEmbedder(), embedder_name="fake", **sizes))

    added(made, "a.md")
    with opened(chunk_tokens=20, overlap_tokens=8) as small:
        added(small, "a.md")
        assert small.stats().chunks > 2 * made.stats().chunks
    with opened() as again:
        stats = again.stats()
        assert (stats.embedder_name, stats.chunk_tokens, stats.overlap_tokens) == ("fake", 20, 8)
    with (
        pytest.raises(CollectionError, match=r"chunk tokens was 20 and is 80: .*\n.*--rebuild"),
        opened(chunk_tokens=80),
    ):
        pass
    with pytest.raises(BadSetting, match="cannot have 20 tokens and repeat 11"), opened(overlap_tokens=11):
        pass


def test_the_name_of_a_page_is_embedded_without_its_query(made, open_internet):
    added(made, open_internet.put("/docs/pump-guide", "It hums.") + "?page=2&token=8f14e45fceea167a")
    assert made._embedder.texts == ["pump guide\nIt hums."]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send")
def test_an_interrupt_while_pages_are_fetched_ends_it_and_nothing_is_lost(made, tmp_path, open_internet):
    (tmp_path / "b.md").write_text("# Seals")
    url = open_internet.hang("/slow.md")
    main = threading.get_ident()

    def send():
        open_internet.hanging.acquire(timeout=5)
        signal.pthread_kill(main, signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    found = made.add(["b.md", url], allow_urls=True)
    sender.join()
    assert (found.is_whole, found.rows) == (False, ())
    assert open_internet.given_up.acquire(timeout=5)
    assert added(made, "b.md") == {"b.md": ("new", "")}


def test_another_writes_while_pages_are_fetched(made, tmp_path, open_internet):
    (tmp_path / "b.md").write_text("# Seals")
    url = open_internet.hang("/slow.md", after=b"HTTP/1.1 200 X\r\ncontent-type: text/markdown\r\n\r\n# Care")
    fetching = threading.Thread(target=lambda: made.add([url], allow_urls=True))
    fetching.start()
    assert open_internet.hanging.acquire(timeout=5)
    with contextlib.closing(Collection(made.folder, embedder=FakeEmbedder(), embedder_name="fake")) as other:
        assert added(other, "b.md") == {"b.md": ("new", "")}
    open_internet.__exit__()
    fetching.join(5)
    assert sources(made) == ["b.md", url]


def test_progress_rises_within_a_big_file_and_ends_whole(made, tmp_path):
    text = "\n\n".join(f"Paragraph {number}: " + "the pump is oiled weekly. " * 12 for number in range(400))
    (tmp_path / "big.md").write_text(text)
    told = []
    found = made.add(["big.md"], on_progress=told.append)
    shares = [one.share for one in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len({share for share in shares if 0 < share < 1}) >= 3
    assert told[-1].chunks == found.rows[0].chunks
    assert max(one.in_hand[1] for one in told) == found.rows[0].chunks


def test_what_was_embedded_of_a_big_file_before_an_interrupt_is_in_hand(made, tmp_path, monkeypatch):
    (tmp_path / "big.md").write_text("\n\n".join(f"Paragraph {number} " + "is oiled. " * 60 for number in range(300)))
    told = []

    def tell(progress):
        told.append(progress)
        if progress.chunks:
            raise KeyboardInterrupt

    found = made.add(["big.md"], on_progress=tell)
    assert not found.is_whole
    assert 0 < told[-1].chunks < told[-1].in_hand[1]
    assert sources(made) == []


def test_a_service_that_fails_midway_keeps_the_files_before_it(made, tmp_path, monkeypatch):
    for number in range(3):
        (tmp_path / f"{number}.md").write_text("\n\n".join(f"Line {line} " + "is oiled. " * 60 for line in range(80)))
    embed = made._embedder.embed

    def tired(texts, *, is_query=False):
        if any("Line 70" in text for text in texts) and made.documents():
            raise EmbedError(what="no more", why="it is tired", fix="wait")
        return embed(texts, is_query=is_query)

    monkeypatch.setattr(made._embedder, "embed", tired)
    with pytest.raises(EmbedError, match="no more"):
        made.add(["."])
    assert sources(made) == ["0.md"]
