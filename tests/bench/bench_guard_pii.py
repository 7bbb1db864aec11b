"""How well personal data is found, left alone and put back, and what it costs.

Needs NBKIT_BENCH_DATA: guard/pii.jsonl for what is found, the harmless rows of guard/injection*.jsonl for what is left
alone. A labelled place counts as found when a span of ours overlaps it, and a span of ours as right when it overlaps
a labelled place, whatever the kinds. Structured labels: EMAIL_ADDRESS, PHONE_NUMBER, CREDIT_CARD, IBAN_CODE, US_SSN
and IP_ADDRESS; all PII: every label of the file. Names need the extra `pii` and the model `en-core-web-sm` below
NBKIT_HOME; presidio is measured beside them where it is installed.
Run: python tests/bench/bench_guard_pii.py
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from nbkit.errors import NbkitError
from nbkit.guards.identifiers import find_identifiers
from nbkit.guards.names import english_names
from nbkit.guards.pii import PiiGuard
from nbkit.protocols import GuardOptions
from nbkit.pseudonyms import Restorer
from nbkit.secrets import SecretRegistry
from nbkit.types import Message, Request

STRUCTURED = {"EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS"}
PLAIN = [
    re.compile(pattern)
    for pattern in (
        r"[\w.+-]+@[\w-]+\.[\w.]+",
        r"\+?\d[\d ().-]{7,}\d",
        r"\b(?:\d[ -]?){13,16}\b",
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    )
]
STREAMS = 500

Find = Callable[[str], Iterable[tuple[int, int]]]


def main() -> None:
    """Prints the figures."""
    folder = Path(os.environ["NBKIT_BENCH_DATA"], "guard")
    rows = _rows(folder / "pii.jsonl")
    benign = [row for name in ("injection", "injection_notebooks") for row in _rows(folder / f"{name}.jsonl")]
    benign = [row for row in benign if row["label"] == 0]
    print(f"{len(rows)} texts, {sum(len(row['spans']) for row in rows)} labelled places, {len(benign)} harmless texts")
    print("structured:", _scores(rows, _structured, labels=STRUCTURED), "| by 5 plain patterns:")
    print("           ", _scores(rows, _plain, labels=STRUCTURED))
    touched = sum(bool(find_identifiers(row["text"])) for row in benign)
    print(f"harmless texts touched: {touched} of {len(benign)}, {touched / len(benign):.2%}")
    _print_names(rows, benign)
    _print_restoring()
    _print_times([row["text"] for row in (*rows, *benign)])


def _rows(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _structured(text: str) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in find_identifiers(text)]


def _plain(text: str) -> list[tuple[int, int]]:
    return [found.span() for pattern in PLAIN for found in pattern.finditer(text)]


def _scores(rows: list[dict], find: Find, *, labels: set[str] | None = None) -> str:
    found = missed = right = wrong = 0
    for row in rows:
        spans = list(find(row["text"]))
        for label in row["spans"]:
            if labels is None or label["type"] in labels:
                is_found = any(start < label["end"] and label["start"] < end for start, end in spans)
                found, missed = found + is_found, missed + (not is_found)
        for start, end in spans:
            is_right = any(start < label["end"] and label["start"] < end for label in row["spans"])
            right, wrong = right + is_right, wrong + (not is_right)
    recall, precision = found / (found + missed), right / max(1, right + wrong)
    f1 = 2 * recall * precision / (recall + precision)
    return f"recall {recall:.3f} (n {found + missed}), precision {precision:.3f} (n {right + wrong}), F1 {f1:.3f}"


def _print_names(rows: list[dict], benign: list[dict]) -> None:
    presidio = _presidio()
    if presidio is not None:
        print("all PII, presidio:", _scores(rows, presidio))
    try:
        names = english_names(Path(os.environ.get("NBKIT_HOME", "~/.nbkit")).expanduser())
        names("Jane Doe")
    except NbkitError as error:
        print(f"all PII with names: not measured, {error}")
        return

    def both(text: str) -> list[tuple[int, int]]:
        return [*_structured(text), *((span.start, span.end) for span in names(text))]

    def no_organisations(text: str) -> list[tuple[int, int]]:
        kept = [span for span in names(text) if span.kind != "ORGANIZATION"]
        return [*_structured(text), *((span.start, span.end) for span in kept)]

    print("all PII with names:", _scores(rows, both))
    for parity, said in ((0, "even: their misses were looked at"), (1, "odd")):
        half = [row for row in rows if row["template"] % 2 == parity]
        print(f"  templates {said}:", _scores(half, both))
    print("  without organisations:", _scores(rows, no_organisations))
    sample = random.Random(1).sample(benign, 300)
    touched = sum(bool(both(row["text"][:2000])) for row in sample)
    print(f"  harmless texts touched with names: {touched} of {len(sample)}, {touched / len(sample):.1%}")


def _presidio() -> Find | None:
    if importlib.util.find_spec("presidio_analyzer") is None or "NBKIT_BENCH_SPACY" not in os.environ:
        print("presidio: not measured (needs presidio-analyzer, and NBKIT_BENCH_SPACY, the folder of a spaCy model)")
        return None
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    engine = SpacyNlpEngine()
    engine.nlp = {"en": spacy.load(os.environ["NBKIT_BENCH_SPACY"])}
    engine.load = lambda: None
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    return lambda text: [(found.start, found.end) for found in analyzer.analyze(text, language="en")]


def _print_restoring() -> None:
    """Prompts of random values; answers that repeat them, split at every point and into single characters."""
    rng = random.Random(3)
    guard = PiiGuard(GuardOptions(SecretRegistry()))
    splits = exact = 0
    for _ in range(STREAMS):
        text = " ".join(rng.choice(_VALUES)(rng) if rng.random() < 0.5 else rng.choice(_WORDS) for _ in range(12))
        request = Request("echo", "echo", (Message("user", text),))
        sent = guard.screen(text, stage="input", request=request).text
        pseudonyms = guard.pseudonyms(request)
        for pieces in (list(sent), *([sent[:at], sent[at:]] for at in range(len(sent) + 1))):
            restorer = Restorer(pseudonyms)
            restored = "".join(restorer.feed(piece) for piece in pieces) + restorer.finish()
            splits, exact = splits + 1, exact + (restored == text)
    print(f"restored exactly: {exact} of {splits} splits of {STREAMS} streams, {exact / splits:.2%}")


def _digits(rng: random.Random, form: str) -> str:
    return "".join(rng.choice("23456789") if char == "#" else char for char in form)


_VALUES: list[Callable[[random.Random], str]] = [
    lambda rng: f"{rng.choice('abcdef')}{rng.randrange(999)}@{rng.choice(['mail', 'post'])}.example.org",
    lambda rng: _digits(rng, "(###) ###-####"),
    lambda rng: _digits(rng, "+49 15# #######"),
    lambda rng: _digits(rng, "3##-##-####"),
    lambda rng: f"86.231.{rng.randrange(256)}.{rng.randrange(1, 255)}",
    lambda rng: "4111 1111 1111 1111",
    lambda rng: "DE89 3704 0044 0532 0130 00",
]
_WORDS = [
    "and",
    "**bold**",
    "{{ x }}",
    "[1]",
    "it's",
    "⟦EMAIL_1⟧",
    "EMAIL_2",
    "3 < 4",
    "\n",
    "\n- item",
    "https://x.org/y ",
]


def _print_times(texts: list[str]) -> None:
    for name, run in (("pii guard", _screen), ("5 plain patterns", lambda text: list(_plain(text)))):
        per_kb = []
        for text in texts:
            # Short texts are repeated to one KB: below that the clock is most of what is measured.
            text = (text + "\n") * (1 + 1024 // (len(text) + 1))  # noqa: PLW2901
            started = time.process_time_ns()
            run(text)
            per_kb.append((time.process_time_ns() - started) / 1e6 / (len(text) / 1024))
        cuts = statistics.quantiles(per_kb, n=20)
        print(f"{name}: median {statistics.median(per_kb):.3f}, p95 {cuts[-1]:.3f} CPU-ms per KB (n {len(texts)})")


def _screen(text: str) -> None:
    request = Request("echo", "echo", (Message("user", text),))
    PiiGuard(GuardOptions(SecretRegistry())).screen(text, stage="input", request=request)


if __name__ == "__main__":
    main()
