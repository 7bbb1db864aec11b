"""JupyterLab and Notebook 7 as a person has them: a server, a kernel, a notebook in a page."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_TOKEN = "browser-tests"
_START_S = 60.0
_OWN = re.compile(r"^(NBKIT|JUPYTER|JPY|IPY|MPL)|(^|_)(KEY|TOKEN|SECRET|PASSWORD)(_|$)|_PROXY$", re.IGNORECASE)
_USER_SETTINGS = {
    "apputils-extension/themes": {"adaptive-theme": True},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    # Cells out of sight are drawn too, so that a test can read them.
    "notebook-extension/tracker": {"windowingMode": "none"},
}
_CONFIG = {
    "jupyter_server_config": {
        "ServerApp": {"ip": "127.0.0.1", "port": 0, "open_browser": False, "allow_root": True},
        "IdentityProvider": {"token": _TOKEN},
    },
    "jupyter_notebook_config": {"JupyterNotebookApp": {"expose_app_in_browser": True}},
    "jupyter_lab_config": {
        "LabApp": {
            "expose_app_in_browser": True,
            "news_url": None,
            "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
            "extension_manager": "readonly",
        }
    },
}


class JupyterServer:
    """A Jupyter server with a data directory of its own; serves JupyterLab and Notebook 7."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self.root = base / "notebooks"
        for folder in ("notebooks", "config", "data", "runtime", "ipython"):
            (base / folder).mkdir(mode=0o700, parents=True)
        for name, values in _USER_SETTINGS.items():
            path = base / "config" / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")
        for name, sections in _CONFIG.items():
            (base / "config" / f"{name}.json").write_text(json.dumps(sections), encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not _OWN.search(name)}
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
        }
        with (base / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "notebook", f"--ServerApp.root_dir={self.root}"],
                env={**kept, "JUPYTER_PLATFORM_DIRS": "1", **{name: str(base / at) for name, at in own.items()}},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._url = ""

    @property
    def url(self) -> str:
        """Where it listens; waits until it does."""
        found = self._base / "runtime" / f"jpserver-{self._process.pid}.json"
        end = time.monotonic() + _START_S
        while not self._url:
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            if found.exists() and (text := found.read_text(encoding="utf-8")).rstrip().endswith("}"):
                self._url = json.loads(text)["url"].rstrip("/").replace("localhost", "127.0.0.1")
            time.sleep(0.05)
        return self._url

    def log(self) -> str:
        """What the server has printed."""
        return (self._base / "server.log").read_text(encoding="utf-8", errors="replace")

    def add_kernel(self, name: str, environment: Mapping[str, str]) -> dict[str, str]:
        """Installs a kernel that runs this Python with these variables; gives its line for a notebook's metadata."""
        folder = self._base / "data" / "kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        home = {"NBKIT_HOME": str(self._base / f"home-{name}")}
        spec = {
            "argv": command,
            "display_name": name,
            "language": "python",
            "env": {**home, **environment},
            # Steps that a debugger would need cost the kernel's start some time.
            "metadata": {"debugger": False},
        }
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        return {"name": name, "display_name": name, "language": "python"}

    def stop(self) -> None:
        """Ends the server and its kernels."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True)
class FrontEnd:
    """One of the two pages in which a notebook is opened."""

    name: str
    address: str
    """Path on the server, before the notebook's own."""


FRONT_ENDS = (FrontEnd("lab", "/lab/workspaces/{number}/tree/"), FrontEnd("notebook7", "/notebooks/"))

_PANEL = "window.jupyterapp?.shell?.currentWidget"
_IS_OPEN = f"() => {_PANEL}?.content?.widgets?.length > 0 && {_PANEL}?.context?.isReady"
_HAS_KERNEL = f"() => {_PANEL}.sessionContext.session?.kernel?.status === 'idle'"
_STATE = f"""number => {{
    const model = {_PANEL}.content.widgets[number].model;
    return [model.executionState, model.executionCount];
}}"""

_ALL_RAN = f"""() => {{
    const models = {_PANEL}.content.widgets.map(cell => cell.model).filter(model => model.type === 'code');
    return models[0].executionCount !== null && models.every(model => model.executionState === 'idle');
}}"""
_SELECT = "number => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = number; }"
_TEXTS = """outputs => outputs.flatMap(output => {
    const found = [], walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        if (walker.currentNode.parentElement.checkVisibility()) { found.push(walker.currentNode.data); }
    }
    return found;
})"""


class OpenNotebook:
    """A notebook in a page: what its reader can see and press."""

    def __init__(self, page: Any, *, server: JupyterServer, front_end: FrontEnd, path: str) -> None:
        self.page = page
        self.front_end = front_end
        self.file = server.root / path
        address = front_end.address.format(number=re.sub(r"\W", "-", path))
        page.goto(f"{server.url}{address}{path}?token={_TOKEN}", wait_until="domcontentloaded")
        page.wait_for_function(_IS_OPEN, timeout=60_000)
        if front_end.name == "lab":
            page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")

    def wait_for_kernel(self) -> None:
        """Waits until the kernel is idle."""
        self.page.wait_for_function(_HAS_KERNEL, timeout=60_000)

    def start(self, number: int) -> None:
        """Presses Run in the toolbar with this cell selected."""
        self.page.evaluate(_SELECT, number)
        self.press("run")

    def run(self, number: int) -> None:
        """Runs a cell to its end."""
        self.start(number)
        self.wait_for(number)

    def wait_for(self, number: int) -> None:
        """Waits until a cell that was started has ended, and its outputs are drawn."""
        self.page.wait_for_function(
            f"number => {{ const [state, count] = ({_STATE})(number); return state === 'idle' && count !== null; }}",
            arg=number,
            timeout=60_000,
        )
        self.wait_for_kernel()

    def run_all(self) -> None:
        """Runs every cell from the menu, to the end or to the first that fails."""
        self.page.locator(".lm-MenuBar-item").get_by_text("Run", exact=True).click()
        self.page.locator(".lm-Menu-item").get_by_text("Run All Cells", exact=True).click()
        self.page.wait_for_function(_ALL_RAN, timeout=120_000)
        self.wait_for_kernel()

    def is_running(self, number: int) -> bool:
        """Whether a cell has not ended."""
        return bool(self.page.evaluate(_STATE, number)[0] == "running")

    def press(self, name: str) -> None:
        """Presses a button of the notebook's toolbar: `run`, `interrupt`, `save`."""
        self.page.locator(f".jp-NotebookPanel-toolbar [data-jp-item-name='{name}'] jp-button").click()

    def save(self) -> None:
        """Saves as Ctrl+S does, and waits until the file is written."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function(f"() => !{_PANEL}.context.model.dirty")
        end = time.monotonic() + _START_S
        # The page is told before a file that is saved once more, by itself, is whole again.
        while not self.file.read_text(encoding="utf-8").rstrip().endswith("}"):
            assert time.monotonic() < end, f"{self.file.name} is not whole"
            time.sleep(0.05)

    def cell(self, number: int) -> Any:
        """One cell of the page."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def outputs(self, number: int) -> Any:
        """The outputs of one cell, without their prompts."""
        return self.cell(number).locator(".jp-OutputArea-output")

    def text(self, number: int) -> str:
        """The words in the outputs of one cell."""
        return " ".join(" ".join(self.outputs(number).evaluate_all(_TEXTS)).split())

    def code_cells(self) -> list[int]:
        """Numbers of the code cells."""
        kinds = self.page.evaluate(f"() => {_PANEL}.content.widgets.map(cell => cell.model.type)")
        return [number for number, kind in enumerate(kinds) if kind == "code"]

    def is_trusted(self) -> bool:
        """Whether every code cell's outputs may act."""
        return bool(
            self.page.evaluate(
                f"() => {_PANEL}.content.widgets.every(cell => cell.model.type !== 'code' || cell.model.trusted)"
            )
        )

    def show(self, number: int, *, height: int = 900) -> None:
        """Scrolls until a cell is at the top."""
        self.page.set_viewport_size({"width": 1280, "height": height})
        self.cell(number).evaluate("cell => cell.scrollIntoView({block: 'start'})")

    def show_all(self) -> None:
        """Makes the page as high as the notebook."""
        height = self.page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight")
        self.page.set_viewport_size({"width": 1280, "height": min(int(height) + 160, 16_000)})


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[tuple[JupyterServer, ...]]:
    """The author's server and a colleague's: two data directories, so that neither trusts what the other signed."""
    started: list[JupyterServer] = []
    try:
        started.extend(JupyterServer(tmp_path_factory.mktemp(name)) for name in ("author", "colleague"))
        yield tuple(started)
    finally:
        for server in started:
            server.stop()


@pytest.fixture(scope="session")
def author(servers: tuple[JupyterServer, ...]) -> JupyterServer:
    """The server on which notebooks are run."""
    return servers[0]


@pytest.fixture(scope="session")
def colleague(servers: tuple[JupyterServer, ...]) -> JupyterServer:
    """The server to which notebooks are copied."""
    return servers[1]


@pytest.fixture(scope="module", params=FRONT_ENDS, ids=lambda front_end: front_end.name)
def front_end(request: pytest.FixtureRequest) -> FrontEnd:
    """JupyterLab, then Notebook 7."""
    found: FrontEnd = request.param
    return found


@pytest.fixture(scope="session")
def opened() -> type[OpenNotebook]:
    """A notebook in a page, from the page, the server, the front end and the path."""
    return OpenNotebook
