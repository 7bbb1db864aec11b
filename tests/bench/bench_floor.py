"""Where `%%rag` should ask nobody: questions with their answer in what is searched, against questions without.

Needs NBKIT_BENCH_DATA and the weights of all-minilm-l6-v2; a quarter of an hour when nothing is embedded yet. Each
question is asked of documents that hold its answer and of ones that do not: of one file and of all files of its
collection but its own (xquad-en, chunking, short contexts of guard/grounded, and small files put together from
sentences of xquad-en, each about something else), of the other collection (cisi, cranfield), and of this project's
handbook, which has questions that it does not answer. Printed are the area under the ROC curve, and what is refused
wrongly and rightly: at the threshold that refuses 5 % of the questions that have an answer in all collections but the
one that it is measured on, and at the default of `rag.min_score`. Compared with the rule before (the similarity, and
past it what has all names and numbers of a question), and each side alone.
Run: python tests/bench/bench_floor.py [--kept FILE]   (FILE: what was found; made where it is missing)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from nbkit.config import home_path
from nbkit.documents import Passage
from nbkit.embed.cached import CachedEmbedder, store_in
from nbkit.embed.onnx import OnnxEmbedder
from nbkit.guards.wording import sentences, tokens
from nbkit.protocols import EmbedderOptions
from nbkit.rag.collection import Collection
from nbkit.rag.nearness import nearness
from nbkit.setting import Settings

HANDBOOK = Path(__file__).parents[2] / "notebooks" / "handbook"
K = 5
SENTENCES_MIXED = 5
MOST_CONTEXTS, MOST_QUESTIONS = 300, 400
REFUSED = 0.05


@dataclass(frozen=True)
class Asked:
    """One question asked of some documents, and what was found."""

    collection: str
    of: str
    """`one file` or `all`."""
    question: str
    has_answer: bool
    nearest: float
    passages: list[tuple[str, list[str]]]
    """Texts with their headings."""


@dataclass(frozen=True)
class Question:
    text: str
    file: str | None
    """The file that answers it; None where none does."""


def texts_of(folder: Path, kind: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / f"{kind}.jsonl").read_text("utf-8").splitlines()]


def file_of(paragraph: str) -> str:
    """The file of the article that a paragraph is of; no quote in it, for a filter names it."""
    return f"{paragraph.partition('#')[0].replace(chr(39), '')}.md"


def xquad(data: Path) -> tuple[dict[str, str], list[Question]]:
    judged = dict(line.split("\t")[:2] for line in (data / "xquad-en" / "qrels.tsv").read_text().splitlines()[1:])
    files: dict[str, str] = {}
    for row in texts_of(data / "xquad-en", "corpus"):
        name = file_of(row["_id"])
        files[name] = files.get(name, f"# {row['title']}\n") + f"\n{row['text']}\n"
    asked = [
        Question(row["text"], file_of(judged[row["_id"]]))
        for row in texts_of(data / "xquad-en", "queries")
        if row["_id"] in judged
    ]
    return files, random.Random(1).sample(asked, MOST_QUESTIONS)


def mixed(data: Path) -> tuple[dict[str, str], list[Question]]:
    """Small files about much: in each, sentences that answer questions on articles that have nothing to do with it."""
    judged = dict(line.split("\t")[:2] for line in (data / "xquad-en" / "qrels.tsv").read_text().splitlines()[1:])
    texts = {row["_id"]: row["text"] for row in texts_of(data / "xquad-en", "corpus")}
    by_article: dict[str, list[tuple[str, str]]] = {}
    for row in texts_of(data / "xquad-en", "queries"):
        text, at = texts[judged[row["_id"]]], int(row["answer_start"][0])
        said = next((text[start:end] for start, end in sentences(text) if start <= at < end), "")
        if said:
            by_article.setdefault(file_of(judged[row["_id"]]), []).append((row["text"], said))
    rng = random.Random(3)
    files: dict[str, str] = {}
    asked: list[Question] = []
    for number in range(MOST_QUESTIONS // SENTENCES_MIXED):
        chosen = [rng.choice(by_article[name]) for name in rng.sample(sorted(by_article), SENTENCES_MIXED)]
        files[f"mixed{number}.md"] = "\n\n".join(said for _, said in chosen)
        asked += [Question(question, f"mixed{number}.md") for question, _ in chosen]
    return files, asked


def corpora(data: Path) -> tuple[dict[str, str], list[Question]]:
    asked = [Question(row["question"], f"{row['corpus_id']}.md") for row in texts_of(data / "chunking", "questions")]
    return {one: (data / "chunking" / one).read_text("utf-8") for one in {q.file for q in asked if q.file}}, asked


def contexts(data: Path) -> tuple[dict[str, str], list[Question]]:
    rows = {row["question"]: row["context"] for row in texts_of(data / "guard", "grounded")}
    some = random.Random(1).sample(sorted(rows.items()), MOST_CONTEXTS)
    files = {f"context{number}.md": context for number, (_, context) in enumerate(some)}
    return files, [Question(question, f"context{number}.md") for number, (question, _) in enumerate(some)]


def abstracts(data: Path, name: str) -> dict[str, str]:
    rows = texts_of(data / name, "corpus")
    return {f"{name}/{row['_id']}.md": f"# {row['title']}\n\n{row['text']}\n" for row in rows}


def asked_of(collection: Collection, name: str, of: str, where: str | None, questions: Sequence[Question], *,
             has_answer: bool) -> Iterator[Asked]:  # fmt: skip
    for one in questions:
        found = collection.matches(one.text, k=K, where=where)
        nearest = max((match.cosine or 0.0 for match in found), default=0.0)
        yield Asked(
            name,
            of,
            one.text,
            has_answer,
            nearest,
            [(match.passage.whole_text, list(match.passage.headings)) for match in found],
        )


def of_files(collection: Collection, name: str, files: Sequence[str], questions: Sequence[Question]) -> Iterator[Asked]:
    """Each question of its own file, of all, of one other file, and of all but its own."""
    rng = random.Random(2)
    for one in questions:
        other = rng.choice([file for file in files if file != one.file])
        if one.file is not None:
            yield from asked_of(collection, name, "one file", f"path = '{one.file}'", [one], has_answer=True)
            if name == "mixed":
                yield from asked_of(collection, name, "one file", f"path = '{other}'", [one], has_answer=False)
                continue
            yield from asked_of(collection, name, "all", None, [one], has_answer=True)
            yield from asked_of(collection, name, "all", f"not path = '{one.file}'", [one], has_answer=False)
        else:
            yield from asked_of(collection, name, "all", None, [one], has_answer=False)
        yield from asked_of(collection, name, "one file", f"path = '{other}'", [one], has_answer=False)


def filled(folder: Path, name: str, files: dict[str, str]) -> Collection:
    docs = folder / name
    for file, text in files.items():
        path = docs / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return indexed(docs, folder / f"{name}-index")


def indexed(docs: Path, folder: Path) -> Collection:
    options = EmbedderOptions(home=home_path())
    embedder = CachedEmbedder(OnnxEmbedder(options), store_in(home_path(), limit_bytes=2**31))
    made = Collection(folder, embedder=embedder, embedder_name="all-minilm-l6-v2")
    with contextlib.chdir(docs):
        made.add(["."])
    return made


def found_of_all(data: Path, folder: Path) -> Iterator[Asked]:
    found = {"xquad-en": xquad(data), "chunking": corpora(data), "contexts": contexts(data), "mixed": mixed(data)}
    for name, (files, questions) in found.items():
        yield from of_files(filled(folder, name, files), name, sorted(files), questions)
    both = filled(folder, "abstracts", abstracts(data, "cisi") | abstracts(data, "cranfield"))
    for name, other in (("cisi", "cranfield"), ("cranfield", "cisi")):
        questions = [Question(row["text"], None) for row in texts_of(data / name, "queries")]
        for where, has_answer in ((name, True), (other, False)):
            yield from asked_of(both, name, "all", f"path ~ '{where}/'", questions, has_answer=has_answer)
    yield from handbook(folder)


def handbook(folder: Path) -> Iterator[Asked]:
    made = indexed(HANDBOOK / "corpus", folder / "handbook-index")
    rows = [row for kind in ("questions", "more_questions") for row in texts_of(HANDBOOK, kind)]
    files = sorted({row["file"] for row in rows if row["file"]})
    for one in (Question(row["question"], row["file"] or None) for row in rows):
        # Versions of a document answer the same question: of all but its own file it may well have an answer.
        for asked in of_files(made, "handbook", files, [one]):
            if asked.has_answer or asked.of == "one file" or one.file is None:
                yield asked


def read(kept: Path | None) -> list[Asked]:
    """What was found, kept in a file where one is named."""
    if kept is not None and kept.exists():
        return [Asked(**json.loads(line)) for line in kept.read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        found = list(found_of_all(Path(os.environ["NBKIT_BENCH_DATA"]), Path(folder)))
    if kept is not None:
        kept.write_text("".join(json.dumps(asdict(one)) + "\n" for one in found), "utf-8")
    return found


def passages(one: Asked) -> list[Passage]:
    return [Passage(str(number), text, "", headings=tuple(above)) for number, (text, above) in enumerate(one.passages)]


def before(one: Asked) -> float:
    """The similarity; 1 where a passage has all names and numbers of the question."""
    wanted = {token.stem for token in tokens(one.question) if token.kind in ("name", "number")}
    has_all = any(wanted <= {token.stem for token in tokens(text)} for text, _ in one.passages)
    return 1.0 if wanted and has_all else one.nearest


def words(one: Asked) -> float:
    found = nearness(one.question, passages(one), 0.0)
    return found.held / found.asked if found.asked else 0.0


RULES: dict[str, Callable[[Asked], float]] = {
    "nearness": lambda one: nearness(one.question, passages(one), one.nearest).score,
    "the rule before": before,
    "similarity alone": lambda one: one.nearest,
    "words alone": words,
}


def area(scores: np.ndarray, good: np.ndarray) -> float:
    """Under the ROC curve: how often a question with an answer scores above one without, ties a half."""
    above, below = scores[good], scores[~good]
    return float(np.mean([np.mean(one > below) + np.mean(one == below) / 2 for one in above]))


def threshold(scores: np.ndarray, good: np.ndarray, groups: np.ndarray) -> float:
    """The highest that refuses at most 5 % of the questions that have an answer, each group counted alike."""
    names = sorted(set(groups[good]))

    def refused(least: float) -> float:
        return statistics.fmean(float(np.mean(scores[good & (groups == name)] < least)) for name in names)

    return max(least for least in np.linspace(0, 1, 501) if refused(least) <= REFUSED)


def main(kept: Path | None) -> None:
    found = read(kept)
    good = np.array([one.has_answer for one in found])
    collections = np.array([one.collection for one in found])
    groups = np.array([f"{one.collection}, {one.of}" for one in found])
    default = Settings().rag_min_score
    for rule, score in RULES.items():
        scores = np.array([score(one) for one in found])
        rows = []
        for group in sorted(set(groups)):
            own, others = groups == group, collections != group.partition(",")[0]
            least = threshold(scores[others], good[others], groups[others])
            area_own = area(scores[own], good[own])
            at = [float(np.mean(scores[own & one] < at)) for at in (least, default) for one in (good, ~good)]
            rows.append((area_own, *at))
            print(f"{rule:16} {group:20} n={sum(own & good)}/{sum(own & ~good)}" + _line(rows[-1], least, default))
        print(f"{rule:16} {'mean':20}" + _line(tuple(map(statistics.fmean, zip(*rows, strict=True))), None, default))
        print(f"{rule:16} worst wrongly refused at {default}: {max(row[3] for row in rows):.1%}")


def _line(row: Sequence[float], least: float | None, default: float) -> str:
    left_out = "others' 5 %" if least is None else f"others' {least:.2f}"
    return (
        f" AUC {row[0]:.3f}; at {left_out}: refused {row[1]:.1%} wrongly, {row[2]:.0%} rightly; "
        f"at {default}: {row[3]:.1%}, {row[4]:.0%}"
    )


if __name__ == "__main__":
    given = argparse.ArgumentParser()
    given.add_argument("--kept", type=Path)
    main(given.parse_args().kept)
