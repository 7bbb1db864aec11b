"""Names of code blocks: none that a page acts on, in a block or in what only some renderer takes for one."""

from __future__ import annotations

import pytest

from nbkit.guards.fences import inert_info, read_info
from nbkit.guards.markdown import MarkdownGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Request

REQUEST = Request("echo", "echo", ())


def screen(text, allowed=()):
    guard = MarkdownGuard(GuardOptions(SecretRegistry(), allowed_hosts=allowed))
    return guard.screen(text, stage="output", request=REQUEST)


@pytest.mark.parametrize(
    ("info", "shown"),
    [
        ("python", "python"),
        ("", ""),
        ("12:40:src/app.py", "12:40:src/app.py"),
        ("c++ linenos=1", "c++ linenos=1"),
        ('python title="a.py"', "python"),
        ("js {1,3}", "js"),
        ("{image} x", ""),
        ('x" onfocus="y', "x"),
        ("x' onfocus='y", "x"),
        ("$a", ""),
        ("@\\@0@@", ""),
        ("mermaid", "text mermaid"),
        (" Mermaid", "text Mermaid"),
        ('mermaid "x"', "text mermaid"),
    ],
)
def test_words_behind_a_fence_keep_what_no_page_acts_on(info, shown):
    assert inert_info(info) == shown
    assert inert_info(shown) == shown


def test_rest_of_a_line_is_read_when_it_is_whole():
    assert read_info("pyth", 0, run="```", is_last=False) is None
    assert read_info("pyth", 0, run="```", is_last=True) == "plain"
    assert read_info("a ` b\n", 0, run="```", is_last=False) == "plain"
    assert read_info('a ` "b"\n', 0, run="~~~", is_last=False) == "odd"
    assert read_info("a" * 600, 0, run="~~~", is_last=False) == "odd"
    assert read_info('a"', 0, run="~~", is_last=False) == "plain"


@pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
def test_diagram_is_shown_and_not_drawn(fence):
    screened = screen(f"{fence}mermaid\nA@{{ img: 'x' }}\n{fence}\n")

    assert screened.text == f"{fence}text mermaid\nA@{{ img: 'x' }}\n{fence}\n"
    assert screened.verdict.reason == "1 directive made inert"


@pytest.mark.parametrize("start", ["> ", "- [ ] ", "foo\n2. ", "\u00a0"])
def test_block_that_only_some_renderer_sees_has_no_name_to_act_on(start):
    assert screen(f"{start}```mermaid\na").text == f"{start}```text mermaid\na"
    assert screen(f'{start}```x" onfocus="y\na').text == f'{start}``x" onfocus="y\na'
    assert screen(f"{start}```python\na").text == f"{start}```python\na"


def test_words_with_quotes_between_marks_stay_as_they_are():
    text = 'Run ```a "b"``` or ~~not~~ "that".'
    assert screen(text).text == text


IMAGES = [
    '![$" onerror="x" a="$](#b)',
    "![a](#b)",
    '![$" onload="x" a="$](https://ok.example/a.png)',
    '![$" onload="x" a="$][r]\n\n[r]: https://ok.example/a.png',
    "$x$ ![@\\@0@@](https://ok.example/a.png)",
    '[a](https://ok.example/ "b $") c" onclick="x $ ")',
]


@pytest.mark.parametrize("text", IMAGES)
def test_mathematics_is_not_put_into_attributes(text):
    shown = screen(text, ("ok.example",)).text

    assert "](" not in shown
    assert "][" not in shown
    assert screen(shown, ("ok.example",)).text == shown


def test_image_of_an_allowed_host_stays_beside_mathematics():
    text = "![a plot](https://ok.example/a.png) of $x$\n\n$y$ and so on\n\n![b](https://ok.example/b.png)"
    assert screen(text, ("ok.example",)).text == text


@pytest.mark.parametrize("command", ["mmlToken{mi}[href='//a']", "bbox[background:url(a)]"])
def test_mathematics_with_attributes_is_broken(command):
    assert screen(f"$\\{command}{{x}}$").text.startswith("$\\\\")
