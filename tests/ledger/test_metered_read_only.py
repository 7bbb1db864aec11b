"""What monitoring counts in a store that can only be read."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from nbkit.ledger.sqlite import SqliteSink
from nbkit.protocols import SinkOptions
from nbkit.testing import factories

NOBODY = 65534


@pytest.fixture
def folder():
    # Not below pytest's own, which only the user who runs the tests may enter.
    made = Path(tempfile.mkdtemp(prefix="nbkit-locked-"))
    yield made
    shutil.rmtree(made)


@contextlib.contextmanager
def locked(folder):
    """Takes the rights away; root, for whom they do not count, becomes someone else meanwhile."""
    is_root = os.geteuid() == 0
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
        if is_root:
            os.chown(path, NOBODY, NOBODY)
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for path in paths:
            path.chmod(0o700)


def test_new_records_are_counted_though_nothing_can_be_written(folder):
    sink = SqliteSink(SinkOptions(folder))
    sink.write(factories.record(1))
    assert sum(one.calls for one in sink.metered().counted) == 1
    sink.write(factories.record(2))
    sink.close()
    with locked(folder):
        reader = SqliteSink(SinkOptions(folder))
        for _ in range(2):
            found = reader.metered()
            assert sum(one.calls for one in found.counted) == 2
            assert {one.measure: sum(one.counts) for one in found.distributions}["duration"] == 2
        assert reader.notice is not None
        reader.close()
