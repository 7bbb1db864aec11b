"""Tracebacks of a notebook hold no secret in use."""

import pytest

from nbkit.magics.tracebacks import without_secrets
from nbkit.session import Session, current
from nbkit.testing import FakeProvider
from nbkit.testing.interactive import shell

KEY = "hf_0123456789abcdefghij"
LONG = "sk-" + "0123456789abcdef" * 10


@pytest.fixture
def notebook():
    with shell(environment={"HF_TOKEN": KEY, "OPENAI_API_KEY": LONG}) as loaded:
        loaded.run("%%llm\nhello")
        yield loaded


def drawn(cell):
    return "\n".join(cell.traceback)


@pytest.mark.parametrize("mode", ["Context", "Verbose", "Plain", "Minimal"])
def test_errors_of_plug_ins_and_of_the_readers_own_code_name_the_key(notebook, mode):
    notebook.run(f"%xmode {mode}")
    current().providers["fake"] = FakeProvider([RuntimeError(f"refused {KEY}")])
    plug_in = notebook.run("%%llm -m fake\nhello")
    own = notebook.run(f"int('{KEY}')")
    for cell in (plug_in, own):
        assert "[secret:HF_TOKEN]" in drawn(cell)
        assert KEY not in drawn(cell)


def test_variables_of_frames_are_shown_without_keys_also_where_they_are_cut(notebook):
    notebook.run("%xmode Verbose")
    drawing = drawn(notebook.run(f"def use(long, short):\n    1 / 0\nuse('{LONG[:3]}' + '{LONG[3:]}', '{KEY}')"))
    assert "[secret:OPENAI_API_KEY]" in drawing
    assert "[secret:HF_TOKEN]" in drawing
    assert LONG[20:40] not in drawing.replace("use(", "")


def test_key_with_colours_inside_is_found_and_its_line_loses_them():
    key = "hf_0123456789ab"
    session = Session(environment={"HF_TOKEN": key})
    error, lines = without_secrets(
        session, ValueError(key), [f"\x1b[31ma\x1b[0m {key[:9]}\x1b[32m{key[9:]}\x1b[0m\n\x1b[31mb\x1b[0m"]
    )
    assert lines == ["a [secret:HF_TOKEN]\n\x1b[31mb\x1b[0m"]
    assert str(error) == "[secret:HF_TOKEN]"


def test_traceback_without_a_key_is_as_it_was():
    error, line = ValueError("x"), "\x1b[31mValueError\x1b[0m: x"
    assert without_secrets(Session(environment={}), error, [line]) == (error, [line])


def test_unloading_gives_the_shell_its_own_drawing_back(notebook):
    assert "_showtraceback" in vars(notebook)
    notebook.run("%unload_ext nbkit")
    assert "_showtraceback" not in vars(notebook)


def test_drawing_that_somebody_else_put_there_is_used_and_stays(notebook):
    notebook.run("%unload_ext nbkit")
    seen = []
    theirs = notebook._showtraceback = lambda kind, error, lines: seen.append(lines)
    notebook.run("%load_ext nbkit")
    notebook.run(f"int('{KEY}')")
    assert "[secret:HF_TOKEN]" in "".join(seen[0])
    notebook.run("%unload_ext nbkit")
    assert notebook._showtraceback is theirs
    del notebook._showtraceback
