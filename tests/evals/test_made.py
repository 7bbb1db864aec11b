"""What a function is made of: what tells two apart, and what does not."""

from __future__ import annotations

import dataclasses
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


def test_what_lists_dicts_and_dataclasses_hold_counts():
    @dataclasses.dataclass
    class Style:
        word: str

    held = [["tea"], ["milk"], {"a": "tea"}, {"b": "tea"}, {"tea"}, Style("tea"), Style("milk"), [Style("tea")]]
    assert len({made_of(says(one)) for one in held}) == len(held)
    assert made_of(says({"a", "b", "c"})) == made_of(says({"c", "b", "a"}))
    assert made_of(says([1, [2]])) == made_of(says([1, [2]]))


def test_a_client_and_what_holds_itself_count_without_their_addresses():
    class Client:
        pass

    round_about: list[object] = ["tea"]
    round_about.append(round_about)
    other: list[object] = ["tea"]
    other.append(other)
    assert made_of(says(Client())) == made_of(says(Client()))
    assert made_of(says(round_about)) == made_of(says(other))


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
