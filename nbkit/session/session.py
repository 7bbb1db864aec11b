"""A session: everything that outlives one call in one process."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbkit import canonical
from nbkit.config import Config, Layer, home_path, layer, name_of, resolve
from nbkit.errors import NbkitError
from nbkit.pipeline import Prepared, Stages
from nbkit.prompts.schema import Shape
from nbkit.recorded import Origin, Outcome, final
from nbkit.secrets import SecretRegistry
from nbkit.session import building, keys, targets, unshown
from nbkit.session.cleaning import without_secrets
from nbkit.session.collections import Collections
from nbkit.session.embedding import EmbeddingCalls, with_embedding
from nbkit.session.furniture import Furniture
from nbkit.session.labelled import refuse_private
from nbkit.session.layers import environment_layers, file_layers, file_stamp
from nbkit.session.lookups import looker, reading
from nbkit.session.policy import Policy
from nbkit.session.screening import Screening, screen_texts
from nbkit.session.threads import Threads, turn_of
from nbkit.session.together import OneCell
from nbkit.session.trust import refuse_strangers
from nbkit.setting import Settings
from nbkit.types import JsonValue, Request, Stage

if TYPE_CHECKING:
    from nbkit.cache.answers import AnswerCache
    from nbkit.ledger.budgets import Standing
    from nbkit.ledger.sqlite import SqliteSink
    from nbkit.prompts.versions import Version
    from nbkit.protocols import Provider

Prepare = Callable[[Request, Stages], Prepared]


class Session:
    """Settings in force, open providers, the cache, the ledger and the conversations of one process.

    `home`: where things are kept, `NBKIT_HOME` when left out. `environment`: variables, the process's own when left
    out. `folder`: where the nearest `pyproject.toml` and `.env` are looked for. `providers`: instances that answer
    for a provider name instead of the installed plug-in, for tests.

    >>> import tempfile
    >>> session = Session(home=Path(tempfile.mkdtemp()), environment={})
    >>> echo = session.config({"model": "echo"}).settings
    >>> session.ask("hello", settings=echo)[0].record.response.text
    'hello'
    >>> session.close()
    """

    def __init__(
        self,
        *,
        home: Path | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        providers: Mapping[str, Provider] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.environment: Mapping[str, str] = os.environ if environment is None else environment
        self.home = home or home_path(self.environment)
        self.folder = folder or Path.cwd()
        self.threads = Threads()
        self.unshown = unshown.UnshownRecords()
        self.secrets = SecretRegistry(names=targets.key_names())
        self.secrets.add_variables(self.environment)
        self.secrets.add_variables(keys.read_env_file(self.folder))
        self.providers: dict[str, Provider] = dict(providers or {})
        """Instances that answer for a provider's name."""
        self._furniture = Furniture(self, self.providers)
        self.look = looker(self._furniture, self.secrets)
        self.embedding_calls = EmbeddingCalls(self, self._furniture)
        self.collections = Collections(self)
        self._lock = threading.Lock()
        self._configured: dict[str, object] = {}
        self._stack: list[Layer] = []
        self._files: tuple[object, list[Layer]] | None = None
        self.cell = OneCell()

    @without_secrets
    def config(self, explicit: Mapping[str, object] | None = None) -> Config:
        """The settings in force, `explicit` ones strongest; raises `ConfigError` for one that cannot be."""
        layers = [layer("cell", explicit)] if explicit else []
        with self._lock:
            layers += reversed(self._stack)
            layers.append(Layer("configured", dict(self._configured)))
        layers += environment_layers(self.environment)
        from_files = self._file_layers()
        found = resolve([*layers, *from_files])
        refuse_strangers(from_files, found.settings.trusted_hosts)
        return found

    @without_secrets
    def configure(self, values: Mapping[str, object]) -> None:
        """Sets settings for the rest of the session; None goes back to what holds without it."""
        kept = layer("configured", {name: value for name, value in values.items() if value is not None})
        dropped = [name_of(name) for name, value in values.items() if value is None]
        with self._lock:
            self._configured.update(kept.values)
            for name in dropped:
                self._configured.pop(name, None)

    @contextlib.contextmanager
    def settings(self, values: Mapping[str, object]) -> Iterator[Settings]:
        """Sets settings within a `with` block, for every thread; gives the settings in force there."""
        own = layer("nbkit.settings", values)
        with self._lock:
            self._stack.append(own)
        try:
            yield self.config().settings
        finally:
            with self._lock:
                self._stack = [one for one in self._stack if one is not own]

    @without_secrets
    def ask(  # noqa: PLR0913 - what one call can say, all by name
        self,
        prompt: str,
        *,
        settings: Settings | None = None,
        params: Mapping[str, JsonValue] | None = None,
        variables: Mapping[str, object] | None = None,
        origin: Origin | None = None,
        thread: str | None = None,
        shape: Shape | None = None,
        prepare: Prepare | None = None,
        named: Version | None = None,
        on_text: building.OnSample = lambda _sample, _text: None,
        on_phase: Callable[[str], None] = lambda _: None,
    ) -> list[Outcome]:
        """One outcome for each sample, in order; the first that fails is the last.

        `settings`: those in force when left out. `variables` fill the prompt's `{{names}}`; None leaves the prompt as
        it is. Raises `ConfigError` and `PromptError` before anything is sent; what goes wrong later is in the outcome,
        to be raised after drawing. `shape`: what the answer has to look like. `prepare` may change the request, as
        retrieval does. `named`: the version of a named prompt that this is.
        """
        self.secrets.add_variables(self.environment)
        where = origin or Origin()
        settings = settings or self.config().settings
        refuse_private(self, {"--tag": settings.tag, "--thread": thread}, settings)
        target = self.target(settings)
        place = None if thread is None else self.threads.place(thread, where)
        history = self.threads.before(thread, place)
        given: dict[str, Any] = {"params": params or {}, "variables": variables, "shape": shape}
        asked = building.build(prompt, settings=settings, target=target, history=history, **given)
        stages = self._furniture.stages(settings, target, check=None if shape is None else shape.check)
        policy, loosened = self._furniture.policy(settings)
        spending = self._furniture.spending(
            settings, stages.price, session_id=self.id, notebook=where.notebook, purse=self.cell.purse
        )
        if spending is not None:
            stages = dataclasses.replace(stages, price=spending.price, reserve=spending.reserve)
        with self.embedding_calls.made_for(where, tag=settings.tag, spending=spending) as made:
            ready = Prepared(asked, stages) if prepare is None else prepare(asked, stages)
        is_local = self._furniture.provider(settings, target).is_local
        call = building.call_of(
            settings, session_id=self.id, origin=where, thread=thread, ready=ready, is_local=is_local
        )
        own = named.sha256 if named else canonical.sha256(f"{settings.system or ''}\0{prompt}")
        call = dataclasses.replace(
            call,
            prompt_name=None if named is None else named.name,
            prompt_version=own,
            retrieval=with_embedding(ready.retrieval, made),
            policy=policy.name,
            loosened=loosened,
        )
        outcomes = building.draw(ready, call, samples=settings.samples, on_text=on_text, on_phase=on_phase)
        self.cell.add(outcomes)
        if spending is not None:
            spending.close()
        self._clean_errors(outcomes)
        if thread is not None and place is not None:
            self.threads.write(thread, place, turn_of(asked, final(outcomes)[0]))
        return outcomes

    def _clean_errors(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            if isinstance(one.error, NbkitError):
                self.clean(one.error)

    @without_secrets
    def build(
        self,
        prompt: str,
        *,
        settings: Settings | None = None,
        params: Mapping[str, JsonValue] | None = None,
        variables: Mapping[str, object] | None = None,
        thread: str | None = None,
        shape: Shape | None = None,
        prepare: Prepare | None = None,
        origin: Origin | None = None,
    ) -> tuple[Prepared, targets.Target]:
        """The request that `ask` would send before guards change it, and whom it would go to; sends nothing."""
        self.secrets.add_variables(self.environment)
        settings = settings or self.config().settings
        target = self.target(settings)
        place = None if thread is None else self.threads.place(thread, origin or Origin(), is_look=True)
        history = self.threads.before(thread, place)
        given: dict[str, Any] = {"params": params or {}, "variables": variables, "shape": shape}
        request = building.build(prompt, settings=settings, target=target, history=history, **given)
        stages = self._furniture.stages(settings, target)
        return (Prepared(request, stages) if prepare is None else prepare(request, stages)), target

    def standings(self, settings: Settings, *, notebook: str | None) -> list[Standing]:
        """How the budgets stand that are in force; raises `StoreError`."""
        return self._furniture.standings(settings, session_id=self.id, notebook=notebook)

    @without_secrets
    def target(self, settings: Settings) -> targets.Target:
        """The provider and model that the settings mean."""
        replay = self.environment.get("NBKIT_REPLAY")
        name = settings.model
        if name is None and replay:
            name = self._furniture.replayed_model(replay)
        target = targets.resolve(
            name,
            aliases=settings.aliases,
            home=self.home,
            providers=self._furniture.given_names,
            keys_found=lambda: tuple(key for key in targets.key_names() if self.environment.get(key)),
        )
        return dataclasses.replace(target, base_url=settings.base_url) if settings.base_url else target

    def provider(self, settings: Settings, target: targets.Target) -> Provider:
        """The open provider for a target; raises `UnknownPlugin`."""
        return self._furniture.provider(settings, target)

    def screen(
        self, texts: Sequence[str], *, settings: Settings, stage: Stage, contexts: Sequence[str], question: str
    ) -> list[Screening]:
        """Each text after the guards in force, alone; see `screen_texts`. Sends nothing."""
        self.secrets.add_variables(self.environment)
        furniture = self._furniture
        return screen_texts(furniture, texts, settings=settings, stage=stage, contexts=contexts, question=question)

    def policy(self, settings: Settings) -> tuple[Policy, tuple[str, ...]]:
        """What is done about findings, and what of it is looser than the standard; raises `BadSetting`."""
        return self._furniture.policy(settings)

    def clean(self, error: NbkitError) -> None:
        """Takes secret values out of an error, which may quote what it refuses, before it is drawn or logged."""
        self.secrets.add_variables(self.environment)
        error.reword(self.secrets.redact_cut)

    def key_for(self, names: tuple[str, ...]) -> str | None:
        """The value of the first of these keys that is set; from now on a secret that no sink lets through."""
        found = keys.find_key(names, environment=self.environment, folder=self.folder) if names else None
        if found is None:
            return None
        self.secrets.add(*found)
        return found[1]

    def reading(self, settings: Settings, *, where: str | None = None, is_look: bool = False) -> Prepare:
        """What looks passages up for one call: hand it to `ask` as `prepare`. Raises `CollectionError`.

        `is_look`: nothing may be sent; passages of an index whose embedder is a service are found by words alone.
        """
        return reading(self, settings, where=where, is_look=is_look)

    @property
    def keeping_home(self) -> Path:
        """Where answers, records, vectors and indexes are kept: `home`, unless a notebook is replayed or recorded."""
        return self._furniture.keeping_home()

    @property
    def cache(self) -> AnswerCache:
        """The answer cache, opened on first use."""
        return self._furniture.cache(self.config().settings)

    @property
    def ledger(self) -> SqliteSink:
        """The record store, opened on first use."""
        return self._furniture.ledger(self.config().settings)

    def close(self) -> None:
        """Closes providers, cache and ledger; a later call opens them again."""
        # Indexes first: of a replay they are in a folder that goes with the furniture.
        self.collections.close()
        self._furniture.close()

    def _file_layers(self) -> list[Layer]:
        stamp = file_stamp(self.folder, self.home)
        if self._files is None or self._files[0] != stamp:
            self._files = (stamp, file_layers(self.folder, self.home))
        return self._files[1]
