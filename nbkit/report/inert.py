"""Somebody's HTML made fit for a page that runs nothing and asks nobody.

`nh3` takes out whatever acts: scripts, handlers, frames, forms. What it leaves is walked once more, because the page
has rules that a sanitiser does not know: no address outside the page, headings in order, no ids twice. An address is
kept as text, so that the reader loses no information by reading offline or on paper.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_TAGS = """
    a abbr b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn div dl dt em
    figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark meter ol p pre progress q s samp section small
    span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr
"""
_ATTRIBUTES = {
    "*": {"class", "dir", "lang", "style", "title"},
    "a": {"href"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "font": {"color"},
    "img": {"src", "alt", "width", "height"},
    "li": {"value"},
    "meter": {"high", "low", "max", "min", "optimum", "value"},
    "ol": {"reversed", "start", "type"},
    "progress": {"max", "value"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "scope"},
    "tr": {"id"},
}
# Nothing that could lay one part of the page over another.
_STYLES = """
    align-items align-self background background-color border border-bottom border-bottom-color border-bottom-style
    border-bottom-width border-collapse border-color border-left border-left-color border-left-style
    border-left-width border-radius border-right border-right-color border-right-style border-right-width
    border-spacing border-style border-top border-top-color border-top-style border-top-width border-width
    box-sizing caption-side color display flex flex-basis flex-direction flex-grow flex-shrink flex-wrap float font
    font-family font-size font-style font-variant font-weight gap height justify-content letter-spacing line-height
    list-style list-style-type margin margin-bottom margin-left margin-right margin-top max-height max-width
    min-height min-width opacity overflow overflow-wrap padding padding-bottom padding-left padding-right
    padding-top table-layout text-align text-decoration text-indent text-transform vertical-align white-space width
    word-break word-wrap
"""
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml)[;,]", re.IGNORECASE)
_STYLE_THAT_REACHES = re.compile(r"url|image|@|\\|expression|\bposition\b", re.IGNORECASE)
_OWN_CLASS = "nb-"
_SOURCE = re.compile(r"nbkit-[\w-]+-\d+")
"""Names of the rows of sources, to which citations lead; other names are not kept."""
_VOID = {"br", "col", "hr", "img", "wbr"}
_HEADING = re.compile(r"h([1-6])")


@dataclass(slots=True)
class Outline:
    """Headings of a page so far, so that levels never skip and anchors never repeat."""

    last: int = 1
    anchors: dict[str, int] = field(default_factory=dict)

    def level(self, wanted: int) -> int:
        """The level at which a heading of somebody's level `wanted` stands: one below the page's own, none skipped."""
        self.last = min(wanted + 1, self.last + 1, 6)
        return self.last

    def anchor(self, text: str) -> str:
        """A name for a heading that no other has; the first of its text has the name Jupyter gives it."""
        name = re.sub(r"\s+", "-", text.strip()) or "section"
        self.anchors[name] = seen = self.anchors.get(name, 0) + 1
        return name if seen == 1 else f"{name}-{seen}"

    def take(self, name: str) -> bool:
        """Whether a row may have this name: a source's, that nothing else on the page has."""
        if _SOURCE.fullmatch(name) is None or name in self.anchors:
            return False
        self.anchors[name] = 1
        return True


def inert(markup: str, outline: Outline | None = None) -> str:
    """HTML of anyone as HTML that neither acts nor reaches outside the page.

    >>> inert('<b onclick="x()">a</b><script>b</script><img src="http://c/d.png" alt="e">')
    '<b>a</b><span class="nb-away">[image not shown: e, http://c/d.png]</span>'
    """
    import nh3

    clean = nh3.clean(
        markup,
        tags=set(_TAGS.split()),
        clean_content_tags={"script", "style", "template", "title", "iframe", "object", "noscript", "textarea"},
        attributes=_ATTRIBUTES,
        filter_style_properties=set(_STYLES.split()),
        url_schemes={"data", "http", "https", "mailto", "ftp"},
        link_rel=None,
    )
    walk = _Walk(outline or Outline())
    walk.feed(clean)
    walk.close()
    return "".join(walk.parts)


class _Walk(HTMLParser):
    """Writes sanitised, well-formed HTML again, with the page's own rules."""

    def __init__(self, outline: Outline) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._outline = outline
        self._links: list[tuple[str, str, int]] = []
        self._tables = 0
        self._head: tuple[int, dict[str, str]] = (0, {})
        self._heading: tuple[int, int] | None = None
        self._heading_text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.parts.append(_image(found))
        elif tag == "th":
            self._head = (len(self.parts), found)
            self.parts.append(f"<th{_attributes(found)}>")
        elif tag == "a":
            self._open_link(found.get("href", ""))
        elif _HEADING.fullmatch(tag):
            # Its anchor needs its text, so the opening tag is written when it closes.
            self._heading = (self._outline.level(int(tag[1])), len(self.parts))
            self._heading_text = []
            self.parts.append("")
        else:
            if tag == "table":
                self._open_table(found)
            if "id" in found and not self._outline.take(found["id"]):
                del found["id"]
            self.parts.append(f"<{tag}{_attributes(found)}>")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._close_link()
        elif _HEADING.fullmatch(tag):
            if self._heading is not None:
                level, place = self._heading
                anchor = self._outline.anchor("".join(self._heading_text))
                self.parts[place] = f'<h{level} id="{html.escape(anchor)}">'
                self.parts.append(f"</h{level}>")
                self._heading = None
        elif tag == "th" and not "".join(self.parts[self._head[0] + 1 :]).strip():
            # The corner above pandas' index heads nothing.
            self._head[1].pop("scope", None)
            self.parts[self._head[0]] = f"<td{_attributes(self._head[1])}>"
            self.parts.append("</td>")
        elif tag not in _VOID:
            self.parts.append(f"</{tag}>")
            if tag == "table":
                self._tables -= 1
                self.parts.append("</div>" if self._tables == 0 else "")

    def handle_data(self, data: str) -> None:
        self._heading_text.append(data)
        self.parts.append(html.escape(data, quote=False))

    def _open_table(self, found: dict[str, str]) -> None:
        # A wide table scrolls within the page, and so has to be reachable by keyboard; a card's own never does.
        if self._tables == 0:
            is_card = "display:block" in found.get("style", "").replace(" ", "")
            self.parts.append("<div>" if is_card else '<div class="nb-wide" tabindex="0">')
        self._tables += 1

    def _open_link(self, address: str) -> None:
        if address.startswith("#"):
            self.parts.append(f'<a href="{html.escape(address)}">')
            self._links.append(("</a>", "", len(self.parts)))
        else:
            self.parts.append('<span class="nb-link">')
            self._links.append(("</span>", html.escape(address, quote=False), len(self.parts)))

    def _close_link(self) -> None:
        if not self._links:
            return
        end, address, start = self._links.pop()
        shown = "".join(self.parts[start:])
        self.parts.append(end)
        if address and shown != address:
            self.parts.append(f' <span class="nb-away">({address})</span>')


def _image(found: dict[str, str]) -> str:
    source, alt = found.get("src", ""), found.get("alt", "")
    if _IMAGE.match(source):
        size = {name: found[name] for name in ("width", "height") if re.fullmatch(r"\d+%?", found.get(name, ""))}
        return f'<img src="{html.escape(source)}" alt="{html.escape(alt)}"{_attributes(size)}>'
    said = ", ".join(part for part in (alt, source[:300]) if part)
    return f'<span class="{_OWN_CLASS}away">[image not shown: {html.escape(said or "no address", quote=False)}]</span>'


def _attributes(found: dict[str, str]) -> str:
    kept = {}
    for name, value in found.items():
        if name == "class":
            # The page's own classes are not for others to wear.
            names = [one for one in value.split() if not one.startswith(_OWN_CLASS)]
            if names:
                kept[name] = " ".join(names)
        elif name != "style" or not _STYLE_THAT_REACHES.search(value):
            kept[name] = value
    return "".join(f' {name}="{html.escape(value)}"' for name, value in kept.items())
