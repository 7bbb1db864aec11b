"""Whether a string that stands where a secret would is one: not a stand-in, a name in code, or an ordinary word."""

from __future__ import annotations

import math
import re
from typing import Final

_STAND_INS: Final = (
    "xxxxxx",
    "******",
    "......",
    "######",
    "______",
    "...",
    "example",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "redacted",
    "insert",
    "dummy",
    "your-",
    "your_",
    "yourapi",
    "yourkey",
    "yourtoken",
    "yoursecret",
    "yourpass",
    "yourown",
    "-here",
    "_here",
    "keyhere",
    "tokenhere",
    "to-be-",
    "to_be_",
)
_STAND_IN_STARTS: Final = (
    "xxx",
    "insert",
    "enter",
    "paste",
    "todo",
    "none",
    "null",
    "undefined",
    "fixme",
    "your",
)
_REFERENCE: Final = re.compile(
    r"^[$%{<\[(&@]|\$\{|\{\{|%\(|%s|os\.|env[.\[(]|getenv|process\.|^self\.|^args\.|^config\.|^settings\.|^st\.|^var\.|^data\."
)
_HEX: Final = re.compile(r"(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{32,}")
_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_NAME: Final = re.compile(r"[A-Za-z_]\w*(?:[._\-][A-Za-z]\w*)*\Z")
_PLACE: Final = re.compile(
    r"https?:|[a-z]+://|^\.{0,2}/[\w.\-]|^[A-Za-z]:\\|^[\w\-]+\.(?:com|org|net|io|dev|json|txt|py|pem|yaml|yml|env|html?)\b|^arn:"
)
_PART_CHARS: Final = 3.2
"""Words have longer parts, on average; letters and digits at random have parts of about one and a half."""
_TOKENS: Final = re.compile(r"token(?:iz|s?_?ids?)", re.IGNORECASE)
_OTHER_ENDS: Final = (
    "id", "ids", "name", "names", "url", "uri", "path", "file", "filename", "dir", "type", "types", "length", "len",
    "size", "count", "limit", "limits", "ttl", "field", "column", "format", "version", "label", "index", "endpoint",
    "scope", "scopes", "host", "user", "username", "policy", "pattern", "regex", "prefix", "suffix", "placeholder",
    "hint", "help", "text", "message", "error", "arn", "var", "env", "reset", "strength", "ring", "store", "vault",
    "manager", "usage", "budget", "rate", "cost", "price", "header", "hash", "digest", "checksum", "tokens", "ref",
    "provider", "class", "map", "list", "set", "input",
)  # fmt: skip
_OTHER_END: Final = re.compile(r"(?:expir|ize)\w*\Z")
_OPEN_ENDS: Final = (
    "public", "publickey", "public_key", "pub", "csrf", "xsrf", "authenticity", "next", "prev", "page", "pages",
    "cursor", "continuation", "sync", "pad", "eos", "bos", "mask", "sep", "cls", "unk", "special", "stop",
    "cache", "etag", "max", "min", "num", "input", "output", "prompt", "completion", "total", "new", "start",
    "end", "image", "first", "last", "keyword", "not", "site", "jsonweb", "requestverification",
    "request_verification", "idempotency",
)  # fmt: skip
_OPEN_NAME: Final = re.compile(rf"(?:\A|[^A-Za-z])(?:{'|'.join(_OPEN_ENDS)})[_\-. ]?\Z", re.IGNORECASE)
_COMMON: Final = frozenset(
    {
        "***", "abc123", "admin", "administrator", "bar", "change_me", "changeit", "changeme", "database",
        "db_password", "dbpassword", "default", "demo", "elastic", "example", "false", "foo", "foobar",
        "guest", "host", "hostname", "letmein", "localhost", "minio", "minioadmin", "mongo", "mongodb",
        "my_password", "mypass", "mypassword", "mysecret", "mysecretpassword", "mysql", "neo4j", "none",
        "null", "p@ssw0rd", "pass", "passw0rd", "passwd", "password", "password1", "password123", "port",
        "postgres", "postgresql", "pw", "pwd", "rabbitmq", "redis", "root", "sa", "secret",
        "secretpassword", "str", "string", "supersecret", "system", "test", "tester", "testing", "token",
        "true", "user", "user_password", "username", "userpass", "xxx", "your_password", "yourpassword",
        "yyy",
    }
)  # fmt: skip


def entropy(text: str) -> float:
    """Bits per character, counted over the text itself.

    >>> entropy("abcd"), entropy("aaaa")
    (2.0, 0.0)
    """
    total = len(text)
    shares = [text.count(char) / total for char in set(text)]
    return 0.0 - sum(share * math.log2(share) for share in shares)


def is_stand_in(text: str) -> bool:
    """Whether it says that something else belongs here.

    >>> [is_stand_in(text) for text in ("your-key-here", "xxxxxxxxxxxx", "Zk3v9Qm1Lw")]
    [True, True, False]
    """
    lowered = text.lower()
    return lowered.startswith(_STAND_IN_STARTS) or lowered.endswith("xxx") or any(map(lowered.__contains__, _STAND_INS))


def is_assigned_secret(value: str, *, name: str, before: str) -> bool:
    """Whether what is assigned to `name` looks drawn at random; `before` is what stands to the left of the name.

    >>> is_assigned_secret("9f8Zk3v9Qm1Lw0aB", name="api_key", before=" ")
    True
    >>> is_assigned_secret("get_token_v2", name="token", before=" ")
    False
    """
    value = value.rstrip(".,;:!?")
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if len(value) < 16 or digits < 2 or letters < 2:  # noqa: PLR2004 - shorter ones are versions and names
        return False
    if _is_other_name(name) or _is_open_name(before) or _is_known_text(value):
        return False
    return entropy(value) >= 3.0  # noqa: PLR2004 - random hexadecimal of 16 characters is hardly ever below


def is_password(value: str, *, name: str, before: str) -> bool:
    """Whether what is assigned to `name`, or stands before the host of an address, is a password of somebody's.

    >>> [is_password(text, name="password", before="") for text in ("S3cure!pony", "postgres", "${DB_PASSWORD}")]
    [True, False, False]
    """
    value = value.rstrip(".,;")
    if value.lower().rstrip("0123456789!@#$") in _COMMON or _classes(value) < 2:  # noqa: PLR2004 - a word or a number
        return False
    if _is_other_name(name) or _is_open_name(before) or not _is_own_word(value):
        return False
    # A name in code has no sign but these.
    if value.replace("_", "").replace(".", "").replace("-", "").isalpha():
        return False
    return entropy(value) >= 2.2  # noqa: PLR2004 - `aaaa1111`


def is_url_password(value: str, *, user: str) -> bool:
    """Whether the part between user and host of an address is a password of somebody's.

    >>> is_url_password("postgres", user="postgres"), is_url_password("tr0ub4dor", user="app")
    (False, True)
    """
    if value.lower() in _COMMON or value.lower() == user.lower() or is_stand_in(value) or _REFERENCE.search(value):
        return False
    return len(set(value)) >= 4 and not value.lower().startswith(("password", "secret"))  # noqa: PLR2004 - `aaa`, `***`


def is_sent(value: str) -> bool:
    """Whether what stands in a header where a token would is one.

    >>> is_sent("9f8Zk3v9Qm1Lw0aB"), is_sent("authentication-tokens")
    (True, False)
    """
    return any(map(str.isdigit, value)) and not is_stand_in(value) and not is_wordy(value)


def is_told(value: str) -> bool:
    """Whether a word after "the password is" is one: nobody writes a word like that otherwise.

    >>> is_told("hunter2!X"), is_told("incorrect")
    (True, False)
    """
    return _classes(value) >= 3 and value.lower() not in _COMMON and not is_stand_in(value)  # noqa: PLR2004


def _is_other_name(name: str) -> bool:
    """Whether what is called this is no secret."""
    lower = name.lower()
    return (
        lower.endswith(_OTHER_ENDS)
        or _TOKENS.match(name) is not None
        or (("expir" in lower or "ize" in lower) and _OTHER_END.search(lower) is not None)
    )


def _is_open_name(before: str) -> bool:
    """Whether what stands before a name makes it one that is no secret."""
    lower = before.lower()
    # The pattern is tried at every character; nearly always the end of what it is tried on says no.
    may_be = not before.isascii() or lower.endswith(_OPEN_ENDS) or lower[:-1].endswith(_OPEN_ENDS)
    return may_be and _OPEN_NAME.search(before) is not None


def _is_own_word(value: str) -> bool:
    known = value.lower() in _COMMON or is_stand_in(value) or _REFERENCE.search(value) or _PLACE.search(value)
    # `user.password1`, `my_password_2`: a name in code, unless a sign that no name has is in it.
    return not known and not (_NAME.match(value) and ("_" in value or "." in value or "-" in value) and is_wordy(value))


def _is_known_text(value: str) -> bool:
    return (
        value.lower() in _COMMON
        or is_stand_in(value)
        or _REFERENCE.search(value) is not None
        or _PLACE.search(value) is not None
        or is_wordy(value)
    )


def is_wordy(value: str) -> bool:
    """Whether it is made of words and numbers, as names in code are, and not of characters drawn at random.

    >>> [is_wordy(text) for text in ("get_access_token_v2", "claude-sonnet-4", "9f8Zk3v9Qm1Lw0aB")]
    [True, True, False]
    """
    if _HEX.fullmatch(value):
        return False
    parts = _PART.findall(value)
    return not parts or sum(map(len, parts)) / len(parts) >= _PART_CHARS


def _classes(value: str) -> int:
    return (
        any(map(str.islower, value))
        + any(map(str.isupper, value))
        + any(map(str.isdigit, value))
        + any(not char.isalnum() for char in value)
    )
