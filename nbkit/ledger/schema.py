"""The tables of the record store: one script for each version, never changed once it was released.

Records are summed by the hour as they are written, by triggers: one statement a record, a third of those that threads
would queue for otherwise. What a summary groups by has no sums of its own: a day's records are grouped in a quarter of
a second at a million rows, and sums for each model, tag, cell and notebook would make every write dearer.
"""

from __future__ import annotations

from typing import Final

from nbkit.ledger.rows import COLUMNS, HOUR_US, IS_TIMED, SUMS

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
_LATER_SUMS: Final = ("saved_us", "refused")
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
    {_trigger(tuple(SUMS))}
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
)
