"""What a session holds open: providers, guards, sinks, cache and ledger, each made on first use."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast
from typing import Protocol as Shape

from nbkit import registry
from nbkit.cache.answers import AnswerCache
from nbkit.errors import MissingKey
from nbkit.guards.names import english_names
from nbkit.guards.pii import PiiGuard
from nbkit.guards.schema import SchemaGuard
from nbkit.ledger.budgets import Spender, Standing
from nbkit.ledger.sqlite import SqliteSink
from nbkit.pipeline import Stages
from nbkit.pricing import prices, tokens
from nbkit.pricing.own import OwnPrice, own_prices
from nbkit.pricing.table import FILE as PRICES_FILE
from nbkit.pricing.table import PriceTable, table_of
from nbkit.protocols import Guard, GuardOptions, Provider, ProviderOptions, Sink, SinkOptions
from nbkit.secrets import SecretRegistry
from nbkit.session.apart import Apart
from nbkit.session.layers import modified_ns, project_of
from nbkit.session.policy import Policy
from nbkit.session.sealing import Marking, secret_for_marks
from nbkit.session.spending import Pricing, Purse, Spending, limits_of, priced, today
from nbkit.session.targets import Target
from nbkit.setting import Settings
from nbkit.types import Cost, Request, Response

T = TypeVar("T")
_ECHO = "echo"
GUARDS_FIRST = ("limits", "schema")
GUARDS_LAST = ("grounded", "markdown", "secrets")
"""The secrets guard is the last to see an answer: another guard's change could bring a secret to light."""


class Owner(Shape):
    """What of a session its furniture needs."""

    home: Path
    folder: Path
    secrets: SecretRegistry
    environment: Mapping[str, str]

    def key_for(self, names: tuple[str, ...]) -> str | None:
        """The value of the first key that is set."""


class Furniture:
    """Open things by what they were opened with; safe to use from several threads."""

    def __init__(self, owner: Owner, providers: dict[str, Provider]) -> None:
        self._owner = owner
        self._given = providers
        self._lock = threading.RLock()
        self._open: dict[tuple[object, ...], object] = {}
        self._apart = Apart(owner)
        self._prices = owner.home / PRICES_FILE

    @property
    def given_names(self) -> tuple[str, ...]:
        """Names of the providers that were handed in."""
        return tuple(self._given)

    def stages(self, settings: Settings, target: Target, *, check: Callable[[Any], str | None] | None = None) -> Stages:
        """The furniture of the corridor for one call; `check` says what is wrong with JSON that fits its schema."""
        provider = self.provider(settings, target)
        guards = self.guards(settings, is_local=provider.is_local)
        return Stages(
            provider=Marking(provider, self.secret_for_marks),
            guards=guards if check is None else tuple(_checking(guard, check) for guard in guards),
            may_fail=self.policy(settings)[0].may_fail,
            cache=self.cache(settings),
            price=self._price_of(provider, settings),
            estimate_tokens=tokens.estimate_tokens,
            sinks=self.sinks(settings),
            secrets=self._owner.secrets,
            replayed=getattr(provider, "replayed", lambda record: record),
        )

    def spending(
        self, settings: Settings, price: Pricing, *, session_id: str, notebook: str | None, purse: Purse | None = None
    ) -> Spending | None:
        """The budgets for the calls of one cell; None where none is in force, and in a replay, which costs nothing."""
        if (purse is None and not Spending.is_limited(settings)) or self._replay_path() is not None:
            return None
        whose = Spender(session_id, self._project, notebook)
        return Spending(self.ledger(settings).budgets, settings, price, of=whose, purse=purse)

    def standings(self, settings: Settings, *, session_id: str, notebook: str | None) -> list[Standing]:
        """How the budgets stand that are in force."""
        limits, whose = limits_of(settings), Spender(session_id, self._project, notebook)
        return self.ledger(settings).budgets.standings(limits, of=whose, at=today()) if limits else []

    @property
    def _project(self) -> str:
        return project_of(self._owner.folder.absolute())

    def provider(self, settings: Settings, target: Target) -> Provider:
        """The provider of a target, open; raises `UnknownPlugin`, and `MissingKey` for an alias without its key."""
        given = self._given.get(target.provider)
        if given is not None:
            return given
        replay = self._replay_path()
        # What says the prompt itself needs no record, and its answer comes as it came: not as guards left it.
        if replay is not None and target.provider != _ECHO:
            return cast("Provider", self._once(("replay", replay), lambda: self._replayer(replay)))
        kind = registry.load("providers", target.provider)
        names = target.key_env if target.key_env is not None else tuple(kind.key_env)
        key = self._owner.key_for(names)
        if key is None and target.key_env:
            raise MissingKey(
                what=f"no key for the alias of {target.provider}:{target.model}",
                why=f"{' or '.join(names)} is not set",
                fix=f"set {names[0]} in the environment or in .env, and run the cell again",
            )
        context_tokens, threads = settings.local_context_tokens, settings.local_threads

        def make() -> Provider:
            options = ProviderOptions(
                home=self._owner.home,
                base_url=target.base_url,
                api_key=key,
                context_tokens=context_tokens,
                threads=threads,
            )
            return cast("Provider", kind(options))

        return self._once(("provider", target.provider, target.base_url, key, context_tokens, threads), make)

    def replayed_model(self, notebook: str) -> str:
        """The model that a notebook's records were made with."""
        return cast("str", self._once(("replay", notebook), lambda: self._replayer(notebook)).default_model())

    def cache(self, settings: Settings) -> AnswerCache:
        """The answer cache."""
        limit = settings.cache_answers_bytes
        return self._once(
            ("cache", limit, self._replay_path()),
            lambda: AnswerCache(self.keeping_home() / "cache" / "answers", limit_bytes=limit),
        )

    def ledger(self, settings: Settings) -> SqliteSink:
        """The record store."""
        return cast("SqliteSink", self._sink("sqlite", settings))

    def policy(self, settings: Settings) -> tuple[Policy, tuple[str, ...]]:
        """What is done about findings, and what of it is looser than the standard; raises `BadSetting`."""

        def make() -> tuple[Policy, tuple[str, ...]]:
            policy = Policy.of(settings)
            return policy, policy.loosened()

        return self._once(("policy", *_policy_key(settings)), make)

    def guards(self, settings: Settings, *, is_local: bool) -> tuple[Guard, ...]:
        """The guards in the order in which they look at a text."""

        def context_tokens(request: Request) -> int | None:
            if is_local and request.provider == "local":
                return settings.local_context_tokens
            if is_local or request.base_url:
                return None
            return prices.context_tokens(request.provider, request.model, table=self.price_table())

        def make() -> tuple[Guard, ...]:
            policy = self.policy(settings)[0]
            loaded = (registry.load("guards", name) for name in _in_order(registry.names("guards")))
            kinds = [kind for kind in loaded if not policy.leaves_off(kind)]
            names = english_names(self._owner.home) if settings.guard_names else None
            return tuple(
                kind(own, names=names) if kind is PiiGuard else kind(own)
                for kind, own in ((kind, dataclasses.replace(options, **_own(policy, kind))) for kind in kinds)
            )

        options = GuardOptions(
            self._owner.secrets,
            settings.allowed_hosts,
            context_tokens,
            deny=settings.guard_deny,
            install_secret=self.secret_for_marks,
        )
        asked = (settings.allowed_hosts, settings.local_context_tokens, settings.guard_names, settings.guard_deny)
        made_with = ("guards", is_local, *asked, *_policy_key(settings))
        return self._once(made_with, make)

    def secret_for_marks(self) -> bytes | None:
        """What marks are made from; None in a replay, which finds its answer by the request as it was recorded."""
        if self._replay_path() is not None:
            return None
        return self._once(("marks",), lambda: secret_for_marks(self._owner.home))

    def sinks(self, settings: Settings) -> tuple[Sink, ...]:
        """Where records go."""

        def make() -> tuple[Sink, ...]:
            # What a replay answers was asked once before, and sent then.
            is_asked = {
                "jsonl": settings.records_jsonl is not None,
                "otel": settings.records_otlp is not None and self._replay_path() is None,
            }
            return tuple(self._sink(name, settings) for name in registry.names("sinks") if is_asked.get(name, True))

        own = (settings.records_content, settings.records_jsonl, settings.records_keep)
        sent = (settings.records_otlp, settings.records_otlp_content)
        return self._once(("sinks", *own, *sent, self._replay_path()), make)

    def keeping_home(self) -> Path:
        """Where answers, records, vectors and indexes are kept.

        The home, but for a notebook that is replayed or recorded, which has a place of its own until the session ends:
        what a notebook says it was answered must not become a cached answer, nor its vectors those of the model.
        """
        return self._apart.home()

    def close(self) -> None:
        """Closes everything; what is asked for afterwards is opened again."""
        with self._lock:
            opened, self._open = list(self._open.values()), {}
        for one in (*opened, *self._given.values()):
            close = getattr(one, "close", None)
            if close is not None:
                close()
        self._apart.close()

    def _sink(self, name: str, settings: Settings) -> Sink:
        path = settings.records_jsonl if name == "jsonl" else None
        options = SinkOptions(
            self.keeping_home(),
            settings.records_content,
            path,
            keep_s=settings.records_keep,
            project=self._project,
            endpoint=settings.records_otlp if name == "otel" else None,
            sends_content=settings.records_otlp_content if name == "otel" else False,
        )
        return self._once(("sink", name, options), lambda: cast("Sink", registry.load("sinks", name)(options)))

    def own_prices(self, settings: Settings) -> Mapping[str, OwnPrice]:
        """The user's prices; raises `BadSetting` for one that cannot be."""
        return self._once(("prices", type(settings.price), repr(settings.price)), lambda: own_prices(settings.price))

    def price_table(self) -> PriceTable | None:
        """The table of prices that was fetched into the home; None where the one inside the package holds."""
        # Looked for at each call: another process may fetch it while this kernel runs.
        stamp = modified_ns(self._prices)
        return self._once(("price table", stamp), lambda: table_of(self._owner.home)) if stamp else None

    def _price_of(self, provider: Provider, settings: Settings) -> Callable[[Request, Response], Cost]:
        given: dict[str, Any] = {"own": self.own_prices(settings), "table": self.price_table()}
        # A notebook may hold answers of several providers: each was free or not by itself.
        was_local = getattr(provider, "was_local", lambda _request: provider.is_local)
        return lambda request, response: priced(request, response, is_local=was_local(request), **given)

    def _replay_path(self) -> str | None:
        return self._owner.environment.get("NBKIT_REPLAY") or None

    def _replayer(self, notebook: str) -> Any:  # noqa: ANN401 - a provider with one method more
        return registry.load("providers", "replay")(ProviderOptions(self._owner.home, base_url=notebook))

    def _once(self, made_with: tuple[object, ...], make: Callable[[], T]) -> T:
        found = self._open.get(made_with)
        if found is None:
            with self._lock:
                found = self._open.get(made_with)
                if found is None:
                    found = self._open[made_with] = make()
        return cast("T", found)


def _checking(guard: Guard, check: Callable[[Any], str | None]) -> Guard:
    return guard.checking(check) if isinstance(guard, SchemaGuard) else guard


def _policy_key(settings: Settings) -> tuple[object, ...]:
    return (settings.guard_policy, repr(settings.guard_actions), settings.guard_allow)


def _own(policy: Policy, kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a guard's class, and options by name
    return {"actions": policy.of_guard(kind), "allowed_kinds": policy.allowed_kinds(kind.name)}


def _in_order(names: list[str]) -> list[str]:
    others = [name for name in names if name not in (*GUARDS_FIRST, *GUARDS_LAST)]
    return [name for name in (*GUARDS_FIRST, *others, *GUARDS_LAST) if name in names]
