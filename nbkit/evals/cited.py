"""Whether an answer says what its passages say, and cites those that say it.

Citation recall and precision are those of ALCE (Gao et al. 2023, "Enabling Large Language Models to Generate Text with
Citations"). Recall is the share of the answer's sentences that the passages they cite, taken together, support; one
that cites none, or names a passage that is not there, is not supported. A citation is right when its sentence is
supported, and the passage supports it alone, or the other cited ones do not without it; precision is the share of
citations that are right, 0 where sentences cite nothing.

Unlike ALCE's script: sentences are those that claim something, so that headings, code, tables, "Sure!", and what
says that the sources do not say, are none; a number without a passage is a wrong citation, which the script leaves
out of precision; a passage that one sentence cites twice counts once, and more than three count too.

What supports a sentence is for a judge to say that is handed in (`Tools.supports`). Without one it is wording, as the
guard `grounded` tells it: words, numbers, names, not truth; of faithful paraphrases it misses a third
(tests/bench/bench_guard_grounded.py). `%%rag` puts citations right by the same test, so that of its answers the
default says little more than that this was done: hand in a judge.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nbkit.evals.answers import cosine, plain, vectors
from nbkit.evals.cases import NOTHING, Answer, Case, Metric, Score
from nbkit.evals.gold import NO_TEXTS
from nbkit.evals.tools import MetricOptions, Supports
from nbkit.guards.claims import claims
from nbkit.guards.grounding import ENOUGH, Sources
from nbkit.guards.wording import tokens
from nbkit.rag.marking import without_marks


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer that claims something."""

    text: str
    """Without marks."""
    cited: tuple[int, ...] = ()
    """Numbers of passages, from 1, each once; also those that there are none for."""


def claims_of(text: str, *, known: int) -> list[Claim]:
    """The sentences of an answer that claim something, with which of the `known` passages each cites.

    >>> claims_of("It needs 30 W [1][3]. Fans are loud. The sources do not say why.", known=2)
    [Claim(text='It needs 30 W.', cited=(1, 3)), Claim(text='Fans are loud.', cited=())]
    """
    found = []
    # Marks behind the last full stop belong to its sentence only where more comes.
    for place in claims(f"{text}\n"):
        said, cited = without_marks(text[place.start : place.end], known=known)
        if tokens(said):
            found.append(Claim(said.strip(), tuple(dict.fromkeys(cited))))
    return found


@dataclass(frozen=True, slots=True)
class Citations:
    """How the citations of one answer fare, counted."""

    sentences: int
    supported: int
    """Sentences that what they cite supports."""
    cited: int
    right: int
    """Citations that are right."""

    @property
    def recall(self) -> float | None:
        """Share of the sentences; None where the answer claims nothing."""
        return self.supported / self.sentences if self.sentences else None

    @property
    def precision(self) -> float | None:
        """Share of the citations; None where the answer claims nothing."""
        return (self.right / self.cited if self.cited else 0.0) if self.sentences else None


def judge_citations(said: Sequence[Claim], passages: Sequence[str], *, supports: Supports) -> Citations:
    """How the citations fare by ALCE's rules.

    >>> said = claims_of("It needs 30 W [1][2]. It sings [2].", known=2)
    >>> judge_citations(said, ["30 W", "Fans"], supports=lambda said, given: "30 W" in said and "30 W" in given)
    Citations(sentences=2, supported=1, cited=3, right=1)
    """
    supported = cited = right = 0
    for claim in said:
        cited += len(claim.cited)
        own = [passages[number - 1] for number in claim.cited if 0 < number <= len(passages)]
        if not own or len(own) < len(claim.cited) or not supports(claim.text, own):
            continue
        supported += 1
        right += len(own) if len(own) == 1 else sum(_is_needed(claim.text, own, at, supports) for at in range(len(own)))
    return Citations(len(said), supported, cited, right)


def by_wording(question: str = "") -> Supports:
    """The judge that goes by wording, for the answers to one question.

    >>> by_wording()("It needs 30 W.", ["The fan needs 30 W."]), by_wording()("It sings.", ["The fan needs 30 W."])
    (True, False)
    """

    @functools.cache
    def sources(passages: tuple[str, ...]) -> Sources:
        return Sources(passages, question=question)

    def supports(sentence: str, passages: Sequence[str]) -> bool:
        return sources(tuple(passages)).support(sentence)[0] >= ENOUGH

    return supports


def citation_precision(options: MetricOptions) -> Metric:
    """Share of the citations that are right.

    >>> from nbkit.documents import Passage
    >>> given = (Passage("1", "The fan needs 30 W.", "a.md"), Passage("2", "Lamps glow.", "b.md"))
    >>> answer = Answer("The fan needs 30 W [1][2].", given)
    >>> citation_precision(MetricOptions("citation_precision")).score(Case("q", "How much?"), answer).value
    0.5
    """
    return _on_passages(options, lambda *judged: judge_citations(judged[0], judged[1], supports=judged[2]).precision)


def citation_recall(options: MetricOptions) -> Metric:
    """Share of the sentences that what they cite supports.

    >>> from nbkit.documents import Passage
    >>> answer = Answer("The fan needs 30 W [1]. It sings.", (Passage("1", "The fan needs 30 W.", "a.md"),))
    >>> citation_recall(MetricOptions("citation_recall")).score(Case("q", "How much?"), answer).value
    0.5
    """
    return _on_passages(options, lambda *judged: judge_citations(judged[0], judged[1], supports=judged[2]).recall)


def groundedness(options: MetricOptions) -> Metric:
    """Share of the answer's sentences that its passages, taken together, support, whatever it cites.

    Where it was given none, those are the texts of the case.

    >>> case = Case("q", "How much?", contexts=("The fan needs 30 W.",))
    >>> groundedness(MetricOptions("groundedness")).score(case, Answer("The fan needs 30 W. It sings.")).value
    0.5
    """

    def share(said: Sequence[Claim], passages: Sequence[str], supports: Supports) -> float | None:
        return sum(supports(one.text, passages) for one in said) / len(said) if said else None

    return _on_passages(options, share, has_contexts=True)


def answer_relevance(options: MetricOptions) -> Metric:
    """Cosine of the vectors of question and answer, 0 where it is below; nothing for a refusal.

    It sees whether an answer keeps to the matter, and not whether it is right or whole: one that only repeats the
    question has the most, a right one of one word little. Compare systems with it, not cases.

    >>> from nbkit.evals.tools import Tools
    >>> from nbkit.testing import FakeEmbedder
    >>> relevance = answer_relevance(MetricOptions("answer_relevance", tools=Tools(embedder=FakeEmbedder)))
    >>> relevance.score(Case("q", "How loud is it?"), Answer("I can't help.", is_refusal=True)).status
    'none'
    """
    embedder = options.tools.embedder_for(options.name)

    def relevance(case: Case, answer: Answer) -> Score:
        text = without_marks(answer.text, known=len(answer.passages))[0]
        if answer.is_refusal or not text.strip():
            return NOTHING
        asked = vectors(embedder(), [case.input], is_query=True)[0]
        return Score(cosine(asked, vectors(embedder(), [text])[0]))

    return plain(relevance)(options)


def _on_passages(
    options: MetricOptions,
    judge: Callable[[Sequence[Claim], Sequence[str], Supports], float | None],
    *,
    has_contexts: bool = False,
) -> Metric:
    """A metric of an answer's sentences and the passages it was given; it says nothing of a refusal."""

    def score(case: Case, answer: Answer) -> Score:
        given = [one.whole_text for one in answer.passages] or (list(case.contexts) if has_contexts else [])
        if answer.is_refusal or not given:
            return NOTHING
        if not any(one.strip() for one in given):
            return NO_TEXTS
        said = claims_of(answer.text, known=len(answer.passages))
        value = judge(said, given, options.tools.supports or by_wording(case.input))
        return NOTHING if value is None else Score(value)

    return plain(score)(options)


def _is_needed(sentence: str, cited: Sequence[str], at: int, supports: Supports) -> bool:
    """Whether the passage supports the sentence alone, or the others do not."""
    return supports(sentence, [cited[at]]) or not supports(sentence, [*cited[:at], *cited[at + 1 :]])
