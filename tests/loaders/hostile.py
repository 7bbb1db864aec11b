"""Loaders that do to their process what a hostile file would make a parser do."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import time
from pathlib import Path

from nbkit.documents import Document, Heading
from nbkit.loaders.limits import Budget


class Hostile:
    name = "hostile"
    suffixes = (".hostile",)

    def load(self, path: Path, *, budget: Budget | None = None):
        path.with_suffix(".begun").touch()
        return getattr(self, path.read_text())(budget)

    def good(self, budget):
        return Document("good")

    def crash(self, budget):
        ctypes.string_at(0)

    def leave(self, budget):
        os._exit(3)

    def hang(self, budget):
        while True:
            pass

    def hang_without_threads(self, budget):
        re.match(r"(a+)+$", "a" * 60 + "b")

    def crawl(self, budget):
        while True:
            budget.progress()
            time.sleep(0.05)

    def slow(self, budget):
        for _ in range(12):
            budget.progress()
            time.sleep(0.1)
        return Document("slow")

    def scan(self, budget):
        for _ in range(2):
            assert budget.scan()
            time.sleep(1.2)
        return Document("scan")

    def scan_and_hang(self, budget):
        budget.scan()
        time.sleep(60)

    def scan_without_end(self, budget):
        while True:
            # Not asked whether it may.
            budget._on_scan()
            time.sleep(0.1)

    def scan_and_hoard(self, budget):
        budget.scan()
        held = [bytearray(1 << 24) for _ in range(24)]
        return Document("scan" if held else "")

    def hoard(self, budget):
        held = []
        while True:
            held.append(bytearray(1 << 24))

    def flood(self, budget):
        return Document("x" * 70_000_000)

    def lie(self, budget):
        return Document("x", headings=(Heading(99, 1, "x"),))

    def other(self, budget):
        return {"text": "x"}

    def fail(self, budget):
        msg = "the words of the document"
        raise RuntimeError(msg)

    def stop(self, budget):
        sys.exit(1)

    def miss(self, budget):
        import no_such_parser_anywhere

        return no_such_parser_anywhere

    def talk(self, budget):
        print("to the parent?")  # noqa: T201 - what is tested
        os.write(1, b"\0\0\0\x02{}")
        sys.stdin.read()
        return Document("talked")

    def keys(self, budget):
        return Document(" ".join(sorted(os.environ)))


class Plain:
    """A loader as a plug-in writes it, without a budget."""

    name = "plain"
    suffixes = (".hostile",)

    def load(self, path: Path):
        return Document(path.read_text())
