"""Records as a file for other programs: Parquet, CSV, or JSON lines, one flat row for each call.

Money is exact in all three: a decimal of twelve places in Parquet, digits as text in CSV and JSON. Durations are
seconds as floating-point numbers. Prompts, answers and notes are in the file only when they are asked for: who shares
a table of figures does not think of the texts that come with it.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from nbkit import registry
from nbkit.errors import BadSetting, NbkitError, StoreError
from nbkit.ledger.summary import Rating
from nbkit.recorded import Record
from nbkit.types import Cost

Row = dict[str, object]
CONTENT: Final = ("prompt", "answer", "rating_note")
"""Columns that are there only when content is asked for."""
COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "text",
        "session_id": "text",
        "started_at": "time",
        "operation": "text",
        "status": "text",
        "error": "text",
        "blocked_by": "text",
        "provider": "text",
        "model": "text",
        "response_model": "text",
        "sample": "whole",
        "temperature": "number",
        "max_tokens": "whole",
        "finish_reason": "text",
        "input_tokens": "whole",
        "output_tokens": "whole",
        "cached_input_tokens": "whole",
        "cache_write_tokens": "whole",
        "reasoning_tokens": "whole",
        "token_source": "text",
        "cost_usd": "money",
        "saved_usd": "money",
        "cost_source": "text",
        "is_estimate": "yes_no",
        "prices_as_of": "text",
        "cache_status": "text",
        "cache_age_s": "number",
        "latency_s": "number",
        "first_token_s": "number",
        "provider_s": "number",
        "guards_in_s": "number",
        "guards_out_s": "number",
        "original_latency_s": "number",
        "attempts": "whole",
        "guards": "text",
        "prompt_sha256": "text",
        "prompt_chars": "whole",
        "request_sha256": "text",
        "prompt_name": "text",
        "prompt_version": "text",
        "cell_id": "text",
        "notebook": "text",
        "tag": "text",
        "thread": "text",
        "rating": "number",
        "prompt": "text",
        "answer": "text",
        "rating_note": "text",
    }
)
"""Each column, in order, and what it holds."""
_PLACES: Final = Decimal(10) ** -12
_AT_ONCE: Final = 2_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")
"""How texts begin that a spreadsheet would run; and the apostrophe itself, so that taking one away gives the text."""


def flat(record: Record, rating: Rating | None = None) -> Row:
    """A record as a row of `COLUMNS`; what is not known is None.

    >>> from datetime import UTC
    >>> row = flat(Record("1", "s", datetime(2026, 1, 1, tzinfo=UTC), "chat", "ok", None, "0" * 64, 2))
    >>> row["status"], row["cost_usd"], list(row) == list(COLUMNS)
    ('ok', None, True)
    """
    request, response, timing = record.request, record.response, record.timing
    usage = response.usage if response else None
    original, tokens = record.cache.original, dataclasses.asdict(usage) if usage else {}
    found: Row = {
        **{name: getattr(record, name) for name in COLUMNS if hasattr(record, name)},
        **{name: getattr(timing, name) for name in COLUMNS if hasattr(timing, name)},
        **{name: tokens.get(name) for name in COLUMNS if name.endswith("_tokens")},
        **{name: getattr(request, name, None) for name in ("sample", "temperature", "max_tokens")},
        "error": record.error.kind if record.error else None,
        "blocked_by": next((one.guard for one in record.verdicts if one.action == "block"), None),
        "response_model": response.model if response else None,
        "finish_reason": response.finish_reason if response else None,
        "token_source": tokens.get("source"),
        **_paid(record.cost),
        "cache_status": record.cache.status,
        "cache_age_s": record.cache.age_s,
        "latency_s": timing.total_s,
        "original_latency_s": original.total_s if original else None,
        "guards": " ".join(f"{one.guard}.{one.stage}.{one.action}" for one in record.verdicts if one.action != "allow"),
        "cell_id": record.origin.cell_id,
        "notebook": record.origin.notebook,
        "rating": rating.score if rating else None,
        **_said(record),
        "rating_note": rating.note if rating else None,
    }
    return {name: found[name] for name in COLUMNS}


def _paid(cost: Cost) -> Row:
    return {
        "cost_usd": cost.usd,
        "saved_usd": cost.saved_usd,
        "cost_source": cost.source,
        "is_estimate": cost.is_estimate,
        "prices_as_of": cost.prices_as_of,
    }


def _said(record: Record) -> Row:
    request, response = record.request, record.response
    return {
        "prompt": "\n\n".join(f"{one.role}: {one.content}" for one in request.messages) if request else None,
        "answer": response.text if response else None,
    }


def write_records(
    path: Path,
    records: Iterable[Record],
    *,
    ratings: Mapping[str, Rating] | None = None,
    has_content: bool = False,
    redact: Callable[[str], str] = str,
) -> int:
    """Writes a row for each record (0600, whole or not at all), and says how many those are.

    The suffix chooses: `.parquet` (needs the extra `[data]`), `.csv` or `.jsonl`. `redact` is asked of every text. In
    CSV, a text that a spreadsheet would run as a formula (it begins with = + - @, a tab or a line's end), and one that
    begins with an apostrophe, has an apostrophe before it: who takes one away from each text that begins with one has
    the texts as they were. Numbers stay numbers. Raises `BadSetting` for another
    suffix, `StoreError` when the file cannot be written, `NbkitError` naming the install command without the extra.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_records(Path(folder, "calls.jsonl"), [])
    0
    """
    writers: dict[str, Callable[[Path, Iterator[Row], list[str]], int]] = {
        ".parquet": _write_parquet,
        ".csv": _write_csv,
        ".jsonl": _write_jsonl,
    }
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise BadSetting(
            what=f"records cannot be written as {path.suffix or path.name!r}",
            why=f"the suffix chooses the form: {', '.join(writers)}",
            fix=f"--out {path.with_suffix('.parquet').name}",
        )
    names = [name for name in COLUMNS if has_content or name not in CONTENT]
    rows = (_shown(flat(one, (ratings or {}).get(one.id)), names, redact) for one in records)
    try:
        with _in_place_of(path) as temporary:
            return writer(temporary, rows, names)
    except OSError as error:
        raise StoreError(
            what=f"{path} cannot be written",
            why=error.strerror or str(error),
            fix="make room and rights there, or choose another place",
        ) from error


def _shown(row: Row, names: list[str], redact: Callable[[str], str]) -> Row:
    return {name: redact(value) if isinstance(value := row[name], str) else value for name in names}


@contextmanager
def _in_place_of(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place when all went well."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(number)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_csv(path: Path, rows: Iterator[Row], names: list[str]) -> int:
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        count = 0
        for row in rows:
            writer.writerow([_cell(row[name]) for name in names])
            count += 1
    return count


def _write_jsonl(path: Path, rows: Iterator[Row], names: list[str]) -> int:  # noqa: ARG001 - all writers take them
    def write(file: IO[str]) -> int:
        count = 0
        for row in rows:
            file.write(json.dumps({name: _plain(value) for name, value in row.items()}) + "\n")
            count += 1
        return count

    with path.open("w", encoding="ascii") as file:
        return write(file)


def _write_parquet(path: Path, rows: Iterator[Row], names: list[str]) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise NbkitError(
            what="a Parquet file is written with pyarrow, which is not installed",
            why="pyarrow is an extra, so that nbkit installs quickly",
            fix=f"{registry.install_command('data')}, or --out records.csv",
        ) from error
    kinds: dict[str, Any] = {
        "text": pa.string(),
        "time": pa.timestamp("us", tz="UTC"),
        "whole": pa.int64(),
        "number": pa.float64(),
        "money": pa.decimal128(38, 12),
        "yes_no": pa.bool_(),
    }
    schema = pa.schema([(name, kinds[COLUMNS[name]]) for name in names])
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while part := list(islice(rows, _AT_ONCE)):
            columns = {name: [_stored(row[name]) for row in part] for name in names}
            writer.write_table(pa.Table.from_pydict(columns, schema=schema))
            count += len(part)
    return count


def _cell(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return str(value).lower()
    return _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else value


def _stored(value: object) -> object:
    if isinstance(value, Decimal):
        return value.quantize(_PLACES) if value.is_finite() else None
    # Parquet takes no lone surrogate, which a path may hold.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value
