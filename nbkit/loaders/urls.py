"""URLs as documents: what is asked for, and what an index may keep and show of it.

An index is shared, and its sources are drawn in notebooks, so nothing that could be somebody's token stands in one.
A value in a query is shown when it is plainly a word, a number or a date, and its name is not that of a credential;
every other is shown as a keyed digest: two URLs that differ in one are two documents, and nobody who sees the digest
can try out what it was made from. The key is the index's own. Rejected: leaving the query out (`?page=1` and `?page=2`
would be one document), a list of names to hide (tokens come under any name), a bare hash (six digits are soon tried).
A value that holds names and values of its own (`next=/a?token=…`) is a digest too. A token within the path cannot be
told from a name, and stays, unless it has one: `;jsessionid=…`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, unquote_plus, urlsplit, urlunsplit

from nbkit.errors import BadSetting

_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]+://")
_SQUEEZED = re.compile(r"(https?):/(?=[^/])")
"""What `Path` makes of a URL."""
_CREDENTIAL = re.compile(
    r"(?i)key|token|secret|pass|pwd|auth|sig|cred|sess|sid|code|otp|pin|jwt|ticket|access|user|mail"
)
_PARAMETER = re.compile(r"(?<=;)[^;/]+")
"""Of a part of the path."""
_SEPARATOR = re.compile(r"([&;])")
_PATH_SIGNS, _QUERY_SIGNS = "/%:@!$&'()*+,;=~", "/%?:@!$&'()*+,;=~"
_MOST_PLAIN_CHARS, _MOST_DIGITS, _MOST_LETTERS, _MOST_CAPITALS, _MOST_MIXED = 60, 10, 15, 8, 4
_DIGEST_BYTES = 6
_HTTPS_PORT = 443


def is_url(given: str | Path) -> bool:
    r"""Whether a name is a URL and not a path; also one that became a `Path`.

    >>> [is_url(one) for one in ("https://a.org/b", Path("https://a.org/b"), "docs/a.md", r"C:\\docs", "C:/docs")]
    [True, True, False, False, False]
    """
    return bool((_SQUEEZED if isinstance(given, Path) else _URL).match(str(given)))


def refuse_urls(given: Iterable[str | Path], *, is_allowed: bool) -> None:
    """Raises `BadSetting`, naming the option, for a URL that may not be fetched.

    No setting allows it, so that no project's file can: it is asked for in the very call.
    """
    if not is_allowed and any(map(is_url, given)):
        raise BadSetting(
            what="a URL is among what is to be added, and it is not fetched unasked",
            why="fetching it tells its server of you; everything else that is added stays on this machine",
            fix="allow it in this call: %rag add https://… --allow-url, in Python add(url, allow_urls=True)",
        )


def address(given: str | Path) -> str:
    """The URL as it is asked for: its host and path in ASCII, its fragment, which is not sent, left out.

    >>> address("HTTPS://Bücher.example:443/Lüfter 2?seite=1#top")
    'https://xn--bcher-kva.example/L%C3%BCfter%202?seite=1'
    """
    text = _SQUEEZED.sub(r"\1://", str(given)) if isinstance(given, Path) else given.strip()
    try:
        parts = urlsplit(text)
        host = _host(parts)
    except ValueError:
        # Whoever fetches it refuses it, with the reason.
        return text
    # A login stays, for it is to be refused.
    login, at, _ = parts.netloc.rpartition("@")
    path = quote(parts.path, safe=_PATH_SIGNS, errors="surrogatepass") or "/"
    query = quote(parts.query, safe=_QUERY_SIGNS, errors="surrogatepass")
    return urlunsplit((parts.scheme, login + at + host, path, query, ""))


def source_of(url: str, *, key: bytes) -> str:
    """What an index keeps and shows of a URL: the same for the same URL and key.

    >>> source_of("https://a.org/list?page=2&token=8f14e45fceea167a", key=b"the index's own")
    'https://a.org/list?page=2&token=…98467b0cf653'
    """
    try:
        parts = urlsplit(url)
        host = _host(parts)
    except ValueError:
        return f"{url.partition('://')[0]}://…{_digest(url, key)}"
    login = "…@" if "@" in parts.netloc else ""
    path = _PARAMETER.sub(lambda found: _shown(found[0], key), parts.path)
    query = "".join(part if part in "&;" else _shown(part, key) for part in _SEPARATOR.split(parts.query))
    return urlunsplit((parts.scheme, login + host, path, query, ""))


def name_in(url: str) -> str:
    """The last part of a URL's path, for the end of its name: empty where there is none.

    >>> name_in("https://a.org/docs/care.md?page=2")
    'care.md'
    """
    try:
        return unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    except ValueError:
        return ""


def _host(parts: SplitResult) -> str:
    """Host and port; raises `ValueError` where there is none, or it cannot be one."""
    host, port = parts.hostname or "", parts.port
    if not host:
        msg = "no host"
        raise ValueError(msg)
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        host = host.encode("idna").decode("ascii")
    is_usual = port is None or (parts.scheme == "https" and port == _HTTPS_PORT)
    return host if is_usual else f"{host}:{port}"


def _shown(part: str, key: bytes) -> str:
    name, equals, value = part.partition("=")
    plain = unquote_plus(value)
    is_open = not _CREDENTIAL.search(unquote_plus(name)) and "=" not in plain and _is_plain(plain)
    if not _is_plain(unquote_plus(name)):
        return f"…{_digest(part, key)}"
    return part if is_open or not value else f"{name}{equals}…{_digest(part, key)}"


def _is_plain(text: str) -> bool:
    """Whether a text is words, a number or a date: nothing that was drawn at random."""
    if len(text) > _MOST_PLAIN_CHARS or sum(map(str.isdecimal, text)) > _MOST_DIGITS:
        return False
    words = list(filter(None, re.split(r"[\W_]+", text)))
    # One such as `v2` or `utf8`; several are how licence keys are written.
    mixed = [word for word in words if not _is_word(word)]
    return not mixed or (len(mixed) == 1 and len(mixed[0]) <= _MOST_MIXED and mixed[0].isalnum())


def _is_word(text: str) -> bool:
    if text.isdecimal() or not text.isascii():
        return len(text) <= _MOST_LETTERS
    if text.isupper():
        return text.isalpha() and len(text) <= _MOST_CAPITALS
    return text.isalpha() and len(text) <= _MOST_LETTERS and text[1:].islower() | (len(text) == 1)


def _digest(text: str, key: bytes) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key[:64], digest_size=_DIGEST_BYTES).hexdigest()
