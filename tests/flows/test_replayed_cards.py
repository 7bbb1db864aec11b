"""A notebook that is replayed says so in each of its cards, however they are drawn."""

from __future__ import annotations

import json

import pytest

from nbkit.canonical import to_plain
from nbkit.recorded import RECORD_MIME
from nbkit.testing.factories import record, request, response
from nbkit.testing.interactive import shell
from nbkit.types import Timing


@pytest.mark.parametrize("ui", ["html", "widget", "text"])
def test_each_card_says_that_it_is_replayed_and_how_long_the_call_took(tmp_path, ui):
    asked = request("2+2?", provider="openai", model="gpt-4o-mini", format="md")
    made = to_plain(record(request=asked, response=response("It is 4."), timing=Timing(total_s=9.0, attempts=1)))
    output = {"output_type": "display_data", "data": {RECORD_MIME: [made]}}
    path = tmp_path / "run.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": [output]}]}))
    with shell(home=tmp_path / "home", environment={"NBKIT_REPLAY": str(path), "NBKIT_UI": ui}) as notebook:
        ran = notebook.run("%%llm -m openai:gpt-4o-mini\n2+2?")
    assert ran.error is None
    said = [*ran.bundles("text/html"), *ran.bundles("text/plain"), ran.text]
    cards = [one for one in said if "nbkit · gpt-4o-mini" in one and "running" not in one]
    assert cards
    assert all("gpt-4o-mini · replayed" in one and "9.00 s" in one for one in cards)
