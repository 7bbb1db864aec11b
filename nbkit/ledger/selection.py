"""Which records count: by time, session, project, notebook, cell, model, tag or prompt."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from nbkit.ledger.rows import storable, to_us

By: TypeAlias = Literal["model", "tag", "notebook", "cell", "prompt", "session", "hour", "day", "guard"]

GROUPS: Final[Mapping[By, str]] = MappingProxyType(
    {
        "model": "provider || ':' || model",
        "tag": "tag",
        "notebook": "notebook",
        "cell": "cell_id",
        "prompt": "IFNULL(prompt_name, substr(prompt_version, 1, 12))",
        "session": "session_id",
        "hour": "strftime('%Y-%m-%d %H:00', started_us / 1000000, 'unixepoch')",
        "day": "strftime('%Y-%m-%d', started_us / 1000000, 'unixepoch')",
        "guard": "blocked_by",
    }
)
"""What records are grouped by, as SQL; hours and days are those of UTC."""
_CONDITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "instr(id, ?) = 1",
        "since": "started_us >= ?",
        "until": "started_us < ?",
        "session_id": "session_id = ?",
        "project": "project = ?",
        "notebook": "notebook = ?",
        "cell_id": "cell_id = ?",
        "model": "? IN (model, provider || ':' || model)",
        "tag": "tag = ?",
        "prompt": "? IN (prompt_name, prompt_version, substr(prompt_version, 1, 12))",
    }
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Records that have all of what is given; all records when nothing is.

    >>> Selection(tag="draft", session_id="s1").where()
    ('WHERE session_id = ? AND tag = ?', ['s1', 'draft'])
    """

    id: str | None = None
    """The beginning of its id."""
    since: datetime | None = None
    until: datetime | None = None
    """The first moment that does not count any more."""
    session_id: str | None = None
    project: str | None = None
    notebook: str | None = None
    cell_id: str | None = None
    model: str | None = None
    """As in `gpt-4o` or `openai:gpt-4o`."""
    tag: str | None = None
    prompt: str | None = None
    """Its name, or the hash of its template, which may be cut to 12 characters."""

    @property
    def is_period(self) -> bool:
        """Whether nothing but a beginning is asked for: what sums by the hour can answer."""
        return self == Selection(since=self.since)

    def where(self) -> tuple[str, list[object]]:
        """The condition as SQL, and its values."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        chosen = {name: value for name, value in given.items() if value is not None}
        if not chosen:
            return "WHERE 1", []
        values: list[object] = [
            to_us(value) if isinstance(value, datetime) else storable(value) for value in chosen.values()
        ]
        return f"WHERE {' AND '.join(_CONDITIONS[name] for name in chosen)}", values
