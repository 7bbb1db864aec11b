"""Runs of evaluations in SQLite: each answer as it comes, so that a run that is killed goes on where it was."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nbkit.canonical import canonical_json, from_plain, map_text
from nbkit.errors import BadSetting
from nbkit.evals.cases import Case, Score
from nbkit.evals.judge_card import JudgeCard
from nbkit.evals.runs import Graded, Run
from nbkit.evals.shown import Sieve
from nbkit.figures import count
from nbkit.registry import nearest
from nbkit.store.database import Database
from nbkit.store.together import Together

_SCHEMA: Final = (
    """
    CREATE TABLE run (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, identity TEXT,
        is_whole INTEGER NOT NULL, run TEXT NOT NULL);
    CREATE INDEX run_by_identity ON run (identity);
    CREATE TABLE graded (run_id TEXT NOT NULL, case_id TEXT NOT NULL, sample INTEGER NOT NULL, place INTEGER NOT NULL,
        is_answer INTEGER NOT NULL, graded TEXT NOT NULL, PRIMARY KEY (run_id, case_id, sample)) WITHOUT ROWID;
    CREATE TABLE judge (identity TEXT PRIMARY KEY, card TEXT NOT NULL) WITHOUT ROWID;
    """,
)
_KEEP: Final = """
    INSERT INTO graded VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, case_id, sample) DO UPDATE
    SET place = excluded.place, is_answer = excluded.is_answer, graded = excluded.graded
    WHERE NOT graded.is_answer OR EXISTS (
        SELECT 1 FROM json_each(graded.graded, '$.scores') AS score
        WHERE json_extract(score.value, '$.status') = 'error')
    """


_TELLING: Final = 12
"""So many characters of an id tell those apart that begin alike."""
_LEAST: Final = 4
"""Fewer characters name no run."""


class KeptRuns:
    """The runs of one `NBKIT_HOME`; several kernels may share it. Every method raises `StoreError`.

    `sieve`: what is taken out of them before they are written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = KeptRuns(Path(folder))
    ...     print(runs.all())
    ...     runs.close()
    []
    """

    def __init__(self, home: Path, *, sieve: Sieve | None = None) -> None:
        self._sieve = sieve or Sieve()
        self._database = Database(home / "evals.sqlite", schema=_SCHEMA)
        self._together = Together[Database](self._write_in_one)

    def begin(self, run: Run) -> None:
        """Keeps a run that has no answers yet; one that is there gets its new figures."""
        self._write(run)

    def add(self, run_id: str, place: int, graded: Graded) -> None:
        """Keeps what came of one sample; on return it outlives the process. `place`: where it stands in the run.

        An answer that is there with all its scores stays: of two kernels that work at one run, the second has from the
        cache what the first has paid for.
        """
        shown = self._sieve.graded(graded)
        row = (run_id, shown.case.id, graded.sample, place, graded.error is None, canonical_json(shown))
        self._together.run(lambda database: database.execute(_KEEP, row))

    def drop_empty(self, run_id: str) -> None:
        """Deletes a run that nothing came of: there is nothing to go on with."""
        sql = "DELETE FROM run WHERE id = ? AND NOT EXISTS (SELECT 1 FROM graded WHERE run_id = run.id)"
        self._database.execute(sql, (run_id,))

    def finish(self, run: Run) -> None:
        """Keeps that a run is whole, or as whole as it will be."""
        self._write(run)

    def unfinished(self, identity: str | None, *, name: str = "") -> Run | None:
        """The newest run that measures the same and was stopped, with the answers it has; None when there is none.

        One that a reader gave another name than `name` is another's, or works still.
        """
        if identity is None:
            return None
        found = self._database.execute(
            "SELECT id FROM run WHERE identity = ? AND NOT is_whole AND (? IN ('', name) OR name = substr(id, 1, 8)) "
            "ORDER BY number DESC LIMIT 1",
            (identity, name),
        )
        return self._read(found[0][0], only_answers=True) if found else None

    def all(self) -> list[Run]:
        """All runs without their answers, oldest first."""
        rows = self._database.execute("SELECT run FROM run ORDER BY number")
        return [_run(text) for (text,) in rows]

    def find(self, name: str, *, is_whole: bool = False) -> Run:
        """The newest run of this name, or the one whose id begins so; raises `BadSetting` for none and several.

        `last` is the newest that is whole. With `is_whole` none that was stopped counts.
        """
        last = name == "last"
        sql = "SELECT id, 1 FROM run WHERE is_whole ORDER BY number DESC LIMIT 1" if last else (
            "SELECT id, name = :name FROM run WHERE is_whole >= :whole AND (name = :name OR length(:name) >= 4 "
            "AND substr(id, 1, length(:name)) = :name) ORDER BY name = :name DESC, number DESC LIMIT 5"
        )  # fmt: skip
        found = self._database.execute(sql, {} if last else {"name": name, "whole": int(is_whole)})
        if found and (len(found) == 1 or found[0][1]):
            return self._read(found[0][0])
        if found:
            raise BadSetting(
                what=f"{name!r} is the beginning of {count(len(found), 'id')}",
                why=f"runs that begin so: {', '.join(one[:_TELLING] for one, _ in found)}",
                fix="give more characters of the one that is meant",
            )
        if is_whole:
            self._refuse_stopped(name)
        known = list(dict.fromkeys(one.name for one in self.all() if one.finished_at is not None or not is_whole))
        near = nearest(name, known)
        raise BadSetting(
            what=f"there is no run named {name!r}",
            why=f"runs there are: {', '.join(known[-5:])}" if known else "no evaluation has run yet",
            fix=f"use {near!r}; %evaluate ls lists all" if near else "%evaluate ls lists those there are",
        )

    def _refuse_stopped(self, name: str) -> None:
        """Raises `BadSetting` where the only run of this name was stopped."""
        for run in reversed(self.all()):
            if name == run.name or (len(name) >= _LEAST and run.id.startswith(name)):
                ((done,),) = self._database.execute("SELECT COUNT(*) FROM graded WHERE run_id = ?", (run.id,))
                raise BadSetting(
                    what=f"the run {name!r} was stopped at {done:,} of {count(run.planned, 'answer')}",
                    why="what it lacks may be what is hard: it is no run to compare with",
                    fix="evaluate it again with the same prompt, data and name: it goes on where it was",
                )

    def scores(self, run: Run) -> Run:
        """A run with its scores alone, without texts and answers: what its means are made of, read quickly."""
        sql = (
            "SELECT case_id, sample, json_extract(graded, '$.case.cluster'), json_extract(graded, '$.scores') "
            "FROM graded WHERE run_id = ? ORDER BY place, sample"
        )
        graded = []
        for case_id, sample, cluster, text in self._database.execute(sql, (run.id,)):
            found = {name: Score(one["value"], one["status"]) for name, one in json.loads(text).items()}
            graded.append(Graded(Case(case_id, "", cluster=cluster), sample, None, found))
        return dataclasses.replace(run, graded=tuple(graded))

    def remove(self, run_id: str) -> None:
        """Deletes a run with its answers."""

        def perform() -> None:
            self._database.execute("DELETE FROM graded WHERE run_id = ?", (run_id,))
            self._database.execute("DELETE FROM run WHERE id = ?", (run_id,))

        self._database.whole(perform)

    def keep_card(self, card: JudgeCard) -> None:
        """Keeps what is known of a judge, in the place of what was."""
        row = (card.identity, canonical_json(map_text(card, self._sieve.redact)))
        self._database.execute("INSERT OR REPLACE INTO judge VALUES (?, ?)", row)

    def card(self, identity: str) -> JudgeCard | None:
        """What is known of a judge; None for one that was never measured."""
        found = self._database.execute("SELECT card FROM judge WHERE identity = ?", (identity,))
        return from_plain(JudgeCard, json.loads(found[0][0])) if found else None

    def close(self) -> None:
        """Closes the file; a later use opens it again."""
        self._database.close()

    def _read(self, run_id: str, *, only_answers: bool = False) -> Run:
        ((text,),) = self._database.execute("SELECT run FROM run WHERE id = ?", (run_id,))
        sql = "SELECT graded FROM graded WHERE run_id = ? AND is_answer >= ? ORDER BY place, sample"
        rows = self._database.execute(sql, (run_id, int(only_answers)))
        return _run(text, tuple(from_plain(Graded, json.loads(row)) for (row,) in rows))

    def _write(self, run: Run) -> None:
        plain = canonical_json(self._sieve.alone(run))
        sql = (
            "INSERT INTO run (id, name, identity, is_whole, run) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, identity = excluded.identity, "
            "is_whole = excluded.is_whole, run = excluded.run"
        )
        row = (run.id, run.name, run.pins.identity, run.finished_at is not None, plain)
        self._together.run(lambda database: database.execute(sql, row))

    def _write_in_one(self, perform: Callable[[Database], None]) -> None:
        self._database.whole(lambda: perform(self._database))


def _run(text: str, graded: tuple[Graded, ...] = ()) -> Run:
    return dataclasses.replace(from_plain(Run, json.loads(text)), graded=graded)
