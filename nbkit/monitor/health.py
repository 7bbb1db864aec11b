"""Whether what nbkit needs to answer a cell is there: for whoever asks every few seconds."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbkit.canonical import to_plain
from nbkit.doctor import Check, is_healthy
from nbkit.doctor.storage import home
from nbkit.errors import NbkitError, NoModel
from nbkit.figures import count
from nbkit.protocols import Provider
from nbkit.session import Session
from nbkit.store.integrity import trouble_opening
from nbkit.types import JsonValue

LIMIT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Health:
    """What was found."""

    checks: Sequence[Check]

    @property
    def is_ok(self) -> bool:
        """Whether nothing has failed; warnings are allowed."""
        return is_healthy(self.checks)

    def plain(self) -> dict[str, JsonValue]:
        """As JSON has it: `status`, and `checks` with name, status, what, fix."""
        worst = "fail" if not self.is_ok else "warn" if any(one.status == "warn" for one in self.checks) else "ok"
        return {"status": worst, "checks": to_plain(list(self.checks))}


def look(session: Session, *, limit_s: float = LIMIT_S, provider: Check | None = None) -> Health:
    """The home and its disk, the record store, the cache, and the provider that cells ask by default.

    Opens files without reading them whole (`nbkit doctor` does), and makes none. The provider is asked for its models,
    within `limit_s`; one that runs on this machine is not asked. `provider`: what was found before, to ask nobody.

    >>> import tempfile
    >>> session = Session(home=Path(tempfile.mkdtemp(), "none"), environment={"NBKIT_MODEL": "echo"})
    >>> [one.status for one in look(session).checks], session.home.exists()
    (['ok', 'ok', 'ok', 'ok'], False)
    """
    folder = session.home / "cache" / "answers"
    files = sorted(folder.glob("*.db"))
    return Health(
        (
            home(session),
            _file("records", session.home / "records.sqlite"),
            _file("cache", files[0]) if files else Check("cache", "ok", "empty; made on first use"),
            provider or reach(session, limit_s=limit_s),
        )
    )


def reach(session: Session, *, limit_s: float) -> Check:
    """Whether the provider answers that cells ask when they name no model."""
    try:
        settings = session.config().settings
        target = session.target(settings)
        found = session.provider(settings, target)
    except NoModel as error:
        return Check("provider", "warn", error.why, error.fix)
    except NbkitError as error:
        return Check("provider", "fail", f"{error.what}: {error.why}", error.fix)
    if found.is_local:
        return Check("provider", "ok", f"{target.provider} runs on this machine")
    return _asked(found, target.provider, limit_s)


def _asked(provider: Provider, name: str, limit_s: float) -> Check:
    said: queue.SimpleQueue[Check] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = count(len(provider.models()), "model")
        except NbkitError as error:
            said.put(Check("provider", "fail", f"{error.what}: {error.why}", error.fix))
        except Exception as error:  # noqa: BLE001 - a plug-in is asked here
            said.put(Check("provider", "fail", f"{name} could not be asked: {type(error).__name__}"))
        else:
            said.put(Check("provider", "ok", f"{name} answers, {found}"))

    threading.Thread(target=ask, name="nbkit-health", daemon=True).start()
    try:
        return said.get(timeout=limit_s)
    except queue.Empty:
        return Check("provider", "fail", f"{name} does not answer within {limit_s:g} s")


def _file(name: str, path: Path) -> Check:
    if not path.exists():
        return Check(name, "ok", "none yet; made on first use")
    trouble = trouble_opening(path)
    if trouble is not None:
        return Check(name, "fail", f"{path.name}: {trouble}", "nbkit doctor says what to do")
    return Check(name, "ok", f"{path.name} opens, {path.stat().st_size / 1e6:,.1f} MB")
