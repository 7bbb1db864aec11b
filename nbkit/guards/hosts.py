"""Which addresses an answer may link to, and where each ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

HOLD: Final = -1
_MAX_CHARS: Final = 2000
# Not all that a URL may hold: marks of emphasis and mathematics would end it in some renderers.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9\-._/?#&+,;=%:@]*")
_SCHEME: Final = re.compile(r"(?:^|[^A-Za-z0-9+.\-])https?\Z", re.IGNORECASE)
_HOST: Final = re.compile(r"([A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_SECOND: Final = re.compile(r"//|www\.", re.IGNORECASE)
"""An address inside of an address, which a renderer that ends the first one early would link."""
_FRAGMENT: Final = re.compile(r"#[\w\-.%]*\)", re.ASCII)
_TARGET: Final = re.compile(r"""https?://([A-Za-z0-9\-._/?#&+,;=%:@]*)(?:[ \t]+"[^"\\\[\]<>`|$\n]*")?[ \t]*\)""")
_DEFINITION: Final = re.compile(r"[ \t]*https?://([A-Za-z0-9\-._/?#&+,;=%:@]*)[ \t]*\Z")


class Hosts:
    """The allowed hosts; `*.example.org` allows every host below it.

    >>> Hosts(("*.example.org",)).allows("docs.example.org/a"), Hosts(()).allows("docs.example.org")
    (True, False)
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._exact = {host.lower() for host in allowed if not host.startswith("*.")}
        self._below = tuple(host[1:].lower() for host in allowed if host.startswith("*."))
        self.is_any = bool(self._exact or self._below)
        """Whether there are any."""

    def allows(self, address: str) -> bool:
        """Whether the address, without its scheme, is on an allowed host."""
        host = _HOST.match(address)
        if host is None or _SECOND.search(address, 1):
            return False
        name = host[1].lower()
        return name in self._exact or name.endswith(self._below or ("\n",))

    def address_end(self, text: str, at: int, *, scheme: str, is_last: bool) -> int:
        """Where the allowed bare address ends whose host begins at `at`; 0 when it is not allowed, -1 to wait."""
        if not self.is_any or not _SCHEME.search(scheme):
            return 0
        found = _ADDRESS.match(text, at, at + _MAX_CHARS)
        assert found is not None
        end = found.end()
        if end == len(text) and end - at < _MAX_CHARS and not is_last:
            return HOLD
        # Renderers that take more characters into an address would take the backtick of a code span with them.
        is_apart = text[end : end + 1] in tuple(' \n\t)">') or end == len(text)
        return end if is_apart and end - at < _MAX_CHARS and self.allows(found.group()) else 0

    def target_end(self, text: str, at: int, *, is_definition: bool, is_last: bool) -> int:
        """Where the allowed target of a link ends that begins at `at`; 0 when it is not allowed, -1 to wait."""
        first = text[at : at + 1]
        if not first and not is_last:
            return HOLD
        if not (self.is_any or first == "#"):
            return 0
        end = text.find("\n" if is_definition else ")", at, at + _MAX_CHARS)
        newline = text.find("\n", at, at + _MAX_CHARS)
        if end < 0 and newline < 0 and len(text) - at < _MAX_CHARS and not is_last:
            return HOLD
        if is_definition:
            end = len(text) if end < 0 else end
            found = _DEFINITION.match(text[at:end])
        else:
            found = _FRAGMENT.match(text, at) or _TARGET.match(text, at, end + 1)
        if found is None or (found.re is not _FRAGMENT and not self.allows(found[1])):
            return 0
        return at + found.end() if is_definition else found.end()
