"""The first word of `%nbkit` and `%cache`, and the error for one they do not know."""

from __future__ import annotations

from collections.abc import Iterable

from nbkit.errors import UnknownSetting


def first_word(line: str, known: Iterable[str], *, magic: str) -> tuple[str, str]:
    """The command on the line, and the text after it.

    Raises `UnknownSetting` with the nearest command.

    >>> first_word("config model  echo", ["config"], magic="%nbkit")
    ('config', 'model  echo')
    """
    word, _, rest = line.strip().partition(" ")
    if word in known:
        return word, rest.strip()
    from nbkit.registry import nearest

    names = list(known)
    near = nearest(word, names) if word else None
    raise UnknownSetting(
        what=f"{magic} has no command {word!r}" if word else f"{magic} takes a command",
        why=f"its commands are {', '.join(names)}",
        fix=f"use {magic} {near}" if near else f"{magic}? says what each does",
    )


def nothing_more(rest: str, *, command: str) -> None:
    """Raises `UnknownSetting` when text follows a command that takes none."""
    if rest:
        raise UnknownSetting(
            what=f"{command} takes nothing after it", why=f"{len(rest)} characters follow", fix=f"use {command} alone"
        )
