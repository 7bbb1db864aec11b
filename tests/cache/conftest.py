"""An answer cache on a clock that stands still."""

from __future__ import annotations

import contextlib

import pytest

from nbkit.cache.answers import AnswerCache
from nbkit.testing.factories import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(tmp_path, clock):
    with contextlib.closing(AnswerCache(tmp_path / "answers", now=clock)) as made:
        yield made
