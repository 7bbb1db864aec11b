"""What the toxicity guard finds of tweets that people labelled, none of which it was trained on.

`NBKIT_BENCH_DATA=... python tests/bench/bench_guard_toxicity.py`.
Trained on: texts of our own. Test: davidson2017, where toxic is hateful (class 0) or offensive (1) and the rest is
harmless (2); notebook cells and prompts are benign. The reference is a list of plain words. Nothing was tuned on the
tweets; the threshold is the one at which a hundredth of our own held-out harmless texts is warned of.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from injection_corpus import rows
from train_toxicity import ToxicTemplates, toxic_head, toxicity

from nbkit.guards import toxicity as guard
from nbkit.guards.linear import Head

WORDS = re.compile(
    r"\b(?:idiots?|morons?|stupid|dumb|losers?|bitch(?:es)?|bastards?|assholes?|whores?|sluts?|scum|trash|pigs?|fuck\w*"
    r"|shit\w*|hate|ugly|kill|die|pathetic|disgusting|worthless|shut up|vermin|subhuman)\b",
    re.IGNORECASE,
)
LEFT_OUT = 0.2
Scorer = Callable[[str], float]


def by_head(made: Head) -> Scorer:
    """What the guard's scan scores with that head."""

    def score(text: str) -> float:
        shipped, guard.head = guard.head, lambda _: made
        found = guard._worst(text, 0)[0]
        guard.head = shipped
        return found

    return score


def by_words(text: str) -> float:
    """How many of the plain words a text has."""
    return float(len(WORDS.findall(text)))


def area(hits: np.ndarray, alarms: np.ndarray) -> float:
    """How often a toxic text scores higher than a harmless one; equal ones count half."""
    above = np.searchsorted(np.sort(alarms), hits, side="left")
    upto = np.searchsorted(np.sort(alarms), hits, side="right")
    return float((above + upto).mean() / 2 / len(alarms))


def report(label: str, score: Scorer, texts: tuple[Sequence[str], Sequence[str]], *, at: float) -> None:
    """One line: AUC, F1 at a threshold, recall at fixed shares of false alarms."""
    hits, alarms = (np.array([score(text) for text in some]) for some in texts)
    found, wrong = int((hits >= at).sum()), int((alarms >= at).sum())
    precision, recall = found / max(1, found + wrong), found / len(hits)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    fixed = "  ".join(
        f"recall at {rate:.0%} false {np.mean(hits > np.quantile(alarms, 1 - rate, method='higher')):.2f}"
        for rate in (0.01, 0.05)
    )
    print(
        f"{label:<30} n={len(hits)}/{len(alarms)}  AUC {area(hits, alarms):.3f}  at {at:g}: F1 {f1:.2f} "
        f"recall {recall:.2f} precision {precision:.2f} false {wrong / len(alarms):.3f}  {fixed}"
    )


def own_held_out() -> None:
    """Templates that a head has not seen, where a random part of them is left out."""
    own = ToxicTemplates()
    lines = [(what, line) for (what, _), some in own.families.items() for line in some]
    out = set(random.Random(3).sample(lines, int(len(lines) * LEFT_OUT)))
    texts = {}
    for what in ("toxic", "fine"):
        rng = random.Random(5)
        texts[what] = [own.expand(line, rng) for kind, line in sorted(out) if kind == what for _ in range(30)]
    trained = toxicity(without={line for _, line in out})
    score = by_head(toxic_head(trained))
    report("our own templates, held out", score, (texts["toxic"], texts["fine"]), at=guard.TOXICITY_THRESHOLD)
    alarms = np.array([score(text) for text in texts["fine"]])
    print(f"  of these, 1 % of the harmless score from {np.quantile(alarms, 0.99):.2f}")


def main() -> None:
    """Prints the figures."""
    own_held_out()
    found = rows("toxicity")
    of = {kind: [str(row["text"]) for row in found if row["cls"] == kind] for kind in {row["cls"] for row in found}}
    harmless = [str(row["text"]) for row in found if not row["label"]]
    toxic = [str(row["text"]) for row in found if row["label"]]
    shipped = by_head(guard.head("toxicity"))
    report("tweets, shipped", shipped, (toxic, harmless), at=guard.TOXICITY_THRESHOLD)
    report("tweets, plain words", by_words, (toxic, harmless), at=1)
    for kind, texts in sorted(of.items()):
        if texts and texts[0] in set(toxic):
            report(f"  of class {kind}, shipped", shipped, (texts, harmless), at=guard.TOXICITY_THRESHOLD)
            report(f"  of class {kind}, plain words", by_words, (texts, harmless), at=1)
    cells = [str(row["text"]) for row in rows("injection_notebooks")]
    prompts = [str(row["text"]) for row in rows("injection") if not row["label"]]
    for name, texts in (("notebook cells", cells), ("benign prompts", prompts)):
        warned = np.mean([shipped(text) >= guard.TOXICITY_THRESHOLD for text in texts])
        plain = np.mean([by_words(text) >= 1 for text in texts])
        print(f"  warned of {name}, n={len(texts)}: {warned:.4f}  (plain words {plain:.4f})")
    long = [text for text in cells if len(text) >= 500]
    started = time.process_time()
    for text in long:
        guard._worst(text, 0)
    print(f"  CPU {(time.process_time() - started) * 1e6 / sum(map(len, long)):.2f} ms per 1,000 characters")


if __name__ == "__main__":
    main()
