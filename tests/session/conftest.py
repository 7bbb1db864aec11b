import pytest

from nbkit.session import Session
from nbkit.testing import FakeProvider


@pytest.fixture
def open_session(tmp_path):
    """Sessions whose model answers from a script, or is the one that is given; closed at the end."""
    opened = []

    def make(script):
        provider = script if isinstance(script, FakeProvider) else FakeProvider(script)
        session = Session(home=tmp_path / "home", environment={}, folder=tmp_path, providers={"fake": provider})
        session.configure({"model": "fake"})
        opened.append(session)
        return session, provider

    yield make
    for session in opened:
        session.close()
