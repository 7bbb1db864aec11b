"""What the guards that are on by default cost together, a KB of prompt and of answer, beside five plain patterns.

Prompts are the harmless texts of guard/injection.jsonl and guard/injection_notebooks.jsonl, joined to about a KB each;
answers are the same texts in pieces of 24 characters, as a model streams them. The long inputs are 100,000 characters
of what patterns may stumble over. CPU time; the goal is 3 ms at p95 a KB, and 100 ms for each long input and guard.
Run: NBKIT_BENCH_DATA=FOLDER python tests/bench/bench_guards.py [--texts 400]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nbkit.pipeline.screening import OutputScreen, screen_request
from nbkit.session import current
from nbkit.setting import Settings
from nbkit.types import Message, Request

_KB = 1_000
_LONG = 100_000
_PIECE = 24
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
_UNITS = (
    "a", " ", "\n", "-", "1", "1 ", "a@", "@a.", "(", "[", "![", "](", "<a ", "```\n", "sk-", "AKIA", "eyJ", "+1 ",
    "::", "1.1.1.", "word ", "a ", "ignore ", "you are ", "=a", "%61", "\\u0061", "aGVsbG8", "\u202e", "⟦EMAIL_1⟧ ", "http://a",
    "password = ",
    "\t\u2028", "a: b\n", "| a ", "> ", "$$", "DE89 3704 0044 0532 0130 00 ",
)  # fmt: skip


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


def long_inputs() -> Iterator[tuple[str, str]]:
    """A name and 100,000 characters."""
    for unit in _UNITS:
        yield repr(unit), (unit * (_LONG // len(unit) + 1))[:_LONG]


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=400)
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
    row("answer whole, all guards", [cpu_ms(lambda t=t: show(t, piece=_LONG)) / (len(t) / _KB) for t in some])  # type: ignore[misc]
    row("answer in pieces, all guards", [cpu_ms(lambda t=t: show(t)) / (len(t) / _KB) for t in some])  # type: ignore[misc]
    print("100,000 characters, CPU-ms by guard, worst three")
    told = Request("", "", (Message("system", "word " * 20 + "a " * 20), Message("user", "?")))
    for stage in ("input", "output"):
        for guard in guards:
            if stage in guard.stages:
                spent = [
                    (
                        cpu_ms(
                            lambda g=guard, t=text, s=stage: g.screen(  # type: ignore[misc]
                                t, stage=s, request=asked(t) if s == "input" else told
                            )
                        ),
                        name,
                    )
                    for name, text in long_inputs()
                ]
                worst = ", ".join(f"{name} {ms:.0f}" for ms, name in sorted(spent)[-1:-4:-1])
                print(f"  {stage:7} {guard.name:12} {worst}")


if __name__ == "__main__":
    main()
