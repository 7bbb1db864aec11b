"""How a follow-up of a conversation is best searched for: bare, behind the question before it, or else.

Fifteen follow-ups that say little without the question before them, and eight questions that turn to another subject,
over the documents of the handbook. Success at 5: whether one of the first five passages holds the sentence that
answers. All were written for this script by hand, before anything was measured; `at need` is where the bare question
is far from everything (below `rag.min_score`). `question twice`, which nbkit does, came after the others were seen.
Needs the weights of all-minilm-l6-v2.
Run: python tests/bench/bench_follow_ups.py
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from nbkit.config import home_path
from nbkit.documents import Passage
from nbkit.rag.collection import Collection
from nbkit.session import current
from nbkit.session.retrieving import searched

HANDBOOK = Path(__file__).parents[2] / "notebooks" / "handbook" / "corpus"
K = 5
FOLLOW_UPS = (
    ("How long is the guarantee on a Kite 24 that came in 2025?", "And on the electrode?", "SDG-07 electrode"),
    ("How long are climate records of a site kept on the portal?", "And when they leave?", "fetched for 60 days"),
    ("When does support for release 3.9 end?", "And for 4.1?", "30 September 2027"),
    ("Until when are there spare parts for a Dunnock 3?", "What about after that day?", "while stocks last"),
    ("Which motor lifts a side curtain of 50 m in a polytunnel?", "And which fuse does it take?", "TM-40"),
    ("What does a course of grade B cost?", "Is lunch part of it?", "690 euros"),
    ("What VPD should tomatoes have by day?", "And at night?", "0.6 to 1.1"),
    ("Which port does the Rookery use for updates?", "And which for the time?", "any NTP server"),
    ("How much water does an 11 cm pot get in one round?", "How many of them on a bright day?", "55 ml"),
    ("How far does one hop of the radio card reach?", "How many may follow one another?", "more than 6 hops"),
    ("How long does the certificate of the Rookery last?", "When does it get a new one?", "45 days before the end"),
    ("Where do I hang a Wren 2 in a polytunnel?", "How high is that?", "1.4 m above the path"),
    ("What humidity does the choice HERBS of the Heron 8 allow?", "And how warm is it then?", "HERBS"),
    ("Within how many minutes must a flooded bench drain?", "What is wrong if it takes longer?", "blocked sieve"),
    ("How do I return a faulty controller?", "How long is that number valid?", "Ask for a return number"),
)
TURNS = (
    (0, "What does a slow green light of the Heron 8 mean?", "slow green light"),
    (1, "Who is the data protection officer?", "Oona Pellmark"),
    (5, "How far does one hop of the radio card reach?", "One hop is about 350 m"),
    (3, "How many people can use the portal at the same time?", "As many as you like may look"),
    (6, "What is in the box of a Heron 8?", "the yellow key, a bag"),
    (7, "May I paint the controller?", "closes the pores"),
    (8, "When does support for release 3.9 end?", "31 January 2026"),
    (10, "Which motor lifts a side curtain of 50 m?", "TM-40"),
)


def main() -> None:
    weights, home = home_path(os.environ) / "models", Path(tempfile.mkdtemp(prefix="nbkit-bench-"))
    (home / "models").symlink_to(weights)
    os.environ["NBKIT_HOME"] = str(home)
    os.chdir(HANDBOOK)
    session = current()
    settings = session.config().settings
    session.collections.add("bench", ["."], settings)
    collection = session.collections.open("bench", settings)
    pairs = [*FOLLOW_UPS, *((FOLLOW_UPS[at][0], question, quote) for at, question, quote in TURNS)]

    def weak(question: str) -> bool:
        found = collection.matches(question, k=K)
        return max((one.cosine or 0.0 for one in found), default=0.0) < settings.rag_min_score

    ways: dict[str, Callable[[str, str], list[Passage]]] = {
        "bare": lambda _, question: collection.search(question, k=K),
        "joined": lambda before, question: collection.search(f"{before}\n{question}", k=K),
        "joined at need": lambda before, question: collection.search(
            f"{before}\n{question}" if weak(question) else question, k=K
        ),
        "question twice": lambda before, question: collection.search(searched(question, [before]), k=K),
        "both, in turns": lambda before, question: in_turns(collection, before, question),
    }
    print(f"success at {K}    {len(FOLLOW_UPS)} follow-ups    {len(TURNS)} other subjects")
    for name, way in ways.items():
        hits = [holds(way(before, question), quote) for before, question, quote in pairs]
        print(f"{name:<18}{sum(hits[: len(FOLLOW_UPS)]):>3}  {sum(hits[len(FOLLOW_UPS) :]):>18}")
        print("   missed:", [pairs[at][1] for at, hit in enumerate(hits) if not hit])
    near = [max(one.cosine or 0.0 for one in collection.matches(question, k=K)) for _, question, _ in pairs]
    print("similarity of the best, bare:", [f"{one:.2f}" for one in near])
    session.close()


def in_turns(collection: Collection, before: str, question: str) -> list[Passage]:
    """The best of both searches, in turns."""
    found: list[Passage] = []
    known: set[str] = set()
    for pair in zip(collection.search(question, k=K), collection.search(f"{before}\n{question}", k=K), strict=False):
        for one in pair:
            if one.id not in known:
                known.add(one.id)
                found.append(one)
    return found[:K]


def holds(passages: Sequence[Passage], quote: str) -> bool:
    """Whether one of the passages has the sentence that answers."""
    return any(quote in " ".join(one.whole_text.split()) for one in passages)


if __name__ == "__main__":
    main()
