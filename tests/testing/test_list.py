"""The list of public names is what can be imported."""

from __future__ import annotations

import subprocess
import sys

from nbkit import testing


def test_every_name_on_the_list_is_there_and_documented():
    assert len(testing.__all__) == len(set(testing.__all__))
    for name in testing.__all__:
        assert name == "START" or getattr(testing, name).__doc__, name


def test_a_name_that_is_not_there_is_an_attribute_error():
    assert not hasattr(testing, "manager")


def test_the_replay_plug_in_brings_nothing_else_along():
    code = "import sys, nbkit.testing.replay; print({'IPython', 'nbformat', 'nbkit.session'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
