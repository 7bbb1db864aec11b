from __future__ import annotations

import pytest

from nbkit.errors import ProviderUnreachable
from nbkit.monitor.health import look, reach
from nbkit.session import Session
from nbkit.testing import factories


class Remote:
    """A provider that is elsewhere."""

    name, is_local, key_env, model_prefixes = "remote", False, (), ()

    def __init__(self, raises=None):
        self._raises = raises

    def models(self):
        if self._raises is not None:
            raise self._raises
        return ["m"]

    def complete(self, request, *, on_text, timeout_s):
        raise NotImplementedError

    def close(self):
        pass


def session(tmp_path, provider=None, **environment):
    given = {} if provider is None else {"remote": provider}
    return Session(home=tmp_path / "home", environment=environment, folder=tmp_path, providers=given)


@pytest.mark.parametrize(
    ("raises", "status", "said"),
    [
        (None, "ok", "remote answers, 1 model"),
        (ProviderUnreachable(what="no answer", why="refused", fix="start it"), "fail", "no answer: refused"),
        (ZeroDivisionError("sk-secret"), "fail", "remote could not be asked: ZeroDivisionError"),
    ],
)
def test_the_provider_in_force_is_asked(tmp_path, raises, status, said):
    found = reach(session(tmp_path, Remote(raises), NBKIT_MODEL="remote:m"), limit_s=5)
    assert (found.status, found.what) == (status, said)


def test_a_model_that_cannot_be_is_a_failure_and_none_at_all_a_warning(tmp_path):
    assert reach(session(tmp_path, NBKIT_MODEL="nobody:m"), limit_s=1).status == "fail"
    assert reach(session(tmp_path), limit_s=1).status == "warn"


def test_files_are_opened_and_not_changed(tmp_path):
    here = session(tmp_path, NBKIT_MODEL="echo")
    here.ledger.write(factories.record(1))
    here.close()
    path = here.home / "records.sqlite"
    before = path.read_bytes()
    assert look(here).is_ok
    assert path.read_bytes() == before
    path.write_bytes(b"x" * 8192)
    found = look(here)
    assert found.plain()["status"] == "fail"
    assert path.read_bytes() == b"x" * 8192
    here.close()
