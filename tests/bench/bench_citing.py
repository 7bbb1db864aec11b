"""How often a sentence's support is told right, by the support that it has to have to be cited.

Needs NBKIT_BENCH_DATA (guard/grounded.jsonl: short answers, supported by their context or written to mislead;
mrpc-pairs: sentences held against paraphrases of them). A question's own words are no evidence, as those of a title are
none. For comparison: the share of a sentence's words in one window of the passage, which decided before, from 0.7.
Run: python tests/bench/bench_citing.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from nbkit.guards.grounding import ENOUGH, Sources
from nbkit.rag.support import support, words

_SHARE_BEFORE = 0.7


def main() -> None:
    """Prints the figures."""
    folder = Path(os.environ["NBKIT_BENCH_DATA"])
    rows = [json.loads(line) for line in (folder / "guard" / "grounded.jsonl").read_text("utf-8").splitlines()]
    pairs = [json.loads(line) for line in (folder / "mrpc-pairs" / "pairs.jsonl").read_text("utf-8").splitlines()]
    collections = {
        "short answers": [(one["text"], one["context"], one["question"], not one["label"]) for one in rows],
        "paraphrases": [(one["b"], one["a"], "", bool(one["label"])) for one in pairs],
    }
    for name, some in collections.items():
        good = [is_good for *_, is_good in some]
        print(f"{name}: {sum(good)} supported, {len(good) - sum(good)} not")
        before = [support(words(text), context, context=question).score for text, context, question, _ in some]
        _report("share of words", before, good, at=_SHARE_BEFORE)
        now = [Sources([context], question=question).support(text)[0] for text, context, question, _ in some]
        for least in (0.3, 0.4, ENOUGH, 0.6, 0.7):
            _report("support" if least != ENOUGH else "support, as shipped", now, good, at=least)


def _report(name: str, scores: Sequence[float], good: Sequence[bool], *, at: float) -> None:
    kept = [score >= at for score, is_good in zip(scores, good, strict=True) if is_good]
    marked = [score < at for score, is_good in zip(scores, good, strict=True) if not is_good]
    print(f"  {name:20} {at:.1f}: {sum(kept) / len(kept):6.1%} kept, {sum(marked) / len(marked):6.1%} of others marked")


if __name__ == "__main__":
    main()
