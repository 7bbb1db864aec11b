import _thread
import threading

import pytest

from nbkit.errors import BadSetting, PromptError, RateLimited, UnknownSetting
from nbkit.recorded import RECORD_MIME
from nbkit.testing.interactive import NotebookShell

BRACES = [
    '{"a": 1}', "return {}", "{ a : b }", "{1:2}", "{0}", "{", "}", "a{color:red}", "{x.y}", '{"a": {"b": 1}}',
    "{x!r}", r"\frac{a}{b}", "int main(){return 0;}", "$x ${x} $HOME", "!ls", "%pwd", "what?", "it's", "# comment",
]  # fmt: skip


def result(notebook: NotebookShell):
    return notebook.user_ns["_llm"]


def sent(notebook: NotebookShell) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in result(notebook).request.messages]


@pytest.mark.parametrize("text", BRACES)
def test_braces_dollars_and_magics_are_sent_as_typed(notebook, text):
    notebook.run("x = 1")
    assert notebook.run(f"%%llm\n{text}").error is None
    assert sent(notebook) == [("user", text)]
    assert notebook.run(f"%llm {text}").error is None
    assert sent(notebook) == [("user", text)]


def test_variables_of_the_notebook_fill_the_prompt_and_the_system_prompt(notebook):
    notebook.run("name = '{{ not_again }}'")
    cell = notebook.run("%%llm -s 'To {{ name }}'\nDear {{ name }}")
    assert cell.error is None
    assert sent(notebook) == [("system", "To {{ not_again }}"), ("user", "Dear {{ not_again }}")]


def test_a_lines_prompt_may_use_a_functions_own_variables(notebook):
    notebook.run("word = 'outer'\ndef ask(word):\n    answer = %llm say {{ word }}\n    return answer.text")
    assert notebook.run("ask('inner')").result == "say inner"


def test_the_same_prompt_by_cell_and_by_line_is_the_same_request(notebook):
    notebook.run("%%llm\nhello there")
    notebook.run("%llm hello there")
    assert result(notebook).cached


def test_a_question_by_line_is_a_prompt(notebook):
    cell = notebook.run("answer = %llm what is RAG?")
    assert cell.error is None
    assert notebook.user_ns["answer"].text == "what is RAG?"


def test_the_line_form_returns_the_result_and_carries_its_record(notebook):
    cell = notebook.run("%llm -t 0.5 'quoted' it's")
    assert cell.result.text == "'quoted' it's"
    assert cell.result.request.temperature == 0.5
    (records,) = cell.bundles(RECORD_MIME)
    assert len(records) == 1
    assert cell.bundles("text/markdown")


def test_the_cell_draws_the_answer_then_the_card(notebook):
    cell = notebook.run("%%llm\nhello **you**")
    answer, card = cell.outputs
    assert answer["data"]["text/markdown"].strip() == "hello **you**"
    assert set(card["data"]) == {"text/html", "text/plain", RECORD_MIME}
    assert cell.result is None


def test_out_names_a_variable_besides_the_last(notebook):
    notebook.run("%%llm -o mine\nhello")
    assert notebook.user_ns["mine"] is result(notebook)


def test_raw_sends_the_template_itself(notebook):
    notebook.run("x = 1")
    assert notebook.run("%%llm --raw\n{{ x }} {% raw").error is None
    assert sent(notebook) == [("user", "{{ x }} {% raw")]


def test_show_prompt_draws_what_would_be_sent_and_sends_nothing(notebook):
    notebook.run("x = 'value'")
    notebook.run("%%llm --thread t\nearlier", cell_id="a")
    cell = notebook.run("%%llm --thread t -s system --show-prompt\n<b>{{ x }}</b>", cell_id="b")
    (text,) = cell.bundles("text/plain")
    order = ("nothing was sent", "[system]\nsystem", "[user]\nearlier", "[assistant]\nearlier", "[user]\n<b>value</b>")
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "<b>" not in cell.bundles("text/html")[0]
    assert len(result(notebook).records) == 1
    assert sent(notebook) == [("user", "earlier")]
    assert cell.bundles(RECORD_MIME) == []


def test_quiet_draws_nothing_but_carries_the_record(notebook):
    cell = notebook.run("%%llm --quiet\nhello")
    assert [set(output["data"]) for output in cell.outputs] == [{RECORD_MIME}]
    assert result(notebook).text == "hello"
    cell = notebook.run("answer = %llm --quiet hello")
    assert [set(output["data"]) for output in cell.outputs] == [{RECORD_MIME}]


def test_a_file_is_the_prompt(notebook, tmp_path):
    path = tmp_path / "a prompt.txt"
    path.write_bytes(b"\xef\xbb\xbffrom\r\n {{ x }}\r\n")
    notebook.run("x = 'file'")
    assert notebook.run(f"%llm --file '{path}'").error is None
    assert sent(notebook) == [("user", "from\r\n file")]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad"])
def test_a_file_that_cannot_be_read_is_said(notebook, tmp_path, content):
    path = tmp_path / "p.txt"
    if content is not None:
        path.write_bytes(content)
    error = notebook.run(f"%llm --file {path}").error
    assert isinstance(error, PromptError)
    assert "_llm" not in notebook.user_ns


def test_a_file_and_a_body_are_two_prompts(notebook, tmp_path):
    assert isinstance(notebook.run(f"%%llm --file {tmp_path}\nhello").error, PromptError)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("%%llm --nope\nhi", UnknownSetting),
        ("%%llm -t hot\nhi", BadSetting),
        ("%%llm -s it's\nhi", BadSetting),
        ("%%llm\n{{ nobody }}", PromptError),
        ("%%llm\n{{", PromptError),
        ("%llm", PromptError),
        ("%%llm -p model=x\nhi", BadSetting),
    ],
)
def test_what_is_wrong_at_the_door_is_three_lines_and_draws_nothing(notebook, source, kind):
    cell = notebook.run(source)
    assert isinstance(cell.error, kind)
    assert len(cell.traceback) == 3
    assert cell.outputs == []


def test_a_call_that_fails_is_drawn_kept_and_raised(notebook):
    cell = notebook.run("%%llm -p fail=RateLimited -p fail_after=1 -o mine\none two")
    assert isinstance(cell.error, RateLimited)
    assert len(cell.traceback) == 3
    assert notebook.user_ns["mine"].record.status == "error"
    assert notebook.user_ns["mine"] is result(notebook)
    assert cell.bundles(RECORD_MIME)


def test_a_line_that_fails_carries_its_record_too(notebook):
    cell = notebook.run("%llm -p fail=RateLimited hello")
    assert isinstance(cell.error, RateLimited)
    assert cell.bundles(RECORD_MIME)
    assert result(notebook).record.status == "error"


def test_an_interrupt_keeps_the_partial_answer_and_ends_the_cell(notebook):
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    cell = notebook.run("%%llm -p delay_s=0.1\n" + " ".join(map(str, range(60))))
    timer.join()
    assert isinstance(cell.error, KeyboardInterrupt)
    assert len(cell.traceback) == 1
    found = result(notebook)
    assert found.record.status == "interrupted"
    assert found.text.startswith("0")
    assert "59" not in found.text
    assert cell.bundles(RECORD_MIME)
    notebook.run("%%llm -p delay_s=0\nnext")
    assert result(notebook).text == "next"


def test_samples_are_drawn_and_kept_together(notebook):
    notebook.run("%%llm -n 3 -t 1\nhello")
    assert result(notebook).samples == ("hello", "hello", "hello")


def test_a_thread_is_a_function_of_the_cells(notebook):
    notebook.run("%%llm --thread t\none", cell_id="a")
    notebook.run("%%llm --thread t\ntwo", cell_id="b")
    assert [content for _, content in sent(notebook)] == ["one", "one", "two"]
    notebook.run("%%llm --thread t\nONE", cell_id="a")
    assert [content for _, content in sent(notebook)] == ["ONE"]
    notebook.run("%%llm --thread t\ntwo", cell_id="b")
    assert [content for _, content in sent(notebook)] == ["ONE", "ONE", "two"]


def test_the_record_knows_its_cell(notebook):
    notebook.run("%%llm\nhello", cell_id="ab-1")
    place = result(notebook).record.origin
    assert place.cell_id == "ab-1"
    assert place.execution_count == 1


@pytest.mark.parametrize("source", ["%%llm", "%%llm\n", "%%llm -t 0.5", "%%llm\n\n"])
def test_an_empty_cell_is_three_lines_that_say_what_to_do(notebook, source):
    cell = notebook.run(source)
    assert str(cell.error).splitlines()[0] == "the prompt is empty"
    assert "--file" in cell.traceback[-1]


def test_an_empty_rag_cell_is_an_error_of_ours_too(notebook):
    assert len(notebook.run("%%rag").traceback) == 3


def test_a_cell_that_names_a_file_needs_no_body(notebook, tmp_path):
    path = tmp_path / "prompt.txt"
    path.write_text("from a file")
    assert notebook.run(f"%%llm --file '{path}'").error is None
    assert result(notebook).text == "from a file"


@pytest.mark.parametrize("source", ["%%llm?", "%%llm??", "%%rag?"])
def test_the_help_of_a_cell_magic_is_still_its_help(notebook, source):
    assert notebook.run(source).error is None
