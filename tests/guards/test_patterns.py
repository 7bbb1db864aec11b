"""Patterns of guards mean the same in every Python that nbkit runs on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nbkit.guards

SOURCES = sorted(Path(nbkit.guards.__file__).parent.glob("*.py"))
ON_A_GROUP = re.compile(r"(?:\)|_[A-Z]+\})(?:\{\{?\d*,\d*\}\}?|[*+?])\+")
"""A possessive quantifier on a group matches wrongly before Python 3.11.5 (gh-106052); an atomic group does not."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_group_has_a_possessive_quantifier(path):
    assert [line for line in path.read_text(encoding="utf-8").splitlines() if ON_A_GROUP.search(line)] == []
