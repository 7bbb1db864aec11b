import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from nbkit.magics.questions import keep_questions


def transformed(cell: str) -> str:
    manager = TransformerManager()
    manager.cleanup_transforms.append(keep_questions)
    return manager.transform_cell(cell)


def untouched(cell: str) -> bool:
    lines = cell.splitlines(keepends=True)
    return keep_questions(lines) == lines


@pytest.mark.parametrize(
    ("cell", "call"),
    [
        ("%llm what is RAG?", "get_ipython().run_line_magic('llm', 'what is RAG?')\n"),
        ("%llm what is RAG??", "get_ipython().run_line_magic('llm', 'what is RAG??')\n"),
        ("  %llm why?  ", "get_ipython().run_line_magic('llm', 'why?')\n"),
        ("%llm it's {x} $y?", "get_ipython().run_line_magic('llm', \"it's {x} $y?\")\n"),
        ("%llm is ( open?", "get_ipython().run_line_magic('llm', 'is ( open?')\n"),
        ('%llm """ is it?', "get_ipython().run_line_magic('llm', '\"\"\" is it?')\n"),
        ("%llm -t 0 is 5 % 2 one?", "get_ipython().run_line_magic('llm', '-t 0 is 5 % 2 one?')\n"),
        ("x = %llm why?", "x = get_ipython().run_line_magic('llm', 'why?')\n"),
        ("d['a'] = %llm why?", "d['a'] = get_ipython().run_line_magic('llm', 'why?')\n"),
        ("a, b = %llm why?", "a, b = get_ipython().run_line_magic('llm', 'why?')\n"),
        ("%rag search wer ist der nächste Ausflug?",
         "get_ipython().run_line_magic('rag', 'search wer ist der nächste Ausflug?')\n"),
        ("%guard test what's this?", "get_ipython().run_line_magic('guard', \"test what's this?\")\n"),
        ("%llm a \\\n b?", "get_ipython().run_line_magic('llm', 'a   b?')\n"),
    ],
)  # fmt: skip
def test_a_question_stays_a_prompt(cell, call):
    assert transformed(cell) == call


def test_several_statements_and_blocks_are_each_kept():
    cell = "!ls it's\nfor x in y:\n    %llm what's {x}?\n    z = %llm no(?\n%llm done\nf'?'\n"
    assert transformed(cell) == (
        'get_ipython().system("ls it\'s")\nfor x in y:\n'
        "    get_ipython().run_line_magic('llm', \"what's {x}?\")\n"
        "    z = get_ipython().run_line_magic('llm', 'no(?')\n"
        "get_ipython().run_line_magic('llm', 'done')\nf'?'\n"
    )


@pytest.mark.parametrize(
    "cell",
    [
        "%llm?\n",
        "%llm??\n",
        "%%llm\n%llm what?\n",
        "%%time\n%llm what?\n",
        "s = '''\n%llm what is RAG?\n'''\n",
        'def f():\n    """Docs.\n\n    %llm what?\n    """\n',
        "s = '%llm what?'\n",
        "s = ('a'\n%llm what?\n)\n",
        "x = 1 + \\\n%llm what?\n",
        "# %llm what?\n",
        "print('a')  # x = %llm what?\n",
        "f(%llm what?)\n",
        "a == %llm b?\n",
        "!echo %llm what?\n",
        "y = 5 %llm\n",
        "%llmx what?\n",
        "%rag?\n",
        "%rag search?\n",
        "%ragx search it?\n",
        "# %rag search it now?\n",
        "other?\n",
        "",
    ],
)
def test_what_is_no_statement_of_the_magic_is_left_alone(cell):
    assert untouched(cell)


def test_help_for_the_magic_itself_still_works():
    assert "pinfo" in transformed("%llm?")
    assert "pinfo" in transformed("%%llm?")


def test_a_string_that_ends_on_a_line_like_the_magic_is_read_as_python():
    cell = 's = """\n%llm not?"""\n%llm yes?\n'
    assert keep_questions(cell.splitlines(keepends=True)) == [
        's = """\n',
        '%llm not?"""\n',
        "get_ipython().run_line_magic('llm', 'yes?')\n",
    ]


@given(st.lists(st.sampled_from(["%llm", "?", "'", '"""', "(", ")", "\n", "\\", " ", "x", "=", "%", "#", "    "])))
def test_any_cell_keeps_what_is_not_the_magics(pieces):
    cell = "".join(pieces)
    lines = cell.splitlines(keepends=True)
    kept = keep_questions(lines)
    if "%llm" not in cell or "?" not in cell:
        assert kept == lines
    assert [line for line in kept if "run_line_magic" not in line] == [line for line in kept if line in lines]
