"""Chromium for tests: pages that may ask nobody but this machine, their screenshots, and axe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

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
    """Keeps a screenshot of a page in tests/artifacts, light and dark."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)

    def keep(page: Any, name: str, *, whole: bool = False) -> None:
        for scheme in ("dark", "light"):
            set_scheme(page, scheme)
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
