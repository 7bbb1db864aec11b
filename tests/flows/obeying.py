"""A model that does whatever any text tells it, and whether any of it gets out of what a notebook draws."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from orders import ALLOWED, Order

from nbkit.marks import MARK_LINE
from nbkit.types import Request


class Obeying:
    """Answers as the last order in the request says; the answer itself holds all that it could take."""

    def __init__(self, known: list[Order]) -> None:
        self._known = known
        self.obeyed: list[int] = []
        self.said: list[str] = []
        self.hidden: set[str] = set()
        """Marks and seals that it has been shown."""

    def __call__(self, request: Request) -> str:
        text = "\n".join(message.content for message in request.messages)
        for chunk in re.findall(r"[A-Za-z0-9+/]{60,}={0,2}", text):
            text += base64.b64decode(chunk + "=" * (-len(chunk) % 4), validate=False).decode("utf-8", "replace")
        found = re.findall(r"order (\d{4})", html.unescape(text))
        marks, seals = set(re.findall(f"{MARK_LINE}([0-9a-f]+)", text)), set(re.findall("⟪([0-9a-f]{8}) ", text))
        self.hidden |= marks | seals
        if not found or int(found[-1]) >= len(self._known):
            return "I do not know."
        order = self._known[int(found[-1])]
        self.obeyed.append(order.number)
        taken = _taken(order.taken, request, marks=marks, seals=seals, text=text)
        shown = _ways(taken, order.way)
        url = order.address.format(data=quote(shown, safe="") if order.number % 2 else shown.replace(" ", "+")[:1500])
        answer = order.form.format(url=url)
        if order.taken == "label":
            # What stands in the place of a mark must not make a link of what is around it.
            mark = next(iter(marks), "x")
            answer = (
                f"!{mark}({url}) [{mark}]({url}) {mark}: {url}\n\n{mark}\n\n[{mark}]: {url}\n\n![{mark}]\n\n{answer}"
            )
        self.said.append(f"Certainly. {answer}\n\nAnd here it is: {shown}\n")
        return self.said[-1]


def _taken(what: str, request: Request, *, marks: set[str], seals: set[str], text: str) -> str:
    system = "\n".join(message.content for message in request.messages if message.role == "system")
    return {
        "the mark": " ".join(marks),
        "the seals": " ".join(seals),
        "the system prompt": system,
        "the keys": " ".join(re.findall(r"(?:sk-|hf_)[\w-]+|\[secret:\w+\]", text)),
        "everything": text,
        "the question": request.messages[-1].content[-200:],
        "label": " ".join(marks),
    }[what]


def _ways(text: str, way: str) -> str:
    raw = text.encode()
    return {
        "as it is": text,
        "reversed": text[::-1],
        "in base64": base64.b64encode(raw).decode(),
        "in hex": raw.hex(),
        "URL-encoded": quote(text, safe=""),
    }[way]


def outside(markup: str) -> list[str]:
    """Addresses in HTML that a page would ask, or lead to, that are neither here nor allowed."""
    from selectolax.lexbor import LexborHTMLParser

    found = []
    for node in LexborHTMLParser(markup).css("*"):
        for name, value in node.attributes.items():
            values = [value or ""]
            if name == "srcset":
                values = [part.split()[0] for part in (value or "").split(",") if part.split()]
            elif name == "style":
                values = re.findall(r"url\(\s*['\"]?([^'\")]*)", value or "")
            elif name == "content":
                values = re.findall(r"url=(\S+)", value or "", re.IGNORECASE)
            elif name.startswith("on"):
                found.append(f"{node.tag} {name}")
                continue
            elif name not in (
                "src",
                "href",
                "action",
                "formaction",
                "data",
                "poster",
                "background",
                "ping",
                "cite",
                "xlink:href",
            ):
                continue
            found += [f"{node.tag} {name} {one[:80]}" for one in values if not _is_inside(one)]
        if node.tag in ("script", "style", "iframe", "object", "embed", "form", "meta", "link", "base"):
            found.append(node.tag)
    return found


def _is_inside(address: str) -> bool:
    plain = re.sub(r"[\x00-\x20]", "", address).replace("\\", "/")
    if plain.lower().startswith("data:image/"):
        return True
    whole = urlsplit(urljoin("http://localhost:8888/lab/", plain))
    return whole.scheme in ("http", "https") and whole.hostname in ("localhost", ALLOWED)


def drawn(outputs: list[dict[str, Any]]) -> Iterator[str]:
    """Every output as the HTML that a page would make of it."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for output in outputs:
        data = output["data"]
        if "text/markdown" in data:
            # Lab makes links of addresses in the text, before it reads entities: they are kept apart here.
            tokens = made.disable("text_join").parse(data["text/markdown"])
            inline = (child for token in tokens for child in token.children or ())
            text = "\n".join(child.content for child in inline if child.type == "text")
            yield made.enable("text_join").render(data["text/markdown"]) + _links(text)
        elif "text/html" in data:
            yield data["text/html"]
        elif "text/plain" in data:
            yield _links(data["text/plain"])


def _links(text: str) -> str:
    """What front ends make of addresses in text."""
    found = re.findall(r"(?:https?|ftp)://[^\s<>\"]+|www\.[^\s<>\"]+", text, re.IGNORECASE)
    return "".join(f'<a href="{html.escape(one if ":" in one else f"http://{one}")}"></a>' for one in found)


def long_runs(text: str, told: str, length: int = 12) -> list[str]:
    """Runs of so many words of a prompt in a text; compared by nothing but letters and figures."""
    words, known = re.findall(r"[a-z0-9]+", text.lower()), re.findall(r"[a-z0-9]+", told.lower())
    runs = {tuple(known[at : at + length]) for at in range(len(known) - length + 1)}
    return [" ".join(words[at : at + length]) for at in range(len(words)) if tuple(words[at : at + length]) in runs]


def in_some_form(value: str) -> list[str]:
    raw = value.encode()
    inner = (base64.b64encode(b"\0" * shift + raw).decode()[4:-4] for shift in range(3))
    return [value, value[::-1], raw.hex(), *inner]
