"""A notebook in which keys are in use, and everything that it writes: where a key must never be."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from nbkit.errors import EmbedError
from nbkit.session import current
from nbkit.testing import FakeEmbedder
from nbkit.testing.interactive import Cell, NotebookShell, shell

KEYS = {
    "OPENAI_API_KEY": "sk-proj-7Qx/Zk+2mVr9-canary-Lw4Tb8Yc1NsE6Hd0Jf5Gp3Ua",
    "HF_TOKEN": "hf_canaryRwTnPzKsVbMdQhLgJyXcFtWqNa",
    "ANTHROPIC_API_KEY": "sk-ant-api03-" + "canaryB7dK2xM9qR4tV6wZ1" * 5,
    "GEMINI_API_KEY": 'AIzaCanary"q\\uote-9fKd83HsLw02MxPa7Zt5',
}
"""By variable: the first three in the environment, the last in `.env`; the third longer than what `repr` shows."""
SHOWN_CHARS = 12
"""So many characters in a row of a key, not counting its kind, are a leak too."""
WRITTEN = {name: key.partition("anary")[2][:SHOWN_CHARS] for name, key in KEYS.items()}


def encoded(key: str) -> dict[str, str]:
    """The key as answers, errors and logs may hold it."""
    raw = key.encode()
    return {
        "plain": key,
        "reversed": key[::-1],
        "hex": raw.hex(),
        "url": quote(key, safe=""),
        "json": json.dumps(key)[1:-1],
        "base64": base64.b64encode(raw).decode(),
        "base64 within": base64.b64encode(b"key=" + raw + b";").decode(),
        "base64 within, shifted": base64.b64encode(b"a:" + raw).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(raw).decode(),
    }


def needles() -> dict[str, bytes]:
    """What no sink may hold: each form of each key, and a part of it long enough to be told."""
    found = {f"{name} (part)": part.encode() for name, part in WRITTEN.items()}
    for name, key in KEYS.items():
        for form, text in encoded(key).items():
            # Of base64 the characters that hold only key, whatever stands around it.
            inner = text[4:-4] if form.startswith("base64") else text
            inner = inner[4:] if form == "base64 within" else inner
            found[f"{name} ({form})"] = inner.encode()
    return found


NEEDLES = needles()


def leaks(text: str | bytes) -> list[str]:
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return [name for name, needle in NEEDLES.items() if needle in content]


class Logs(logging.Handler):
    """Keeps every log record of every logger, with its arguments and its exception."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        raised = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.lines.append(f"{record.getMessage()} {record.__dict__} {raised}")


@contextlib.contextmanager
def listening() -> Iterator[Logs]:
    logs, root = Logs(), logging.getLogger()
    names = ("", "nbkit", "httpx", "httpcore")
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(logs)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield logs
    finally:
        root.removeHandler(logs)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


class Raising:
    """In the place of any plug-in: raises an error that quotes a key."""

    name = "raising"
    is_local = False
    key_env = ()
    model_prefixes = ()
    stages = ("input", "retrieved", "output")
    id, dimensions, max_tokens = "raising", 8, 254

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error or RuntimeError(f"refused: Authorization: Bearer {KEYS['OPENAI_API_KEY']}")

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("_") or name in ("take_notice", "take_spent", "open", "about", "pseudonyms", "checking"):
            raise AttributeError(name)
        return self._raise

    def _raise(self, *_: object, **__: object) -> object:
        header = {"authorization": f"Bearer {KEYS['ANTHROPIC_API_KEY']}"}
        assert header
        raise self.error

    def __str__(self) -> str:
        raise self.error

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Way:
    """One way to fail: a name, and what to run."""

    name: str
    run: Callable[[Place], object]


@dataclass
class Place:
    """A notebook with keys in use, its files, and what has been looked at already."""

    notebook: NotebookShell
    folder: Path
    logs: Logs
    seen: dict[Path, tuple[int, int]] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    last: list[Cell] = field(default_factory=list)
    made: list[tuple[str, Cell]] = field(default_factory=list)
    """Sources and what they drew, for a report."""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def run(self, *sources: str) -> Cell:
        for source in sources:
            cell = self.notebook.run(source, cell_id=f"c{len(self.sources)}")
            self.sources.append(source)
            self.made.append((source, cell))
        return cell

    def outputs(self) -> str:
        """All that the cells since the last look have drawn, as a notebook file would hold it."""
        cells, self.notebook.cells = self.notebook.cells, [Cell()]
        self.last = cells[1:]
        drawn = [json.dumps(cell.outputs, default=str, ensure_ascii=False) for cell in cells]
        # A key with quotes is escaped by the dump; what a reader sees is not.
        drawn += ["\n".join(_texts(cell.outputs)) for cell in cells]
        drawn += [cell.text + "\n".join(cell.traceback) for cell in cells]
        return "\n".join(drawn)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Every file that has changed since the last look, what is packed in it unpacked."""
        for path in sorted(self.folder.rglob("*")):
            if not path.is_file() or path.name in (".env", "install.key") or "given" in path.parts:
                continue
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            if self.seen.get(path) != stamp:
                self.seen[path] = stamp
                yield str(path.relative_to(self.folder)), path.read_bytes()
                if path.name == "cache.db":
                    yield f"{path.relative_to(self.folder)} (unpacked)", b"\n".join(unpacked(path))

    def look(self) -> list[str]:
        """Where a key is: sink and form."""
        found = [f"output: {one}" for one in leaks(self.outputs())]
        found += [f"log: {one}" for one in leaks("\n".join(self.logs.lines))]
        found += [f"returned: {one}" for one in leaks("\n".join(self.returned))]
        self.logs.lines.clear()
        self.returned.clear()
        found += [f"widget: {one}" for one in leaks(widgets())]
        return found

    def look_into_files(self) -> list[str]:
        return [f"{name}: {one}" for name, content in self.files() for one in leaks(content)]

    def report(self) -> str:
        """The page that is made of the cells since the last one; sources that a key was typed into are left out."""
        import nbformat

        from nbkit.report import report

        document = nbformat.v4.new_notebook()
        for source, cell in self.made:
            outputs = [nbformat.v4.new_output("display_data", data=one["data"], metadata={}) for one in cell.outputs]
            if cell.error is not None:
                said = {"ename": type(cell.error).__name__, "evalue": "", "traceback": cell.traceback}
                outputs.append(nbformat.v4.new_output("error", **said))
            document.cells.append(nbformat.v4.new_code_cell("" if leaks(source) else source, outputs=outputs))
        self.made.clear()
        path = self.folder / "given" / "made.ipynb"
        nbformat.write(document, path)
        return report(path).read_text(encoding="utf-8")


def unpacked(path: Path) -> Iterator[bytes]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for (value,) in connection.execute("SELECT value FROM Cache") if "Cache" in tables else ():
            if isinstance(value, bytes):
                try:
                    yield zlib.decompress(value[1:])
                except zlib.error:
                    yield value


def widgets() -> str:
    import sys

    module = sys.modules.get("ipywidgets")
    if module is None:
        return ""
    from ipywidgets.widgets.widget import _instances

    return json.dumps([one.get_state() for one in list(_instances.values())], default=str)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


@contextlib.contextmanager
def place() -> Iterator[Place]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nbkit-leaks-"))).resolve()
        (folder / "given").mkdir()
        (folder / ".env").write_text(f"GEMINI_API_KEY='{KEYS['GEMINI_API_KEY']}'\n")
        stack.enter_context(contextlib.chdir(folder))
        logs = stack.enter_context(listening())
        keys = {name: key for name, key in KEYS.items() if name != "GEMINI_API_KEY"}
        own = keys | {"NBKIT_RECORDS_JSONL": str(folder / "records.jsonl"), "NBKIT_MODEL": "fake"}
        notebook = stack.enter_context(shell(home=folder / "home", environment=own))
        session = current()
        session.collections.embedders["fake"] = FakeEmbedder()
        session.collections.embedders["raising"] = Raising(
            EmbedError(what=f"no {KEYS['HF_TOKEN']}", why=KEYS["HF_TOKEN"], fix="x")
        )
        session.configure({"rag_embedder": "fake"})
        _send_along(notebook)
        notebook.user_ns.update(keys=KEYS, os=os)
        yield Place(notebook, folder, logs)


def _send_along(notebook: NotebookShell) -> None:
    """Cells keep the text of their error too, as kernels send it."""
    inner = NotebookShell._showtraceback

    def show(kind: object, error: object, lines: list[str]) -> None:
        inner(notebook, kind, error, lines)
        print(error)  # noqa: T201 - what a cell prints is kept with it

    # Below what nbkit puts there: that is where a kernel's own method is.
    notebook.run("%unload_ext nbkit")
    notebook._showtraceback = show
    notebook.run("%load_ext nbkit")
