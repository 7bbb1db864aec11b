"""Rebuilds the weights of the toxicity guard's head, from texts of our own alone.

The same bytes every run on one platform: `python tests/bench/train_toxicity.py`."""

from __future__ import annotations

import random
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from injection_corpus import HERE, Templates, Text, cells, varied
from linear_training import fit, write
from train_injection import WEIGHTS, balanced

from nbkit.guards.linear import Head, marks, prose, words
from nbkit.guards.toxicity import pieces

BITS = 15
DECAY = 3e-5
EACH = 60
_JOINED = 0.15
"""How many of the toxic texts stand among harmless ones."""


class ToxicTemplates(Templates):
    """The committed templates of toxic texts and of those that only sound like it."""

    def __init__(self) -> None:
        self.slots: dict[str, list[str]] = {}
        self.families: dict[tuple[str, str], list[str]] = {}
        self._read(HERE / "toxicity_own.txt")


def toxicity(*, seed: int = 7, without: Collection[str] = ()) -> list[Text]:
    """What the head is trained on, but for some templates: each text's source is its family."""
    own, rng = ToxicTemplates(), random.Random(seed)
    own.families = {key: [line for line in some if line not in without] for key, some in own.families.items()}
    fine = [Text(text, 0, f"own/{family}") for family, text in own.texts("fine", each=EACH, seed=seed)]
    found = [Text(varied(one.text, rng), 0, one.source) for one in fine]
    for family, text in own.texts("toxic", each=EACH, seed=seed):
        changed = varied(text, rng)
        roll = rng.random()
        if roll < _JOINED:
            beside = rng.choice(fine).text
            changed = f"{beside} {changed}" if roll < _JOINED / 2 else f"{changed} {beside}"
        found.append(Text(changed, 1, f"own/{family}"))
    found += [Text(text, 0, "own/prompts") for _, text in Templates().texts("prompt", each=15)]
    found += [Text(text, 0, "own/documents") for _, text in Templates().texts("document", each=6)]
    found += [Text(text, 0, "own/cells") for text in cells()]
    return found


def toxic_head(texts: Iterable[Text]) -> Head:
    """The head, trained on pieces of these texts."""
    rows = [
        (words(prose(text.text[start:end])), text.label, text.source)
        for text in texts
        for start, end in pieces(text.text)
    ]
    rows = [row for row in rows if row[0]]
    sources: Sequence[tuple[str, int]] = [(source, label) for _, label, source in rows]
    return fit(
        [marks(found, bits=BITS) for found, _, _ in rows],
        [label for _, label, _ in rows],
        bits=BITS,
        weights=balanced(sources),
        decay=DECAY,
    )


def main() -> None:
    """Trains the head and writes it into the package."""
    made, path = toxic_head(toxicity()), WEIGHTS / "toxicity.json"
    write(made, path)
    print(f"{sum(map(bool, made.weights)):,} of {len(made.weights):,} weights, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
