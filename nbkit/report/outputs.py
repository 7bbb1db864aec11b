"""One output of a cell as HTML that runs nothing."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from nbkit.escape import clean, escape
from nbkit.recorded import RECORD_MIME
from nbkit.report.inert import Outline, inert
from nbkit.report.reading import lines, records_in

_MOST_LINES = 60
_SHOWN_LINES = 24
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_EXTENDED_COLOUR = re.compile(r' style="[^"]*"')
_ATTACHMENT = re.compile(r"attachment:([^)\s\"'>]+)")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


def output_html(output: Any, outline: Outline, *, is_prompt: bool) -> str:  # noqa: ANN401 - nbformat has no types
    """The output as it is read: answer, card, image, table, text or error.

    >>> output_html({"output_type": "stream", "name": "stdout", "text": "<hi>"}, Outline(), is_prompt=False)
    '<div class="nb-text"><pre>&lt;hi&gt;</pre></div>'
    """
    kind = output["output_type"]
    if kind == "stream":
        extra = " nb-stderr" if output.get("name") == "stderr" else ""
        return _text(lines(output["text"]), extra=extra)
    if kind == "error":
        return _error(output)
    bundle = {mime: content for mime, content in (output.get("data") or {}).items() if content not in ("", [], None)}
    if RECORD_MIME in bundle:
        if "text/html" in bundle and records_in(output):
            return f'<div class="nb-card">{inert(lines(bundle["text/html"]), outline)}</div>'
        return _text(lines(bundle["text/plain"]), extra=" nb-card") if "text/plain" in bundle else ""
    if is_prompt and ("text/markdown" in bundle or "text/html" in bundle):
        return f'<div class="nb-answer">{_rich(bundle, outline)}</div>'
    return _rich(bundle, outline)


def markdown_html(source: str, outline: Outline, attachments: Any = None) -> str:  # noqa: ANN401 - nbformat has no types
    """Markdown as HTML, with code coloured and images of the file itself."""
    from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

    found = attachments or {}
    for kept in (found, {name: {"image/none": ""} for name in _ATTACHMENT.findall(source)}):
        renderer = IPythonRenderer(escape=False, exclude_anchor_links=True, attachments=kept)
        try:
            return inert(MarkdownWithMath(renderer=renderer).render(source), outline)
        except (InvalidNotebook, StopIteration, RecursionError):
            # An attachment that the file does not have: the second time its place says so.
            continue
    return _text(source)


def code_html(source: str, language: str) -> str:
    """Source code with its tokens marked for the page's colours."""
    from nbconvert.filters.highlight import Highlight2HTML

    return f'<div class="nb-code">{Highlight2HTML()(clean(source), language=language)}</div>'  # type: ignore[no-untyped-call]


def _rich(bundle: dict[str, Any], outline: Outline) -> str:
    if "text/html" in bundle:
        drawn = inert(lines(bundle["text/html"]), outline)
        if re.sub(r"<[^>]*>|\s", "", drawn) or "<img" in drawn:
            return f'<div class="nb-html">{drawn}</div>'
    if "text/markdown" in bundle:
        return f'<div class="nb-prose">{markdown_html(lines(bundle["text/markdown"]), outline)}</div>'
    return _image(bundle) or _plain(bundle)


def _image(bundle: dict[str, Any]) -> str:
    alt = clean(lines(bundle.get("text/plain", "")), most_chars=200) or "output of the cell"
    if "image/svg+xml" in bundle:
        # As an image it can neither run nor load anything.
        encoded = base64.b64encode(lines(bundle["image/svg+xml"]).encode("utf-8", "replace")).decode()
        return _figure("image/svg+xml", encoded, alt)
    for mime in _IMAGES:
        content = lines(bundle.get(mime, ""))
        if content and _BASE64.fullmatch(content):
            return _figure(mime, "".join(content.split()), alt)
    return ""


def _plain(bundle: dict[str, Any]) -> str:
    if "text/latex" in bundle:
        return _text(lines(bundle["text/latex"]))
    if "application/json" in bundle:
        return _text(json.dumps(bundle["application/json"], indent=2, ensure_ascii=False))
    text = _text(lines(bundle["text/plain"])) if "text/plain" in bundle else ""
    return text + ("" if set(bundle) <= {"text/plain"} else _note(bundle))


def _note(bundle: dict[str, Any]) -> str:
    kinds = ", ".join(sorted(mime for mime in bundle if mime != "text/plain"))
    return f'<p class="nb-note">Interactive output, not part of this page: {escape(clean(kinds, most_chars=200))}</p>'


def _figure(mime: str, encoded: str, alt: str) -> str:
    return f'<p class="nb-figure"><img src="data:{mime};base64,{encoded}" alt="{escape(alt)}"></p>'


def _error(output: Any) -> str:  # noqa: ANN401 - nbformat has no types
    traceback = "\n".join(output.get("traceback") or [])
    name = clean(str(output.get("ename", "error")), most_chars=100)
    text = traceback or f"{name}: {output.get('evalue', '')}"
    return f'<div class="nb-error"><p class="nb-label">Error: {escape(name)}</p>{_text(text)}</div>'


def _text(text: str, *, extra: str = "") -> str:
    rows = text.rstrip("\n").split("\n")
    if len(rows) <= _MOST_LINES:
        return f'<div class="nb-text{extra}"><pre>{_ansi(text)}</pre></div>'
    head, rest = "\n".join(rows[:_SHOWN_LINES]), "\n".join(rows[_SHOWN_LINES:])
    return (
        f'<div class="nb-text{extra}"><pre>{_ansi(head)}</pre><details><summary>{len(rows) - _SHOWN_LINES:,} more '
        f"lines</summary><pre>{_ansi(rest)}</pre></details></div>"
    )


def _ansi(text: str) -> str:
    from nbconvert.filters.ansi import ansi2html

    # Each carriage return starts its line anew, as a terminal shows a progress bar.
    shown = re.sub(r"[^\n]*\r(?!\n|$)", "", text)
    # The sixteen colours have a readable form on light and on dark; any of 16 million has not.
    return clean(_EXTENDED_COLOUR.sub("", str(ansi2html(shown)))).rstrip("\n")  # type: ignore[no-untyped-call]
