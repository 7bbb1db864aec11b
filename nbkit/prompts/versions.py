"""Versions of named prompts: each distinct text with its parameters, by the hash of both, newest last.

A version is what `--prompt NAME` was used with. The model is no part of it: one prompt is asked of several.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbkit.canonical import canonical_json, sha256
from nbkit.errors import PromptError
from nbkit.registry import nearest
from nbkit.store.database import Database
from nbkit.types import JsonValue

if TYPE_CHECKING:
    from nbkit.setting import Settings

_SCHEMA: Final = (
    """
    CREATE TABLE version (number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, content TEXT NOT NULL,
        made_at TEXT NOT NULL, UNIQUE (name, sha256));
    CREATE TABLE head (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, since TEXT NOT NULL);
    """,
)
_COLUMNS: Final = "version.name, version.sha256, content, made_at"
_PARAMETERS: Final = ("temperature", "max_tokens", "seed", "stop", "format")
_LEAST_CHARS: Final = 4


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a named prompt.

    >>> one, other = Version("greet", "Say hi."), Version("greet", "Say hi.", parameters={"seed": 1})
    >>> one.sha256 == Version("welcome", "Say hi.").sha256, one.sha256 == other.sha256
    (True, False)
    """

    name: str
    body: str
    """As it was written, `{{names}}` and all."""
    system: str = ""
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    made_at: datetime | None = None
    """When it was first used, in UTC."""
    own_sha256: str | None = None
    """Its hash, where the text that is kept is not the whole text."""

    @property
    def sha256(self) -> str:
        """Of text, system prompt and parameters; the same under another name."""
        return self.own_sha256 or sha256(canonical_json([self.body, self.system, self.parameters]))


def version_of(name: str, body: str, settings: Settings, *, schema: str | None = None) -> Version:
    """The version that a prompt is with the settings in force."""
    found: dict[str, JsonValue] = {one: _plain(getattr(settings, one)) for one in _PARAMETERS}
    return Version(name, body, settings.system or "", found | ({"schema": schema} if schema else {}))


class PromptVersions:
    """The named prompts of one `NBKIT_HOME`. Every method raises `StoreError`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = PromptVersions(Path(folder))
    ...     for body in ("Say hi.", "Say hello."):
    ...         kept.keep(Version("greet", body))
    ...     print([one.body for one in kept.of("greet")], kept.newest("greet").body)
    ...     kept.close()
    ['Say hi.', 'Say hello.'] Say hello.
    """

    def __init__(self, home: Path) -> None:
        self._database = Database(home / "prompts.sqlite", schema=_SCHEMA)

    def keep(self, version: Version) -> None:
        """Keeps a version, if it is new, and makes it the one that its name stands for."""
        now = datetime.now(UTC).isoformat()
        # As JSON, which has a form for every text that Python has.
        content = canonical_json({"body": version.body, "system": version.system, "parameters": version.parameters})
        row = (version.name, version.sha256, content, version.made_at.isoformat() if version.made_at else now)

        def perform() -> None:
            self._database.execute(
                "INSERT INTO version (name, sha256, content, made_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (name, sha256) DO NOTHING",
                row,
            )
            self._database.execute(
                "INSERT INTO head VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, "
                "since = excluded.since WHERE sha256 <> excluded.sha256",
                (version.name, version.sha256, now),
            )

        self._database.whole(perform)

    def names(self) -> list[str]:
        """Names of all prompts, sorted."""
        return [name for (name,) in self._database.execute("SELECT name FROM head ORDER BY name")]

    def of(self, name: str) -> list[Version]:
        """All versions of a prompt in the order in which they were first used; raises `PromptError` where none is."""
        sql = f"SELECT {_COLUMNS} FROM version WHERE name = ? ORDER BY number"  # noqa: S608 - constants
        found = [_version(row) for row in self._database.execute(sql, (name,))]
        if not found:
            near = nearest(name, self.names())
            raise PromptError(
                what=f"there is no prompt named {name!r}",
                why=f"prompts there are: {', '.join(self.names()) or 'none'}",
                fix=f"use {near!r}" if near else f"write one: a %%llm cell with --prompt {name}",
            )
        return found

    def newest(self, name: str) -> Version:
        """The version that the name stands for: used or restored last. Raises `PromptError`."""
        sql = (
            f"SELECT {_COLUMNS} FROM version JOIN head ON head.name = version.name AND head.sha256 = version.sha256 "  # noqa: S608 - constants
            "WHERE version.name = ?"
        )
        rows = self._database.execute(sql, (name,))
        return _version(rows[0]) if rows else self.of(name)[-1]

    def called(self, word: str) -> Version:
        """What `NAME`, or `NAME@VERSION` with the beginning of its hash, stands for; raises `PromptError`."""
        name, at, start = word.partition("@")
        return self.find(name, start) if at else self.newest(name)

    def find(self, name: str, start: str) -> Version:
        """The version whose hash begins so; raises `PromptError` where none or several do."""
        versions = self.of(name)
        found = [one for one in versions if len(start) >= _LEAST_CHARS and one.sha256.startswith(start)]
        if len(found) == 1:
            return found[0]
        raise PromptError(
            what=f"{start!r} is no version of the prompt {name!r}",
            why="several begin so" if found else f"versions: {', '.join(one.sha256[:8] for one in versions)}",
            fix=f"%nbkit prompts show {name}@{versions[-1].sha256[:8]}, for example",
        )

    def close(self) -> None:
        """Closes the file; a later use opens it again."""
        self._database.close()


def _version(row: tuple[str, str, str, str]) -> Version:
    name, own, content, made_at = row
    return Version(name, **json.loads(content), made_at=datetime.fromisoformat(made_at), own_sha256=own)


def _plain(value: object) -> JsonValue:
    return list(value) if isinstance(value, tuple) else value  # type: ignore[return-value] # settings are plain
