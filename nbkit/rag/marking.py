"""What stands for citations in a sentence: found and taken out, and put where it belongs."""

from __future__ import annotations

import re

from nbkit.guards.claims import MARKS, outside_code

_LONGEST_REST = 60
"""Further marks and punctuation behind a citation that stands at the end."""
_CLOSING = ".,;:!?)]】*_[【"


def without_marks(text: str, *, known: int) -> tuple[str, list[int]]:
    """The sentence without what stands for a citation of the `known` passages, and the numbers that it named.

    >>> without_marks("It needs 30 W [1, 3].", known=3)
    ('It needs 30 W.', [1, 3])
    """
    cited: list[int] = []

    def take(match: re.Match[str]) -> str:
        rest = match.string[match.end() :]
        numbers = [int(number) for number in re.findall(r"\d+", match.group())]
        # Round brackets are citations only where they say so, or where one can stand: else "(2)" is a figure.
        if match.group().lstrip()[0] == "(" and not re.search(r"[a-z]", match.group(), re.IGNORECASE):
            is_at_end = not re.search(r"\w", MARKS.sub("", rest[:_LONGEST_REST])) and len(rest) <= _LONGEST_REST
            if not is_at_end or not numbers or not all(0 < number <= known for number in numbers):
                return match.group()
        if len(numbers) == 2 and re.search(r"\d\s*[\u2013-]\s*\d", match.group()):  # noqa: PLR2004 - from and to
            numbers = list(range(numbers[0], min(numbers[1], numbers[0] + 20) + 1))
        cited.extend(numbers)
        return "" if not rest or rest[0].isspace() or rest[0] in _CLOSING else " "

    # Once one is out, another may stand as one: `[1](Source 3)`.
    while (plain := outside_code(MARKS, take, text)) != text:
        text = plain
    return text, cited


def with_marks(text: str, marks: str) -> str:
    """The sentence with marks before its final punctuation; a row of a table, in its last cell.

    >>> with_marks("It needs 30 W.", "[1]"), with_marks("| Fan | 30 W |", "[1]")
    ('It needs 30 W [1].', '| Fan | 30 W [1] |')
    """
    body = text.rstrip()
    if body.startswith("|") and body.endswith("|") and len(body) > 1:
        body = body[:-1].rstrip()
        return f"{body} {marks} {text[len(body) :].lstrip()}"
    tail = text[len(body) :]
    match = re.search(r"[.!?:;,]*[*_]*[.!?:;,]*$", body)
    cut = match.start() if match else len(body)
    return f"{body[:cut].rstrip()} {marks}{body[cut:]}{tail}"
