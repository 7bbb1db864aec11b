"""Named prompts of a session: the version that a call is, kept as guards let it be."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from nbkit.errors import BadSetting, PromptError
from nbkit.prompts.versions import PromptVersions, Version, version_of
from nbkit.session.labelled import refuse_private

if TYPE_CHECKING:
    from nbkit.session.session import Session
    from nbkit.setting import Settings

_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


@contextlib.contextmanager
def prompts_of(session: Session) -> Iterator[PromptVersions]:
    """The named prompts that the session's home keeps."""
    kept = PromptVersions(session.keeping_home)
    try:
        yield kept
    finally:
        kept.close()


def named(session: Session, name: str, body: str, settings: Settings, *, schema: str | None = None) -> Version:
    """The version that a prompt is, kept from now on; raises `BadSetting` for a name that is none.

    `NAME@VERSION` is one that is kept already, and stays what it was; raises `PromptError` where it would be another.
    What guards would not send is not kept either: a text that is blocked is left out, personal data has its stand-ins.
    """
    if "@" in name:
        return _as_it_was(session, name, body, settings, schema=schema)
    if not _NAME.fullmatch(name):
        raise BadSetting(
            what=f"--prompt cannot be {name!r}",
            why="a prompt's name has letters, digits, dots, dashes and underscores, 64 at most",
            fix="--prompt summary, for example",
        )
    refuse_private(session, {"--prompt": name}, settings)
    version = version_of(name, body, settings, schema=schema)
    given = [part for part in (body, version.system) if part.strip()]
    found = session.screen(given, settings=settings, stage="input", contexts=(), question="")
    if settings.records_content and body.strip() and not any(one.action == "block" for one in found):
        text, system, *_ = *(session.secrets.redact(one.text) for one in found), ""
        with prompts_of(session) as kept:
            kept.keep(dataclasses.replace(version, body=text, system=system, own_sha256=version.sha256))
    return version


def recalled(session: Session, name: str, explicit: Mapping[str, object]) -> tuple[str, Settings]:
    """The text that a name stands for, and the settings with its parameters; `explicit` ones come first.

    `NAME@VERSION` is an older version, with all of its parameters. Raises `PromptError` for one that is not there.
    """
    with prompts_of(session) as kept:
        version = kept.called(name)
    is_older = "@" in name
    own: dict[str, object] = {key: value for key, value in version.parameters.items() if key != "schema"}
    own = {key: tuple(value) if isinstance(value, list) else value for key, value in own.items()}
    own |= {"system": version.system} if version.system or is_older else {}
    own = {key: value for key, value in own.items() if value is not None or is_older}
    return version.body, session.config({**own, **explicit}).settings


def _as_it_was(session: Session, name: str, body: str, settings: Settings, *, schema: str | None) -> Version:
    with prompts_of(session) as kept:
        found = kept.called(name)
    made = version_of(found.name, body, settings, schema=schema)
    if made.sha256 == found.sha256:
        return found
    changed = [
        f"{key} is {made.parameters.get(key)!r}, and was {found.parameters.get(key)!r}"
        for key in sorted({*made.parameters, *found.parameters} - {"schema"})
        if made.parameters.get(key) != found.parameters.get(key)
    ]
    changed += ["its schema is another"] if made.parameters.get("schema") != found.parameters.get("schema") else []
    changed += ["its system prompt is another"] if made.system != found.system else []
    changed += ["its text is another"] if made.body != found.body else []
    raise PromptError(
        what=f"this is not the version {name!r}",
        why="; ".join(changed) or "what guards took out of its text was not kept",
        fix=f"leave that out; or make a new version of it: --prompt {found.name}, with its text below",
    )
