"""The model that cells ask, and the providers: which are configured, and which of those answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from nbkit import registry
from nbkit.doctor.findings import Check, Health
from nbkit.errors import AuthFailed, NbkitError, NoModel, UnknownPlugin
from nbkit.session import Session, keys
from nbkit.session.targets import Target

_NOT_ASKED = ("replay",)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """A provider as it is configured."""

    provider: str
    key_env: tuple[str, ...]
    key_name: str | None
    base_url: str | None
    is_in_force: bool
    """Whether cells ask it when they name no model."""

    @property
    def title(self) -> str:
        """The provider's name, and its host when it is not the usual one; a URL may hold a password."""
        host = urlsplit(self.base_url).netloc.rpartition("@")[2] if self.base_url else ""
        return f"provider {self.provider}{f' at {host}' if host else ''}"


def model(session: Session) -> Check:
    """What a cell asks when it names no model."""
    try:
        target = session.target(session.config().settings)
    except NoModel as error:
        # A fresh installation: nothing is broken, one step is missing.
        return Check("model", "warn", error.why, error.fix)
    except NbkitError as error:
        return Check("model", "fail", f"{error.what}: {error.why}", error.fix)
    return Check("model", "ok", f"cells ask {target.provider}:{target.model}")


def providers(session: Session) -> list[Check]:
    """One check for each provider; those that are not configured are only named."""
    checks, asked = [], []
    for name in registry.names("providers"):
        if name in _NOT_ASKED:
            continue
        try:
            kind = registry.load("providers", name)
        except UnknownPlugin as error:
            checks.append(Check(f"provider {name}", "fail", error.why, error.fix))
            continue
        found = list(_endpoints(session, name, tuple(kind.key_env)))
        asked += found
        if not found:
            checks.append(_idle(name, tuple(kind.key_env)))
    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        checks += pool.map(lambda endpoint: _ask(session, endpoint), asked)
    return sorted(checks, key=lambda one: one.name)


def _idle(name: str, key_env: tuple[str, ...]) -> Check:
    what = f"not configured: {' or '.join(key_env)} is not set" if key_env else "needs no key; not asked"
    return Check(f"provider {name}", "ok", what)


def _endpoints(session: Session, name: str, key_env: tuple[str, ...]) -> Iterator[_Endpoint]:
    """Where a provider is configured to be reached: its own place when a key is set, and every base URL."""
    settings = session.config().settings
    in_force = _in_force(session)
    own = keys.find_key(key_env, environment=session.environment, folder=session.folder) if key_env else None
    # With a base URL in force, the key is that endpoint's, and the provider's own place is not asked with it.
    if own is not None and not (in_force and in_force[0] == name and in_force[1]):
        yield _Endpoint(name, key_env, own[0], None, is_in_force=in_force == (name, None))
    seen: set[str | None] = set()
    for target, is_first in _targets(session, settings.aliases):
        if target.provider != name or target.base_url is None or target.base_url in seen:
            continue
        seen.add(target.base_url)
        names = target.key_env if target.key_env is not None else key_env
        key = keys.find_key(names, environment=session.environment, folder=session.folder) if names else None
        yield _Endpoint(name, names, key[0] if key else None, target.base_url, is_in_force=is_first)


def _targets(session: Session, aliases: Mapping[str, object]) -> Iterator[tuple[Target, bool]]:
    """The configured model, then every alias; those that cannot be resolved are another check's matter."""
    for name in (None, *aliases):
        try:
            yield session.target(session.config({"model": name} if name else None).settings), name is None
        except NbkitError:
            continue


def _in_force(session: Session) -> tuple[str, str | None] | None:
    try:
        target = session.target(session.config().settings)
    except NbkitError:
        return None
    return target.provider, target.base_url


def _ask(session: Session, endpoint: _Endpoint) -> Check:
    target = Target(endpoint.provider, "", endpoint.base_url, endpoint.key_env or None)
    key = f", key from {endpoint.key_name}" if endpoint.key_name else ""
    # What cells ask only when they name it may wait; what they ask by default does not work.
    trouble: Health = "fail" if endpoint.is_in_force else "warn"
    try:
        found = session.provider(session.config().settings, target).models()
    except AuthFailed as error:
        return Check(endpoint.title, trouble, f"{error.what}{key}", error.fix)
    except NbkitError as error:
        return Check(endpoint.title, trouble, f"{error.what}: {error.why}{key}", error.fix)
    return Check(endpoint.title, "ok", f"reachable, {len(found):,} models{key}")
