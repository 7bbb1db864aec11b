"""What pages without text give: filings drawn as a scanner would, and read back; beside Tesseract where it is on PATH.

Goal: >= .98 of the words. Run: NBKIT_BENCH_DATA=... python tests/bench/bench_ocr.py
Each page is drawn at 150 dots an inch, turned by up to half a degree, given noise, and packed as JPEG (quality 60).
What pdfium reads from the page itself is the reference; words are counted with repeats, in any order (recall,
precision), and in order (the share of neighbouring words that are neighbours in the original).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pypdfium2
from PIL import Image

from nbkit.loaders.pdf import PdfLoader
from nbkit.loaders.reading import Reader

_PARTS = (
    ("PEPSICO_2023_8K_dated-2023-05-05.pdf", range(5)),
    ("ADOBE_2022_10K.pdf", range(30, 36)),
    ("ULTABEAUTY_2023Q4_EARNINGS.pdf", range(3, 9)),
)
_WORD = re.compile(r"\w+")


def draw(folder: Path) -> tuple[list[Image.Image], list[str]]:
    """Pages as a scanner gives them, and what is on them."""
    chance = np.random.default_rng(1)
    pictures, texts = [], []
    for name, numbers in _PARTS:
        pdf = pypdfium2.PdfDocument(folder / name)
        for number in numbers:
            page = pdf[number]
            texts.append(page.get_textpage().get_text_range())
            drawn = page.render(scale=150 / 72, grayscale=True).to_pil()
            turned = drawn.rotate(chance.uniform(-0.5, 0.5), fillcolor=255, resample=Image.Resampling.BICUBIC)
            noisy = np.asarray(turned, dtype=np.float32) + chance.normal(0, 12, (turned.height, turned.width))
            jpeg = io.BytesIO()
            Image.fromarray(noisy.clip(0, 255).astype("uint8")).save(jpeg, "JPEG", quality=60)
            pictures.append(Image.open(jpeg))
    return pictures, texts


def compare(name: str, said: Sequence[str], texts: Sequence[str], *, cpu_s: float) -> None:
    held = wanted = given = near = pairs = 0
    for ours, theirs in zip(said, texts, strict=True):
        got, true = _WORD.findall(ours.lower()), _WORD.findall(theirs.lower())
        held, wanted, given = held + (Counter(got) & Counter(true)).total(), wanted + len(true), given + len(got)
        a, b = (Counter(pairwise(words)) for words in (got, true))
        near, pairs = near + (a & b).total(), pairs + b.total()
    print(
        f"{name:22} words read {held / wanted:.4f} (n = {wanted}), read rightly {held / given:.4f}, neighbours kept "
        f"{near / pairs:.4f}, {cpu_s / len(texts):.2f} CPU-seconds a page ({len(texts)} pages)"
    )


def by_nbkit(path: Path) -> list[str]:
    made = PdfLoader().load(path)
    ends = [*made.pages[1:], len(made.text)]
    return [made.text[start:end] for start, end in zip(made.pages, ends, strict=True)]


def by_tesseract(pictures: Sequence[Image.Image]) -> list[str]:
    texts = []
    for picture in pictures:
        png = io.BytesIO()
        picture.save(png, "PNG", dpi=(150, 150))
        done = subprocess.run(
            ["tesseract", "-", "-"],
            input=png.getvalue(),
            capture_output=True,
            check=True,
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        )
        texts.append(done.stdout.decode())
    return texts


def timed(read: Callable[[], list[str]]) -> tuple[list[str], float]:
    """What is read, and the CPU-seconds of it, those of finished children included."""

    def spent() -> float:
        return sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, (0, resource.RUSAGE_CHILDREN)))

    before = spent()
    texts = read()
    return texts, spent() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("NBKIT_BENCH_DATA", ".")))
    pictures, texts = draw(parser.parse_args().data / "financebench" / "pdfs")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scan.pdf")
        pictures[0].save(path, save_all=True, append_images=pictures[1:], resolution=150)
        said, cpu_s = timed(lambda: by_nbkit(path))
        compare("nbkit[ocr]", said, texts, cpu_s=cpu_s)
        started = time.perf_counter()
        with Reader(children=1) as reader:
            reader.read(path)
        print(
            f"{'in a child, held':22} {(time.perf_counter() - started) / len(texts):.2f} seconds a page, start and all"
        )
    if shutil.which("tesseract"):
        said, cpu_s = timed(lambda: by_tesseract(pictures))
        compare("tesseract", said, texts, cpu_s=cpu_s)
    else:
        print("tesseract              not on PATH")
    print(f"most memory of this process {resource.getrusage(0).ru_maxrss >> 10} MB")


if __name__ == "__main__":
    main()
