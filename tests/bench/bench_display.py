"""What drawing costs the kernel: the card of a cell, and the dashboard over 100,000 records.

`python tests/bench/bench_display.py [RUNS] [ROWS]`, 200 and 100,000 unless said. A real kernel process is asked to run
each cell; inside it, processor time is measured around the drawing alone and messages are counted as they leave, on
iopub and on comms. The cell streams for a second of a clock of its own, so that its live card is redrawn twice.

The stream alone is the same cell with the answer's messages and no card: what is beyond it is the card's. Beside it,
in the same kernel: displaying an HTML string, and an `HBox` of two ipywidgets. Goals: html 2 ms and 2 messages beyond
the stream; widget 8 ms. Dashboard: first paint 1.5 s, change of a control 0.5 s.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

_CARD = """
import json, statistics, time
from decimal import Decimal
from IPython.core.getipython import get_ipython
from IPython.display import HTML, display
from nbkit.display.live import Cell
from nbkit.display.meter import Meter
from nbkit.display.result import Result
from nbkit.display.surface import PageSurface, WidgetSurface
from nbkit.recorded import Outcome
from nbkit.setting import Settings
from nbkit.testing import factories
from nbkit.types import Cost

RUNS = {runs}
sent = []
shell = get_ipython()
session = shell.kernel.session
plain_send = session.send

def counted(stream, msg_or_type, *args, **kwargs):
    kind = msg_or_type if isinstance(msg_or_type, str) else msg_or_type["header"]["msg_type"]
    sent.append(kind)
    return plain_send(stream, msg_or_type, *args, **kwargs)

session.send = counted
PIECES = ["word " * 5] * 40
RECORD = factories.record(1, response=factories.response("word " * 200))

class Clock:
    now = 0.0
    def __call__(self):
        return self.now

def price(request, response):
    return Cost(Decimal(response.usage.output_tokens) / 1_000_000)

class NoCard:
    \"\"\"The stream alone: a page on which cards are not drawn.\"\"\"
    def __init__(self):
        self.page = PageSurface()
    def stream(self, text, card=None):
        self.page.stream(text)
    def live(self, bundle):
        pass
    def end(self, answer, card):
        self.page._show(answer)

def cell(on):
    clock = Clock()
    meter = Meter(price)
    drawn = Cell(Settings(), model="gpt-4o-mini", meter=meter, clock=clock, on=on)
    meter.prepare(RECORD.request, None)
    drawn.on_phase("guards in")
    drawn.on_phase("provider")
    for piece in PIECES:
        clock.now += 1 / len(PIECES)
        drawn.on_text(0, piece)
    outcomes = [Outcome(RECORD)]
    drawn.finish(outcomes, Result(outcomes))

def box():
    from ipywidgets import HBox, Label
    display(HBox([Label("a"), Label("b")]))

WAYS = {{
    "stream alone": lambda: cell(NoCard()),
    "card, html": lambda: cell(PageSurface()),
    "card, widget": lambda: cell(WidgetSurface()),
    "HTML display": lambda: display(HTML("<b>card</b>")),
    "ipywidgets HBox": box,
}}
for way in WAYS.values():
    for _ in range(5):
        way()
rows = {{name: [] for name in WAYS}}
for _ in range(RUNS):
    for name, way in WAYS.items():
        sent.clear()
        cpu, wall = time.thread_time(), time.perf_counter()
        way()
        rows[name].append((time.thread_time() - cpu, time.perf_counter() - wall, len(sent)))
session.send = plain_send
found = {{name: [statistics.median(column) for column in zip(*row)] for name, row in rows.items()}}
shell.display_pub.clear_output()
print(json.dumps(found))
"""

_FILL = """
import dataclasses, json, random, time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from nbkit.session import current
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing, Usage, Verdict

ROWS, DAYS = {rows}, 30
now, rnd, ledger = datetime.now(UTC), random.Random(7), current().ledger
for first in range(0, ROWS, 5000):
    with ledger._database.transaction():
        for number in range(first, min(ROWS, first + 5000)):
            sent, made, took_s = rnd.randint(50, 3000), rnd.randint(10, 600), rnd.lognormvariate(0, 0.7)
            cost, timing = Cost(Decimal(sent * 15 + made * 60) / 10**8, source="table"), Timing(took_s, attempts=1)
            fields = {{"cost": cost, "timing": timing}}
            if number % 3 == 0:
                cost = Cost(Decimal(0), cost.usd, source="cache")
                fields = {{"cost": cost, "timing": Timing(0.004), "cache": CacheOutcome("hit", "k", 5.0, timing)}}
            record = factories.record(
                number % 2000, request=factories.request(provider="openai", model=f"model-{{number * 7 % 6}}"),
                response=factories.response(usage=Usage(sent, made)), tag=("draft", "final", None)[number % 3],
                session_id="bench", started_at=now - timedelta(days=DAYS) * ((ROWS - number) / ROWS), **fields,
            )
            if number % 40 == 1:
                verdict = Verdict(("pii", "secrets")[rnd.randint(0, 1)], "input", "block")
                record = dataclasses.replace(record, status="blocked", response=None, verdicts=(verdict,))
            ledger.write(dataclasses.replace(record, id=f"{{number:010d}}"))
"""

_DASHBOARD = """
import json, statistics, sys, time
assert "matplotlib" not in sys.modules and "ipywidgets" not in sys.modules
from nbkit.session import current
current().id = "bench"
found = {{}}
wall, cpu = time.perf_counter(), time.process_time()
get_ipython().run_line_magic("nbkit", "dashboard --since {since}")
found["first paint, imports included"] = [time.perf_counter() - wall, time.process_time() - cpu]
from nbkit.magics.extension import Extension
made = next(one for name, one in Extension.of(get_ipython())._held.items() if name.startswith("dashboard"))
CHANGES = [("by", "model"), ("by", "cell"), ("model", "openai:model-1"), ("model", ""), ("tag", "draft"), ("tag", ""),
           ("period", "7d"), ("period", "24h"), ("period", "session"), ("period", "all"), ("by", "")]
for name, value in CHANGES:
    wall, cpu = time.perf_counter(), time.process_time()
    made._inputs[name].value = value
    found[f"{{name}} = {{value or 'all'}}"] = [time.perf_counter() - wall, time.process_time() - cpu]
get_ipython().run_line_magic("nbkit", "panel")
panel = Extension.of(get_ipython())._held["panel"]._panel
for name in ("panel, after a cell without a call", "panel, after a cell with a call"):
    if name.endswith("with a call"):
        get_ipython().run_line_magic("llm", "hello")
    wall, cpu = time.perf_counter(), time.process_time()
    panel.after_cell()
    found[name] = [time.perf_counter() - wall, time.process_time() - cpu]
print(json.dumps(found))
"""


def ask(code: str, *, home: Path, load: str = "") -> list[str]:
    """What a fresh kernel prints for some cells, the last of which is `code`."""
    import nbclient
    import nbformat

    os.environ["NBKIT_HOME"] = str(home)
    os.environ["NBKIT_MODEL"] = "echo"
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext nbkit", load, code)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3")
    client.create_kernel_manager().kernel_spec.argv[0] = sys.executable
    client.execute()
    return ["".join(one["text"]) for one in notebook.cells[-1].outputs if one.get("name") == "stdout"]


def show_cards(runs: int) -> None:
    """Prints the card's rows."""
    with tempfile.TemporaryDirectory(prefix="nbkit-bench-") as folder:
        found: dict[str, Any] = json.loads(ask(_CARD.format(runs=runs), home=Path(folder))[-1])
    print(f"One cell that streams for a second; medians of n = {runs}, in a kernel")
    stream = found["stream alone"]
    for name, (cpu_s, wall_s, messages) in found.items():
        beyond = ""
        if name.startswith("card"):
            beyond = f"   beyond the stream {1000 * (cpu_s - stream[0]):+5.2f} ms, {messages - stream[2]:+.0f} messages"
        print(f"  {name:16} CPU {1000 * cpu_s:6.2f} ms  wall {1000 * wall_s:6.2f} ms  {messages:3.0f} messages{beyond}")


def show_dashboard(rows: int) -> None:
    """Prints the dashboard's rows."""
    with tempfile.TemporaryDirectory(prefix="nbkit-bench-") as folder:
        home = Path(folder)
        ask(_FILL.format(rows=rows), home=home)
        for since in ("24h", "all"):
            found: dict[str, Any] = json.loads(ask(_DASHBOARD.format(since=since), home=home)[-1])
            print(f"Dashboard over {rows:,} records of 30 days, opened at {since}; each once, in a fresh kernel")
            for name, (wall_s, cpu_s) in found.items():
                print(f"  {name:34} wall {1000 * wall_s:7.0f} ms  CPU {1000 * cpu_s:7.0f} ms")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    show_cards(runs)
    show_dashboard(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)


if __name__ == "__main__":
    main()
