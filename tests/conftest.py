"""What every test stands on: a home of its own, no keys, no network beyond loopback; and what is run when."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

# Tests never assert on time: a busy machine is slow and not wrong.
settings.register_profile("nbkit", deadline=None)
settings.load_profile("nbkit")
ROOT = Path(__file__).parents[1]
_CREDENTIAL = re.compile(r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)(_|$)")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAY_SKIP = ("data", "live")
_NO_SKIPS = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nbkit")
    group.addoption("--update-goldens", action="store_true", help="write golden files anew; read the diff")
    group.addoption(
        "--update-notebooks",
        action="store_true",
        help="with -m live: run notebooks on the real model and keep the outputs",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Fixtures of this file reach tests/ only; doctests in nbkit/ need them as well.
    config.pluginmanager.register(Isolation(), "nbkit-isolation")
    # Read here: while a test runs, NBKIT_* variables are out of its reach.
    config.stash[_NO_SKIPS] = os.environ.get("NBKIT_NO_SKIPS", "") not in ("", "0")
    config.add_cleanup(_own_user_folders())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not re.search(r"\blive\b", config.option.markexpr or ""):
        chosen = [item for item in items if item.get_closest_marker("live") is None]
        if len(chosen) < len(items):
            config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("live")])
            items[:] = chosen
    without_data = pytest.mark.skip(reason="NBKIT_BENCH_DATA names no folder with the collections")
    without_browser = pytest.mark.skip(reason=f"no Chromium: none of {', '.join(_BROWSERS)} is on the path")
    has_data, has_browser = bool(os.environ.get("NBKIT_BENCH_DATA")), _browser() is not None
    for item in items:
        if item.get_closest_marker("data") and not has_data:
            item.add_marker(without_data)
        if item.get_closest_marker("browser") and not has_browser:
            item.add_marker(without_browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where NBKIT_NO_SKIPS is set (`.ci/run`), a test that skips fails, unless it needs a collection or a model."""
    report = yield
    is_allowed = any(item.get_closest_marker(name) for name in _MAY_SKIP)
    if report.skipped and not hasattr(report, "wasxfail") and not is_allowed and item.config.stash[_NO_SKIPS]:
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr[-1]}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if report.skipped and collector.config.stash[_NO_SKIPS]:
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr[-1]}"
    return report


class OutsideConnection(socket.gaierror):
    """A test reached for a host that is not this machine; to the code under test, a network that is down."""


class Isolation:
    """Fixtures that apply to every test and doctest."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        own = {name for name in os.environ if name.startswith("NBKIT_") or _CREDENTIAL.search(name)}
        self._keys = own - {"NBKIT_BENCH_DATA"}

    @pytest.fixture(autouse=True)
    def _own_home(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        home = tmp_path_factory.getbasetemp() / f"home-{next(self._numbers)}"
        with pytest.MonkeyPatch.context() as patch:
            for name in self._keys:
                patch.delenv(name, raising=False)
            patch.setenv("NBKIT_HOME", str(home))
            yield
            # `nbkit.ask` in a test opens the process's session; it must not reach the next test with this home.
            if "nbkit.session" in sys.modules:
                sys.modules["nbkit.session"].end_current()
            if "nbkit.session" in sys.modules:
                sys.modules["nbkit.session"].end_current()
        shutil.rmtree(home, ignore_errors=True)

    @pytest.fixture(autouse=True)
    def _loopback_only(self) -> Iterator[None]:
        refused: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            _guard_sockets(patch, refused)
            yield
        # Code under test may have swallowed the refusal as a failed plug-in; the test is wrong all the same.
        assert not refused, f"reached beyond this machine: {', '.join(refused)}"


@pytest.fixture
def nbkit_home() -> Path:
    """The directory that NBKIT_HOME names in this test; it does not exist yet."""
    return Path(os.environ["NBKIT_HOME"])


@pytest.fixture
def update_goldens(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return bool(request.config.getoption("--update-goldens"))


@pytest.fixture
def update_notebooks(request: pytest.FixtureRequest) -> bool:
    """Whether notebooks run on the real model, and their outputs are kept."""
    return bool(request.config.getoption("--update-notebooks"))


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of the browser; skips with a reason where there is none."""
    found = _browser()
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(_BROWSERS)} is on the path")
    return found


def _own_user_folders() -> Callable[[], None]:
    """Jupyter, IPython and matplotlib read and write nothing of the person who runs the tests, until this is called."""
    patch, base = pytest.MonkeyPatch(), Path(tempfile.mkdtemp(prefix="nbkit-tests-"))
    patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        folder = base / name.lower()
        folder.mkdir(mode=0o700)
        patch.setenv(name, str(folder))

    def restore() -> None:
        patch.undo()
        shutil.rmtree(base, ignore_errors=True)

    return restore


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name is None or (
        isinstance(name, str) and (name in ("", "localhost", "::1", "0.0.0.0", "::") or name.startswith("127."))
    )


def _guard_sockets(patch: pytest.MonkeyPatch, refused: list[str]) -> None:
    lock = threading.Lock()

    def refuse(host: object) -> None:
        with lock:
            refused.append(str(host))
        raise OutsideConnection(socket.EAI_NONAME, f"tests reach no host but this machine, not {host!r}")

    def guarded(name: str) -> None:
        original = getattr(socket.socket, name)

        def connect(self: socket.socket, address: object, /) -> object:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
                refuse(address[0])
            return original(self, address)

        patch.setattr(socket.socket, name, connect)

    guarded("connect")
    guarded("connect_ex")
    look_up = socket.getaddrinfo

    def getaddrinfo(host: object, *args: object, **kwargs: object) -> object:
        if isinstance(host, str) and host.endswith((".invalid", ".test")):
            # Names that RFC 6761 keeps from ever existing: answered as a machine without network would.
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not _is_loopback(host):
            refuse(host)
        return look_up(host, *args, **kwargs)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(scope="session")
def faults() -> ModuleType:
    """The module of the fault server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent / "servers")
        return importlib.import_module("faults")


@pytest.fixture
def server(faults: ModuleType) -> Iterator[object]:
    """A fault server that answers rightly until its `script` says otherwise."""
    with faults.FaultServer() as found:
        yield found


@pytest.fixture
def web() -> Iterator[object]:
    """A server on loopback that stands for the open internet; what is fetched is to be given its `network`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent / "servers")
        pages = importlib.import_module("pages")
    with pages.Pages() as found:
        yield found


@pytest.fixture
def open_internet(web: object, monkeypatch: pytest.MonkeyPatch) -> object:
    """The same server, in place of the network of whatever fetches pages."""
    import httpcore

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(httpcore, "SyncBackend", lambda: web.network)
    return web


@pytest.fixture
def add_guards(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Installs guards of `plugins/planted.py` by class name, as a package of somebody else's would, for one test."""
    from nbkit import registry

    monkeypatch.syspath_prepend(Path(__file__).parent / "plugins")
    planted = importlib.import_module("planted")

    def add(*names: str) -> ModuleType:
        found = tmp_path_factory.mktemp("package") / "planted-1.0.dist-info"
        found.mkdir()
        points = "".join(f"{getattr(planted, name).name} = planted:{name}\n" for name in names)
        (found / "entry_points.txt").write_text(f"[nbkit.guards]\n{points}")
        (found / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        monkeypatch.syspath_prepend(found.parent)
        registry._found.cache_clear()
        registry.load.cache_clear()
        return planted

    yield add
    monkeypatch.undo()
    registry._found.cache_clear()
    registry.load.cache_clear()
