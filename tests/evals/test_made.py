"""What a function is made of: what tells two apart, and what does not."""

from __future__ import annotations

import functools

from nbkit.evals.made import made_of


def says(word, ending=""):
    def answer(case):
        return word + ending

    return answer


def test_functions_that_read_other_values_are_told_apart():
    assert made_of(says("tea")) == made_of(says("tea"))
    assert len({made_of(one) for one in (says("tea"), says("milk"), says("tea", "."), says(("tea", "milk")))}) == 4


def test_what_a_function_calls_is_part_of_it():
    def around(inner):
        return lambda case: f"{inner(case)}."

    assert made_of(around(says("tea"))) != made_of(around(says("milk")))


def test_two_functions_on_one_line_are_told_apart():
    one, other = (lambda case: "tea"), (lambda case: "milk")
    assert made_of(one) != made_of(other)


def test_a_list_that_a_function_fills_does_not_make_it_another():
    held = []

    def answer(case):
        held.append(case)
        return ""

    before = made_of(answer)
    answer("q")
    assert made_of(answer) == before


def test_of_a_method_what_its_object_holds_counts():
    class Says:
        def __init__(self, word):
            self.word = word

        def answer(self, case):
            return self.word

    assert made_of(Says("tea").answer) != made_of(Says("milk").answer)


def test_what_has_no_source_is_not_known():
    assert made_of(functools.partial(print, "x")) is None
    assert made_of(functools.reduce) is None


def test_a_function_that_calls_itself_ends():
    def down(n):
        return n and down(n - 1)

    assert made_of(down)
