"""Attacks in Chromium: as the guard leaves them and as they came, in JupyterLab, Notebook 7 and exported reports.

`python tests/bench/bench_attacks.py [SURFACE...]`. Each answer is one output of a notebook that has been run; pairs of
answers are samples of one cell; records are cards, errors and running answers full of hostile words. Counted: scripts
that ran, requests to any host but the server, requests when every link was pressed, and elements that could have done
so. `as they came` is the reference: what the same pages do without the guard. Before that every attack is cut at each
byte, decoded as a provider decodes it, and has to come out as the whole does. Goal: 0 in every column.
"""

from __future__ import annotations

import codecs
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
from nbformat.sign import NotebookNotary

from nbkit.guards.markdown import MarkdownGuard
from nbkit.protocols import GuardOptions
from nbkit.report import report
from nbkit.secrets import SecretRegistry
from nbkit.testing.factories import request

TESTS = Path(__file__).parents[1]
SURFACES = ("lab", "lab untrusted", "notebook7", "report")
SAMPLES = 200


def module(path: Path) -> ModuleType:
    name = f"bench_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


ATTACKS = module(TESTS / "guards" / "attacks.py").attacks()
PAGES = module(TESTS / "browser" / "attack_pages.py")
BROWSER = module(TESTS / "browser" / "conftest.py")
FRONT_ENDS = module(TESTS / "browser" / "frontends" / "conftest.py")
GUARD = MarkdownGuard(GuardOptions(SecretRegistry()))


def screened(attack: Any) -> str:
    return GUARD.screen(attack.text, stage="output", request=request(format=attack.form)).text


def as_it_came(attack: Any) -> str:
    return attack.text


def streamed(pieces: Sequence[bytes], form: Any) -> tuple[str, Any]:
    decoder, stream = codecs.getincrementaldecoder("utf-8")("surrogatepass"), GUARD.open(request(format=form))
    shown = [stream.feed(decoder.decode(piece)) for piece in pieces]
    shown.append(stream.feed(decoder.decode(b"", final=True)))
    last = stream.finish()
    return "".join(shown) + last.text, last.verdict


def cut() -> None:
    """Every attack at each of its bytes, and byte by byte."""
    splits = different = again = 0
    for attack in ATTACKS:
        whole = GUARD.screen(attack.text, stage="output", request=request(format=attack.form))
        coded = attack.text.encode("utf-8", "surrogatepass")
        ways = [[coded[:at], coded[at:]] for at in range(len(coded) + 1)]
        ways.append([coded[at : at + 1] for at in range(len(coded))])
        splits += len(ways)
        different += sum(streamed(pieces, attack.form) != (whole.text, whole.verdict) for pieces in ways)
        again += GUARD.screen(whole.text, stage="output", request=request(format=attack.form)).text != whole.text
    families = len({attack.family for attack in ATTACKS})
    print(f"{len(ATTACKS)} attacks of {families} families; {splits:,} ways to cut them:")
    print(f"  {different} come out differently, {again} change when screened again")


def opened(surface: str, notebook: Any, *, server: Any, folder: Path, visits: Any, count: int) -> Any:
    """What a surface does with a notebook."""
    context, before = visits.context(), len(visits.outside())
    PAGES.watch(context)
    page, within = context.new_page(), ".jp-OutputArea-output"
    if surface == "report":
        nbformat.write(notebook, folder / "attacks.ipynb")
        page.goto(report(folder / "attacks.ipynb").as_uri())
        within, count = "#nb-notebook", 1
    else:
        path = f"attacks-{time.monotonic_ns()}.ipynb"
        if not surface.endswith("untrusted"):
            NotebookNotary(data_dir=str(server.root.parent / "data")).sign(nbformat.from_dict(notebook))
        nbformat.write(notebook, server.root / path)
        front_end = next(one for one in FRONT_ENDS.FRONT_ENDS if surface.startswith(one.name))
        shown = FRONT_ENDS.OpenNotebook(page, server=server, front_end=front_end, path=path)
        assert shown.is_trusted() != surface.endswith("untrusted")
    seen = PAGES.look(page, within=within, count=count, outside=lambda: visits.outside()[before:])
    context.close()
    return seen


def bundles(what: str, screen: Callable[[Any], str]) -> list[Any]:
    if what == "answers":
        return list(PAGES.answer_bundles(ATTACKS, screen))
    if what == "samples":
        return list(PAGES.sample_bundles(ATTACKS, screen, times=SAMPLES))
    return list(PAGES.record_bundles(PAGES.record_texts(ATTACKS)))


def rows() -> list[tuple[str, str, Callable[[Any], str]]]:
    return [
        ("answers", "screened", screened),
        ("answers", "as they came", as_it_came),
        ("samples", "screened", screened),
        ("records", "drawn", screened),
    ]


def main(chosen: Sequence[str]) -> None:
    from playwright.sync_api import sync_playwright

    cut()
    heads = ("outputs", "scripts", "requests", "followed", "live", "mail")
    print(f"\n  {'':16}{'':10}{'':14}" + "".join(f"{name:>10}" for name in heads))
    with tempfile.TemporaryDirectory(prefix="nbkit-bench-") as folder, sync_playwright() as playwright:
        server = FRONT_ENDS.JupyterServer(Path(folder, "server"))
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(BROWSER._ARGUMENTS))
        visits = BROWSER.Visits(browser)
        try:
            for surface in chosen:
                for what, how, screen in rows():
                    made = bundles(what, screen)
                    notebook = PAGES.attack_notebook(made)
                    seen = opened(surface, notebook, server=server, folder=Path(folder), visits=visits, count=len(made))
                    counted = (seen.acted, seen.requests, seen.followed, seen.live)
                    figures = (len(made), *map(len, counted), seen.mail)
                    print(
                        f"  {surface:16}{what:10}{how:14}" + "".join(f"{figure:10,}" for figure in figures), flush=True
                    )
                    if how != "as they came":
                        print("".join(f"      {one}\n" for column in counted for one in column[:5]), end="", flush=True)
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1:] or SURFACES)
