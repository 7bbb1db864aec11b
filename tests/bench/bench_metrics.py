"""What each metric takes for one case, in microseconds of CPU: medians over rounds, answers short and long.

The retrieved passages are five texts of about 150 words. In the same run, by the same clock: `rougeL` of `rouge-score`
where it is installed, with the largest difference from ours over random pairs. The embedder is the fake one, so that
`similarity` and `answer_relevance` show what is theirs alone. Then what reading and hashing a data set takes, and the
largest difference of the retrieval measures from trec_eval over random runs.
Run: python tests/bench/bench_metrics.py
"""

from __future__ import annotations

import json
import random
import runpy
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from nbkit.documents import Passage
from nbkit.evals.cases import Answer, Case
from nbkit.evals.datasets import dataset
from nbkit.evals.metrics import BUILT_IN, resolve
from nbkit.evals.overlap import rouge_l
from nbkit.evals.tools import Tools
from nbkit.testing import FakeEmbedder

ROUNDS = 5
RUNS = 10_000
EXAMPLES = {
    "regex": "regex:[0-9]+ W",
    "json_schema": "json_schema:name, age int",
    "numeric": "numeric:0.01",
    "ndcg": "ndcg@5",
    "recall": "recall@5",
    "precision": "precision@5",
    "success": "success@5",
}
WORDS = [
    "the",
    "fan",
    "needs",
    "30",
    "W",
    "of",
    "power",
    "at",
    "night",
    "when",
    "it",
    "is",
    "mounted",
    "on",
    "a",
    "wall",
    "with",
    "four",
    "brass",
    "screws",
    "and",
    "hums",
]


def main() -> None:
    """Prints the figures."""
    rng = random.Random(1)
    short = [_case(rng, number, words=12) for number in range(50)]
    long = [_case(rng, number, words=250) for number in range(20)]
    tools = Tools(embedder=FakeEmbedder)
    print(f"{'metric':<24}{'µs, 12 words':>14}{'µs, 250 words':>15}")
    for name in BUILT_IN:
        [metric] = resolve(EXAMPLES.get(name, name), tools=tools)
        figures = [_us(lambda one, score=metric.score: score(*one), pairs) for pairs in (short, long)]
        print(f"{metric.name:<24}{figures[0]:>14.1f}{figures[1]:>15.1f}")
    _beside_rouge_score(rng, short, long)
    _beside_trec_eval()
    _reading(rng)


def _case(rng: random.Random, number: int, *, words: int) -> tuple[Case, Answer]:
    def prose(count: int) -> str:
        return " ".join(rng.choice(WORDS) for _ in range(count))

    def sentences(count: int) -> str:
        return " ".join(f"{prose(12).capitalize()} [{rng.randrange(1, 6)}]." for _ in range(max(1, count // 12)))

    passages = tuple(Passage(str(at), prose(150), f"{at}.md") for at in range(5))
    gold = passages[rng.randrange(5)]
    case = Case(str(number), f"{prose(8)}?", [prose(words), "30"], (gold.text[:300],), {"source": [gold.source]})
    return case, Answer(sentences(words), passages, latency_s=1.0, usd=Decimal("0.001"))


def _us(call: Callable[[object], object], items: list) -> float:
    """The median over rounds of what one item takes."""
    for one in items:
        call(one)
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for one in items:
            call(one)
        rounds.append((time.process_time() - started) / len(items) * 1e6)
    return statistics.median(rounds)


def _beside_rouge_score(rng: random.Random, short: list, long: list) -> None:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        print("\nrouge-score is not installed: nothing to compare ROUGE-L with")
        return
    scorer = RougeScorer(["rougeL"], use_stemmer=False)

    def theirs(text: str, right: str) -> float:
        return scorer.score(right, text)["rougeL"].fmeasure

    alphabet = [*WORDS, "Don't", "re-use", "é", "漢字", "", "—", "U.S."]
    pairs = [[" ".join(rng.choices(alphabet, k=rng.randrange(30))) for _ in range(2)] for _ in range(10_000)]
    most = max(abs(rouge_l(*pair) - theirs(*pair)) for pair in pairs)
    print(f"\nROUGE-L beside rouge-score: largest difference over {len(pairs):,} random pairs {most:g}")
    for name, items in (("12 words", short), ("250 words", long)):
        texts = [(answer.text, case.acceptable[0]) for case, answer in items]
        print(
            f"  {name}: {_us(lambda one: rouge_l(*one), texts):.1f} µs,"
            f" rouge-score {_us(lambda one: theirs(*one), texts):.1f} µs"
        )


def _beside_trec_eval() -> None:
    theirs = runpy.run_path(str(Path(__file__).parents[1] / "evals" / "test_retrieval.py"))
    rng = random.Random(20260101)
    most = max(theirs["farthest"](*theirs["random_run"](rng)) for _ in range(RUNS))
    print(f"\nretrieval beside trec_eval: largest difference over {RUNS:,} random runs {most:g}")


def _reading(rng: random.Random) -> None:
    rows = [
        {"question": f"What is {rng.random()}?", "answer": "30 W", "context": " ".join(WORDS * 5)} for _ in range(2000)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
        print(f"\nreading and hashing 2,000 cases of JSON lines: {_us(dataset, [path]) / 1e3:.0f} ms")


if __name__ == "__main__":
    sys.exit(main())
