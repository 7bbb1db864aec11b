"""Whether a search found what a case needs: against its gold documents, or the texts that hold its answer.

Gold documents are `source` in the case's metadata: a name, a list of names, or an object of name to grade, compared
with the passages' `source`. Gold texts are `contexts`, compared by words: a word of one text stands in another where it
is within five words in a row (or all of a shorter text) that the other has too; case and punctuation do not count. The
texts of a case that has no answer, or whose `source` is an empty list, are no gold: nothing is to be found there.

What looked nothing up cannot be judged: that is an error, where a search that found nothing is 0.

A passage is relevant when its document has a grade above 0. By texts it is relevant when at least half of a gold text's
words stand in it, or at least half of its own words stand in gold texts.

Context recall is the share of the gold texts' words that stand in any passage, or of the gold documents that a passage
is from. Context precision is average precision over the passages in their order: the mean, over the relevant passages,
of the share of relevant ones down to each; 0 where none is. It asks whether what is relevant comes first, and not
whether all was found, which is recall's. Both go by texts where a case has them.

The measures of `nbkit.evals.retrieval`, such as `recall@5`, go by documents where a case has them: the ranks are those
of documents, each at the place of its first passage. By texts each gold text is one document of grade 1, found by the
first passage that half of its words stand in; one passage may stand for several, one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nbkit.documents import Passage
from nbkit.errors import BadSetting
from nbkit.evals import retrieval
from nbkit.evals.cases import NOTHING, Answer, Case, Metric, Score
from nbkit.evals.tools import FunctionMetric, MetricOptions

RUN: Final = 5
"""Words in a row that are no chance."""
HALF: Final = 0.5
_WORD: Final = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")
NO_TEXTS: Final = Score(None, "error", "the texts of the passages were not kept")
_NO_SEARCH: Final = Score(None, "error", "nothing was looked up: the answer came without passages")
_CUT: Final = ("ndcg", "recall", "precision", "success")
_WHOLE: Final = ("context_precision", "context_recall", "reciprocal_rank", "average_precision")


def context_precision(case: Case, answer: Answer) -> Score:
    """Average precision of the passages that the model was given.

    >>> found = (Passage("1", "Fans are loud.", "a.md"), Passage("2", "It needs 30 W.", "b.md"))
    >>> context_precision(Case("q", "How much?", metadata={"source": "b.md"}), Answer("30 W", found)).value
    0.5
    """
    texts = gold_texts(case)
    if not answer.is_searched and (texts or grades_of(case)):
        return _NO_SEARCH
    if texts:
        flags = _relevant_texts(texts, answer.passages)
        return NO_TEXTS if flags is None else Score(_average_precision(flags))
    grades = grades_of(case)
    if not grades:
        return NOTHING
    return Score(_average_precision([grades.get(one.source, 0) > 0 for one in answer.passages]))


def context_recall(case: Case, answer: Answer) -> Score:
    """Share of what the case needs that is in the passages.

    >>> found = (Passage("1", "The fan needs 30 W, the lamp", "a.md"),)
    >>> context_recall(Case("q", "How much?", contexts=("The fan needs 30 W, the lamp 9.",)), Answer("", found)).value
    0.875
    """
    texts = gold_texts(case)
    if not answer.is_searched and (texts or grades_of(case)):
        return _NO_SEARCH
    if texts:
        if _has_no_texts(answer.passages):
            return NO_TEXTS
        there = [words(one.text) for one in answer.passages]
        covered = [flag for one in texts for flag in standing(words(one), there)]
        return Score(sum(covered) / len(covered)) if covered else NOTHING
    gold = {name for name, grade in grades_of(case).items() if grade > 0}
    if not gold:
        return NOTHING
    return Score(len(gold & {one.source for one in answer.passages}) / len(gold))


def ranked(options: MetricOptions) -> Metric:
    """A measure of retrieval over the passages, by its name, such as `recall@5` or `reciprocal_rank`.

    Where a case has neither gold documents nor texts it says nothing.

    >>> found = (Passage("1", "Fans are loud.", "a.md"), Passage("2", "It needs 30 W.", "b.md"))
    >>> first = ranked(MetricOptions("reciprocal_rank"))
    >>> first.score(Case("q", "How much?", metadata={"source": ["b.md"]}), Answer("30 W", found)).value
    0.5
    """
    try:
        measure = retrieval.measure(options.name)
    except ValueError as error:
        why, _, there = str(error).partition("; ")
        raise BadSetting(
            what=f"{options.name!r} is no measure of retrieval", why=why, fix=f"use one: {there}"
        ) from None

    def score(case: Case, answer: Answer) -> Score:
        grades, texts = grades_of(case), gold_texts(case)
        if not grades and not texts:
            return NOTHING
        if not answer.is_searched:
            return _NO_SEARCH
        if grades:
            return Score(measure(list(dict.fromkeys(one.source for one in answer.passages)), grades))
        if _has_no_texts(answer.passages):
            return NO_TEXTS
        names = [f"gold {number}" for number in range(len(texts))]
        return Score(measure(_found_texts(texts, answer.passages), dict.fromkeys(names, 1)))

    return FunctionMetric(options.name, score)


def is_of_search(metric: str) -> bool:
    """Whether a metric of this name judges what was looked up, and not the answer.

    >>> is_of_search("recall@5"), is_of_search("f1")
    (True, False)
    """
    base, cut, _ = metric.partition("@")
    return metric in _WHOLE or (bool(cut) and base in _CUT)


def gold_texts(case: Case) -> tuple[str, ...]:
    """The texts that a search should find; none where the case says that nothing holds its answer.

    >>> gold_texts(Case("q", "Who sang?", expected=[], contexts=("The fan needs 30 W.",)))
    ()
    """
    return () if case.is_answerable is False or case.metadata.get("source", "") in ([], {}) else case.contexts


def grades_of(case: Case) -> Mapping[str, int]:
    """Gold documents and their grades; empty where the case names none. Raises `ValueError` for a grade that is none.

    >>> grades_of(Case("q", "?", metadata={"source": ["a.md", "b.md"]}))
    {'a.md': 1, 'b.md': 1}
    """
    given = case.metadata.get("source")
    if isinstance(given, str):
        return {given: 1} if given else {}
    if isinstance(given, list):
        return {str(one): 1 for one in given}
    if isinstance(given, dict):
        return {name: _grade(grade) for name, grade in given.items()}
    return {}


def _grade(given: object) -> int:
    if not isinstance(given, int | float) or given != int(given):
        msg = f"a grade is a whole number, not {given!r}"
        raise ValueError(msg)
    return int(given)


def words(text: str) -> list[str]:
    """The words that texts are compared by.

    >>> words("It's 30 W.")
    ['it', 's', '30', 'w']
    """
    return _WORD.findall(text.casefold())


def standing(ours: Sequence[str], others: Iterable[Sequence[str]]) -> list[bool]:
    """For each word whether it is within a run of words that one of the others has too.

    >>> standing(["a", "b"], [["x", "a", "b"]]), standing(list("abcdefg"), [list("abcdex")])
    ([True, True], [True, True, True, True, True, False, False])
    """
    run = min(RUN, len(ours))
    there = {gram for other in others for gram in _runs(other, run)} if run else set()
    found = [False] * len(ours)
    for at, gram in enumerate(_runs(ours, run) if run else ()):
        if gram in there:
            found[at : at + run] = [True] * run
    return found


def _runs(given: Sequence[str], run: int) -> Iterable[tuple[str, ...]]:
    return zip(*(given[at:] for at in range(run)), strict=False)


def _relevant_texts(contexts: Sequence[str], passages: Sequence[Passage]) -> list[bool] | None:
    """For each passage whether it is relevant; None where the passages have no texts."""
    if _has_no_texts(passages):
        return None
    gold = [words(one) for one in contexts]
    flags = []
    for passage in passages:
        own = words(passage.text)
        holds = any(_share(standing(one, [own])) >= HALF for one in gold)
        flags.append(holds or _share(standing(own, gold)) >= HALF)
    return flags


def _found_texts(contexts: Sequence[str], passages: Sequence[Passage]) -> list[str]:
    """The gold texts and the passages that hold none, in the order in which they were found."""
    left = {f"gold {number}": words(one) for number, one in enumerate(contexts)}
    names: list[str] = []
    for number, passage in enumerate(passages):
        own = words(passage.text)
        held = [name for name, gold in left.items() if _share(standing(gold, [own])) >= HALF]
        names += held or [f"passage {number}"]
        for name in held:
            del left[name]
    return names


def _has_no_texts(passages: Sequence[Passage]) -> bool:
    return bool(passages) and not any(one.text.strip() for one in passages)


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def _average_precision(flags: Sequence[bool]) -> float:
    ranks = [rank for rank, is_relevant in enumerate(flags, 1) if is_relevant]
    return sum(count / rank for count, rank in enumerate(ranks, 1)) / len(ranks) if ranks else 0.0
