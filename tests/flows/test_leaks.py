"""No key in use is in anything a notebook writes, whatever fails; `tests/bench/bench_leaks.py` runs all paths."""

import pytest

SOME = 40


@pytest.fixture
def place(leaking, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with leaking.place() as found:
        yield found


@pytest.mark.filterwarnings("ignore")
def test_no_key_leaks_on_any_of_some_paths(place, leaking, leak_ways, faults):
    every = list(leak_ways.all_ways(faults))
    assert len(every) >= 500
    assert len({way.name for way in every}) == len(every)
    quick = [way for way in every if not way.name.startswith(("service", "document"))]
    found = []
    for way in leak_ways.sample(quick, SOME):
        way.run(place)
        found += [f"{way.name}: {leak}" for leak in place.look()]
    found += place.look_into_files()
    found += [f"report: {leak}" for leak in leaking.leaks(place.report())]
    assert found == []


def test_document_with_a_key_is_in_the_index_and_nowhere_else(place, leaking):
    (place.folder / "given" / "note.md").write_text(f"# Notes\n\nThe token is {leaking.KEYS['HF_TOKEN']}.\n")
    place.run("%rag add given --index notes", "%rag search token --index notes", "%%rag notes\nWhich token?")
    assert place.look() == []
    assert {find.split("/")[1] for find in place.look_into_files()} <= {"indexes"}


@pytest.mark.parametrize("mode", ["Context", "Verbose", "Plain", "Minimal"])
def test_traceback_of_the_readers_own_code_names_the_key(place, leaking, mode):
    place.run(f"%xmode {mode}")
    cell = place.run("def use(token):\n    raise ValueError(f'no entry for {token}')\nuse(keys['OPENAI_API_KEY'])")
    assert "no entry for [secret:OPENAI_API_KEY]" in "".join(cell.traceback)
    assert "no entry for [secret:OPENAI_API_KEY]" in cell.text
    assert place.look() == []


def test_key_that_a_traceback_cuts_is_taken_out_too(place, leaking):
    place.run("%xmode Verbose")
    cell = place.run("def use(token):\n    1 / 0\nuse(keys['ANTHROPIC_API_KEY'])")
    assert "[secret:ANTHROPIC_API_KEY]" in "".join(cell.traceback)
    assert place.look() == []


def test_key_that_is_typed_as_a_models_name_is_not_drawn(place, leaking):
    cell = place.run(f"%%llm -m echo:{leaking.KEYS['OPENAI_API_KEY']}\nhi")
    assert "[secret:OPENAI_API_KEY]" in "".join(cell.bundles("text/html"))
    assert place.look() == []


def test_error_that_ask_raises_quotes_no_key(place, leaking, leak_ways):
    with leak_ways.in_place_of(
        "provider", leak_ways.Raising(leak_ways.RequestRefused(what=leak_ways.OPENAI, why="x", fix="x"))
    ):
        cell = place.run("import nbkit\ntry:\n    nbkit.ask('hi')\nexcept nbkit.NbkitError as error:\n    print(error)")
    assert "[secret:OPENAI_API_KEY]" in cell.text
    assert place.look() == []
