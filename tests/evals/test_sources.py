"""When two functions are the same for a run that was stopped."""

from __future__ import annotations

from nbkit.evals.sources import source_hash

FACTOR = 2


def by_global(case):
    return FACTOR * len(case)


def by_function(case):
    return by_global(case)


def closing_over(mode):
    def search(case):
        return mode, case

    return search


def with_default(case, mode="a"):
    return mode, case


def test_a_function_is_the_same_as_itself_and_as_one_made_alike():
    assert source_hash(by_global) == source_hash(by_global)
    assert source_hash(closing_over("a")) == source_hash(closing_over("a"))


def test_values_that_it_takes_from_around_it_tell_functions_apart(monkeypatch):
    assert source_hash(closing_over("a")) != source_hash(closing_over("b"))
    before = source_hash(by_global), source_hash(by_function), source_hash(with_default)
    monkeypatch.setitem(globals(), "FACTOR", 3)
    monkeypatch.setattr(with_default, "__defaults__", ("b",))
    after = source_hash(by_global), source_hash(by_function), source_hash(with_default)
    assert [one == other for one, other in zip(before, after, strict=True)] == [False] * 3


def test_a_list_that_it_fills_is_the_same_list():
    seen = []

    def notes(case):
        seen.append(case)

    before = source_hash(notes)
    notes("a")
    assert source_hash(notes) == before


def test_lambdas_of_one_line_are_told_apart():
    one, other = lambda case: "a", lambda case: "b"
    assert source_hash(one) != source_hash(other)


def test_what_has_no_source_has_no_hash():
    assert source_hash(len) is None
    assert source_hash(type("Asks", (), {"__call__": lambda self, case: case})()) is None
