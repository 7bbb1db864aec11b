"""The tables of the record store: one script for each version, never changed once it was released.

Records are summed by the hour as they are written, by triggers: one statement a record, a third of those that threads
would queue for otherwise. What a summary groups by has no sums of its own: a day's records are grouped in a quarter of
a second at a million rows, and sums for each model, tag, cell and notebook would make every write dearer.
"""

from __future__ import annotations

import re
from typing import Final

from nbkit.ledger.histogram import BLOCK, HOURS
from nbkit.ledger.rows import COLUMNS, HOUR_US, IS_TIMED, SUMS, UNASKED

HOUR: Final = f"(started_us - (started_us % {HOUR_US} + {HOUR_US}) % {HOUR_US}) / {HOUR_US}"
"""Hours since 1970, rounded down also before it, as SQL."""
_IN_HOUR: Final = f"started_us >= hour.hour * {HOUR_US} AND started_us < (hour.hour + 1) * {HOUR_US}"
_LATER_COLUMNS: Final = (
    "latency_bin",
    "first_token_us",
    "saved_us",
    "blocked_by",
    "is_refused",
    "project",
    "prompt_version",
)
_LATER_SUMS: Final = ("saved_us", "refused", "unasked")
_FIRST_COLUMNS: Final = ", ".join(name for name in COLUMNS if name not in _LATER_COLUMNS)
_FIRST_SUMS: Final = ", ".join(f"{name} INTEGER NOT NULL" for name in SUMS if name not in _LATER_SUMS)
_ADD_LATENCY: Final = (
    f"INSERT INTO latency SELECT {HOUR}, cache_status = 'hit', latency_bin, 1 FROM record "  # noqa: S608 - constants
    f"WHERE number = NEW.number AND {IS_TIMED} ON CONFLICT (hour, is_hit, bin) DO UPDATE SET n = n + 1"
)


def _add_hour(names: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO hour (hour, {', '.join(names)}) SELECT {HOUR}, {', '.join(SUMS[name] for name in names)} "  # noqa: S608 - constants
        f"FROM record WHERE number = NEW.number ON CONFLICT (hour) DO UPDATE SET "
        f"{', '.join(f'{name} = {name} + excluded.{name}' for name in names)}"
    )


def _new(sql: str) -> str:
    """The SQL about a row, about the one that is being written: it need not be looked up."""
    return re.sub(rf"\b({'|'.join(COLUMNS)})\b", r"NEW.\1", sql)


_HOUR_OF_BLOCK: Final = f"(hour % {BLOCK} + {BLOCK}) % {BLOCK}"
_BLOCK_OF_HOUR: Final = f"(hour - {_HOUR_OF_BLOCK}) / {BLOCK}"
_COUNT_HOUR: Final = (
    f"INSERT INTO hour (hour, {', '.join(SUMS)}) VALUES ({_new(HOUR)}, {', '.join(map(_new, SUMS.values()))}) "  # noqa: S608 - constants
    f"ON CONFLICT (hour) DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in SUMS)}"
)
_COUNT_LATENCY: Final = (
    f"INSERT INTO latency_block SELECT {_BLOCK_OF_HOUR}, NEW.cache_status = 'hit', NEW.latency_bin, "  # noqa: S608 - constants
    f"{', '.join(f'{_HOUR_OF_BLOCK} = {at}' for at in range(BLOCK))} FROM (SELECT {_new(HOUR)} AS hour) "
    f"WHERE {_new(IS_TIMED)} ON CONFLICT (block, is_hit, bin) DO UPDATE SET "
    f"{', '.join(f'{name} = {name} + excluded.{name}' for name in HOURS)}"
)
_IN_BLOCKS: Final = ", ".join(f"SUM(IIF({_HOUR_OF_BLOCK} = {at}, n, 0))" for at in range(BLOCK))
_BY_HOUR: Final = " UNION ALL ".join(
    f"SELECT block * {BLOCK} + {at}, is_hit, bin, n{at} FROM latency_block WHERE n{at}"  # noqa: S608 - constants
    for at in range(BLOCK)
)
_BIN_EDGES: Final = (
    # SQLite may have no logarithm.
    "WITH RECURSIVE edge (bin, us) AS (SELECT 0, 1 - 1e-9 UNION ALL "  # noqa: S608 - constants
    f"SELECT bin + 1, us * {2 ** (1 / 64)!r} FROM edge WHERE us < total_us)"
)
_FIGURES: Final = tuple(
    name for name in COLUMNS if any(re.search(rf"\b{name}\b", sql) for sql in (*SUMS.values(), IS_TIMED, "latency_bin"))
)
"""The columns that sums and histograms are made of."""


def _trigger(names: tuple[str, ...]) -> str:
    return f"CREATE TRIGGER record_summed AFTER INSERT ON record BEGIN {_add_hour(names)}; {_ADD_LATENCY}; END;"


SCHEMA: Final = (
    f"""
    CREATE TABLE record (number INTEGER PRIMARY KEY, {_FIRST_COLUMNS}, UNIQUE (id));
    CREATE INDEX record_by_time ON record (started_us);
    CREATE INDEX record_by_session ON record (session_id, started_us);
    CREATE INDEX record_by_request ON record (request_sha256) WHERE request_sha256 IS NOT NULL;
    CREATE TABLE hour (hour INTEGER PRIMARY KEY, {_FIRST_SUMS});
    CREATE TABLE latency (hour INTEGER, is_hit INTEGER, bin INTEGER, n INTEGER NOT NULL,
        PRIMARY KEY (hour, is_hit, bin)) WITHOUT ROWID;
    """,
    f"""
    ALTER TABLE record ADD COLUMN latency_bin;
    {_trigger(tuple(name for name in SUMS if name not in _LATER_SUMS))}
    """,
    # What was recorded before is looked up in the records themselves, once; the project it was for is not known.
    f"""
    DROP TRIGGER record_summed;
    ALTER TABLE record ADD COLUMN first_token_us;
    ALTER TABLE record ADD COLUMN saved_us;
    ALTER TABLE record ADD COLUMN blocked_by;
    ALTER TABLE record ADD COLUMN is_refused;
    ALTER TABLE record ADD COLUMN project;
    ALTER TABLE record ADD COLUMN prompt_version;
    ALTER TABLE hour ADD COLUMN saved_us INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE hour ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
    UPDATE record SET saved_us =
        MAX(0, CAST(IFNULL(json_extract(record, '$.cache.original.total_s'), 0) * 1e6 AS INTEGER) - total_us)
        WHERE cache_status = 'hit' AND json_valid(record);
    UPDATE record SET blocked_by = (SELECT json_extract(one.value, '$.guard')
        FROM json_each(record.record, '$.verdicts') AS one WHERE json_extract(one.value, '$.action') = 'block' LIMIT 1)
        WHERE status = 'blocked' AND json_valid(record);
    UPDATE record SET prompt_version = json_extract(record, '$.prompt_version') WHERE json_valid(record);
    UPDATE record SET is_refused = 1 WHERE instr(record, '"kind":"refusal"');
    UPDATE hour SET
        saved_us = (SELECT CAST(TOTAL(saved_us) AS INTEGER) FROM record WHERE {_IN_HOUR}),
        refused = (SELECT COUNT(is_refused) FROM record WHERE {_IN_HOUR});
    {_trigger(tuple(name for name in SUMS if name != "unasked"))}
    CREATE INDEX record_by_notebook ON record (notebook, started_us) WHERE notebook IS NOT NULL;
    CREATE INDEX record_by_project ON record (project, started_us) WHERE project IS NOT NULL;
    CREATE TABLE rating (number INTEGER PRIMARY KEY, record_id TEXT NOT NULL, rated_us INTEGER NOT NULL,
        score REAL NOT NULL, note TEXT NOT NULL);
    CREATE INDEX rating_by_record ON rating (record_id);
    """,  # noqa: S608 - constants
    """
    CREATE TABLE spent (scope TEXT NOT NULL, name TEXT NOT NULL, pusd INTEGER NOT NULL, PRIMARY KEY (scope, name))
        WITHOUT ROWID;
    CREATE TABLE reservation (record_id TEXT PRIMARY KEY, made_us INTEGER NOT NULL, pusd INTEGER NOT NULL,
        session TEXT NOT NULL, notebook TEXT NOT NULL, project TEXT) WITHOUT ROWID;
    INSERT INTO spent SELECT 'session', session_id, SUM(cost_pusd) FROM record WHERE cost_pusd > 0 GROUP BY session_id;
    INSERT INTO spent SELECT 'notebook', IFNULL(notebook, session_id), SUM(cost_pusd) FROM record
        WHERE cost_pusd > 0 GROUP BY 2;
    CREATE TRIGGER record_settled AFTER INSERT ON record BEGIN
        DELETE FROM reservation WHERE record_id = NEW.id; END;
    CREATE TRIGGER record_spent AFTER INSERT ON record WHEN NEW.cost_pusd > 0 BEGIN
        INSERT INTO spent VALUES ('session', NEW.session_id, NEW.cost_pusd),
            ('notebook', IFNULL(NEW.notebook, NEW.session_id), NEW.cost_pusd)
            ON CONFLICT (scope, name) DO UPDATE SET pusd = pusd + excluded.pusd;
        INSERT INTO spent SELECT 'project', NEW.project, NEW.cost_pusd WHERE NEW.project IS NOT NULL
            ON CONFLICT (scope, name) DO UPDATE SET pusd = pusd + excluded.pusd; END;
    """,
    # What monitoring has counted: filled when it asks (`nbkit.ledger.metered`), never by a write.
    """
    CREATE TABLE metered (operation TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL,
        cache_status TEXT NOT NULL, blocked_by TEXT NOT NULL, calls INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL, cached_input_tokens INTEGER NOT NULL, cost_pusd INTEGER NOT NULL,
        unpriced INTEGER NOT NULL, estimated INTEGER NOT NULL, saved_pusd INTEGER NOT NULL, unsaved INTEGER NOT NULL,
        saved_us INTEGER NOT NULL, refused INTEGER NOT NULL,
        PRIMARY KEY (operation, provider, model, status, cache_status, blocked_by)) WITHOUT ROWID;
    CREATE TABLE metered_bucket (measure TEXT NOT NULL, operation TEXT NOT NULL, provider TEXT NOT NULL,
        model TEXT NOT NULL, bucket INTEGER NOT NULL, n INTEGER NOT NULL, total INTEGER NOT NULL,
        PRIMARY KEY (measure, operation, provider, model, bucket)) WITHOUT ROWID;
    CREATE TABLE metered_until (number INTEGER NOT NULL);
    """,
    # Six hours of latencies to a row, all figures within reach of the index by time, and calls of which nobody was
    # asked told apart, also those that are there. The view is for kernels of the version before.
    f"""
    DROP TRIGGER record_summed;
    DROP TRIGGER record_settled;
    ALTER TABLE hour ADD COLUMN unasked INTEGER NOT NULL DEFAULT 0;
    CREATE TEMP TABLE changed AS SELECT number, {HOUR} AS hour, latency_bin, total_us, status = 'ok' AS is_answer
        FROM record WHERE CASE WHEN cache_status = 'hit' THEN 0
        WHEN {IS_TIMED} AND cost_pusd = 0 AND input_tokens = 0 AND output_tokens = 0
            THEN CASE WHEN json_valid(record) THEN json_extract(record, '$.cost.source') = 'none' END
        WHEN cache_status = 'miss' AND answer_chars IS NULL
            THEN CASE WHEN json_valid(record) THEN json_extract(record, '$.timing.attempts') = 0 END END;
    CREATE INDEX temp.changed_by_hour ON changed (hour);
    UPDATE changed SET latency_bin = ({_BIN_EDGES} SELECT MAX(bin) FROM edge WHERE us <= total_us)
        WHERE latency_bin IS NULL AND is_answer;
    UPDATE hour SET
        unasked = (SELECT TOTAL(is_answer) FROM changed WHERE changed.hour = hour.hour),
        misses = misses - (SELECT COUNT(*) FROM changed WHERE changed.hour = hour.hour AND NOT is_answer),
        priced = MAX(0, priced - (SELECT TOTAL(is_answer) FROM changed WHERE changed.hour = hour.hour)),
        live_us = MAX(0, live_us - (SELECT TOTAL(total_us) FROM changed WHERE changed.hour = hour.hour AND is_answer))
        WHERE hour IN (SELECT hour FROM changed);
    UPDATE latency SET n = MAX(0, n - (SELECT COUNT(*) FROM changed
        WHERE changed.hour = latency.hour AND is_answer AND latency_bin = bin))
        WHERE NOT is_hit AND hour IN (SELECT hour FROM changed);
    UPDATE record SET status = '{UNASKED}' WHERE number IN (SELECT number FROM changed WHERE is_answer);
    UPDATE record SET cache_status = '{UNASKED}' WHERE number IN (SELECT number FROM changed WHERE NOT is_answer);
    DROP TABLE temp.changed;
    CREATE TABLE latency_block (block INTEGER, is_hit INTEGER, bin INTEGER,
        {" INTEGER NOT NULL, ".join(HOURS)} INTEGER NOT NULL, PRIMARY KEY (block, is_hit, bin)) WITHOUT ROWID;
    INSERT INTO latency_block SELECT {_BLOCK_OF_HOUR}, is_hit, bin, {_IN_BLOCKS} FROM latency WHERE n > 0
        GROUP BY 1, 2, 3;
    DROP TABLE latency;
    CREATE VIEW latency (hour, is_hit, bin, n) AS {_BY_HOUR};
    DROP INDEX record_by_request;
    DROP INDEX record_by_time;
    CREATE INDEX record_by_time ON record (started_us, number, {", ".join(_FIGURES)});
    CREATE TRIGGER record_summed AFTER INSERT ON record BEGIN
        {_COUNT_HOUR}; {_COUNT_LATENCY}; DELETE FROM reservation WHERE record_id = NEW.id; END;
    """,  # noqa: S608 - constants
)
