"""Rebuilds the weights of the heads of the injection and content guards.

The same bytes every run on one platform: `NBKIT_BENCH_DATA=... python tests/bench/train_injection.py`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from injection_corpus import Text, Unit, harm, own_units, prompts, public_units
from linear_training import fit, write

from nbkit.guards.injection import _WINDOW
from nbkit.guards.linear import Head, marks, prose, words

BITS = 15
PROMPT_DECAY = 3e-5
PASSAGE_DECAY = 2e-5
WEIGHTS = Path(__file__).parents[2] / "nbkit" / "guards" / "weights"


def group(source: str) -> str:
    """The publisher of a source."""
    return source.split("/", 1)[0]


def weighed(source: str) -> str:
    """Whom a row shares its weight with: its publisher; our texts that only sound like attacks are by themselves."""
    return source if source in ("own/talk", "own/innocent") else group(source)


def balanced(groups: Sequence[tuple[str, int]]) -> list[float]:
    """A weight for each row: the labels count alike, of a label each publisher by the root of its rows."""
    rows = Counter(groups)
    labels = Counter[int]()
    for (_, label), count in rows.items():
        labels[label] += count**0.5  # type: ignore[assignment]
    return [rows[key] ** -0.5 / labels[key[1]] for key in groups]


def injection_head(texts: Sequence[Text]) -> Head:
    """The head for injections in prompts, trained on these texts."""
    return prompt_head(texts, has_kinds=True)


def prompt_head(texts: Sequence[Text], *, has_kinds: bool = False) -> Head:
    """A head for prompts, trained on windows of these texts; with the kinds of words, if asked for."""
    windows = [
        (words(prose(text.text[at : at + _WINDOW])), text.label, weighed(text.source))
        for text in texts
        for at in range(0, len(text.text), _WINDOW)
    ]
    windows = [window for window in windows if window[0]]
    return fit(
        [marks(found, bits=BITS, has_kinds=has_kinds) for found, _, _ in windows],
        [label for _, label, _ in windows],
        bits=BITS,
        weights=balanced([(source, label) for _, label, source in windows]),
        decay=PROMPT_DECAY,
        has_kinds=has_kinds,
    )


def passage_head(units: Sequence[Unit]) -> Head:
    """The head for documents, trained on these sentences."""
    kept = [(words(unit.text), unit) for unit in units]
    kept = [(found, unit) for found, unit in kept if found]
    return fit(
        [marks(found, bits=BITS, extra=unit.signs, has_kinds=True) for found, unit in kept],
        [unit.label for _, unit in kept],
        bits=BITS,
        weights=balanced([(group(unit.source), unit.label) for _, unit in kept]),
        decay=PASSAGE_DECAY,
        has_kinds=True,
    )


def main() -> None:
    """Trains the heads and writes them into the package."""
    heads = {
        "prompt": injection_head(prompts()),
        "passage": passage_head(own_units() + public_units()),
        "harm": prompt_head(harm()),
    }
    for name, made in heads.items():
        path = WEIGHTS / f"{name}.json"
        write(made, path)
        print(
            f"{name}: {sum(map(bool, made.weights)):,} of {len(made.weights):,} weights, {path.stat().st_size:,} bytes"
        )


if __name__ == "__main__":
    main()
