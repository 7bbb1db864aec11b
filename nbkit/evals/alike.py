"""What of two runs may be compared: cases that ask and expect the same, metrics that measure the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from nbkit.canonical import canonical_json, sha256
from nbkit.evals.cases import Case
from nbkit.evals.gold import gold_texts, is_of_search
from nbkit.evals.runs import Graded, Run
from nbkit.figures import count

_CHARS: Final = 16
_BY_VECTORS: Final = ("similarity", "answer_relevance")
_OTHERWISE: Final = " otherwise"
_AGAIN: Final = (
    "Evaluate the earlier one again, on this data set and with these metrics: its answers come from the cache."
)


def marked(graded: Graded, case: Case) -> Graded:
    """The sample with the hashes of what its case asks and expects, by which a later run knows it.

    >>> len(marked(Graded(Case("q", "Hi?"), 0, None), Case("q", "Hi?")).asked)
    16
    """
    asked, right, sought = map(_hash, (case.input, case.expected, [gold_texts(case), case.metadata.get("source")]))
    return replace(graded, asked=asked, right=right, sought=sought)


def told_apart(before: Run, after: Run, metric: str = "") -> Run:
    """The run before, in which a case that is another than its namesake in the run after has another name.

    It is another that asks something else, or, where a metric is named, expects something else than its values are set
    against: of a search other documents, of an answer another one. What an answer takes is set against nothing.
    """
    now = {one.case.id: one for one in after.graded}
    kind = "" if not metric or metric in after.units else "sought" if is_of_search(metric) else "right"

    def named(one: Graded) -> Graded:
        other = now.get(one.case.id)
        for field, said in (("asked", "asked"), (kind, "expected")):
            was, has = (getattr(each, field, "") for each in (one, other))
            if was and has and was != has:
                return replace(one, case=replace(one.case, id=f"{one.case.id}, {said}{_OTHERWISE}"))
        return one

    return replace(before, graded=tuple(map(named, before.graded)))


def is_another(graded: Graded) -> bool:
    """Whether it was told apart from a case of its name.

    >>> is_another(Graded(Case("q", "Hi?"), 0, None))
    False
    """
    return graded.case.id.endswith(_OTHERWISE)


def is_same_metric(before: Run, after: Run, metric: str) -> bool:
    """Whether a metric of one name is the same one in both runs: its judge and criterion, its function, its embedder.

    True where that is not known of one of them.
    """
    was, has = (_measure(one, metric) for one in (before, after))
    return not (was and has) or was == has


def by_another(before: Run, after: Run, metric: str) -> str:
    """Who or what gave a metric then, that is not the same one now.

    >>> from datetime import UTC, datetime
    >>> from nbkit.evals.runs import Pins
    >>> then = Run("a", "a", datetime.now(UTC), Pins("p", None, {"judges": {"kind": "hash"}}))
    >>> by_another(then, then, "kind")
    'another judge'
    """
    kinds = {_measure(one, metric)[:1] == ["judges"] for one in (before, after)}
    return "another judge" if kinds == {True} else "another metric of this name"


def unlike(before: Run, after: Run) -> str:
    """What of two runs is not compared though it has one name, in sentences; empty where there is nothing."""
    shared = [name for name in after.pins.metrics if name in before.pins.metrics]
    if not shared:
        return "The two share no metric."
    others = [name for name in shared if not is_same_metric(before, after, name)]
    said = [
        *(f"Not compared, since {by_another(before, after, name)} gave it then: {name}." for name in others),
        *_left_out(before, after, [name for name in shared if name not in others]),
    ]
    then, now = before.pins.dataset_sha256, after.pins.dataset_sha256
    sets = f"The data sets differ ({then[:8]}, {now[:8]}): cases that ask and expect the same are paired."
    return " ".join([*([sets] if then != now else []), *said, *([_AGAIN] if said else [])])


def _left_out(before: Run, after: Run, metrics: list[str]) -> list[str]:
    """The cases of which only the name is the same, by how many there are for which metrics."""
    named: dict[tuple[int, str], list[str]] = {}
    for metric in ["", *metrics]:
        ids = {one.case.id for one in told_apart(before, after, metric).graded}
        why = "expected" if metric else "asked"
        number = sum(one.endswith(f", {why}{_OTHERWISE}") for one in ids)
        if number:
            named.setdefault((number, why), []).append(metric)
    return [
        f"{count(number, 'case')} left out{' of ' * bool(found[0])}{', '.join(found)}: what is {why} has changed."
        for (number, why), found in named.items()
    ]


def _measure(run: Run, metric: str) -> list[object]:
    """What a metric is made of; empty where that is not known."""
    settings = run.pins.settings
    for kind in ("judges", "functions"):
        own = settings.get(kind)
        if isinstance(own, dict) and own.get(metric):
            by_vectors = metric.partition(":")[0] in _BY_VECTORS
            return [kind, own[metric], settings.get("embedder") if by_vectors else None]
    return []


def _hash(value: object) -> str:
    return sha256(value if isinstance(value, str) else canonical_json(value))[:_CHARS]
