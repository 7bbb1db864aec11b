"""Orders carried out in a notebook, one a cell, and what of them got out."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from leaking import unpacked
from obeying import Obeying, drawn, in_some_form, long_runs, outside
from orders import ALLOWED, KEYS, SYSTEM, Order, cell, write

from nbkit import registry
from nbkit.recorded import RECORD_MIME
from nbkit.session import current
from nbkit.testing import FakeEmbedder, FakeProvider
from nbkit.testing.interactive import Cell, NotebookShell, shell

LOOKS_ONLY = ("injection", "content", "pii")
"""Guards that judge: here they only look, so that what is left is what is promised whatever they see."""


class Notebook:
    """A notebook with the orders' documents in an index, and the model that obeys."""

    def __init__(
        self, notebook: NotebookShell, folder: Path, orders: list[Order], *, pieces: int, looks_only: Sequence[str]
    ) -> None:
        self.notebook, self.folder = notebook, folder
        self.model = Obeying(orders)
        session = current()
        session.collections.embedders["fake"] = FakeEmbedder()
        session.providers["fake"] = FakeProvider(self.model, piece_chars=pieces)
        looks = {name: "allow" for name in looks_only if name in registry.names("guards")}
        session.configure({"model": "fake", "rag_embedder": "fake", "rag_min_score": 0, "allowed_hosts": ALLOWED})
        session.configure({"guard_actions": looks or None})
        docs = folder / "docs"
        docs.mkdir()
        for order in orders:
            if order.carrier not in ("question", "system"):
                write(order, docs)
        added = notebook.run("%rag add docs --index notes")
        assert added.error is None, added.traceback

    def carry_out(self, order: Order) -> list[str]:
        """What got out of one order's cell."""
        ran = self.notebook.run(cell(order), cell_id=f"c{order.number}")
        again = self.notebook.run(cell(order), cell_id=f"c{order.number}")
        return [*self._got_out(ran), *(f"from the cache: {one}" for one in self._got_out(again))]

    def _got_out(self, ran: Cell) -> Iterator[str]:
        for markup in drawn(ran.outputs):
            yield from (f"drawn: {one}" for one in outside(markup))
        said = json.dumps(ran.outputs, default=str, ensure_ascii=False) + ran.text + "\n".join(ran.traceback)
        yield from self._kept(said, "output")
        for records in ran.bundles(RECORD_MIME):
            for record in records:
                text = (record.get("response") or {}).get("text", "")
                yield from (f"answer: {run}" for run in long_runs(text, SYSTEM))

    def kept(self) -> list[str]:
        """What is in the files that should not be."""
        found: list[str] = []
        for path in sorted(self.folder.rglob("*")):
            if not path.is_file() or "docs" in path.parts or "index" in str(path) or path.name == "install.key":
                continue
            found += self._kept(path.read_bytes().decode("utf-8", "replace"), path.name)
            if path.name == "cache.db":
                found += [
                    one for value in unpacked(path) for one in self._kept(value.decode("utf-8", "replace"), path.name)
                ]
        return found

    def _kept(self, text: str, where: str) -> Iterator[str]:
        for name, value in KEYS.items():
            yield from (f"{where}: {name}" for form in in_some_form(value) if form in text)
        for value in self.model.hidden:
            yield from (
                f"{where}: a mark or seal" for form in in_some_form(value)[: 1 + 2 * (len(value) > 8)] if form in text
            )


@contextlib.contextmanager
def notebook_of(
    orders: list[Order],
    *,
    pieces: int = 7,
    change: Callable[[], None] = lambda: None,
    looks_only: Sequence[str] = LOOKS_ONLY,
) -> Iterator[Notebook]:
    with tempfile.TemporaryDirectory(prefix="nbkit-orders-") as place, contextlib.chdir(place):
        folder = Path(place).resolve()
        with shell(home=folder / "home", environment=dict(KEYS)) as notebook:
            change()
            yield Notebook(notebook, folder, orders, pieces=pieces, looks_only=looks_only)
