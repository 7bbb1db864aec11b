import pytest
from IPython.core.completer import provisionalcompleter

from nbkit.session import current
from nbkit.testing.interactive import NotebookShell


def completions(notebook: NotebookShell, text: str) -> list[str]:
    """The cell's texts after each completion at its end, without what IPython would say itself."""
    with provisionalcompleter():
        found = list(notebook.Completer.completions(text, len(text)))
    return [text[: one.start] + one.text for one in found]


@pytest.fixture(autouse=True)
def variables(notebook):
    notebook.run("question = 1\nquota = {}\n_hidden = 2")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%%llm --max-t", "%%llm --max-tokens"),
        ("%llm --sho", "%llm --show-prompt"),
        ("x = %llm --no", "x = %llm --no-stream"),
        ("%%llm -t 0 --ca", "%%llm -t 0 --cache"),
        ("%%llm --cache ref", "%%llm --cache refresh"),
        ("%%llm --cache=ref", "%%llm --cache=refresh"),
        ("%%llm -f js", "%%llm -f json"),
        ("%%llm -m ech", "%%llm -m echo:"),
        ("%%llm -m quic", "%%llm -m quick"),
        ("%cache st", "%cache stats"),
        ("%nbkit tr", "%nbkit traceback"),
        ("%nbkit das", "%nbkit dashboard"),
        ("%nbkit pa", "%nbkit panel"),
        ("%nbkit dashboard --si", "%nbkit dashboard --since"),
        ("%nbkit dashboard --since pro", "%nbkit dashboard --since project"),
        ("%nbkit dashboard --since 7d --by note", "%nbkit dashboard --since 7d --by notebook"),
        ("%nbkit dashboard --static --mo", "%nbkit dashboard --static --model"),
        ("%nbkit config temp", "%nbkit config temperature"),
        ("%nbkit config cache re", "%nbkit config cache refresh"),
        ("%nbkit report --hi", "%nbkit report --hide-code"),
        ("%%llm\nhi {{ que", "%%llm\nhi {{ question"),
        ("%%llm\nhi {{que", "%%llm\nhi {{question"),
        ("%%llm\nhi\n{{ 1 + que", "%%llm\nhi\n{{ 1 + question"),
        ("%%llm\n{% for x in que", "%%llm\n{% for x in question"),
        ("%%llm\n{{ quota.ite", "%%llm\n{{ quota.items"),
        ("%llm say {{ que", "%llm say {{ question"),
        ("%rag se", "%rag search"),
        ("%rag add docs --allow", "%rag add docs --allow-url"),
        ("%rag search fans --mode de", "%rag search fans --mode dense"),
        ("%%rag --min", "%%rag --min-score"),
        ("%%rag --mode bm", "%%rag --mode bm25"),
        ("%%rag\nhi {{ que", "%%rag\nhi {{ question"),
        ("%%llm -s '{{ que", "%%llm -s '{{ question"),
    ],
)
def test_what_is_typed_is_completed(notebook, typed, expected):
    current().configure({"aliases": {"quick": "echo:upper"}})
    assert completions(notebook, typed) == [expected]
    current().configure({"aliases": None})


def test_models_come_from_aliases_weights_and_providers(notebook, nbkit_home):
    from nbkit.models.weights import find, path_of

    path = path_of(find("smollm2-135m"), current().home)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(find("smollm2-135m").size_bytes)
    assert completions(notebook, "%%llm -m local:") == ["%%llm -m local:smollm2-135m"]
    assert completions(notebook, "%%llm -m local:smo") == ["%%llm -m local:smollm2-135m"]


def test_threads_are_those_of_the_session(notebook):
    notebook.run("%%llm --thread plans\nhi")
    assert completions(notebook, "%%llm --thread pl") == ["%%llm --thread plans"]


def test_an_option_that_was_given_is_not_offered_again_unless_it_repeats(notebook):
    assert "%%llm --samples 1 --seed" in completions(notebook, "%%llm --samples 1 --s")
    assert "%%llm --seed 1 --seed" not in completions(notebook, "%%llm --seed 1 --s")
    assert completions(notebook, "%%llm --stop a --sto") == ["%%llm --stop a --stop"]


def test_hidden_names_are_not_offered(notebook):
    offered = completions(notebook, "%%llm\n{{ ")
    assert "%%llm\n{{ question" in offered
    assert not any("_hidden" in one for one in offered)


@pytest.mark.parametrize(
    "typed", ["%%bash\n%llm --ma", "100 %llm_", "# %nbkit", "s = '%cache st", "%%llm\n{{ x }} plain que", "%%llm\nque"]
)
def test_elsewhere_nothing_of_ours_is_offered(notebook, typed):
    from IPython.core.completer import CompletionContext

    from nbkit.magics.extension import Extension

    lines = typed.split("\n")
    context = CompletionContext("", typed, len(lines[-1]), len(lines) - 1, None)
    assert not list(Extension.of(notebook).complete(context)["completions"])


def test_a_property_of_a_value_is_not_run(notebook):
    notebook.run("ran = []\nclass T:\n    @property\n    def boom(self):\n        ran.append(1)\nthing = T()")
    assert completions(notebook, "%%llm\n{{ thing.bo") == ["%%llm\n{{ thing.boom"]
    assert notebook.user_ns["ran"] == []


def test_completing_loads_no_price_table():
    import subprocess
    import sys

    code = (
        "import sys; from nbkit.testing.interactive import shell\n"
        "from IPython.core.completer import provisionalcompleter\n"
        "with shell() as s, provisionalcompleter(): list(s.Completer.completions('%%llm -m gp', 11))\n"
        "sys.exit(any(name in sys.modules for name in ('genai_prices', 'httpx', 'jinja2')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("typed", ["%%rag hand", "%rag search fans --index hand", "%rag drop hand", "%rag ls hand"])
def test_indexes_are_completed(notebook, typed):
    (current().collections.folder / "handbook").mkdir(parents=True)
    (current().collections.folder / "handbook" / "index.sqlite").touch()
    assert completions(notebook, typed) == [typed + "book"]
