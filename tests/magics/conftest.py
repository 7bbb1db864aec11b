from collections.abc import Iterator

import pytest

from nbkit.testing.interactive import NotebookShell, shell


@pytest.fixture
def notebook() -> Iterator[NotebookShell]:
    """A shell with nbkit loaded on an empty home; its model is `echo`."""
    with shell() as loaded:
        yield loaded


@pytest.fixture
def questions(notebook: NotebookShell) -> NotebookShell:
    """The same shell with a data set of two cases; `echo` answers the first of them right."""
    notebook.user_ns["questions"] = [
        {"id": "tea", "input": "say tea", "expected": "say tea", "kind": "hot"},
        {"id": "milk", "input": "say milk", "expected": "say water", "kind": "cold"},
    ]
    return notebook
