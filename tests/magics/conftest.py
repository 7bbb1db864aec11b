from collections.abc import Iterator

import pytest

from nbkit.testing.interactive import NotebookShell, shell


@pytest.fixture
def notebook() -> Iterator[NotebookShell]:
    """A shell with nbkit loaded on an empty home; its model is `echo`."""
    with shell() as loaded:
        yield loaded
