"""All checks, in the order in which one thing rests on the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from nbkit.canonical import to_plain
from nbkit.doctor import packages, services, storage
from nbkit.doctor.findings import Check
from nbkit.session import Session


def check(session: Session) -> list[Check]:
    """Python, packages, home directory, cache, records, weights, model, providers, widgets, Jupyter: in this order.

    Sends nothing but a question for their models to providers that have a key or an endpoint configured. Reads every
    byte of the cache, the records and the weights that are new.
    """
    return [
        *_safely("Python", lambda: [packages.python()]),
        *_safely("packages", packages.required),
        *_safely("extras", packages.extras),
        *_safely("home directory", lambda: [storage.home(session)]),
        *_safely("cache", lambda: [storage.cache(session)]),
        *_safely("records", lambda: [storage.records(session)]),
        *_safely("weights", lambda: storage.local_weights(session)),
        *_safely("model", lambda: [services.model(session)]),
        *_safely("providers", lambda: services.providers(session)),
        *_safely("widgets", lambda: [packages.widgets()]),
        *_safely("Jupyter", lambda: [packages.jupyter()]),
    ]


def is_healthy(checks: Iterable[Check]) -> bool:
    """Whether no check failed; warnings are allowed.

    >>> is_healthy([Check("a", "ok", ""), Check("b", "warn", "")])
    True
    """
    return all(one.status != "fail" for one in checks)


def to_json(checks: Sequence[Check]) -> str:
    """The checks as a JSON object: `healthy`, and `checks` with name, status, what, fix.

    >>> to_json([])
    '{"healthy": true, "checks": []}'
    """
    return json.dumps({"healthy": is_healthy(checks), "checks": to_plain(checks)}, ensure_ascii=False)


def _safely(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - plug-ins are asked here, and one that is broken must not hide the rest
        found = f"could not be checked: {type(error).__name__}"
        return [Check(name, "fail", found, "nbkit cannot say more; the error's text may hold anything")]
