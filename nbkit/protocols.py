"""What a plug-in has to have. A plug-in is a class with these methods, named in an entry point; no base class.

Entry-point groups: `nbkit.providers`, `nbkit.guards`, `nbkit.sinks` (and `nbkit.embedders`, `nbkit.loaders`;
`nbkit.metrics` takes what `nbkit.evals.tools.MetricOptions` describes).
Contract suites for each are in `nbkit.testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

from nbkit.documents import Document
from nbkit.recorded import Record
from nbkit.secrets import SecretRegistry
from nbkit.types import Action, CacheEntry, Cost, Request, Response, Screened, Stage, Usage

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

OnText: TypeAlias = Callable[[str], None]
"""Takes each piece of the answer as it arrives; raises nothing but `KeyboardInterrupt`."""


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """What a provider is built from."""

    home: Path
    """Where nbkit keeps things; weights are below it."""
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    context_tokens: int = 4096
    """Context window for models that run in this process."""
    threads: int | None = None
    """Processor threads for models that run in this process; None chooses."""


class Provider(Protocol):
    """Answers requests. Called from several threads at once."""

    name: ClassVar[str]
    is_local: ClassVar[bool]
    """Whether answers cost nothing and nothing leaves the machine."""
    key_env: ClassVar[tuple[str, ...]]
    """Environment variables that may hold the key, first found wins; empty when none is needed."""
    model_prefixes: ClassVar[tuple[str, ...]]
    """A bare model name that starts with one of these is this provider's."""

    def __init__(self, options: ProviderOptions) -> None:
        """Cheap: opens nothing, loads nothing, needs no key yet."""

    def complete(self, request: Request, *, on_text: OnText, timeout_s: float) -> Response:
        """The whole answer; each piece goes to `on_text` as it arrives.

        Raises a `ProviderError` within `timeout_s`. Retries happen inside, and only before the first piece.
        """

    def models(self) -> list[str]:
        """Names that can be asked for now; raises a `ProviderError` when the provider cannot be reached."""

    def close(self) -> None:
        """Frees what is held; a later `complete` opens it again."""


class ScreenStream(Protocol):
    """One text on its way through a guard, in pieces."""

    def feed(self, text: str) -> str:
        """What may be shown now: screened, and never to be taken back."""

    def finish(self) -> Screened:
        """What was still held back, and the verdict on the whole."""


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """What a guard is built from."""

    secrets: SecretRegistry
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that links and images in answers may name."""
    context_tokens: Callable[[Request], int | None] = field(default=lambda _: None)
    """The context window of the request's model, None when unknown."""
    actions: Mapping[Stage, Action] = field(default_factory=dict)
    """What is done about what is found, where the policy in force says so; a stage left out is the guard's own."""
    allowed_kinds: frozenset[str] = frozenset()
    """Kinds of findings that may pass, as the spans name them."""
    contexts: tuple[str, ...] = ()
    """What an answer should rest on, such as the passages of its call; empty when it need not rest on any."""
    question: str = ""
    """What was asked; an answer may repeat it without having it from `contexts`."""
    deny: tuple[str, ...] = ()
    """What the user wants to hear of: words and phrases, or patterns written `/like this/`."""
    install_secret: Callable[[], bytes | None] = field(default=lambda: None, repr=False)
    """What marks in a request are made from as it is sent; None where none are put in."""


class Guard(Protocol):
    """Looks at text before it is sent, or before it is shown. A guard that raises blocks the call.

    May also have `standard` and `strict`, each a mapping of stage to action: what it does about what it finds under the
    policy of that name; and `opt_in`, what it does once it is turned on by name, where both leave it off. A guard
    without any is no matter of policy.
    """

    name: ClassVar[str]
    stages: ClassVar[tuple[Stage, ...]]

    def __init__(self, options: GuardOptions) -> None:
        """Cheap; patterns are compiled once."""

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text as it may go on, and the verdict. Pure: the same text, the same answer."""


class StreamingGuard(Guard, Protocol):
    """A guard of the output stage that can pass text on while it arrives; others see it when it is complete.

    The pieces passed on, joined, are equal to what `screen` gives for the whole text, however it was split.
    """

    def open(self, request: Request) -> ScreenStream:
        """A new stream."""


class Cache(Protocol):
    """Keeps answers by the hash of their request. May raise anything: the corridor warns and goes on without it."""

    def get(self, key: str, *, max_age_s: float | None = None) -> CacheEntry | None:
        """The entry, None when there is none, it has expired, or is older than `max_age_s`."""

    def put(self, key: str, entry: CacheEntry, *, request: Request, ttl_s: float | None) -> None:
        """Keeps the entry; a `ttl_s` of None never expires."""

    def lease(
        self, key: str, *, timeout_s: float, max_age_s: float | None = None
    ) -> AbstractContextManager[CacheEntry | None]:
        """Held by one caller at a time, in any process; gives the entry if another made it meanwhile."""

    def take_notice(self) -> str | None:
        """What the reader should know of the store, once: that it was damaged and moved aside, or cannot be written."""


class Sink(Protocol):
    """Keeps records. Called from several threads at once.

    May also have `take_notice() -> str | None`, as a `Cache` has.
    """

    name: ClassVar[str]

    def write(self, record: Record) -> None:
        """Keeps one record; when this returns, it survives the process being killed."""

    def close(self) -> None:
        """Frees what is held."""


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """What a sink is built from."""

    home: Path
    keeps_content: bool = True
    """Whether prompt and answer text are kept; hashes and figures always are."""
    path: Path | None = None
    """Where the sink writes, when the user chose a place."""
    keep_s: float | None = None
    """How long records are kept; None for ever."""
    project: str | None = None
    """What the calls are made for: the folder whose `pyproject.toml` holds, else the working directory."""
    endpoint: str | None = None
    """Where a sink sends records to, when the user chose a place; none sends nothing."""
    sends_content: bool = False
    """Whether prompt and answer text may be sent there."""


class Loader(Protocol):
    """Reads one kind of file. Runs in a child process, so that what it does to memory and time ends there."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    """Of file names, in lower case with the dot."""

    def load(self, path: Path) -> Document:
        """What the file says; raises `DocumentError` for one that cannot be read."""


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """What an embedder is built from."""

    home: Path
    """Where nbkit keeps things; weights are below it."""
    model: str | None = None
    """What follows the colon in `openai:text-embedding-3-small`; None is the embedder's own default."""
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    threads: int | None = None
    """Processor threads for models that run in this process; None chooses."""
    device: str | None = None
    """Where a model runs, such as `cpu`, `cuda` or `mps`; None takes a GPU when the engine finds one."""
    timeout_s: float = 120.0
    """Deadline of one call to a service, retries included."""


class Embedder(Protocol):
    """Turns texts into vectors. Called from several threads at once.

    May also have `is_local` and `key_env`, as a `Provider` has. One that is not local may have `take_spent() -> Spent`:
    what this thread's calls took since it last asked, failed ones included; without it they are counted by estimate.
    `splits_at_blanks = True` says that the tokens of a text are those of its words, so that chunking asks of each once.
    """

    name: ClassVar[str]

    @property
    def id(self) -> str:
        """Hash of what decides the vectors: weights, pooling, prefixes. Vectors of different ids are never compared."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """The most tokens of one text, counted as `token_starts` does; the model would not see what goes beyond."""

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> NDArray[float32]:
        """Unit vectors, shape (len(texts), dimensions). Raises `EmbedError` for a text beyond `max_tokens`."""

    def token_starts(self, text: str) -> list[int]:
        """Where each token of the text starts, in characters; special tokens are left out."""

    def close(self) -> None:
        """Frees what is held; a later `embed` opens it again."""


class Reranker(Protocol):
    """Reads each passage together with the question, and says how well it answers. Called from several threads."""

    name: str
    """The model, as a reader would write it."""

    def score(self, question: str, passages: Sequence[str]) -> Sequence[float]:
        """One finite figure for each passage, in their order: higher is better, comparable for one question only.

        All of a passage is read, however long. Raises `EmbedError`, or `WeightsError` where the model is not here.
        """

    def close(self) -> None:
        """Frees what is held; a later `score` opens it again."""


class Bill(Protocol):
    """What the calls of a stretch of work have taken so far."""

    @property
    def usage(self) -> Usage:
        """Tokens sent to the service."""

    @property
    def cost(self) -> Cost:
        """What they cost."""
