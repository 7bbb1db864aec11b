"""Judged collections and runs on disk: the formats of BEIR and of trec_eval."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbkit.errors import DocumentError
from nbkit.evals.retrieval import ranking
from nbkit.store.files import write_atomic

_FORMS = "each line of a qrels file is `query 0 document grade`, or, after a header, `query document grade`"
_RUN = "each line of a run is `query Q0 document rank score tag`"


@dataclass(frozen=True, slots=True)
class Entry:
    """A document of a judged collection."""

    title: str
    """Empty where it has none."""
    text: str


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents, questions and who answers what."""

    documents: Mapping[str, Entry]
    queries: Mapping[str, str]
    """Query id to its text; those without judgements too."""
    qrels: Mapping[str, Mapping[str, int]]
    """Query id to document id to grade. A document may be judged and not be there: trec_eval counts it too."""


def read_beir(folder: Path) -> Collection:
    r"""The collection in a folder: `corpus.jsonl`, `queries.jsonl`, and `qrels.tsv` or `qrels/test.tsv`.

    Raises `DocumentError`, with the line, for a file that is missing or is not what BEIR describes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     _ = (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "rain"}', "utf-8")
    ...     _ = (folder / "queries.jsonl").write_text('{"_id": "q", "text": "weather"}', "utf-8")
    ...     _ = (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1", "utf-8")
    ...     read_beir(folder).qrels
    {'q': {'d': 1}}
    """
    judgements = folder / "qrels.tsv"
    if not judgements.exists() and (folder / "qrels" / "test.tsv").exists():
        judgements = folder / "qrels" / "test.tsv"
    rows = read_rows(folder / "corpus.jsonl")
    documents = {name: Entry(str(row.get("title") or ""), str(row["text"])) for name, row in rows.items()}
    queries = {name: str(row["text"]) for name, row in read_rows(folder / "queries.jsonl").items()}
    return Collection(documents, queries, read_qrels(judgements))


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Query id to document id to grade, from a file of trec_eval's form or of BEIR's.

    trec_eval: `query 0 document grade`, blanks between. BEIR: a header, then `query document grade`, tabs between.
    Raises `DocumentError`, with the line, for a file that is missing or is neither, and for a pair judged twice.
    """
    qrels: dict[str, dict[str, int]] = {}
    is_beir = False
    for number, line in _lines(path):
        if number == 1 and line.split() == ["query-id", "corpus-id", "score"]:
            is_beir = True
            continue
        fields = line.split("\t") if is_beir else line.split()
        if len(fields) != (3 if is_beir else 4):
            raise _wrong(path, number, f"it has {len(fields)} fields", _FORMS)
        try:
            grade = int(fields[-1])
        except ValueError:
            raise _wrong(path, number, f"the grade {fields[-1]!r} is not a whole number", _FORMS) from None
        if fields[-2] in qrels.setdefault(fields[0], {}):
            raise _wrong(path, number, f"{fields[-2]!r} is judged twice for {fields[0]!r}", "keep one of the two")
        qrels[fields[0]][fields[-2]] = grade
    return qrels


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Query id to document id to score, from a run of trec_eval's form; the ranks in it are not used, as there.

    Raises `DocumentError`, with the line, for a file that is missing or has another form, for a score that is not a
    number, and for a document found twice by a query.
    """
    run: dict[str, dict[str, float]] = {}
    for number, line in _lines(path):
        fields = line.split()
        if len(fields) != 6:  # noqa: PLR2004 - the format's
            raise _wrong(path, number, f"it has {len(fields)} fields", _RUN)
        query, _, name, _, score, _ = fields
        try:
            value = float(score)
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise _wrong(path, number, f"the score {score!r} is not a number", _RUN)
        if name in run.setdefault(query, {}):
            raise _wrong(path, number, f"{name!r} is found twice for {query!r}", "keep one of the two")
        run[query][name] = value
    return run


def write_run(path: Path, run: Mapping[str, Mapping[str, float]], *, tag: str = "nbkit") -> None:
    """Puts the run in a file that `read_run` and trec_eval read; scores come back exactly as they were.

    Raises `ValueError` for an id or tag that is empty or has a blank in it: the format has no form for one. Raises
    `StoreError` when the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     write_run(Path(name, "run.trec"), {"q": {"a": 0.5, "b": 1.0}})
    ...     print(Path(name, "run.trec").read_text("utf-8"), end="")
    q Q0 b 1 1.0 nbkit
    q Q0 a 2 0.5 nbkit
    """
    for word in (tag, *run, *(name for scores in run.values() for name in scores)):
        if word.split() != [word]:
            msg = f"{word!r} cannot be written to a run: it is empty or has a blank in it"
            raise ValueError(msg)
    lines = [
        f"{query} Q0 {name} {rank} {float(scores[name])!r} {tag}\n"
        for query, scores in run.items()
        for rank, name in enumerate(ranking(scores), 1)
    ]
    write_atomic(path, "".join(lines).encode())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, without their ends, counted from 1."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DocumentError(
            what=f"{path} cannot be read", why=reason, fix="name a collection in BEIR's layout, or its file"
        ) from error


def read_rows(path: Path) -> dict[str, dict[str, object]]:
    """The objects of a file of BEIR's, documents or queries, by their `_id`; raises `DocumentError`, with the line."""
    rows: dict[str, dict[str, object]] = {}
    form = 'each line is an object such as {"_id": "1", "text": "…"}'
    for number, line in _lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise _wrong(path, number, "it is not JSON", form) from None
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("_id", "text")):
            raise _wrong(path, number, "it has no `_id` or no `text`", form)
        if row["_id"] in rows:
            raise _wrong(path, number, f"the id {row['_id']!r} is there twice", "give each line an id of its own")
        rows[row["_id"]] = row
    return rows


def _wrong(path: Path, number: int, why: str, fix: str) -> DocumentError:
    return DocumentError(what=f"{path}, line {number}, cannot be used", why=why, fix=fix)
