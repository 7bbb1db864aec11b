"""`nbkit metrics`, `nbkit records`, `nbkit watch`: what the records say, for other programs."""

from __future__ import annotations

import argparse
import contextlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbkit.errors import BadSetting, NbkitError
from nbkit.parse import time_s

if TYPE_CHECKING:
    from nbkit.session import Session

_FAILED = 2


def add_commands(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Adds the three commands to the command line."""
    _add_metrics(commands)
    _add_records(commands)
    _add_watch(commands)


def _add_metrics(commands: Any) -> None:  # noqa: ANN401 - as above
    said = (
        "Print what the record store adds up to in the text format of Prometheus: calls, tokens, cost, what the cache "
        "saved, what guards blocked, latency, budgets."
    )
    metrics = commands.add_parser("metrics", help="print metrics as Prometheus reads them", description=said)
    metrics.add_argument("--out", type=Path, metavar="FILE", help="write them to a file (for a node's text collector)")
    metrics.set_defaults(act=_metrics)


def _add_records(commands: Any) -> None:  # noqa: ANN401 - as above
    said = (
        "Write one row for each recorded call. Money is exact: a decimal in Parquet, text in CSV and JSON lines. "
        "Prompts, answers and notes are left out unless --content asks for them."
    )
    records = commands.add_parser("records", help="write records as Parquet, CSV or JSON lines", description=said)
    records.add_argument("--out", type=Path, required=True, metavar="FILE", help="*.parquet, *.csv or *.jsonl")
    records.add_argument("--since", metavar="TIME", help="only of the last 30m, 24h, 7d (default: all)")
    records.add_argument("--content", action="store_true", dest="has_content", help="prompts, answers and notes too")
    records.set_defaults(act=_records)


def _add_watch(commands: Any) -> None:  # noqa: ANN401 - as above
    said = (
        "Compare the last hours with as many before: cost and latency of live answers, errors, refusals, cache hits, "
        "blocked calls. Ends with 0 when nothing has changed, 1 when something has, 2 when it cannot be said."
    )
    watching = commands.add_parser("watch", help="say what has changed of late", description=said)
    watching.add_argument("--last", default="24h", metavar="TIME", help="30m, 24h, 7d (default: %(default)s)")
    watching.add_argument("--json", action="store_true", dest="is_json", help="print JSON")
    watching.set_defaults(act=_watch)


def _metrics(arguments: argparse.Namespace) -> int:
    from nbkit.monitor.metrics import metrics_text
    from nbkit.store.files import write_atomic

    with _session() as session:
        text = session.secrets.redact(metrics_text(session))
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        write_atomic(arguments.out, text.encode())
    return 0


def _records(arguments: argparse.Namespace) -> int:
    from nbkit.figures import count
    from nbkit.ledger.export import write_records
    from nbkit.ledger.selection import Selection

    since = None if arguments.since is None else datetime.now(UTC) - _time(arguments.since, of="--since")
    with _session() as session:
        has_records = session.ledger.path.exists()
        written = write_records(
            arguments.out,
            session.ledger.each(Selection(since=since)) if has_records else (),
            ratings=session.ledger.ratings() if has_records else {},
            has_content=arguments.has_content,
            redact=session.secrets.redact,
        )
    print(arguments.out)
    without = "" if arguments.has_content else ", without prompts and answers"
    print(f"{count(written, 'record')}{without}", file=sys.stderr)
    return 0


def _watch(arguments: argparse.Namespace) -> int:
    from nbkit.monitor.watching import watch

    try:
        with _session() as session:
            found = watch(session, _time(arguments.last, of="--last"), said=arguments.last)
            text = session.secrets.redact(found.to_json() if arguments.is_json else found.table().text())
    except NbkitError as error:
        # 1 says that something has changed, so what went wrong has to end with another.
        print(error, file=sys.stderr)
        return _FAILED
    print(text)
    return 1 if found.has_changed else 0


def _session() -> contextlib.closing[Session]:
    from nbkit.session import Session

    return contextlib.closing(Session())


def _time(text: str, *, of: str) -> timedelta:
    try:
        seconds = time_s(text)
    except ValueError:
        seconds = None
    if seconds is None:
        raise BadSetting(what=f"{of} cannot be {text!r}", why="it takes a time such as 30m, 24h or 7d", fix=f"{of} 24h")
    return timedelta(seconds=seconds)
