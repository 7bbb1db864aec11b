"""Every attack on its way through the guard, cut at each byte; what pages make of the rest is in tests/browser."""

from __future__ import annotations

import codecs
import importlib.util
import sys
from pathlib import Path

import pytest

from nbkit.guards.markdown import MarkdownGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.testing.factories import request

GUARD = MarkdownGuard(GuardOptions(SecretRegistry()))
_LONG_BYTES = 400


@pytest.fixture(scope="module")
def attacks():
    path = Path(__file__).parent / "attacks.py"
    spec = importlib.util.spec_from_file_location("tests_guards_attacks", path)
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.attacks()


def screen(text, form):
    return GUARD.screen(text, stage="output", request=request(format=form))


def stream(pieces, form):
    decoder, opened = codecs.getincrementaldecoder("utf-8")(), GUARD.open(request(format=form))
    shown = "".join([opened.feed(decoder.decode(piece)) for piece in pieces])
    last = opened.finish()
    return shown + last.text, last.verdict


def test_there_are_enough_and_no_two_are_the_same(attacks):
    assert len({(one.text, one.form) for one in attacks}) == len(attacks) >= 300
    assert len({one.family for one in attacks}) >= 20


def test_cut_at_any_byte_an_attack_comes_out_the_same(attacks):
    for one in attacks:
        whole, coded = screen(one.text, one.form), one.text.encode()
        # Long ones are cut at each byte by the benchmark.
        cuts = range(len(coded) + 1) if len(coded) < _LONG_BYTES else range(0, len(coded), 97)
        for cut in cuts:
            assert stream([coded[:cut], coded[cut:]], one.form) == (whole.text, whole.verdict), one
        assert stream([coded[at : at + 1] for at in range(len(coded))], one.form) == (whole.text, whole.verdict), one


def test_screened_attack_is_left_alone(attacks):
    for one in attacks:
        once = screen(one.text, one.form).text
        assert screen(once, one.form).text == once
