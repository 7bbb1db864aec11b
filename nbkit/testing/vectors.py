"""The file that holds what a notebook's run embedded, beside the notebook, so that it re-runs without the model.

Two lines of text, then bytes without gaps:

    nbkit vectors 1
    {"dimensions": 384, "embedder": "5e9d…", "max_tokens": 254, "rows": 640, "starts_bytes": 90123}
    rows x 16 bytes: BLAKE2b of `text` or `query`, a NUL, and the text, in order
    rows x dimensions float16, little-endian, in the same order
    zlib: JSON, from a word to where each of its tokens starts, in characters
    32 bytes: SHA-256 of all before

Half precision is what the recording run computes with as well (`rounded`), so that its scores and a replay's are the
same. For the 576 texts of 01_ingestion.ipynb it takes 442 KB; float32 took 885 KB, and bytes with a scale for each row
223 KB, with cosines off by up to .003.
Tokens are kept by word, not by text (15 KB for 4,098 words): the chunker asks about words in no fixed order. So only an
embedder that splits at blanks can be recorded.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbkit.errors import NotebookError
from nbkit.testing.replay import RENEW

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_MAGIC = b"nbkit vectors "
_VERSION = b"1"
_KEY_BYTES = 16
_SEAL_BYTES = 32
_NUMBER_BYTES = 2
_MOST_STARTS_BYTES = 1 << 26
"""A small file must not unpack to all of the memory."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of texts and token starts of words, of one embedder.

    >>> import numpy as np
    >>> kept = Vectors("0" * 64, dimensions=2, max_tokens=8)
    >>> kept.rows[key_of("rain", is_query=False)] = np.array([0.6, 0.8], np.float32)
    >>> kept.starts["rain"] = (0,)
    >>> unpacked(packed(kept), name="a.vectors").starts
    {'rain': (0,)}
    """

    embedder_id: str
    dimensions: int
    max_tokens: int
    rows: dict[bytes, NDArray[float32]] = field(default_factory=dict)
    """By `key_of` the text: its vector, as `rounded` makes it."""
    starts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """By word; by `whole(text)` where the tokens of a text are not those of its words."""


def beside(notebook: Path) -> Path:
    """Where a notebook's vectors are.

    >>> beside(Path("notebooks/01_ingestion.ipynb")).name
    '01_ingestion.vectors'
    """
    return notebook.with_suffix(".vectors")


def key_of(text: str, *, is_query: bool) -> bytes:
    """What a text is found by: 16 bytes."""
    whole = f"{'query' if is_query else 'text'}\0{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(whole, digest_size=_KEY_BYTES).digest()


def whole(text: str) -> str:
    """What a text's own token starts are found by: no word, for it begins with a blank."""
    return f" {text}"


def rounded(vectors: NDArray[float32]) -> NDArray[float32]:
    """The vectors that are read back when these are kept.

    >>> import numpy as np
    >>> rounded(np.array([0.1], np.float32)).tolist()
    [0.0999755859375]
    """
    import numpy as np

    return vectors.astype("<f2").astype(np.float32)


def packed(vectors: Vectors) -> bytes:
    """The content of a file: the same bytes for the same vectors, whatever order they came in."""
    import numpy as np

    keys = sorted(vectors.rows)
    table = np.array([vectors.rows[key] for key in keys], np.float32).reshape(len(keys), vectors.dimensions)
    starts = json.dumps(vectors.starts, sort_keys=True, separators=(",", ":")).encode()
    header = {
        "dimensions": vectors.dimensions,
        "embedder": vectors.embedder_id,
        "max_tokens": vectors.max_tokens,
        "rows": len(keys),
        "starts_bytes": len(starts),
    }
    lines = _MAGIC + _VERSION + b"\n" + json.dumps(header, sort_keys=True).encode() + b"\n"
    content = lines + b"".join(keys) + table.astype("<f2").tobytes() + zlib.compress(starts, 9)
    return content + hashlib.sha256(content).digest()


def unpacked(content: bytes, *, name: str) -> Vectors:
    """What `packed` was given; raises `NotebookError` for anything else. `name`: what errors call the file."""
    if not content.startswith(_MAGIC):
        raise _unreadable(name, "it does not begin as a file of vectors does")
    version = content[len(_MAGIC) :].split(b"\n", 1)[0]
    if version != _VERSION:
        shown = version[:8].decode("ascii", "replace")
        raise _unreadable(name, f"it is of version {shown!r}, and this nbkit reads version {_VERSION.decode()}")
    body, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
    if hashlib.sha256(body).digest() != seal:
        raise _unreadable(name, f"its {len(content):,} bytes are not those that were written: it is cut off or damaged")
    try:
        return _read(body)
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise _unreadable(name, f"{type(error).__name__}: {error}") from error


def read(path: Path) -> Vectors:
    """The vectors in a file; raises `NotebookError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path.name, error.strerror or type(error).__name__) from error
    return unpacked(content, name=path.name)


def _read(body: bytes) -> Vectors:
    import numpy as np

    _, line, rest = body.split(b"\n", 2)
    header: dict[str, Any] = json.loads(line)
    made = Vectors(str(header["embedder"]), int(header["dimensions"]), int(header["max_tokens"]))
    count, starts_bytes = int(header["rows"]), int(header["starts_bytes"])
    if min(count, starts_bytes, made.dimensions) < 0 or starts_bytes > _MOST_STARTS_BYTES:
        msg = "its header has impossible sizes"
        raise ValueError(msg)
    table_at, starts_at = count * _KEY_BYTES, count * (_KEY_BYTES + made.dimensions * _NUMBER_BYTES)
    table = np.frombuffer(rest[table_at:starts_at], "<f2").reshape(count, made.dimensions)
    keys = (rest[at : at + _KEY_BYTES] for at in range(0, table_at, _KEY_BYTES))
    made.rows.update(zip(keys, table.astype(np.float32), strict=True))
    plain = zlib.decompressobj().decompress(rest[starts_at:], starts_bytes + 1)
    if len(plain) != starts_bytes:
        msg = f"its words are not {starts_bytes:,} bytes"
        raise ValueError(msg)
    made.starts.update({word: tuple(map(int, places)) for word, places in json.loads(plain).items()})
    return made


def _unreadable(name: str, why: str) -> NotebookError:
    return NotebookError(
        what=f"no vectors can be read from {name}",
        why=why,
        fix=f"it stands beside its notebook; {RENEW} writes both again",
    )
