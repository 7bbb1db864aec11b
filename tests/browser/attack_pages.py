"""Hostile answers and records as a notebook holds them, and what of them a page would run, fetch or follow."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nbformat

from nbkit.display.answer import answers_bundle, streaming_html
from nbkit.display.card import card_html, card_text
from nbkit.display.error import error_bundle
from nbkit.display.rows import carried
from nbkit.recorded import RECORD_MIME, Failure, Record, Retrieval, Retrieved
from nbkit.testing.factories import record, request, response
from nbkit.types import Message, Span, Verdict

Bundle = dict[str, Any]
_MOST_OUTPUTS = 40
"""JupyterLab shows no more than 50 of one cell."""
_OUTSIDE = re.compile(r"^(?!(?:https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:|file:)")
ANCHORS = {number: f"nbkit-record-0001-{number}" for number in range(1, 4)}

_FIND = """within => {
    const found = [], roots = [...document.querySelectorAll(within)];
    const address = /^(href|src|srcset|action|formaction|data|poster|background|ping|xlink:href)$/i;
    const own = /^(#|data:image\\/|mailto:|attachment:)/i;
    const here = location.href.split('#')[0];
    for (const one of roots.flatMap(root => [...root.querySelectorAll('*')])) {
        const tag = one.localName;
        if (/^(script|iframe|object|embed|form|base|meta|link|style|template|portal|frame)$/.test(tag)) {
            found.push(one.outerHTML);
        }
        for (const {name, value} of one.attributes) {
            const isOwn = own.test(value) || value.split('#')[0] === here;
            const acts = /^on/i.test(name) || (address.test(name) && value && !isOwn);
            if (acts || (name === 'style' && /url|image|expression/i.test(value))) { found.push(one.outerHTML); }
        }
    }
    return found.map(one => one.slice(0, 300));
}"""
_STILL = """([within, quiet]) => new Promise(done => {
    // Mathematics and diagrams are drawn late.
    let timer = setTimeout(done, quiet);
    const again = () => { clearTimeout(timer); timer = setTimeout(done, quiet); };
    const watch = new MutationObserver(again);
    for (const one of document.querySelectorAll(within)) { watch.observe(one, {subtree: true, childList: true}); }
    setTimeout(done, 30000);
})"""
_REMEMBER = """window.allActed = [];
Object.defineProperty(window, 'acted', {set: mark => { window.allActed.push(String(mark)); }, get: () => undefined});"""
_PRESS = """within => {
    const all = [...document.querySelectorAll(within)].flatMap(root => [...root.querySelectorAll('*')]);
    for (const one of all) {
        for (const name of ['mouseover', 'pointerenter', 'mouseenter', 'focus', 'toggle', 'animationstart']) {
            one.dispatchEvent(new Event(name));
        }
    }
    const links = all.filter(one => /^(a|area)$/.test(one.localName) && !/^mailto:/.test(one.href));
    for (const one of links) { one.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true})); }
    return [links.length, all.filter(one => /^mailto:/.test(one.href)).length];
}"""


@dataclass(frozen=True)
class Seen:
    """What a page did with what it was given."""

    acted: list[str]
    """Marks of the scripts that ran."""
    requests: list[str]
    """Addresses outside that were asked for while the page was read."""
    followed: list[str]
    """Addresses outside that were asked for when every link was pressed."""
    live: list[str]
    """Elements that could run, fetch or lead outside."""
    links: int
    mail: int
    """Links that open a mail program."""

    @property
    def is_inert(self) -> bool:
        """Whether nothing happened, and nothing could."""
        return not (self.acted or self.requests or self.followed or self.live)


def answer_bundles(attacks: Iterable[Any], screen: Callable[[Any], str]) -> list[Bundle]:
    """Each attack as the answer of a cell, in the format it was asked for."""
    return [
        answers_bundle([screen(one)], one.form, anchors=ANCHORS if one.family == "citations" else None)
        for one in attacks
    ]


def sample_bundles(attacks: Sequence[Any], screen: Callable[[Any], str], *, times: int) -> list[Bundle]:
    """Pairs of attacks as two samples of one cell: what one begins, the other may end."""
    chosen = random.Random(4)
    texts = [screen(one) for one in attacks if one.form == "md"]
    return [answers_bundle(chosen.sample(texts, 2), "md", ending="Interrupted here.") for _ in range(times)]


def record_texts(attacks: Sequence[Any]) -> list[str]:
    """Some of each family that reads HTML or controls, none that is mathematics."""
    families = {"tags", "attributes", "terminal", "fences", "entities", "citations"}
    return [one.text for one in attacks if one.family in families and "$" not in one.text][::6]


def record_bundles(texts: Iterable[str]) -> list[Bundle]:
    """Cards, errors and running answers in which every word that comes from outside is hostile."""
    found: list[Bundle] = []
    for number, text in enumerate(texts):
        one = hostile_record(text, number)
        card = {"text/html": card_html(one, opens_passages=bool(number % 2)), "text/plain": card_text(one)}
        found.append({**card, RECORD_MIME: carried([one], keeps_content=True)})
        found.append(error_bundle(Failure(text[:80], text, text, text)))
        found.append({"text/html": streaming_html(text), "text/plain": text})
    return found


def hostile_record(text: str, number: int = 0) -> Record:
    """A call of which every name, reason, kind, file and passage is `text`."""
    asked = request(f"Sources:\n\n[1] {text}\n{text}\n\nQuestion: {text}", model=text)
    places = (Span(0, min(9, len(text)), text), Span(1, min(60, len(text)), text))
    verdicts = tuple(
        Verdict(guard, stage, action, text, places, 0.5, 0.4, 0.001)  # type: ignore[arg-type]
        for guard, stage, action in (
            (text, "input", "warn"), ("pii", "input", "redact"), ("markdown", "output", "warn"),
            ("injection", "retrieved", "redact"), ("grounded", "output", "warn"), ("secrets", "output", "block"),
        )
    )  # fmt: skip
    passages = (Retrieved(text, text, 3, 0, 20, 0.5), Retrieved("b", f"{text}.md", None, 0, 9, 0.4))
    base = record(
        request=replace(asked, messages=(Message("system", text), *asked.messages)),
        response=response(f"{text} [1]", model=f"{text}-2", notes=(text,)),
        verdicts=verdicts,
        error=Failure(text, text, text, text),
        retrieval=None if number % 3 == 0 else Retrieval(text, text, 0.01, passages, rerank=text, where=text),
        loosened=(text,),
        policy="strict",
        notes=(text,),
        tag=text,
        thread=text,
        prompt_name=text,
    )
    return replace(base, id=f"hostile-{number}-{text[:40]}")


def attack_notebook(bundles: Sequence[Bundle], *, prose: str = "# Attacks") -> Any:
    """A notebook whose cells have been run, with the outputs spread over as few as show them all."""
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell(prose)]
    for at in range(0, len(bundles), _MOST_OUTPUTS):
        outputs = [v4.new_output("display_data", bundle) for bundle in bundles[at : at + _MOST_OUTPUTS]]
        cells.append(v4.new_code_cell("%%llm\nhello", execution_count=1, outputs=outputs, id=f"cell-{at}"))
    return v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def watch(context: Any) -> None:
    """Answers nothing outside, stays on the page that asked, and remembers every script that ran."""
    context.add_init_script(_REMEMBER)
    context.route(_OUTSIDE, lambda route: route.abort("aborted"))


def look(page: Any, *, within: str, count: int, outside: Callable[[], list[str]], settle_s: float = 1.5) -> Seen:
    """What happens in a page until it is still, and then when all that can be pressed is."""
    page.wait_for_function(
        "([within, count]) => document.querySelectorAll(within).length >= count", arg=[within, count], timeout=90_000
    )
    page.evaluate(_STILL, [within, settle_s * 1000])
    live = page.evaluate(_FIND, within)
    requests = outside()
    links, mail = page.evaluate(_PRESS, within)
    page.wait_for_timeout(300)
    return Seen(page.evaluate("() => window.allActed"), requests, outside()[len(requests) :], live, links, mail)
