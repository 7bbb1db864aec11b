"""What a project's own file may not decide: where things are sent, where answers lead, what the user may spend.

Problem: a notebook is opened in a folder that somebody else wrote. A `base_url` in its `pyproject.toml` would send the
user's prompts, and the key from the user's environment, to a host of that person's choosing; `rag.embedder_url` the
documents; `records.otlp` what was recorded. A host in `links.allowed_hosts` would get whatever an answer puts into the
address of an image, which is fetched as soon as it is drawn.
Choice: such a host is refused until the user names it in `trusted_hosts`, in a place that is the user's own; this
machine is always trusted. Rejected: sending without the key (the prompts are private too); asking once for each folder
(state that nobody sees). Direnv and the editors' workspace trust draw the same line.
Money: a budget of a project stands beside the user's, so that the lower one holds, and a price that nobody knows passes
a budget by the user's leave alone. Its prices hold (a team's contract belongs there), and each cost by them says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from nbkit.config import Layer
from nbkit.errors import BadSetting
from nbkit.pricing.own import ProjectPrices

UNKNOWN_PRICE: Final = "price:unknown"
"""What `guard.allow` says of calls that a budget would refuse because their price is not known."""
_LINKS: Final = "links.allowed_hosts"
_DOES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "base_url": "sends prompts and keys to",
        "rag.embedder_url": "sends documents and keys to",
        "records.otlp": "sends records and keys to",
        _LINKS: "lets links and images in answers lead to",
    }
)
_NEVER: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "trusted_hosts": ("trusted_hosts", "would trust itself", "NBKIT_TRUSTED_HOSTS"),
        "records_otlp_content": ("records.otlp_content", "would send prompts away", "NBKIT_RECORDS_OTLP_CONTENT"),
    }
)
"""What no project's file may set, what it would do with it, and the variable that may."""


def refuse_strangers(layers: Iterable[Layer], trusted_hosts: Iterable[str]) -> None:
    """Raises `BadSetting` when a `pyproject.toml` among the layers names a host that is neither here nor trusted.

    >>> refuse_strangers([Layer("/repo/pyproject.toml", {"base_url": "http://localhost:8000/v1"})], ())
    """
    trusted = frozenset(trusted_hosts)
    for one in layers:
        if Path(one.origin).name != "pyproject.toml":
            continue
        for name in one.values:
            if name in _NEVER and one.values[name] is not False:
                key, does, variable = _NEVER[name]
                raise BadSetting(
                    what=f"{key} cannot be set in a project's file",
                    why=f"{one.origin} may be somebody else's, and {does}",
                    fix=f"set it in config.toml of NBKIT_HOME, or in {variable}",
                )
        for key, host in _hosts(one.values):
            if host not in trusted and not is_here(host):
                raise BadSetting(
                    what=f"this project's file {_DOES[key]} {host!r}",
                    why=f"{one.origin} sets {key}, and you have not said that you trust that host",
                    fix=f"if you do: NBKIT_TRUSTED_HOSTS={host}, or trusted_hosts in config.toml of NBKIT_HOME",
                )


def within_limits(project: Layer, users: Mapping[str, object]) -> Layer:
    """The layer of a project's file without what would lift the user's budgets, its prices known as the project's.

    `users`: the values in the user's own file, which the project's would come before.

    >>> from decimal import Decimal
    >>> within_limits(Layer("/repo/pyproject.toml", {"budget_day": Decimal(9)}), {"budget_day": Decimal(1)}).values
    {}
    """
    kept = dict(project.values)
    for name, limit in users.items():
        if name.startswith("budget_") and name in kept and limit is not None:
            own = kept[name]
            if own is None or own > limit:  # type: ignore[operator] # both are amounts
                del kept[name]
    allowed = kept.get("guard_allow")
    if isinstance(allowed, tuple):
        kept["guard_allow"] = tuple(one for one in allowed if one != UNKNOWN_PRICE)
    prices = kept.get("price")
    if isinstance(prices, Mapping):
        kept["price"] = ProjectPrices(prices)
    return Layer(project.origin, kept)


def is_here(host: str) -> bool:
    """Whether a host name means this machine.

    >>> is_here("localhost"), is_here("127.0.0.1"), is_here("localhost.example.org")
    (True, True, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _hosts(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Each host with the setting that names it."""
    for key, url in _urls(values):
        yield key, urlsplit(url).hostname or url
    allowed = values.get("allowed_hosts")
    for host in allowed if isinstance(allowed, tuple) else ():
        yield _LINKS, host


def _urls(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Each address with the setting that holds it."""
    for key in _DOES:
        name = key.replace(".", "_")
        if isinstance(values.get(name), str):
            yield key, str(values[name])
    aliases = values.get("aliases")
    for row in aliases.values() if isinstance(aliases, Mapping) else ():
        if isinstance(row, Mapping) and row.get("base_url"):
            yield "base_url", str(row["base_url"])
