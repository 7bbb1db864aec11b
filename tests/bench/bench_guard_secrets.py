"""Recall, false alarms and time of the formats of secrets. `python tests/bench/bench_guard_secrets.py`."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import statistics
import sys
import sysconfig
import time
from collections import defaultdict
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from secret_keys import LLM_AND_CLOUD, LONG_TAIL, WRAPS, make

from nbkit.guards.secret_formats import all_rules, find_secrets
from nbkit.guards.secrets import SecretsGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Request

_ROOT = Path(sysconfig.get_path("purelib"))
TOP = re.compile(r"anthropic|openai|cohere|huggingface|perplexity|aws|gcp|azure|github|gitlab|databricks")
# Fixtures labelled 1 in which nobody can find a secret: stand-ins, prose, a bare service name, a public address.
STAND_IN = re.compile(
    r"x{9}|X{9}|^133\.|133\.133|^1\.1\.1\.1$|EXAMPLEEXAMPLE|asiakirja|TODAYINASIA|^CTTCATAGG"
    r"|^if err :=|XCBBuild|NSOperating"
    r"|^message[-_]?bird$|^pscale_(?:tkn|oauth)_$|^\"type\": \"service_account\"$|username:password@"
)
PLAIN = [
    re.compile(p)
    for p in (
        r"sk-[A-Za-z0-9]{20,}",
        r"AKIA[0-9A-Z]{16}",
        r"gh[pousr]_[A-Za-z0-9]{36}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        r"(?i)(?:api_key|password)\s*=\s*['\"][^'\"]{8,}['\"]",
    )
]


def rows(name: str) -> list[dict]:
    path = Path(os.environ["NBKIT_BENCH_DATA"]) / "guard" / name
    with gzip.open(path, "rt") if name.endswith(".gz") else path.open() as lines:
        return [json.loads(line) for line in lines]


def recall() -> None:
    fixtures = rows("secrets.jsonl.gz")
    groups: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    sources: dict[str, list[bool]] = defaultdict(list)
    for row in fixtures:
        if row["label"] == 1:
            hit = bool(find_secrets(row["text"]))
            group = "LLM vendors and top clouds" if TOP.search(row["source"]) else "long tail"
            groups[group].append((hit, STAND_IN.search(row["text"]) is not None))
            sources[row["source"]].append(hit)
    for group, hits in groups.items():
        real = [hit for hit, is_odd in hits if not is_odd]
        print(
            f"{group}: {sum(h for h, _ in hits)}/{len(hits)} = {sum(h for h, _ in hits) / len(hits):.3f} as labelled; "
            f"{sum(real)}/{len(real)} = {sum(real) / len(real):.3f} without {len(hits) - len(real)} that hold no secret"
        )
    print(
        "by source, where any is missed:",
        ", ".join(f"{s.split('/')[1]} {sum(h)}/{len(h)}" for s, h in sorted(sources.items()) if not all(h)),
    )
    benign = [row["text"] for row in fixtures if row["label"] == 0]
    print(f"fixtures labelled 0 that are flagged: {sum(bool(find_secrets(t)) for t in benign)}/{len(benign)}")
    texts = [
        r["text"] for name in ("injection.jsonl", "injection_notebooks.jsonl") for r in rows(name) if r["label"] == 0
    ]
    flagged = sum(bool(find_secrets(text)) for text in texts)
    print(f"benign texts flagged: {flagged}/{len(texts)} = {flagged / len(texts):.4%}")


def installed(files: int = 1500) -> None:
    """Code, style sheets and metadata of the packages installed here: full of hashes, and nobody's secrets."""
    found = [p for end in ("*.py", "*.json", "*.js", "*.css", "METADATA", "RECORD") for p in _ROOT.rglob(end)]
    random.Random(7).shuffle(found)
    chars, flagged = 0, []
    for path in found[:files]:
        text = path.read_text("utf-8", "replace")[:100_000]
        chars += len(text)
        flagged += [f"{path.name}: {', '.join({hit.kind for hit in hits})}" for hits in [find_secrets(text)] if hits]
    print(f"installed files flagged: {len(flagged)}/{min(files, len(found))} ({chars / 1e6:.0f} MB)", flagged[:12])


def synthetic(times: int = 6) -> None:
    dice = random.Random(20)
    for title, table in (("LLM vendors and top clouds", LLM_AND_CLOUD), ("long tail", LONG_TAIL)):
        misses: dict[tuple[str, str], int] = defaultdict(int)
        n = whole = 0
        for (vendor, forms), (wrap, around) in product(table.items(), WRAPS.items()):
            for form in forms:
                for _ in range(times // len(forms) + 1):
                    key = make(form, dice)
                    if wrap in ("json", "json-escaped", "python"):
                        key = json.dumps(key)[1:-1]
                    text = around.format(key)
                    at = text.index(key)
                    n += 1
                    # Found, and not just a piece of it: what is left when found parts are cut out is short.
                    found = [f for f in find_secrets(text) if f.start < at + len(key) and at < f.end]
                    whole += bool(found)
                    if not found:
                        misses[vendor, wrap] += 1
        print(
            f"fresh keys, {title}: {whole}/{n} = {whole / n:.4f}",
            dict(sorted(misses.items(), key=lambda m: -m[1])[:12]),
        )


def timing() -> None:
    texts = [
        r["text"] for name in ("injection.jsonl", "injection_notebooks.jsonl") for r in rows(name) if r["label"] == 0
    ]
    texts = [text for text in texts if len(text) >= 256]
    guard = SecretsGuard(GuardOptions(SecretRegistry({"OPENAI_API_KEY": "sk-proj-0123456789abcdef"})))
    request = Request("echo", "echo", ())
    for title, run in (
        ("guard", lambda text: guard.screen(text, stage="input", request=request)),
        ("5 plain regexes", lambda text: [pattern.search(text) for pattern in PLAIN]),
    ):
        for text in texts[:50]:
            run(text)
        per_kb = sorted(_ms(run, text) / len(text) * 1024 for text in texts)
        print(
            f"{title}: p50 {statistics.median(per_kb):.3f}, p95 {per_kb[int(len(per_kb) * 0.95)]:.3f} ms per KB (CPU), "
            f"n={len(texts)}"
        )
    worst = []
    pads = ("", "-", '="', "aB3")
    for unit in (
        {k + pad for rule in all_rules() for k in rule.keywords for pad in pads}
        | set("aA0 -_=.:/|\"'\n\\[")
        | {
            "A/",
            "-----BEGIN PRIVATE KEY-----\n",
            "[secret:x] token=",
            "://a:",
            "://a:b@",
            "eyJaaaaaaaaaaaaaa.",
            "curl -u a:",
        }
    ):
        text = (unit * (100_000 // len(unit) + 1))[:100_000]
        worst.append((_ms(lambda text: guard.screen(text, stage="input", request=request), text), unit))
    worst.sort(reverse=True)
    print(
        f"100,000 characters, {len(worst)} adversarial units, worst ms:",
        [(round(ms), unit) for ms, unit in worst[:8]],
        "median",
        round(worst[len(worst) // 2][0]),
    )


def _ms(run, text: str) -> float:
    started = time.process_time_ns()
    run(text)
    return (time.process_time_ns() - started) / 1e6


if __name__ == "__main__":
    recall()
    installed()
    synthetic()
    timing()
