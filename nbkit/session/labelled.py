"""What a user calls a thing in the records: kept as it is, so nothing private may stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbkit.errors import BadSetting

if TYPE_CHECKING:
    from nbkit.session.session import Session
    from nbkit.setting import Settings

_JUDGES = ("secrets", "pii")


def refuse_private(session: Session, names: Mapping[str, str | None], settings: Settings) -> None:
    """Raises `BadSetting` for a name that holds what guards would not send, or would put a stand-in for.

    `names`: by the option that gives each. Nothing can stand in for a part of a name: it is looked up by, and summed.

    >>> from nbkit.session import current
    >>> refuse_private(current(), {"--tag": "draft", "--thread": None}, current().config().settings)
    """
    for option, name in names.items():
        held = "" if not name else _held(session, name, settings)
        if held:
            raise BadSetting(
                what=f"{option} holds {held}",
                why="it is written into the records as it is, and nothing can stand in for a part of it",
                fix=f"give {option} a name without that; nothing was sent or kept",
            )


def _held(session: Session, name: str, settings: Settings) -> str:
    exact = [known for _, _, known in session.secrets.find(name)]
    if exact:
        return f"the value of {exact[0]}"
    (found,) = session.screen([name], settings=settings, stage="input", contexts=(), question="")
    for verdict in found.verdicts:
        if verdict.action == "block" or (verdict.action == "redact" and verdict.guard in _JUDGES):
            kinds = dict.fromkeys(span.kind for span in verdict.spans)
            return ", ".join(kinds) or f"what the guard {verdict.guard!r} blocks"
    return ""
