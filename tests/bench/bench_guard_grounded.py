"""How well groundedness tells supported answers from others, without an embedder, beside word overlap in the same run.

Needs NBKIT_BENCH_DATA. guard/grounded is short answers to questions, supported or written to mislead; the guard's round
weights were chosen while looking at it, so that its halves (by context) show spread, not unseen sources. Never used for
weights but looked at: mrpc-pairs, one sentence held against another that says the same or does not; and answers of one
to six sentences made of it, with one sentence changed by rule or swapped. Supported answers of guard/grounded are
shorter than the others (median 2 and 9 words), so answers of 3 to 8 words are also shown alone.
Then our own sentences of tests/guards/grounded_corpus.py, each held against all passages of a small handbook: of every
kind of change, how many true sentences were kept and how many changed ones were marked. The rules were made while
looking at the first set; the second was written afterwards.
Run: python tests/bench/bench_guard_grounded.py [--embedder all-minilm-l6-v2]

`--embedder` shows what the guard would gain if it also heard an embedder that was pulled before: the cosine of the
nearest source sentence, weighed against the loss of support at several weights and middles, of all sentences and of
those with six words or more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import re
import runpy
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nbkit.config import home_path
from nbkit.guards.claims import claims
from nbkit.guards.grounding import ENOUGH, Judged, ground
from nbkit.guards.labels import is_refusal
from nbkit.guards.wording import sentences
from nbkit.protocols import Embedder

Row = tuple[str, str, str, bool]
"""Answer, context, question, and whether it is supported."""
STEEPNESS = 5.0
"""That of the guard: support is the logistic function of what a sentence lost, times this."""
MOST_CHARS = 500
"""What is embedded of a sentence: the model sees 254 tokens."""


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--embedder")
    embedder = parser.parse_args().embedder
    folder = Path(os.environ["NBKIT_BENCH_DATA"])
    raw = [json.loads(line) for line in (folder / "guard" / "grounded.jsonl").read_text("utf-8").splitlines()]
    rows: list[Row] = [(one["text"], one["context"], one["question"], not one["label"]) for one in raw]
    pairs = [json.loads(line) for line in (folder / "mrpc-pairs" / "pairs.jsonl").read_text("utf-8").splitlines()]
    sets = {
        "guard/grounded, whole": rows,
        "  half A": [row for row in rows if not _half(row[1])],
        "  half B": [row for row in rows if _half(row[1])],
        "  answers of 3-8 words": [row for row in rows if 3 <= len(row[0].split()) <= 8],
        "mrpc-pairs": [(one["b"], one["a"], "", bool(one["label"])) for one in pairs],
    }
    for kind in ("number", "swapped", "other detail"):
        sets[f"  several sentences, {kind}"] = _several(pairs, kind)
    print(f"{'AUC':42} {'n':>5} {'overlap':>8} {'ground':>7} | at {ENOUGH}: supported kept, others marked")
    for name, some in sets.items():
        _report(name, some)
    corpus = runpy.run_path(str(Path(__file__).parents[1] / "guards" / "grounded_corpus.py"))
    _by_kind("own sentences", corpus["PASSAGES"], corpus["PAIRS"])
    _by_kind("held out", corpus["HELD_OUT_PASSAGES"], corpus["HELD_OUT"])
    _by_kind("of rows", corpus["TABLE_PASSAGES"], corpus["TABLE_PAIRS"])
    firms = runpy.run_path(str(Path(__file__).parents[1] / "guards" / "shop_corpus.py"))
    for name, title in (("SHOP", "two firms, looked at"), ("CANTEEN", "two firms, written afterwards")):
        _by_question(title, firms[f"{name}_PASSAGES"], firms[name])
    _time(rows)
    if embedder:
        _similarity(embedder, sets)
    print(f"refusals among {len(rows)} answers: {sum(is_refusal(row[0]) for row in rows)}")


def _report(name: str, rows: Sequence[Row]) -> None:
    good = [row[3] for row in rows]
    overlap = [_overlap(answer, context) for answer, context, _, _ in rows]
    scores = [ground(answer, [context], question=question).score for answer, context, question, _ in rows]
    kept = [score >= ENOUGH for score, is_good in zip(scores, good, strict=True) if is_good]
    marked = [score < ENOUGH for score, is_good in zip(scores, good, strict=True) if not is_good]
    print(
        f"{name:42} {len(rows):5} {_auc(overlap, good):8.3f} {_auc(scores, good):7.3f} |"
        f" {sum(kept) / len(kept):6.1%} {sum(marked) / len(marked):6.1%}"
    )


def _by_kind(name: str, passages: Sequence[str], pairs: Sequence[tuple[str, str, str]]) -> None:
    kept, marked, many = Counter[str](), Counter[str](), Counter[str]()
    for kind, true, false in pairs:
        for one in (kind, "all"):
            many[one] += 1
            kept[one] += ground(true, passages).supported
            marked[one] += not ground(false, passages).supported
    print(f"{name} (n {len(pairs)} pairs): true kept, false marked")
    for kind, n in many.items():
        print(f"  {kind:12} {n:4} {kept[kind] / n:7.1%} {marked[kind] / n:7.1%}")


def _several(pairs: Sequence[dict[str, object]], kind: str, *, n: int = 600) -> list[Row]:
    """Answers of paraphrased sentences over a context of the originals; in half of them one sentence is not from it."""
    chosen = random.Random(5)
    same = [(str(one["a"]), str(one["b"])) for one in pairs if one["label"]]
    differ = [(str(one["a"]), str(one["b"])) for one in pairs if not one["label"]]
    change: dict[str, Callable[[str], str]] = {
        "number": lambda text: re.sub(
            r"\d+", lambda found: str(int(found.group()) + chosen.randint(1, 9)), text, count=1
        ),
        "swapped": lambda _: chosen.choice(same)[1],
    }
    rows: list[Row] = []
    while len(rows) < n:
        length = chosen.randint(1, 6)
        taken = chosen.sample(same, length + 3)
        context, answer = [a for a, _ in taken], [b for _, b in taken[:length]]
        at = chosen.randrange(length)
        if kind == "number" and not re.search(r"\d", answer[at]):
            continue
        is_good = chosen.random() < 0.5
        if kind == "other detail":
            a, b = chosen.choice(differ)
            context.append(a)
            answer[at] = answer[at] if is_good else b
        elif not is_good:
            answer[at] = change[kind](answer[at])
        chosen.shuffle(context)
        rows.append((" ".join(answer), " ".join(context), "", is_good))
    return rows


def _by_question(name: str, passages: Sequence[str], pairs: Sequence[Sequence[str]]) -> None:
    """True sentences that were kept and false ones that were marked, each an answer to its question."""

    def kept(sentence: str, question: str) -> bool:
        return all(one.is_supported for one in ground(sentence, passages, question=question).sentences)

    true = sum(kept(one, question) for _, question, one, _ in pairs)
    false = sum(not kept(one, question) for _, question, _, one in pairs)
    print(f"{name} (n {len(pairs)} pairs): true kept {true / len(pairs):.1%}, false marked {false / len(pairs):.1%}")


def _time(rows: Sequence[Row]) -> None:
    answer = " ".join(row[0] for row in rows)[:100_000]
    for contexts, label in (([row[1] for row in rows[:5]], "5 contexts"), ([answer], "a context of the same size")):
        for size in (1_000, 10_000, len(answer)):
            took = []
            for _ in range(9):
                started = time.process_time()
                ground(answer[:size], [one[:size] for one in contexts])
                took.append(time.process_time() - started)
            ms = sorted(took)[4] * 1e3
            print(f"{size:7,} characters, {label}: {ms:7.2f} ms CPU, {ms / size * 1000:.3f} ms per KB (median of 9)")


def _similarity(name: str, sets: dict[str, list[Row]]) -> None:
    """AUC, and how many supported are kept and others marked, where the nearest source sentence has a say."""
    from nbkit import embed
    from nbkit.protocols import EmbedderOptions

    nearest, cost = _nearest(embed.open(name, EmbedderOptions(home_path(os.environ), threads=1)), sets)
    print(f"\n{name} beside it: {cost}")
    ways: list[tuple[str, float, float, int]] = [("none", 0.0, 0.0, 0)]
    ways += [(f"{w} from {at}, {n}+ words", w, at, n) for n in (1, 6) for at in (0.6, 0.7, 0.8) for w in (0.25, 1, 2)]
    for kind, rows in sets.items():
        print(kind.strip())
        good = [row[3] for row in rows]
        judged = [(ground(answer, [context], question=asked), answer, context) for answer, context, asked, _ in rows]
        told = {
            label: [
                _told(
                    [(one, nearest[answer[one.start : one.end], context]) for one in found.sentences],
                    # A short sentence is far from a long one that holds it.
                    [weight * (len(answer[one.start : one.end].split()) >= least) for one in found.sentences],
                    middle,
                )
                for found, answer, context in judged
            ]
            for label, weight, middle, least in ways
        }
        told["cosine alone"] = [
            min((nearest[answer[one.start : one.end], context] for one in found.sentences), default=1.0)
            for found, answer, context in judged
        ]
        for label, scores in told.items():
            kept = np.mean([score >= ENOUGH for score, is_good in zip(scores, good, strict=True) if is_good])
            marked = np.mean([score < ENOUGH for score, is_good in zip(scores, good, strict=True) if not is_good])
            print(f"  {label:22} AUC {_auc(scores, good):.3f} (n {len(rows)}) | {kept:6.1%} {marked:6.1%}")


def _told(judged: Sequence[tuple[Judged, float]], weights: Sequence[float], middle: float) -> float:
    """The score of the whole, with a cosine that adds or takes; a number that no source has is not made good by it."""
    whole = 0.0
    for (one, cosine), weight in zip(judged, weights, strict=True):
        gained = STEEPNESS * weight * (cosine - middle)
        support = 1 / (1 + math.exp(-math.log(one.support / (1 - one.support)) - gained))
        support = min(support, one.support) if "number" in one.reasons else support
        whole += math.log(0.02 + 0.98 * support)
    return math.exp(whole / max(1, len(judged)))


def _nearest(embedder: Embedder, sets: dict[str, list[Row]]) -> tuple[dict[tuple[str, str], float], str]:
    """The cosine of the source sentence nearest to each sentence of an answer; and what embedding those costs."""
    rows = list(dict.fromkeys(row[:2] for some in sets.values() for row in some))
    said = {answer: [place.text for place in claims(answer)] for answer, _ in rows}
    known = {context: [context[start:end] for start, end in sentences(context)] for _, context in rows}
    texts = sorted({text for some in (*said.values(), *known.values()) for text in some if text.strip()})
    vectors = dict(zip(texts, embedder.embed([text[:MOST_CHARS] for text in texts]), strict=True))
    nearest = {}
    for answer, context in rows:
        those = np.array([vectors[text] for text in known[context] if text in vectors])
        nearest |= {(text, context): float((those @ vectors[text]).max()) for text in said[answer] if text in vectors}
    spent = []
    for answer in dict.fromkeys(row[0] for row in sets["  several sentences, swapped"]):
        started = time.process_time()
        embedder.embed([text[:MOST_CHARS] for text in said[answer]])
        spent.append((time.process_time() - started) * 1e3 / len(answer) * 1000)
    spent.sort()
    figures = (
        f"{spent[len(spent) // 2]:.0f} ms CPU per KB of answer in the median, p95 {spent[len(spent) * 95 // 100]:.0f}"
    )
    return nearest, f"{figures} (n {len(spent)}; vectors of sources not counted)"


def _half(context: str) -> int:
    return hashlib.sha256(context.encode()).digest()[0] % 2


def _overlap(answer: str, context: str) -> float:
    said, known = (set(re.findall(r"\w+", text.lower())) for text in (answer, context))
    return len(said & known) / max(1, len(said))


def _auc(scores: Sequence[float], good: Sequence[bool]) -> float:
    """Share of pairs of a supported and another answer in which the supported one scores higher; ties count half."""
    high = [score for score, is_good in zip(scores, good, strict=True) if is_good]
    low = [score for score, is_good in zip(scores, good, strict=True) if not is_good]
    return sum((a > b) + 0.5 * (a == b) for a in high for b in low) / (len(high) * len(low))


if __name__ == "__main__":
    main()
