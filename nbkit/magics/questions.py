"""Keeps `%llm what is RAG?` a prompt: IPython would read the last word and its mark as a request for help.

The same goes for the commands of other magics that take a text, as `%rag search when is it open?` does. Only lines that
are such statements are rewritten, into the call that IPython makes of any other line magic. What
is inside a string, a bracket or a continued expression is not a statement: that is decided by Python's tokens of the
lines before it.
"""

from __future__ import annotations

import io
import re
import tokenize

_LINE = re.compile(
    r"(?P<head>[^%]*)%(?P<name>llm(?=[ \t]+\S)|(?:rag|guard|cache|nbkit)(?=[ \t]+\S+[ \t]+\S))[ \t]+(?P<text>\S.*)",
    re.DOTALL,
)
_PROMPT_CELL = re.compile(r"%%(?:llm|rag)\b(?!.*\?\s*$)")
_MAGIC = re.compile(r"%(?:llm|rag|guard|cache|nbkit)\b")
_ESCAPES = ("%", "!", "?", "/", ",", ";")


def keep_questions(lines: list[str]) -> list[str]:
    r"""The cell's lines, each statement that is a magic with a text and ends with a question mark turned into a call.

    >>> keep_questions(["%llm what is RAG?\n"])
    ["get_ipython().run_line_magic('llm', 'what is RAG?')\n"]
    >>> keep_questions(["%llm?\n"])
    ['%llm?\n']
    """
    if (lines and lines[0].startswith("%%")) or not any(map(_MAGIC.search, lines)):
        return lines
    kept: list[str] = []
    python: list[str] = []  # the same lines with every magic replaced, so that Python's tokenizer can read them
    at = 0
    while at < len(lines):
        end = _end_of_continued(lines, at)
        is_magic = lines[at].lstrip().startswith(_ESCAPES) or _MAGIC.search(lines[at]) is not None
        if not is_magic or not _is_complete(python):
            kept.append(lines[at])
            python.append(lines[at])
            at += 1
            continue
        joined = " ".join([line.rstrip()[:-1] for line in lines[at:end]] + [lines[end].rstrip()])
        call = _call(joined)
        kept += [call] if call else lines[at : end + 1]
        is_statement = call is not None or lines[at].lstrip().startswith(_ESCAPES)
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        python += [f"{indent}pass\n"] if is_statement else lines[at : end + 1]
        at = end + 1
    return kept


def keep_empty(lines: list[str]) -> list[str]:
    r"""The cell's lines; a prompt cell with nothing below its first line gets an empty one, and is a call all the same.

    IPython refuses an empty cell, without saying what to do, and `%%llm --file PATH` needs no more.

    >>> keep_empty(["%%llm\n"])
    ['%%llm\n', '\n']
    """
    return [*lines, "\n"] if len(lines) == 1 and _PROMPT_CELL.match(lines[0]) else lines


def _call(line: str) -> str | None:
    found = _LINE.fullmatch(line)
    if found is None or not line.endswith("?") or not _opens_statement(found["head"]):
        return None
    return f"{found['head']}get_ipython().run_line_magic({found['name']!r}, {found['text']!r})\n"


def _opens_statement(head: str) -> bool:
    """Whether a magic can follow: nothing is before it, or a target and its equals sign."""
    if not head.strip():
        return True
    if head.lstrip().startswith(_ESCAPES):
        return False
    try:
        tokens = [
            token for token in tokenize.generate_tokens(io.StringIO(head.strip()).readline) if token.string.strip()
        ]
    except (tokenize.TokenError, SyntaxError):
        return False
    return tokens[-1].string == "=" and all(
        token.type not in (tokenize.COMMENT, tokenize.ERRORTOKEN) for token in tokens
    )


def _is_complete(lines: list[str]) -> bool:
    """Whether a statement can begin after these lines: no string, bracket or continuation is open."""
    if lines and lines[-1].rstrip("\n").endswith("\\"):
        return False
    try:
        for _ in tokenize.generate_tokens(iter(lines).__next__):
            pass
    except (tokenize.TokenError, SyntaxError):
        return False
    return True


def _end_of_continued(lines: list[str], start: int) -> int:
    end = start
    while lines[end].endswith("\\\n") and end + 1 < len(lines):
        end += 1
    return end
