"""Keys that a notebook's own file holds, replaced on its page: nobody has to have them in use for that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from nbkit.guards.secret_formats import find_secrets
from nbkit.secrets import SecretRegistry

_ASSIGNED: Final = re.compile(
    r"(?:environ\s*\[|(?:environ\.setdefault|putenv|setenv)\()\s*[\"'](?P<name>\w+)[\"']\s*(?:\]\s*=|,)\s*"
    r"(?P<quote>[\"'])(?P<value>[^\"'\n]+)(?P=quote)"
    r"|^[ \t]*%(?:set_)?env[ \t]+(?P<line_name>\w+)[ \t=]+(?P<line_value>\S+)[ \t]*$",
    re.MULTILINE,
)
"""How a cell puts a variable into its environment."""
_PICTURE: Final = re.compile(r"image/(?!svg)")


def conceal(notebook: Any) -> None:  # noqa: ANN401 - nbformat has no types
    """Replaces what is a secret in the notebook, wherever it stands, by its label.

    That is what the secrets guard would block in a prompt, by its format; and what a cell puts into the environment
    under the name of a credential. Pictures stay as they are.

    >>> cell = {"source": "key = 'gsk_" + "aB3dE5gH7j" * 5 + "'"}
    >>> conceal({"cells": [cell]})
    >>> cell["source"]
    "key = '[secret:groq-key]'"
    """
    known = SecretRegistry()
    for text in _texts(notebook):
        for found in _ASSIGNED.finditer(text):
            name, value = found["name"] or found["line_name"], found["value"] or found["line_value"]
            # By its format it has a name that says more.
            if not find_secrets(value):
                known.add_variables({name: value})
        for hit in find_secrets(text):
            known.add(hit.kind, text[hit.start : hit.end])
    _change(notebook, known)


def _texts(node: Any) -> Iterator[str]:  # noqa: ANN401 - nbformat has no types
    for place, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, dict | list):
            yield from _texts(value)
        elif isinstance(value, str) and not _is_picture(place):
            yield value


def _change(node: Any, known: SecretRegistry) -> None:  # noqa: ANN401 - nbformat has no types
    for place, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, dict | list):
            _change(value, known)
        elif isinstance(value, str) and not _is_picture(place):
            node[place] = _without(value, known)


def _without(text: str, known: SecretRegistry) -> str:
    """The text with labels in place of values that are known, and of those too short to be looked for elsewhere."""
    text = known.redact(text)
    for hit in reversed(find_secrets(text)):
        text = text[: hit.start] + known.label(hit.kind) + text[hit.end :]
    return text


def _is_picture(place: object) -> bool:
    return isinstance(place, str) and _PICTURE.match(place) is not None
