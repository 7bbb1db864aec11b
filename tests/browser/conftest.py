"""Chromium for tests: pages that may ask nobody but this machine, their screenshots, axe, and one card of each kind."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest

from nbkit.display.answer import answer_bundle, streaming_html
from nbkit.display.card import card_html, card_text
from nbkit.display.rows import carried
from nbkit.display.view import Live
from nbkit.recorded import RECORD_MIME, Failure, Record
from nbkit.testing.factories import record, response
from nbkit.types import CacheOutcome, Cost, Timing, Verdict

Shown = Record | list[Record] | Live

ARTIFACTS = Path(__file__).parents[1] / "artifacts" / "browser"
WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    # What a page asks for outside is written down and fails the test; it must not arrive there either.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
HOSTILE = '</pre><script>window.acted = 1</script><img src="http://evil.example/x.png" onerror="window.acted = 1">'
_ANSWER = "## An answer\n\n- in **Markdown**\n\n```python\nprint(1)  # and its code\n```"
_TIMING = Timing(1.24, 0.0012, 0.0004, 1.236, 0.0021, first_token_s=0.213, attempts=1)
_OWN_SCHEMES = ("data", "blob", "about")


class Visits:
    """Pages of one module, and every request they made."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._contexts: list[Any] = []
        self.urls: list[str] = []

    def context(self, **options: Any) -> Any:
        """A browser context whose requests are written down; pages in one share what they have fetched."""
        context = self._browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(30_000)
        context.on("request", lambda request: self.urls.append(request.url))
        self._contexts.append(context)
        return context

    def page(self, **options: Any) -> Any:
        """A page in a context of its own."""
        return self.context(**options).new_page()

    def outside(self) -> list[str]:
        """Addresses that are neither on this machine nor part of the page."""
        split = [(url, urlsplit(url)) for url in self.urls]
        return [
            url for url, at in split if at.scheme not in (*_OWN_SCHEMES, "file") and at.hostname != "127.0.0.1"
        ]  # fmt: skip

    def close(self) -> None:
        """Closes all pages."""
        for context in self._contexts:
            context.close()


@pytest.fixture(scope="module")
def visits(chromium_path: str) -> Iterator[Visits]:
    """Chromium, for the tests of one module.

    Not for the whole session: while Playwright's own event loop runs in this thread, no other test can start one.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(_ARGUMENTS))
        found = Visits(browser)
        yield found
        found.close()
        browser.close()
    assert not found.outside()


@pytest.fixture(scope="session")
def shoot() -> Callable[..., None]:
    """Keeps a screenshot of a page, or of each of its `parts`, in tests/artifacts, light and dark."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)

    def keep(page: Any, name: str, *, whole: bool = False, parts: Mapping[str, Any] | None = None) -> None:
        for scheme in ("dark", "light"):
            set_scheme(page, scheme)
            for part, element in (parts or {}).items():
                element.screenshot(path=ARTIFACTS / f"{name}{part}-{scheme}.png")
            if parts is not None:
                continue
            page.screenshot(path=ARTIFACTS / f"{name}-{scheme}.png", full_page=whole)

    return keep


@pytest.fixture(scope="session")
def complaints() -> Callable[..., list[str]]:
    """What axe has to say against a page, or a part of it, as `rule: element: why`."""
    from axe_playwright_python.sync_playwright import Axe

    def run(page: Any, *, scheme: str, within: str | None = None) -> list[str]:
        set_scheme(page, scheme)
        options = {"runOnly": {"type": "tag", "values": WCAG_AA}, "resultTypes": ["violations"]}
        found = Axe().run(page, context=within, options=options).response
        return [
            f"{rule['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    return run


@pytest.fixture(scope="session")
def in_scheme() -> Callable[[Any, str], None]:
    """Shows a page as a reader with a light or a dark system sees it."""
    return set_scheme


def set_scheme(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    # JupyterLab and Notebook load another style sheet; they say when it is there, and hide the page until then.
    page.wait_for_function(
        "light => !document.querySelector('#jupyterlab-splash') &&"
        " [undefined, light].includes(document.body.dataset.jpThemeLight)",
        arg=str(scheme == "light").lower(),
    )
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.fixture(scope="session")
def hostile_text() -> str:
    """Text that would act if it were read as HTML."""
    return HOSTILE


@pytest.fixture(scope="session")
def cards() -> dict[str, Shown]:
    """What a card may have to show, by name."""
    call = record(timing=_TIMING, verdicts=(Verdict("limits", "input", "allow"), Verdict("secrets", "input", "allow")))
    hit = replace(
        call,
        cache=CacheOutcome("hit", "ab" * 32, age_s=190.0, original=_TIMING),
        timing=Timing(0.0061, 0.0011, 0.0004, 0.0, 0.002, first_token_s=0.004),
        cost=Cost(Decimal(0), Decimal("0.000123"), "2026-01-01", "cache"),
    )
    refused = replace(
        call,
        status="error",
        response=None,
        cost=Cost(Decimal(0), source="none"),
        error=Failure("RateLimited", "the call was refused", "too many requests", "wait 20 s"),
    )
    shown: dict[str, Shown] = {
        "call": call,
        "hit": hit,
        "unknown price": replace(call, cost=Cost(None)),
        "blocked": replace(
            call,
            status="blocked",
            request=None,
            response=None,
            cache=CacheOutcome("skipped"),
            cost=Cost(Decimal(0), source="none"),
            timing=Timing(0.0014, 0.0013),
            verdicts=(Verdict("secrets", "input", "block", "a value of OPENAI_API_KEY is in the prompt"),),
            error=Failure("Blocked", "the prompt was not sent", "it holds a secret", "take it out"),
        ),
        "interrupted": replace(call, status="interrupted", response=response(finish_reason="interrupted")),
        "error": refused,
        "samples": [replace(one, id=f"sample-{n}") for n, one in enumerate((call, hit, refused))],
        "hostile": replace(call, response=response(HOSTILE, notes=(HOSTILE,))),
        "running": Live("gpt-4o-mini", phase="provider", elapsed_s=1.3, first_token_s=0.2, received_chars=321),
    }
    return {name: replace(one, id=name) if isinstance(one, Record) else one for name, one in shown.items()}


@pytest.fixture(scope="session")
def cards_notebook(cards: dict[str, Shown]) -> Any:
    """A notebook with a cell for each of the cards, as it comes from somebody else."""
    v4 = nbformat.v4
    answers = {
        "call": answer_bundle(_ANSWER, "md"),
        "hostile": answer_bundle(HOSTILE, "text"),
        "running": {"text/html": streaming_html("An answer <b>that"), "text/plain": "An answer <b>that"},
    }
    cells = []
    for name, shown in cards.items():
        card: dict[str, Any] = {"text/html": card_html(shown), "text/plain": card_text(shown)}
        if not isinstance(shown, Live):
            card[RECORD_MIME] = carried(shown if isinstance(shown, list) else [shown], keeps_content=True)
        outputs = [v4.new_output("display_data", data) for data in (answers.get(name), card) if data]
        code = f"%%llm -m fake-1\n{name}: why is the sky blue?"
        cells.append(v4.new_code_cell(code, execution_count=1, outputs=outputs, id=name.replace(" ", "-")))
    return v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


@pytest.fixture(scope="session")
def hostile() -> SimpleNamespace:
    """Attacks, each as the guard leaves it, and the pages that are made of them."""
    from nbkit.guards.markdown import MarkdownGuard
    from nbkit.protocols import GuardOptions
    from nbkit.secrets import SecretRegistry
    from nbkit.testing.factories import request

    guard = MarkdownGuard(GuardOptions(SecretRegistry()))

    def screen(attack: Any) -> str:
        return guard.screen(attack.text, stage="output", request=request(format=attack.form)).text

    here = Path(__file__).parent
    all_of_them = _module(here.parent / "guards" / "attacks.py").attacks()
    return SimpleNamespace(attacks=all_of_them, screen=screen, pages=_module(here / "attack_pages.py"))


def _module(path: Path) -> ModuleType:
    name = f"tests_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
