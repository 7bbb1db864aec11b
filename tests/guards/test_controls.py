"""Control characters are taken out one by one, and each is told of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards.controls import CONTROLS, control_spans, without_controls
from nbkit.types import Span


@given(st.text(st.sampled_from("ab\n\x00\u202e\u200b\ud800"), max_size=40))
def test_what_is_left_and_where_the_rest_was(text):
    shown, places = without_controls(text)
    assert shown == "".join(char for char in text if not CONTROLS.match(char))
    assert places == [at for at, char in enumerate(text) if CONTROLS.match(char)]


def test_each_has_a_span_of_its_own():
    assert list(control_spans([0, 1], 5)) == [Span(5, 6, "control character"), Span(6, 7, "control character")]
