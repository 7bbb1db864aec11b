from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nbkit.errors import BadSetting
from nbkit.recorded import Origin
from nbkit.session import current
from nbkit.testing import factories
from nbkit.testing.interactive import shell
from nbkit.types import CacheOutcome, Timing


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shell() as loaded:
        yield loaded


def keep(count, *, first, hours_ago, **fields):
    for number in range(first, first + count):
        at = datetime.now(UTC) - timedelta(hours=hours_ago)
        current().ledger.write(factories.record(number, started_at=at, **fields))


def said(cell):
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain")) + cell.text


def test_a_home_with_few_calls_has_not_changed(notebook):
    text = said(notebook.run("%nbkit watch"))
    assert text.startswith("The last 24h beside the 24h before")
    assert text.count("too few calls") == 6
    assert "Nothing can be compared yet." in text


def test_what_has_changed_is_named_with_the_cell_that_did_it(notebook):
    keep(40, first=0, hours_ago=3)
    slow = Timing(total_s=9.0, attempts=1)
    keep(40, first=100, hours_ago=1, timing=slow, origin=Origin(cell_id="c7", notebook="/w/a.ipynb"))
    text = said(notebook.run("%nbkit watch --last 2h"))
    (line,) = [line for line in text.splitlines() if line.startswith("latency")]
    assert "500 ms" in line
    assert "9.00 s" in line
    assert "✗ worse" in line
    assert "model fake:fake-1 (100%), notebook /w/a.ipynb (100%), cell a.ipynb#c7 (100%)" in line
    assert "1 measure changed." in text


def test_thresholds_are_settings(notebook):
    keep(30, first=0, hours_ago=3)
    keep(20, first=100, hours_ago=1)
    keep(10, first=200, hours_ago=1, cache=CacheOutcome("hit"), timing=Timing(total_s=0.01))
    assert "✓ better" in said(notebook.run("%nbkit watch --last=2h"))
    notebook.run("%nbkit config watch.rate 0.9")
    assert "Nothing has changed." in said(notebook.run("%nbkit watch --last=2h"))
    notebook.run("%nbkit config watch.rate default")
    notebook.run("%nbkit config watch.least_calls 31")
    assert "Nothing can be compared yet." in said(notebook.run("%nbkit watch --last=2h"))


@pytest.mark.parametrize("line", ["--last", "--last soon", "now", "--since 2h", "--last 'open"])
def test_options_that_cannot_be_are_errors(notebook, line):
    assert isinstance(notebook.run(f"%nbkit watch {line}").error, BadSetting)
