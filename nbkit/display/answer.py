"""An answer as MIME bundles, by the format in which it was asked for.

`md` and `table` reach the page as Markdown: their text has passed the guard `markdown`, which makes what could act
inert. That guard leaves other formats alone, so nothing of theirs may be read as Markdown: `text` is drawn as escaped
HTML (text alone would have its addresses turned into links, and escape sequences obeyed), `code` and `json` in a
code block that their text cannot end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from nbkit.display.markdown import closed, fence, linked, table, table_rows, unfenced
from nbkit.escape import NO_MATH, clean, escape
from nbkit.types import Format

PRE = "white-space:pre-wrap;word-break:normal;overflow-wrap:break-word;margin:0;font-family:inherit;line-height:1.5"
"""Style of text that is drawn as it is: wraps between words, and grows only downwards while it streams.

JupyterLab breaks the lines of a `pre` anywhere unless it is told otherwise.
"""


def answer_bundle(text: str, form: Format) -> dict[str, str]:
    """One answer: Markdown or HTML for the page, and text for everything else.

    >>> answer_bundle("**hi**", "md")
    {'text/markdown': '**hi**', 'text/plain': '**hi**'}
    """
    return answers_bundle([text], form)


def answers_bundle(
    texts: Sequence[str], form: Format, *, ending: str = "", anchors: Mapping[int, str] | None = None
) -> dict[str, str]:
    """Several answers as one bundle, numbered when there is more than one; `ending` is a last line of our own.

    `anchors`: of each number that a text may cite, the name of the place in the page to which it leads.

    >>> print(answers_bundle(["a", "b"], "text")["text/plain"])
    Sample 1
    a
    <BLANKLINE>
    Sample 2
    b
    """
    texts = [clean(text) for text in texts]
    numbered = len(texts) > 1
    plain = "\n\n".join(f"Sample {n}\n{text}" if numbered else text for n, text in enumerate(texts, 1))
    plain = "\n\n".join(part for part in (plain, ending) if part)
    if form == "text":
        return {"text/html": _html(texts, ending), "text/plain": plain}
    drawn = [_markdown(text, form) for text in texts]
    if anchors and form == "md":
        drawn = [linked(text, anchors) for text in drawn]
    parts = [f"**Sample {n}**\n\n{text}" if numbered else text for n, text in enumerate(drawn, 1)]
    if ending:
        parts.append(f"*{ending}*")
    return {"text/markdown": "\n\n".join(parts), "text/plain": plain}


def streaming_html(text: str, *, hidden_chars: int = 0) -> str:
    """An answer that is still arriving, as escaped HTML; `hidden_chars` came before it and are not shown yet.

    >>> streaming_html("<b>")[-15:]
    '&lt;b&gt;</div>'
    """
    shown = f"… {hidden_chars:,} characters above …\n{text}" if hidden_chars else text
    return f'<div {NO_MATH} style="{PRE}">{escape(shown)}</div>'


def pretty_json(text: str) -> str | None:
    """The JSON in an answer, indented; None when there is none to be read.

    >>> print(pretty_json('{"a":[1]}'))
    {
      "a": [
        1
      ]
    }
    """
    for candidate in (text, (unfenced(text) or ("", ""))[0]):
        try:
            return json.dumps(json.loads(candidate), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            continue
    return None


def _markdown(text: str, form: Format) -> str:
    if form == "json":
        pretty = pretty_json(text)
        return fence(clean(pretty), "json") if pretty is not None else fence(text)
    if form == "code":
        content, language = unfenced(text) or (text, "")
        return fence(content, language)
    if form == "table":
        block = unfenced(text)
        rows = table_rows(block[0]) if block is not None else None
        # Taken out of its code block the table would come to life, so its cells go back in as plain text.
        return table(rows) if rows is not None else closed(text)
    return closed(text)


def _html(texts: Sequence[str], ending: str) -> str:
    parts = []
    for number, text in enumerate(texts, 1):
        if len(texts) > 1:
            parts.append(f'<div style="margin:6px 0 2px 0"><b>Sample {number}</b></div>')
        parts.append(f'<pre {NO_MATH} style="{PRE}">{escape(text)}</pre>')
    if ending:
        parts.append(f"<div><em>{escape(ending)}</em></div>")
    return "".join(parts)
