"""`%rag` and `%%rag` in a shell, on an embedder without weights."""

from __future__ import annotations

import re

import pytest

from nbkit.api import index
from nbkit.recorded import RECORD_MIME
from nbkit.session import current
from nbkit.testing import FakeEmbedder, FakeProvider
from nbkit.testing.interactive import shell


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "fan.md").write_text("# Fans\n\nThe K200 fan needs 30 W of power.\n\n# Seals\n\nSeals are kept dry.\n")
    (docs / "warranty.txt").write_text("Spare parts are kept for twelve years after the last sale.\n")
    with shell() as loaded:
        session = current()
        session.collections.embedders["fake"] = FakeEmbedder()
        session.providers["fake"] = FakeProvider(["The K200 fan needs 30 W [2]. It hums at night."])
        session.configure({"rag_embedder": "fake", "model": "fake"})
        yield loaded


class Shortest:
    """A reranker that likes short passages."""

    name = "shortest"

    def score(self, question, passages):
        return [-float(len(passage)) for passage in passages]

    def close(self):
        pass


def text_of(cell):
    return "\n".join(cell.bundles("text/plain"))


def test_folder_is_added_and_added_again_without_embedding(notebook):
    first = text_of(notebook.run("%rag add docs --index handbook"))
    assert re.search(r"2 files: 2 new, 0 changed, 0 unchanged, 0 removed, 0 failed · \d chunks embedded", first)
    again = text_of(notebook.run("%rag add docs --index handbook"))
    assert "2 unchanged, 0 removed, 0 failed · 0 chunks embedded" in again


def test_file_that_cannot_be_read_is_a_row(notebook, tmp_path):
    (tmp_path / "docs" / "bad.pdf").write_bytes(b"no pdf")
    said = text_of(notebook.run("%rag add docs"))
    assert "docs/bad.pdf" in said
    assert "1 failed" in said


def test_answer_is_cited_and_the_sources_are_drawn(notebook):
    notebook.run("%rag add docs --index handbook")
    cell = notebook.run("%%rag handbook -o answer\nHow much power does the K200 fan need?")
    assert cell.error is None
    answer = notebook.user_ns["answer"]
    assert re.match(r"The K200 fan needs 30 W \[\d\]\. It hums at night \[\?\]\.", answer.text)
    assert "docs/fan.md, characters" in text_of(cell)
    assert answer.record.retrieval.index == "handbook"
    ((record,),) = cell.bundles(RECORD_MIME)
    assert record["retrieval"]["passages"]


def test_only_index_needs_no_name_and_an_unknown_one_gets_the_nearest(notebook):
    notebook.run("%rag add docs --index handbook")
    assert notebook.run("%%rag\nHow much power does the K200 fan need?").error is None
    failed = notebook.run("%%rag handbok\nHow much?")
    assert "use 'handbook'" in "".join(failed.traceback)


def test_without_any_index_the_error_says_how_to_make_one(notebook):
    assert "%rag add PATH --index NAME" in "".join(notebook.run("%%rag\nHow much?").traceback)


def test_exact_prompt_is_shown_and_nothing_is_sent(notebook):
    notebook.run("%rag add docs --index handbook")
    said = text_of(notebook.run("%%rag handbook --show-prompt -k 1 --mode bm25\nK200 fan power"))
    assert "⟪passage 1⟫ docs/fan.md" in said
    assert "⟪passage 2⟫" not in said
    assert current().providers["fake"].calls == 0


def test_search_draws_scores_and_places(notebook):
    notebook.run("%rag add docs --index handbook")
    said = text_of(notebook.run("%rag search spare parts --mode bm25 -k 1"))
    assert "docs/warranty.txt, characters 1 to" in said


def test_search_takes_a_question_as_it_is_typed(notebook):
    notebook.run("%rag add docs --index handbook")
    said = text_of(notebook.run("%rag search what's kept for twelve years after the last sale? --mode bm25 -k 1"))
    assert "what's kept" in said
    assert "docs/warranty.txt, characters 1 to" in said


def test_filter_keeps_to_the_documents_it_names(notebook):
    notebook.run("%rag add docs --index handbook")
    said = text_of(notebook.run("""%rag search power --filter "path ~ 'warranty'" """))
    assert "fan.md" not in said
    assert "warranty.txt" in said


def test_lists_stats_and_removal(notebook):
    notebook.run("%rag add docs --index handbook")
    assert re.search(r"handbook +2 ", text_of(notebook.run("%rag ls")))
    assert "docs/fan.md" in text_of(notebook.run("%rag ls --index handbook"))
    assert re.search(r"documents +2", text_of(notebook.run("%rag stats")))
    assert "1 document removed" in text_of(notebook.run("%rag rm docs/fan.md"))
    assert "fan.md" not in text_of(notebook.run("%rag ls --index handbook"))
    assert "removed" in text_of(notebook.run("%rag drop handbook"))
    assert "none yet" in text_of(notebook.run("%rag ls"))


@pytest.mark.parametrize("named", ["handbook", "--index handbook"])
def test_files_and_figures_of_one_index_are_asked_for_by_its_name(notebook, named):
    notebook.run("%rag add docs --index handbook")
    listed = text_of(notebook.run(f"%rag ls {named}"))
    assert re.search(r"file +title +chunks +pages +added\n", listed)
    assert re.search(r"docs/fan\.md +Fans +\d +\d{4}-\d\d-\d\d \d\d:\d\d\n", listed)
    assert re.search(r"documents +2", text_of(notebook.run(f"%rag stats {named}")))


@pytest.mark.parametrize(
    "line",
    ["%rag", "%rag ad docs", "%rag add", "%rag search", "%rag rm x", "%rag drop x", "%rag add docs --index ../x"],
)
def test_bad_lines_are_three_lines_and_the_next_cell_works(notebook, line):
    notebook.run("%rag add docs --index handbook")
    failed = notebook.run(line)
    assert failed.error is not None
    assert len("".join(failed.traceback).strip().splitlines()) <= 3 or "why:" in "".join(failed.traceback)
    assert notebook.run("%rag ls").error is None


def test_another_embedder_is_refused_with_the_command_that_rebuilds(notebook):
    notebook.run("%rag add docs --index handbook")
    current().collections.embedders["other"] = FakeEmbedder(seed="other")
    failed = notebook.run("%rag add docs --index handbook --embedder other")
    assert "--rebuild" in "".join(failed.traceback)
    assert notebook.run("%rag add docs --index handbook --embedder other --rebuild").error is None


def test_help_says_what_each_command_takes(notebook):
    assert "--rebuild" in notebook.user_ns["get_ipython"]().magics_manager.magics["line"]["rag"].getdoc()


def test_a_reranker_orders_what_is_found_and_the_answer_says_so(notebook):
    notebook.run("%rag add docs --index handbook")
    current().collections.embedders["shortest"] = Shortest()
    plain = text_of(notebook.run("%rag search how much power does the fan need"))
    anew = text_of(notebook.run("%rag search how much power does the fan need --rerank shortest"))
    assert plain.index("fan.md") < plain.index("warranty.txt")
    assert re.search(r"1 +similarity \S+ +order -\d+\.000", anew)
    cell = notebook.run("%%rag --rerank shortest -o answer\nHow much power does the K200 fan need?")
    scores = [one.score for one in notebook.user_ns["answer"].record.retrieval.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(score == int(score) < 0 for score in scores)
    assert "hybrid, reranked by shortest" in text_of(cell)


def test_a_reranker_that_is_not_here_is_an_error_before_anything_is_asked(notebook):
    notebook.run("%rag add docs --index handbook")
    failed = notebook.run("%%rag --rerank no/such-model\nHow much?")
    assert "no/such-model" in "".join(failed.traceback)
    assert current().providers["fake"].calls == 0


def test_show_opens_every_passage_whole_with_its_figures(notebook):
    notebook.run("%rag add docs --index handbook")
    question = "How much power does the K200 fan need?"
    folded = "".join(notebook.run(f"%%rag\n{question}").bundles("text/html"))
    shown = "".join(notebook.run(f"%%rag --show\n{question}").bundles("text/html"))
    assert "similarity" in folded
    assert "ordered by" not in folded
    assert re.search(r"similarity \d\.\d\d, BM25 \d+\.\d", shown)
    assert shown.count("<details open") > folded.count("<details open")


def test_why_names_the_document_that_has_changed(notebook, tmp_path):
    notebook.run("%rag add docs --index handbook")
    notebook.run("%%rag\nHow much power does the K200 fan need?")
    (tmp_path / "docs" / "fan.md").write_text(
        "# Fans\n\nThe K200 fan needs 35 W of power.\n\n# Seals\n\nSeals are dry.\n"
    )
    notebook.run("%rag add docs --index handbook")
    notebook.run("%%rag\nHow much power does the K200 fan need?")
    why = text_of(notebook.run("%cache why"))
    assert "sources: docs/fan.md" in why
    assert "warranty.txt" not in why


def test_urls_are_fetched_only_where_the_line_allows_it(notebook, open_internet):
    url = open_internet.put("/care.md", "The K300 fan is oiled weekly.")
    refused = notebook.run(f"%rag add {url} --index web")
    assert "--allow-url" in "".join(refused.traceback)
    assert (open_internet.asked, current().collections.names()) == ([], [])
    said = text_of(notebook.run(f"%rag add {url} docs --allow-url --index web"))
    assert "3 files: 3 new" in said
    assert f"{url}, characters" in text_of(notebook.run("%rag search K300 oiled weekly --mode bm25 -k 1"))


def test_no_setting_of_a_project_allows_urls(notebook, tmp_path, open_internet):
    url = open_internet.put("/care.md", "# Care")
    (tmp_path / "pyproject.toml").write_text("[tool.nbkit.rag]\nallow_url = true\n")
    assert notebook.run(f"%rag add {url}").error is not None
    assert open_internet.asked == []


def test_a_page_that_fails_is_a_row_and_a_token_is_never_drawn(notebook, open_internet):
    good = open_internet.put("/care.md", "# Care")
    line = f"%rag add {good}?token=8f14e45fceea167a https://93.184.215.14/none?token=8f14e45fceea167a --allow-url"
    cell = notebook.run(line)
    said = text_of(cell)
    assert "1 new, 0 changed, 0 unchanged, 0 removed, 1 failed" in said
    assert "the server answered HTTP 404" in said
    assert "8f14e45f" not in said + "".join(cell.bundles("text/html")) + text_of(notebook.run("%rag ls --index docs"))


def test_a_page_can_be_taken_out_as_it_is_listed(notebook, open_internet):
    url = open_internet.put("/care.md", "# Care")
    notebook.run(f"%rag add {url}?page=2&token=8f14e45fceea167a docs --allow-url")
    listed = re.search(r"https://\S+", text_of(notebook.run("%rag ls --index docs")))[0]
    assert "1 document removed" in text_of(notebook.run(f"%rag rm {listed}"))


def test_when_nothing_came_of_it_there_is_no_index(notebook, open_internet):
    said = text_of(notebook.run("%rag add https://93.184.215.14/none --allow-url --index web"))
    assert "1 failed" in said
    assert "so there is no index" in said
    assert current().collections.names() == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (r"C:\docs\new", [r"C:\docs\new"]),
        (r'"C:\my docs\new"', [r"C:\my docs\new"]),
        (r"'C:\my docs\new'", [r"C:\my docs\new"]),
        (r"\\server\share", [r"\\server\share"]),
        (r"my\ docs", ["my docs"]),
        (r"docs\new\my\ docs", [r"docs\new\my docs"]),
        (r"it\'s C:\docs 'x y'", ["it's", r"C:\docs", "x y"]),
        (r"""  "it's" C:\docs 'x' """, ["it's", r"C:\docs", "x"]),
        (r'"a\"b" c\d', ['a"b', r"c\d"]),
        ("docs\\", ["docs\\"]),
        ("docs/*.md", ["docs/*.md"]),
    ],
)
def test_backslashes_of_paths_stand_for_themselves(notebook, monkeypatch, given, words):
    seen = []
    monkeypatch.setattr(current().collections, "add", lambda name, paths, *_, **__: seen.append(paths) or 1 / 0)
    notebook.run(f"%rag add {given}")
    assert seen == [words]


def test_a_path_written_with_backslashes_gets_the_one_with_slashes(notebook):
    failed = notebook.run(r"%rag add docs\fan.md")
    assert "write it with /: docs/fan.md" in "".join(failed.traceback)
    assert current().collections.names() == []


def test_what_is_not_there_is_refused_and_the_index_stays(notebook):
    notebook.run("%rag add docs --index handbook")
    failed = notebook.run("%rag add dosc --index handbook --rebuild")
    assert "did you mean 'docs'?" in "".join(failed.traceback)
    assert "2 unchanged" in text_of(notebook.run("%rag add docs --index handbook"))


def test_only_what_is_worth_a_look_is_drawn(notebook, tmp_path):
    for number in range(30):
        (tmp_path / "docs" / f"{number:02}.bin").write_bytes(b"\0")
        (tmp_path / "docs" / f"{number:02}.md").write_text(f"# Page {number}")
    said = text_of(notebook.run("%rag add docs"))
    assert "30 files such as docs/00.bin" in said
    assert "docs/01.bin" not in said
    assert "13 more files not shown" in said
    again = text_of(notebook.run("%rag add docs"))
    assert "32 unchanged" in again
    assert "fan.md" not in again


def test_an_interrupt_is_raised_after_what_was_done_is_drawn(notebook, monkeypatch):
    fake = current().collections.embedders["fake"]

    def stopped(texts, *, is_query=False):
        raise KeyboardInterrupt

    monkeypatch.setattr(fake, "embed", stopped)
    cell = notebook.run("%rag add docs --index handbook")
    assert isinstance(cell.error, KeyboardInterrupt)
    assert "interrupted: what was done is kept" in text_of(cell)


def test_a_file_that_is_gone_is_taken_out_when_it_is_named_alone(notebook, tmp_path):
    notebook.run("%rag add docs --index handbook")
    (tmp_path / "docs" / "fan.md").unlink()
    assert "1 removed" in text_of(notebook.run("%rag add docs/fan.md --index handbook"))
    assert notebook.run("%rag add docs/fan.md --index handbook").error is not None


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("ls --indx handbook", "use --index"),
        ("stats --rebuild", "it is one of %rag add"),
        ("add docs --mode bm25", "it is one of %rag search"),
        ("rm docs/fan.md -k 3", "it is one of %rag search"),
        ("drop handbook --index handbook", "it takes none"),
        ("add docs --chunk-token 40", "use --chunk-tokens"),
        ("stats handbook docs", "%rag stats handbook"),
        ("ls handbook --index docs", "%rag ls handbook"),
        ("ls handbok", "use 'handbook'"),
    ],
)
def test_what_is_not_a_commands_own_is_refused_with_the_nearest(notebook, line, hint):
    notebook.run("%rag add docs --index handbook")
    assert hint in "".join(notebook.run(f"%rag {line}").traceback)
    assert re.search(r"handbook +2 ", text_of(notebook.run("%rag ls")))


def test_words_may_stand_behind_options(notebook):
    said = text_of(notebook.run("%rag add docs/fan.md --index handbook docs/warranty.txt"))
    assert "2 files: 2 new" in said


def test_half_a_command_is_not_done(notebook):
    notebook.run("%rag add docs --index handbook")
    failed = "".join(notebook.run("%rag rm docs/fan.md docs/waranty.txt").traceback)
    assert "handbook has no document 'docs/waranty.txt'" in failed
    assert "did you mean 'docs/warranty.txt'?" in failed
    assert notebook.run("%rag drop handbook extra").error is not None
    assert re.search(r"handbook +2 ", text_of(notebook.run("%rag ls")))
    assert "2 documents removed" in text_of(notebook.run("%rag rm docs/fan.md docs/warranty.txt docs/fan.md"))


def test_an_index_that_cannot_be_opened_is_listed_beside_the_others(notebook):
    notebook.run("%rag add docs --index handbook")
    for name, content in (("bad", b"no database " * 1000), ("empty", b"")):
        (current().collections.folder / name).mkdir()
        (current().collections.folder / name / "index.sqlite").write_bytes(content)
    (current().collections.folder / "odd" / "index.sqlite").mkdir(parents=True)
    said = text_of(notebook.run("%rag ls"))
    assert re.search(r"index +documents +chunks +size +state", said)
    assert re.search(r"handbook +2 ", said)
    for name in ("bad", "empty", "odd"):
        assert re.search(rf"{name} +\? +\? +\? +cannot be opened: ", said)


def test_without_a_name_the_only_index_is_added_to(notebook):
    assert "Index docs" in text_of(notebook.run("%rag add docs/fan.md"))
    notebook.run("%rag drop docs")
    notebook.run("%rag add docs/fan.md --index handbook")
    said = text_of(notebook.run("%rag add docs"))
    assert "Index handbook" in said
    assert re.search(r"file +status +chunks +reason", said)
    notebook.run("%rag add docs --index other")
    assert "Index docs" in text_of(notebook.run("%rag add docs"))


def test_stats_name_the_embedder_and_the_size_of_chunks(notebook):
    notebook.run("%rag add docs --chunk-tokens 40 --overlap 10")
    said = text_of(notebook.run("%rag stats"))
    assert re.search(r"embedder +fake, \d+ dimensions, id ", said)
    assert re.search(r"chunk size +40 tokens at most, 10 of them again", said)
    failed = "".join(notebook.run("%rag add docs --chunk-tokens 60").traceback)
    assert "chunk tokens was 40 and is 60" in failed
    assert "--rebuild" in failed
    assert notebook.run("%rag add docs --chunk-tokens sixty").error is not None
    assert notebook.run("%rag add docs --chunk-tokens 60 --overlap 0 --rebuild").error is None


def test_a_filter_that_meets_nothing_says_so(notebook):
    notebook.run("%rag add docs --index handbook")
    cell = notebook.run("""%rag search power --filter "path ~ 'wrranty'" """)
    assert "nothing was found: no document meets the filter path ~ 'wrranty'" in text_of(cell)
    assert "no document meets the filter" in "".join(cell.bundles("text/html"))


def test_a_filter_that_meets_nothing_fails_the_cell_that_asks(notebook):
    notebook.run("%rag add docs --index handbook")
    failed = notebook.run("""%%rag handbook --filter "path ~ 'wrranty'"\nHow much power?""")
    assert failed.error is not None
    said = "".join(failed.traceback)
    assert "no document meets the filter path ~ 'wrranty'" in said
    assert "%rag ls handbook" in said
    assert current().providers["fake"].calls == 0
    assert notebook.run("""%%rag handbook --filter "path ~ 'fan'"\nHow much power?""").error is None


def test_filter_takes_two_equals_signs_for_one(notebook):
    notebook.run("%rag add docs --index handbook")
    for sign in ("=", "=="):
        said = text_of(notebook.run(f"""%rag search power --filter "path {sign} 'docs/warranty.txt'" """))
        assert "docs/warranty.txt, " in said
        assert "fan.md" not in said


def test_the_name_of_an_index_as_first_word_names_it_in_a_search_too(notebook):
    notebook.run("%rag add docs/fan.md --index shop\n%rag add docs/warranty.txt --index other")
    named = text_of(notebook.run("%rag search shop K200 power --mode bm25"))
    assert named.startswith("shop: K200 power (")
    assert "docs/fan.md" in named
    behind = text_of(notebook.run("%rag search -k 1 shop K200 power --mode bm25"))
    assert behind.startswith("shop: K200 power (")


@pytest.mark.parametrize("line", ['"shop hours"', "-- shop hours", "shop hours --index shop", "shop"])
def test_a_question_that_begins_like_an_index_can_be_asked(notebook, line):
    notebook.run("%rag add docs --index shop")
    asked = line.partition(" --")[0].strip('"').removeprefix("-- ")
    assert text_of(notebook.run(f"%rag search {line}")).startswith(f"shop: {asked} (")


def test_documents_are_taken_out_by_any_name_they_are_added_by(notebook, tmp_path):
    whole = tmp_path / "docs" / "fan.md"
    for named in (whole, "./docs/fan.md", f"handbook {whole}", "handbook docs/fan.md"):
        notebook.run("%rag add docs --index handbook")
        assert "1 document removed from handbook" in text_of(notebook.run(f"%rag rm {named}"))
    notebook.run("%rag add docs --index handbook")
    assert index("handbook").remove(str(whole))
    assert not index("handbook").remove(str(whole))


def test_a_name_that_is_missing_is_refused_in_sentences(notebook):
    notebook.run("%rag add docs --index handbook")
    alone = "".join(notebook.run("%rag rm x.txt").traceback)
    assert "nothing was removed" in alone
    assert "named" not in alone.partition("nothing was removed")[2].partition("fix")[0]
    both = "".join(notebook.run("%rag rm docs/fan.md x.txt").traceback)
    assert "nothing was removed, of the others that were named neither" in both


def test_scores_say_what_they_mean_in_plain_text_too(notebook):
    notebook.run("%rag add docs --index handbook")
    both, dense, words = (
        text_of(notebook.run(f"%rag search power --mode {one}")) for one in ("hybrid", "dense", "bm25")
    )
    assert re.search(r"1  similarity -?[01]\.\d\d  order -?\d+\.\d{3}  docs/", both)
    assert "similarity: 1 says just what is asked, 0 nothing of it; order compares within this table" in both
    assert re.search(r"1  similarity -?[01]\.\d\d  docs/", dense)
    assert re.search(r"1  BM25 \d+\.\d{3}  docs/", words)
    assert "similarity" not in words


def test_frame_has_the_similarity_beside_the_score(notebook):
    notebook.run("%rag add docs --index handbook")
    frame = index("handbook").search("power").to_frame()
    assert list(frame.columns[:3]) == ["similarity", "score", "source"]
    assert frame["similarity"].between(-1, 1).all()
    assert index("handbook").search("power", mode="bm25").to_frame()["similarity"].isna().all()


def test_rows_of_a_table_that_is_cut_are_asked_about_with_their_header(notebook, tmp_path):
    rows = "\n".join(f"| Valve {number} | {number * 7} bar |" for number in range(200))
    (tmp_path / "docs" / "valves.md").write_text(f"# Valves\n\n| Part | Pressure |\n| --- | --- |\n{rows}\n")
    notebook.run("%rag add docs/valves.md --index valves")
    said = text_of(notebook.run("%%rag valves --show-prompt -k 1 --mode bm25\nValve 150"))
    assert re.search(r"⟪passage 1⟫ docs/valves.md[^\n]*\n\| Part \| Pressure \|\n\| ?--- \|", said)
    assert "| Valve 150 | 1050 bar |" in said
    shown = notebook.run("%%rag valves --show -k 1 --mode bm25\nValve 150")
    assert re.search(r'<th scope="col"[^>]*>Pressure</th>', "".join(shown.bundles("text/html")))
    assert re.search(r"<td[^>]*>1050 bar</td>", "".join(shown.bundles("text/html")))
