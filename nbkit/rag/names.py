"""What the name of a file says of it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from nbkit.loaders.urls import is_url, name_in

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_IDENTIFIER = re.compile(r"(?i)(?=\w*\d)(?=\w*[a-f])[0-9a-f]{7,}|\d{9,}|\w{21,}")
"""Hashes, numbers longer than a date, and what is too long to be a word."""
_SAYS_NOTHING = frozenset(
    ("default", "document", "download", "file", "image", "img", "index", "page", "readme", "scan", "untitled")
)


def name_words(source: str) -> str:
    """The words of a file's name, without folders and suffix; empty where it says nothing, or is no file's.

    Of a URL's, those of the last part of its path: what its query says is no name.

    Hashes and long numbers are left out, and a name of numbers or of words such as `index` alone is none.

    >>> name_words("filings/3M_2018_10K.pdf"), name_words("docs/installGuide-v2.md")
    ('3M 2018 10K', 'install Guide v2')
    >>> name_words("2301.01234.pdf"), name_words("9f86d081884c7d65.html"), name_words("a/README.md"), name_words("d12")
    ('', '', '', '')
    """
    path = PurePosixPath(name_in(source) if is_url(source) else source)
    if not path.suffix and "/" not in source:
        return ""
    stem = _HUMP.sub(" ", _UUID.sub(" ", path.stem))
    words = [word for word in _WORD.findall(stem) if not _IDENTIFIER.fullmatch(word)]
    says = any(not word.isdecimal() and word.casefold() not in _SAYS_NOTHING for word in words)
    return " ".join(words) if says else ""
