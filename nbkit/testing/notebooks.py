"""Executed notebooks run again, from their own records or on a real model, and compared with what was committed."""

from __future__ import annotations

import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nbkit.canonical import from_plain, to_plain
from nbkit.recorded import RECORD_MIME, Record
from nbkit.report.execute import execute, write
from nbkit.report.reading import read_notebook
from nbkit.testing.vectors import beside

_TIMEOUT_S = 300.0
_AMOUNT = r"(?:<|&lt;)?~?\d[\d,]*(?:\.\d+)?"
_VOLATILE = (
    (re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+"), "<image>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\brun [0-9a-f]{8}\b|\([0-9a-f]{8}\)|\bid='[0-9a-f]{8}'|(?<=>)[0-9a-f]{8}(?=<)"), "<run>"),
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "<address>"),
    (re.compile(rf"{_AMOUNT}\s?(?:tokens/s|a second)"), "<rate>"),
    (re.compile(r"(\b\w+_s\b['\"]?\s*[=:]\s*)[\d.e-]+"), r"\1<duration>"),
    (re.compile(rf"{_AMOUNT}\s?(?:min\s\d+\ss|h\s\d+\smin|µs|ms|s|min|h|days)\b(?:\sago)?|\bjust now\b"), "<duration>"),
    (re.compile(r"[ \t]+"), " "),
)
_DECIMAL = re.compile(r"(?<![\w$.,])-?\d[\d,]*\.\d{3,}(?![\d.])")
_LAST_DIGIT, _ROUNDING = 1e-3, 1e-5
"""Of a number: what its last printed digit may be to differ by one, and what any number may differ by."""
_VOLATILE_FIELDS = ("id", "session_id", "started_at", "timing", "origin", "replayed")


def replay_notebook(path: Path, *, timeout_s: float = _TIMEOUT_S) -> Any:  # noqa: ANN401 - nbformat's node
    """The notebook, run again from the records it carries: no model, no key, no network, an empty home.

    What it embeds is read from the file of vectors beside it. `timeout_s` is for each cell. Raises `NotebookError` when
    a cell fails that is not tagged `raises-exception`.
    """
    return _run(path, {"NBKIT_REPLAY": str(path.absolute())}, timeout_s)


def renew_notebook(
    path: Path, *, model: str, home: Path, vectors: Path | None = None, timeout_s: float = _TIMEOUT_S
) -> Any:  # noqa: ANN401 - nbformat's node
    """The notebook, run on a real model with an empty cache; the weights are found below `home`.

    `vectors`: the file that what it embeds is kept in, for its replay; not made when it embeds nothing. The notebook's
    file is not touched: `keep_run` puts both in their places when the outputs are to be kept.
    """
    environment = {"NBKIT_MODEL": model, "NBKIT_RECORD": str(vectors.absolute()) if vectors is not None else ""}
    return _run(path, environment, timeout_s, weights=home / "models")


def keep_run(executed: Any, path: Path, *, vectors: Path) -> None:  # noqa: ANN401 - nbformat's node
    """Puts an executed notebook in its file, and what it embedded beside it; raises `NotebookError`.

    `vectors`: as given to `renew_notebook`. Where there are none, those of an earlier run are taken away.
    """
    write(executed, path)
    if vectors.exists():
        beside(path).write_bytes(vectors.read_bytes())
    else:
        beside(path).unlink(missing_ok=True)


def compare(committed: Mapping[str, Any], executed: Mapping[str, Any]) -> list[str]:
    """What differs between two runs of a notebook, one line each; empty when they are the same.

    Figures that change from run to run are left out: times, ages, rates, ids, addresses. Of a card its record is
    compared, which says all that the card draws. Of a decimal fraction the last digit may differ by one where it is
    below a thousandth of the number: processors add up in different orders. Costs are compared to the digit. Of a cell
    that is tagged `timings` only the kinds of its outputs are compared: all it draws comes from how long calls took.

    >>> run = {"cells": [{"cell_type": "code", "outputs": [
    ...     {"output_type": "stream", "name": "stdout", "text": "done in 1.3 s"}]}]}
    >>> slower = {"cells": [{"cell_type": "code", "outputs": [
    ...     {"output_type": "stream", "name": "stdout", "text": "done in 12 s"}]}]}
    >>> compare(run, slower)
    []
    """
    before, after = _code_cells(committed), _code_cells(executed)
    if len(before) != len(after):
        return [f"{len(before)} code cells committed, {len(after)} executed"]
    return [
        line for number, (one, two) in enumerate(zip(before, after, strict=True), 1) for line in _cell(number, one, two)
    ]


def _run(path: Path, environment: Mapping[str, str], timeout_s: float, *, weights: Path | None = None) -> Any:  # noqa: ANN401 - nbformat's node
    own = dict.fromkeys((name for name in os.environ if name.startswith("NBKIT_")), "")
    document = read_notebook(path)
    with tempfile.TemporaryDirectory(prefix="nbkit-run-") as folder:
        if weights is not None:
            Path(folder, "models").symlink_to(weights)
        settings = {**own, "NBKIT_HOME": folder, **environment}
        execute(document, name=path.name, cwd=path.absolute().parent, environment=settings, timeout_s=timeout_s)
    return document


def _code_cells(notebook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _cell(number: int, committed: Mapping[str, Any], executed: Mapping[str, Any]) -> Iterator[str]:
    before, after = _outputs(committed), _outputs(executed)
    if "timings" in committed.get("metadata", {}).get("tags", []):
        before, after = ([_only_kinds(output) for output in found] for found in (before, after))
    for index, (one, two) in enumerate(zip_longest(before, after), 1):
        if not _is_like(one, two):
            yield f"code cell {number}, output {index}: committed {_brief(one, two)}, executed {_brief(two, one)}"


def _only_kinds(output: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(output, "<timings>"), "kind": output["kind"]}


def _is_like(one: Any, two: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_is_like(value, two[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_is_like, one, two))
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=_ROUNDING)
    if isinstance(one, str) and isinstance(two, str) and one != two:
        numbers = _DECIMAL.findall(one), _DECIMAL.findall(two)
        return _DECIMAL.sub("#", one) == _DECIMAL.sub("#", two) and all(map(_is_near, *numbers))
    return bool(one == two)


def _is_near(one: str, two: str) -> bool:
    first, second = (float(number.replace(",", "")) for number in (one, two))
    digits = len(one.partition(".")[2])
    last = 10.0**-digits
    is_small = last <= _LAST_DIGIT * abs(first) and digits == len(two.partition(".")[2])
    return math.isclose(first, second, rel_tol=_ROUNDING, abs_tol=1.01 * last if is_small else 0.0)


def _outputs(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Outputs with the volatile taken out; printed text is joined, for it arrives in arbitrary pieces."""
    found: list[dict[str, Any]] = []
    for output in cell.get("outputs", []):
        kind = output["output_type"]
        if kind == "stream" and found and found[-1]["kind"] == f"stream {output['name']}":
            found[-1]["text"] += _text(output["text"])
        elif kind == "stream":
            found.append({"kind": f"stream {output['name']}", "text": _text(output["text"])})
        elif kind == "error":
            found.append({"kind": kind, "ename": output["ename"], "evalue": _steady(output["evalue"])})
        else:
            # Whether a value was returned or displayed is the same to the reader.
            found.append({"kind": "display", **_bundle(output["data"])})
    return [{name: _steady(value) for name, value in output.items()} for output in found]


def _bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    if RECORD_MIME not in data:
        return {mime: "<image>" if mime.startswith("image/") else value for mime, value in data.items()}
    drawn = dict.fromkeys((mime for mime in data if mime != RECORD_MIME), "<card>")
    return {RECORD_MIME: _record(data[RECORD_MIME]), **drawn}


def _record(plain: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(plain, list):
        return [_record(one) for one in plain]
    # Read and written again: a field that came later than the record has its default in both.
    whole: Any = to_plain(from_plain(Record, plain))
    kept = {name: value for name, value in whole.items() if name not in _VOLATILE_FIELDS}
    cache = dict(kept.get("cache") or {})
    # An answer is given again as the guards left it: what they find in it is then elsewhere, or of another length.
    verdicts = [_verdict(one) for one in kept.get("verdicts") or []]
    retrieval = kept.get("retrieval") and {**kept["retrieval"], "duration_s": 0}
    cache |= {"age_s": None, "original": None}
    # An id, which is another in each run.
    repairs = kept["repairs"] is not None
    return {**kept, "cache": cache, "verdicts": verdicts, "retrieval": retrieval, "repairs": repairs}


def _verdict(plain: Mapping[str, Any]) -> dict[str, Any]:
    if plain["stage"] == "output" and plain["action"] == "redact":
        # What was taken out of an answer is not in it when it is given again.
        return {**plain, "action": "allow", "reason": "", "spans": [], "duration_s": 0}
    return {**plain, "duration_s": 0, "spans": [span["kind"] for span in plain.get("spans") or []]}


def _steady(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        return value
    for pattern, stand_in in _VOLATILE:
        value = pattern.sub(stand_in, value)
    return value


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def _brief(output: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    """The first thing in an output that the other does not have alike."""
    if output is None:
        return "nothing"
    for name, value in output.items():
        if other is None or other.get(name) != value:
            return f"{name} {str(value)[:160]!r}"
    return "less than that"
