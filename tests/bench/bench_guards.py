"""What the guards that are on by default cost together, a KB of prompt and of answer, beside five plain patterns.

Prompts are the harmless texts of guard/injection.jsonl and guard/injection_notebooks.jsonl, joined to about a KB each;
answers are the same texts in pieces of 24 characters, as a model streams them. The long inputs are 100,000 characters
of what patterns may stumble over, see `hostile_inputs.py`. CPU time; the goal is 3 ms at p95 a KB, and 100 ms for each
long input and guard.
Run: NBKIT_BENCH_DATA=FOLDER python tests/bench/bench_guards.py [--texts 400] [--all]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hostile_inputs import LONG_CHARS, UNITS, hostile, repeated

from nbkit.pipeline.screening import OutputScreen, screen_request
from nbkit.protocols import Guard
from nbkit.session import current
from nbkit.setting import Settings
from nbkit.types import Message, Request, Stage

_KB = 1_000
_PIECE = 24
_SLOW_MS = 50
_MOST_MS = 100
_FIVE = [
    re.compile(pattern)
    for pattern in (
        r"[\w.+-]+@[\w-]+\.[\w.-]+",
        r"\+?\d[\d ()-]{7,}\d",
        r"\b(?:\d[ -]?){13,19}\b",
        r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
        r"(?i)ignore (?:all )?(?:previous|prior) instructions",
    )
]


def texts(folder: Path, count: int) -> list[str]:
    """Stretches of about a KB, made of whole texts."""
    found = []
    for name in ("injection.jsonl", "injection_notebooks.jsonl"):
        rows = [json.loads(line) for line in (folder / "guard" / name).read_text("utf-8").split("\n") if line]
        found += [row["text"] for row in rows if not row["label"]]
    random.Random(0).shuffle(found)
    made, held = [], ""
    for text in found:
        held = f"{held}\n\n{text}" if held else text
        if len(held) >= _KB:
            made.append(held)
            held = ""
    return made[:count]


def cpu_ms(action: Callable[[], object]) -> float:
    """CPU milliseconds of one run."""
    started = time.process_time()
    action()
    return 1_000 * (time.process_time() - started)


def row(name: str, found: list[float]) -> None:
    """One line: median, p95, most."""
    ordered = sorted(found)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    print(
        f"{name:34} n={len(found):4}  median {statistics.median(found):6.2f}  p95 {p95:6.2f}  most {ordered[-1]:7.2f}"
    )


def screened(guard: Guard, text: str, stage: Stage) -> None:
    """One look of one guard at a long text."""
    asked = Message("user", text if stage == "input" else "?")
    told = Message("system", "word " * 20 + "a " * 20)
    guard.screen(text, stage=stage, request=Request("", "", (asked,) if stage == "input" else (told, asked)))


def bench_long(guards: Sequence[Guard], *, is_all: bool) -> None:
    """The worst five of the long texts, by guard and stage; what is slow is measured three times, the least counts."""
    inputs = dict(hostile()) if is_all else {repr(unit): repeated(unit) for unit in UNITS}
    print(f"{len(inputs):,} texts of {LONG_CHARS:,} characters, CPU-ms by guard, worst five; how many take over 100")
    stages: tuple[Stage, ...] = ("input", "retrieved", "output")
    for stage, guard in ((stage, guard) for stage in stages for guard in guards if stage in guard.stages):
        spent: list[tuple[float, str]] = []
        for name, text in inputs.items():
            least = cpu_ms(lambda g=guard, t=text, s=stage: screened(g, t, s))  # type: ignore[misc]
            if least > _SLOW_MS:
                least = min(least, *(cpu_ms(lambda g=guard, t=text, s=stage: screened(g, t, s)) for _ in range(2)))  # type: ignore[misc]
            spent.append((least, name))
        worst = ", ".join(f"{name} {ms:.0f}" for ms, name in sorted(spent)[-1:-6:-1])
        print(f"  {stage:9} {guard.name:12} over {sum(ms > _MOST_MS for ms, _ in spent):3}  {worst}")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--all", action="store_true", help="all long texts, six minutes of one core")
    given = parser.parse_args()
    furniture = current()._furniture
    guards = furniture.guards(Settings(), is_local=False)
    names = ", ".join(dict.fromkeys(guard.name for guard in guards))
    some = texts(Path(os.environ["NBKIT_BENCH_DATA"]), given.texts)

    def asked(text: str) -> Request:
        return Request("", "", (Message("user", text),))

    def send(text: str) -> None:
        screen_request(asked(text), guards, [])

    def show(text: str, *, piece: int = _PIECE) -> None:
        screen = OutputScreen(guards, lambda _: None, [])
        screen.open(asked("?"))
        for start in range(0, len(text), piece):
            screen.feed(text[start : start + piece])
        screen.finish()

    for text in some[:20]:
        send(text)
        show(text)
    print(f"guards: {names}; CPU-ms per KB")
    row("five patterns", [cpu_ms(lambda t=t: [p.findall(t) for p in _FIVE]) / (len(t) / _KB) for t in some])  # type: ignore[misc]
    row("prompt, all guards", [cpu_ms(lambda t=t: send(t)) / (len(t) / _KB) for t in some])  # type: ignore[misc]
    row("answer whole, all guards", [cpu_ms(lambda t=t: show(t, piece=LONG_CHARS)) / (len(t) / _KB) for t in some])  # type: ignore[misc]
    row("answer in pieces, all guards", [cpu_ms(lambda t=t: show(t)) / (len(t) / _KB) for t in some])  # type: ignore[misc]
    bench_long(guards, is_all=given.all)


if __name__ == "__main__":
    main()
