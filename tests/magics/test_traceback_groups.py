"""Exception groups, and whatever else IPython prints past its drawing of tracebacks, hold no secret in use."""

import contextlib
import io
import json
import sys

import pytest

from nbkit.magics.tracebacks import printed_without_secrets, stored_without_secrets, without_secrets
from nbkit.session import Session, current
from nbkit.testing import FakeProvider
from nbkit.testing.interactive import shell

KEY = "hf_0123456789abcdefghij"
PEM = "-----BEGIN KEY-----\n+MIIBVQIBADANBgkq\n  hkiG9w0BAQEFAASC\n-----END KEY-----"
MODES = ("Context", "Verbose", "Plain", "Minimal", "Docs")
USE = """
def fails(token):
    spelled = token + "!"
    raise ValueError(f"refused {spelled}")

def caught(token):
    try:
        fails(token)
    except ValueError as error:
        return error
"""
ENDS = {
    "group": "raise ExceptionGroup('many', [caught(token), OSError(2, token, token)])",
    "nested": "raise ExceptionGroup('out', [ExceptionGroup('in', [ExceptionGroup('deep', [caught(token)])])])",
    "message": "raise ExceptionGroup(token, [ValueError('x')])",
    "base group": "raise BaseExceptionGroup('out', [KeyboardInterrupt(token), caught(token)])",
    "cause of a group": "raise ExceptionGroup('out', [ValueError('x')]) from caught(token)",
    "context of a group": (
        "try:\n        fails(token)\n    except ValueError:\n        raise ExceptionGroup('o', [ValueError('x')])"
    ),
    "group as cause": "raise KeyError('x') from ExceptionGroup('out', [caught(token)])",
    "group as context": (
        "try:\n        raise ExceptionGroup('o', [caught(token)])\n    except Exception:\n        raise KeyError('x')"
    ),
    "cause in a group": (
        "error = TypeError('x')\n    error.__cause__ = caught(token)\n    raise ExceptionGroup('out', [error])"
    ),
    "note": "error = caught(token)\n    error.add_note('see ' + token)\n    raise error",
    "note in a group": (
        "error = TypeError('x')\n    error.add_note(token)\n    group = ExceptionGroup('out', [error])\n"
        "    group.add_note('also ' + token)\n    raise group"
    ),
    "note of a cause": (
        "error = TypeError('x')\n    error.add_note(token)\n    raise ExceptionGroup('out', [ValueError()]) from error"
    ),
    "own class": "class Own(ExceptionGroup): pass\n    raise Own('out', [caught(token)])",
    "except star": (
        "try:\n        raise ExceptionGroup('out', [caught(token), TypeError(token)])\n"
        "    except* TypeError as errors:\n        raise RuntimeError(token) from errors"
    ),
    "task group": (
        "import asyncio\n    async def one():\n        fails(token)\n"
        "    async def all():\n        async with asyncio.TaskGroup() as group:\n"
        "            group.create_task(one())\n            group.create_task(one())\n"
        "    loop = asyncio.new_event_loop()\n    try:\n        loop.run_until_complete(all())\n"
        "    finally:\n        loop.close()"
    ),
    "cannot be drawn": (
        "class Odd(Exception):\n        def _render_traceback_(self):\n            raise RuntimeError(token)\n"
        "    raise Odd(token)"
    ),
}


@pytest.fixture
def notebook():
    with shell(environment={"HF_TOKEN": KEY, "SIGNING_KEY": PEM}) as loaded:
        loaded.run("%%llm\nhello")
        loaded.run(USE)
        loaded.user_ns["tokens"] = {"HF_TOKEN": KEY, "SIGNING_KEY": PEM}
        yield loaded


def shown(cell):
    """All that a cell leaves to be seen, drawn or printed, without margins and colours."""
    return cell.text + "\n".join(cell.traceback)


def plain(text):
    return [line.lstrip(" |+") for line in text.replace("\\n", "\n").split("\n")]


def holds(text, key):
    """Whether a line of the key stands in the text."""
    found = "\n".join(plain(text))
    return any(part.strip("+ ") in found for part in key.split("\n") if "KEY-" not in part)


def source(end, name):
    return f"def use(token):\n    {end}\n\nuse(tokens['{name}'])"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", ENDS)
def test_groups_causes_contexts_and_notes_are_shown_without_keys(notebook, end, mode):
    notebook.run(f"%xmode {mode}")
    for name, key in (("HF_TOKEN", KEY), ("SIGNING_KEY", PEM)):
        cell = notebook.run(source(ENDS[end], name))
        assert cell.error is not None
        assert not holds(shown(cell), key), shown(cell)
        if mode not in ("Minimal", "Docs") and end not in ("group as cause", "own class"):
            assert f"[secret:{name}]" in shown(cell), shown(cell)


@pytest.mark.parametrize("mode", MODES)
def test_values_of_variables_in_frames_of_sub_exceptions_are_without_keys(notebook, mode):
    """As IPython draws each of them on its own, which a later IPython may do for those of a group."""
    notebook.run(f"%xmode {mode}")
    error = notebook.run(source(ENDS["nested"], "HF_TOKEN")).error
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = notebook.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
    assert mode != "Verbose" or "hf_0123456789abcdefghij!" in "\n".join(lines).replace("\x1b", "")
    notebook._showtraceback(type(error), error, lines)
    assert not holds("\n".join(notebook.cell.traceback), KEY)


@pytest.mark.parametrize("end", ENDS)
def test_what_the_history_keeps_for_an_export_is_without_keys(notebook, end, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook.run("%xmode Verbose")
    for name in ("HF_TOKEN", "SIGNING_KEY"):
        notebook.run(source(ENDS[end], name))
    kept = notebook.history_manager.exceptions
    assert kept
    text = json.dumps(kept, default=repr)
    assert not holds(text, KEY)
    assert not holds(text, PEM)


def test_drawn_again_it_is_without_keys_too(notebook):
    notebook.run(source(ENDS["nested"], "HF_TOKEN"))
    again = notebook.run("%tb Verbose")
    assert not holds(shown(again), KEY)


def test_group_that_a_plug_in_raises_is_without_keys(notebook):
    current().providers["fake"] = FakeProvider([ExceptionGroup("out", [RuntimeError(f"refused {KEY}")])])
    cell = notebook.run("%%llm -m fake\nhello")
    assert "[secret:HF_TOKEN]" in shown(cell)
    assert not holds(shown(cell), KEY)


def test_group_without_a_key_is_printed_as_it_was(notebook):
    code = "raise ExceptionGroup('a', [ValueError('  | b'), ExceptionGroup('c', [OSError('d')])])"
    ours = notebook.run(code)
    notebook.run("%unload_ext nbkit")
    theirs = notebook.run(code)
    names = ("<ipython-input-", "Cell In[")
    assert "Exception Group Traceback" in ours.text
    kept = [
        [line for line in cell.text.split("\n") if not any(name in line for name in names)] for cell in (ours, theirs)
    ]
    strip = [[line for line in lines if 'File "' not in line] for lines in kept]
    assert strip[0] == strip[1]


def test_unloading_gives_the_shell_its_own_printing_back(notebook):
    hooks = ("showtraceback", "_showtraceback", "_format_exception_for_storage")
    assert all(name in vars(notebook) for name in hooks)
    notebook.run("%unload_ext nbkit")
    assert not any(name in vars(notebook) for name in hooks)


def test_mistyped_magics_and_interrupts_are_printed_without_keys(notebook):
    for code in (f"%nothing_like_it {KEY}", f"raise KeyboardInterrupt('{KEY[:5]}' + '{KEY[5:]}')", f"%lsmagic --{KEY}"):
        assert not holds(shown(notebook.run(code)), KEY)


def test_key_over_several_lines_of_a_drawing_is_found():
    session = Session(environment={"SIGNING_KEY": PEM})
    lines = [f"\x1b[31mnote\x1b[0m {PEM}".replace("\n", "\x1b[0m\n\x1b[31m"), "end"]
    assert without_secrets(session, None, lines)[1] == ["note [secret:SIGNING_KEY]", "end"]
    apart = [f"  | {line}" for line in ["x", *PEM.split("\n"), "y"]]
    assert without_secrets(session, None, apart)[1] == ["x", "[secret:SIGNING_KEY]", "y"]


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_is_printed_meanwhile_is_cleaned_and_the_stream_is_back(monkeypatch, is_whole):
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    session = Session(environment={"HF_TOKEN": KEY})
    with contextlib.suppress(ZeroDivisionError), printed_without_secrets(session, is_whole=is_whole):
        sys.stderr.write(f"a {KEY} b")
        assert sys.stderr.isatty() is False
        sys.stderr.flush()
        assert stream.getvalue() == ("" if is_whole else "a [secret:HF_TOKEN] b")
        raise ZeroDivisionError
    assert sys.stderr is stream
    assert stream.getvalue() == "a [secret:HF_TOKEN] b"


def test_debugger_that_opens_after_a_group_is_shown_the_group_first(notebook, monkeypatch):
    seen = []
    notebook.call_pdb = True
    monkeypatch.setattr(notebook, "debugger", lambda force=False: seen.append(sys.stderr._stream.getvalue()))
    cell = notebook.run(source(ENDS["nested"], "HF_TOKEN"))
    notebook.call_pdb = False
    assert "Exception Group Traceback" in seen[0]
    assert not holds(shown(cell), KEY)


def test_error_of_an_unknown_shape_is_kept_as_it_is():
    session = Session(environment={"HF_TOKEN": KEY})
    assert stored_without_secrets(session, {"ename": "E", "traceback": None, "n": 3}) == {
        "ename": "E",
        "traceback": None,
        "n": 3,
    }
    kept = stored_without_secrets(session, {"evalue": KEY, "traceback": [f"a {KEY}"]})
    assert kept == {"evalue": "[secret:HF_TOKEN]", "traceback": ["a [secret:HF_TOKEN]"]}
