"""Data sets: the cases of an evaluation, from whatever they are kept in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nbkit.canonical import canonical_json, sha256, to_plain
from nbkit.errors import DocumentError
from nbkit.evals.cases import Case
from nbkit.evals.files import csv_rows, json_rows, json_value, jsonl_rows, markdown_rows, parquet_rows, text_of
from nbkit.evals.layouts import beir_cases, is_squad, squad_cases
from nbkit.evals.rows import Row, cases_of
from nbkit.figures import count
from nbkit.parse import brief

RATED: Final = "@rated"
"""The name of a data set of the answers that the reader rated."""
_SUFFIXES: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".md")


@dataclass(frozen=True, slots=True, repr=False)
class Dataset:
    """Cases under a name.

    >>> first, second = Case("a", "Hi?"), Case("b", "Why?")
    >>> Dataset("two", (first, second)).sha256 == Dataset("turned", (second, first)).sha256
    True
    """

    name: str
    cases: tuple[Case, ...]
    sha256: str = field(init=False, compare=False)
    """Of all that the cases say, ids included, whatever order they are in: no mean depends on it."""

    def __post_init__(self) -> None:
        each = sorted(sha256(canonical_json(case)) for case in self.cases)
        object.__setattr__(self, "sha256", sha256(canonical_json(each)))

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {count(len(self), 'case')}, sha256 {self.sha256[:8]}…)"

    def first(self, most: int) -> Dataset:
        """The first of the cases, with a hash of their own.

        >>> len(Dataset("two", (Case("a", "Hi?"), Case("b", "Why?"))).first(1))
        1
        """
        return Dataset(self.name, self.cases[:most])

    def jsonl(self) -> str:
        r"""The cases as JSON lines, which `dataset` reads as the same data set.

        >>> print(Dataset("one", (Case("a", "Hi?"),)).jsonl(), end="")
        {"id": "a", "input": "Hi?", "expected": null, "contexts": [], "cluster": null}
        """
        lines = []
        for case in self.cases:
            row = {
                "id": case.id,
                "input": case.input,
                "expected": case.expected,
                "contexts": list(case.contexts),
                "cluster": case.cluster,
                **case.metadata,
            }
            # Half a surrogate pair has no form in UTF-8, and JSON's escape is spelled as Python's.
            text = json.dumps(to_plain(row), ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
            lines.append(f"{text}\n")
        return "".join(lines)


def dataset(source: object, *, name: str | None = None) -> Dataset:
    r"""The data set in a file, a folder, a DataFrame, a list of dicts or cases, or the text of a Markdown table.

    Files: CSV, JSON lines, JSON (a list of objects, or SQuAD), Parquet, Markdown. A folder is one in BEIR's layout;
    `@rated` are the answers that you rated.
    Which columns are what: `nbkit.evals.rows`. `name` is that of the file unless it is given. Raises `DocumentError`
    naming file, line and column for what cannot be used.

    >>> table = '''
    ... | question | answer |
    ... |---|---|
    ... | How much does the fan need? | 30 W |
    ... '''
    >>> [case.expected for case in dataset(table)]
    ['30 W']
    """
    if isinstance(source, Dataset):
        return source if name is None else Dataset(name, source.cases)
    if isinstance(source, str) and source == RATED:
        from nbkit.evals.rated import rated
        from nbkit.session import current

        return dataset(rated(current()), name=name)
    if isinstance(source, str) and "\n" in source:
        rows = markdown_rows(source, name="the table")
        return Dataset(name or "table", cases_of(rows, name="the table", is_text=True))
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        cases = _of_path(path)
        return Dataset(name or (path.resolve().name if path.is_dir() else path.stem), cases)
    if hasattr(source, "convert_dtypes") and hasattr(source, "to_dict"):
        # Whole numbers are fractions in a column where one is missing: nobody answers "30.0".
        frame = source.convert_dtypes().to_dict("records")
        rows = [
            Row(f"the frame, row {number}", {str(key): row[key] for key in row}) for number, row in enumerate(frame, 1)
        ]
        # Most frames come from a CSV, where a list is written as text.
        return Dataset(name or "frame", cases_of(rows, name="the frame", is_text=True))
    return Dataset(name or "cases", _of_list(source))


def _of_list(source: object) -> tuple[Case, ...]:
    if isinstance(source, Sequence) and all(isinstance(one, Case) for one in source):
        return _unique(tuple(source))
    if isinstance(source, Sequence) and all(isinstance(one, Mapping) for one in source):
        return _of_rows(source, "the list")
    raise DocumentError(
        what=f"a {type(source).__name__} is no data set",
        why="there is no way to read cases from it",
        fix="give a path, a DataFrame, a list of dicts, or the text of a Markdown table",
    )


def _of_path(path: Path) -> tuple[Case, ...]:
    # Also false for what can be no path, as a long question.
    if os.path.isdir(path):  # noqa: PTH112 - that of `Path` raises
        return beir_cases(path)
    suffix, name = path.suffix.lower(), path.name
    match suffix:
        case ".csv" | ".tsv":
            rows = csv_rows(text_of(path), name=name, delimiter="\t" if suffix == ".tsv" else None)
            return cases_of(rows, name=name, is_text=True)
        case ".jsonl" | ".ndjson":
            return cases_of(jsonl_rows(text_of(path), name=name), name=name)
        case ".json":
            value = json_value(text_of(path), name=name)
            return (
                squad_cases(value, name=name) if is_squad(value) else cases_of(json_rows(value, name=name), name=name)
            )
        case ".parquet":
            return cases_of(parquet_rows(path), name=name)
        case ".md":
            return cases_of(markdown_rows(text_of(path), name=name), name=name, is_text=True)
    raise DocumentError(
        what=f"{brief(str(path))!r} is no data set",
        why="it is no folder, and its name has none of the endings that can be read",
        fix=f"name a file that ends in {', '.join(_SUFFIXES)}, or a folder in BEIR's layout",
    )


def _of_rows(records: Sequence[Mapping[str, Any]], name: str) -> tuple[Case, ...]:
    rows = [Row(f"{name}, row {number}", record) for number, record in enumerate(records, 1)]
    return cases_of(rows, name=name)


def _unique(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    ids = [case.id for case in cases]
    if not ids:
        raise DocumentError(what="the list has no cases", why="there is nothing in it", fix="give it a case")
    if len({*ids}) < len(ids):
        again = next(one for at, one in enumerate(ids) if one in ids[:at])
        raise DocumentError(
            what=f"two cases have the id {again!r}", why="scores are kept by it", fix="give each an id of its own"
        )
    return cases
