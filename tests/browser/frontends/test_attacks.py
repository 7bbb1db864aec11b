"""Every attack as the guard leaves it, in the page: nothing runs, nothing is fetched, nothing leads outside."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbformat.sign import NotebookNotary

pytestmark = pytest.mark.browser

_OUTPUT = ".jp-OutputArea-output"
_LAB = SimpleNamespace(name="lab", address="/lab/workspaces/{number}/tree/")
_NOTEBOOK = SimpleNamespace(name="notebook7", address="/notebooks/")
_MATHEMATICS = r"$\href{//evil.example/x}{x}$"
_DIAGRAM = 'flowchart TD\n  A@{ img: "//evil.example/x", h: 9, w: 9 }'


@pytest.fixture
def look(visits: Any, servers: Any, opened: Any, hostile: Any) -> Any:
    """Opens outputs in the front end; trusted they are as they are for the person who ran the cells."""

    def open_and_look(bundles: list[Any], *, is_trusted: bool = True, front_end: Any = _LAB) -> Any:
        server = servers[0 if is_trusted else 1]
        path = f"attacks-{front_end.name}-{len(bundles)}.ipynb"
        notebook = hostile.pages.attack_notebook(bundles)
        if is_trusted:
            NotebookNotary(data_dir=str(server.root.parent / "data")).sign(nbformat.from_dict(notebook))
        nbformat.write(notebook, server.root / path)
        context, before = visits.context(), len(visits.outside())
        hostile.pages.watch(context)
        page = context.new_page()
        shown = opened(page, server=server, front_end=front_end, path=path)
        seen = hostile.pages.look(page, within=_OUTPUT, count=len(bundles), outside=lambda: visits.outside()[before:])
        assert shown.is_trusted() == is_trusted
        # What was asked for in vain is told by the test, and no longer by the module.
        visits.urls[:] = [url for url in visits.urls if url not in {*seen.requests, *seen.followed}]
        context.close()
        return seen

    return open_and_look


def test_no_attack_gets_through_in_jupyterlab(look: Any, hostile: Any) -> None:
    chosen = hostile.attacks
    bundles = hostile.pages.answer_bundles(chosen, hostile.screen)
    bundles += hostile.pages.sample_bundles(chosen, hostile.screen, times=40)

    seen = look(bundles)

    assert len(chosen) >= 300
    assert (seen.acted, seen.requests, seen.followed, seen.live) == ([], [], [], [])


def test_no_attack_gets_through_in_notebook_7_with_another_s_notebook(look: Any, hostile: Any) -> None:
    # It draws many outputs slowly: all of them are in the benchmark.
    chosen = hostile.attacks[::5]

    seen = look(hostile.pages.answer_bundles(chosen, hostile.screen), is_trusted=False, front_end=_NOTEBOOK)

    assert (seen.acted, seen.requests, seen.followed, seen.live) == ([], [], [], [])


def test_no_word_of_a_record_gets_through(look: Any, hostile: Any) -> None:
    seen = look(hostile.pages.record_bundles(hostile.pages.record_texts(hostile.attacks)))

    assert (seen.acted, seen.requests, seen.followed, seen.live) == ([], [], [], [])


def test_attacks_that_nobody_screened_do_get_through(look: Any, hostile: Any) -> None:
    texts = [
        "<details open ontoggle=window.acted=1>a</details>",
        "![s](https://evil.example/x1)",
        "[go](https://evil.example/x2)",
    ]

    seen = look([{"text/markdown": text} for text in texts])

    assert set(seen.acted) == {"1"}
    assert seen.requests == ["https://evil.example/x1"]
    assert "https://evil.example/x2" in seen.followed
    assert len(seen.live) == 3


def test_words_of_a_card_are_no_mathematics(look: Any, hostile: Any) -> None:
    assert look(hostile.pages.record_bundles([_MATHEMATICS])).is_inert


def test_diagram_that_was_asked_for_as_code_is_shown_as_code(look: Any, hostile: Any) -> None:
    attack = type(hostile.attacks[0])("form", f"```mermaid\n{_DIAGRAM}\n```", "code")

    assert look(hostile.pages.answer_bundles([attack], hostile.screen)).is_inert
