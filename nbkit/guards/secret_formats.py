"""Places in a text that have the format of a secret, whoever issued it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from nbkit.guards.keywords import Keywords
from nbkit.guards.secret_blocks import BEGIN, read_block
from nbkit.guards.secret_looks import (
    entropy,
    is_assigned_secret,
    is_password,
    is_sent,
    is_stand_in,
    is_told,
    is_url_password,
    is_wordy,
)
from nbkit.guards.secret_rule import LEFT, Group, Rule
from nbkit.guards.secret_rules_cloud import CLOUD_RULES
from nbkit.guards.secret_rules_generic import GENERIC_RULES, ISSUED_RULES
from nbkit.guards.secret_rules_llm import LLM_RULES
from nbkit.guards.secret_rules_other import OTHER_RULES

_RUN_STOP: Final = re.compile(r"[^!#-&(-;=?-_a-~]")
_RUN_CHARS: Final = 12_200
"""Longer than the longest token."""
# Numbers and hexadecimal may turn out to be what stands before the mark of a token.
_LEAD: Final = re.compile(rf"{LEFT}(?:[0-9]{{1,10}}(?::A?)?|[0-9a-f]{{1,32}}(?:-u?)?)\Z|[0-9]Q?\Z", re.ASCII)
_LEFT: Final = re.compile(LEFT)
_LEAD_CHARS: Final = 40
_LEAD_SIGNS: Final = "0123456789abcdef:A-uQ"
"""No lead has any other."""
_LABEL: Final = re.compile(r"\[secret(?::[^\]\n]{1,200})?\]")
_NAME: Final = re.compile(r"[\w.\- ]{0,64}", re.ASCII)
_BEFORE_CHARS: Final = 24
_BLOCK: Final = "private-key"
_EDGE_CHARS: Final = 8
"""How far behind its end a rule may look."""


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch of text, `text[start:end]`, that has the format of a secret."""

    start: int
    end: int
    kind: str
    """The rule's id, such as `openai-key`."""
    group: Group
    rank: int
    """Of several that overlap, the lowest names them all."""


def all_rules() -> tuple[Rule, ...]:
    """Every rule, those that say most first.

    >>> len({rule.kind for rule in all_rules()}) > 100
    True
    """
    return (*LLM_RULES, *CLOUD_RULES, *OTHER_RULES, *ISSUED_RULES, *GENERIC_RULES)


def find_secrets(text: str) -> list[Found]:
    """What has the format of a secret, in order and without overlap.

    >>> [(found.kind, found.start) for found in find_secrets("key: gsk_" + "aB3dE5gH7j" * 5)]
    [('groq-key', 5)]
    """
    return joined(scan(text, is_last=True)[0])


def scan(
    text: str, *, start: int = 0, is_last: bool, marks: Iterable[tuple[int, int]] | None = None
) -> tuple[list[Found], int]:
    """What has the format of a secret, overlaps included, and from where on more text may still change that.

    What begins before `start` is left out, or not: it is known by then. `marks`: what `keywords().find` says, where it
    is known.
    """
    tables = _tables()
    if marks is None:
        marks = tables.keywords.find(text, exact_from=start)
    open_from = len(text) if is_last else _open_end(text, tables)
    found: list[Found] = []
    if marks:
        run = len(text) if is_last else _run_start(text)
        found, undecided = _matched(text, _places(text, marks, run=run))
        open_from = min(open_from, undecided)
    at = text.find(BEGIN, start)
    while at >= 0:
        end, is_open = read_block(text, at, is_last=is_last)
        if is_open:
            open_from = min(open_from, at)
        if end is not None:
            found.append(Found(at, end, _BLOCK, "other", -1))
        at = text.find(BEGIN, max(at + 1, end or 0))
    return found, open_from


def keywords() -> Keywords:
    """The words without which no rule looks.

    >>> keywords().longest_chars > 20
    True
    """
    return _tables().keywords


def _matched(text: str, places: Iterable[_Place]) -> tuple[list[Found], int]:
    """What is a secret of that which rules matched, and from where on more text may change that."""
    found: list[Found] = []
    open_from = len(text)
    seen: dict[tuple[int, str], bool] = {}
    labels = [match.span() for match in _LABEL.finditer(text)] if "[secret" in text else []
    for match, at, rank, rule, undecided in places:
        open_from = min(open_from, undecided)
        if match is None:
            continue
        hit = Found(match.start(1), match.end(1), rule.kind, rule.group, rank)
        if labels and any((a < hit.end and hit.start < b) or a <= at < b for a, b in labels):
            continue
        # The same again costs nothing: a text of one near miss, thousands of times, must not take longer than others.
        asked = (rank, text[max(0, at - _BEFORE_CHARS) : hit.end])
        if asked not in seen:
            seen[asked] = _is_secret(text, at, hit, rule)
        if seen[asked]:
            found.append(hit)
    return found, open_from


def joined(found: Sequence[Found]) -> list[Found]:
    """Those that overlap made one, under the name of the rule that comes first.

    >>> [(each.start, each.end, each.kind) for each in joined([Found(0, 5, "a", "llm", 2), Found(3, 9, "b", "llm", 1)])]
    [(0, 9, 'b')]
    """
    clusters: list[Found] = []
    for each in sorted(found, key=lambda hit: (hit.start, hit.rank)):
        last = clusters[-1] if clusters else None
        if last is None or each.start >= last.end:
            clusters.append(each)
            continue
        best = min(last, each, key=lambda hit: hit.rank)
        clusters[-1] = Found(last.start, max(last.end, each.end), best.kind, best.group, best.rank)
    return clusters


_Place: TypeAlias = "tuple[re.Match[str] | None, int, int, Rule, int]"
"""The match, its place, rank, rule, and where more text may change it."""


def _places(text: str, marks: Iterable[tuple[int, int]], *, run: int) -> Iterator[_Place]:
    """Tries of rules that matched, or may yet."""
    size = len(text)
    for number, at in marks:
        for rank, rule, opening, pattern, offset in _tries(number):
            start = place = at - offset
            if place < 0:
                continue
            if opening is not None:
                opened = opening(text, at)
                if opened is None:
                    continue
                start = opened.end()
            match = pattern(text, start)
            is_open = start >= run and size - start <= rule.longest + _EDGE_CHARS
            if is_open or match is not None:
                yield match, place, rank, rule, start if is_open else size


def _is_secret(text: str, at: int, hit: Found, rule: Rule) -> bool:
    value = text[hit.start : hit.end]
    if rule.look in ("token", "random", "exact"):
        body = value[len(rule.keywords[0]) :] if not rule.context and rule.offsets == (0,) else value
        if entropy(body) < rule.min_entropy or (
            rule.look == "random" and not any(map(str.isdigit, body)) and is_wordy(body)
        ):
            return False
        return "XXXXXX" not in body if rule.look == "exact" else not is_stand_in(body)
    if rule.look == "sent":
        return entropy(value) >= rule.min_entropy and is_sent(value)
    return _is_named_secret(text, at, hit, rule)


def _is_named_secret(text: str, at: int, hit: Found, rule: Rule) -> bool:
    value = text[hit.start : hit.end]
    if rule.look == "told":
        return is_told(value)
    if rule.look == "address":
        return is_url_password(value, user=_user(text[at : hit.start - 1]))
    named = _NAME.match(text, at)
    name = named.group() if named is not None else ""
    judge = is_password if rule.look == "password" else is_assigned_secret
    return judge(value, name=name, before=text[max(0, at - _BEFORE_CHARS) : at])


def _user(before: str) -> str:
    return re.split(r"[\s/\"'=]", before)[-1]


def _run_start(text: str) -> int:
    """Where the last stretch without white space or quotes begins: every secret lies within one such stretch."""
    tail = text[: -_RUN_CHARS - 1 : -1]
    stop = _RUN_STOP.search(tail)
    return len(text) - (len(tail) if stop is None else stop.start())


def _open_end(text: str, tables: _Tables) -> int:
    """Where the end of the text begins that may go on to be the mark of a token, or what stands before one."""
    size = at = len(text)
    for start in range(size - 1, max(-1, size - tables.longest_chars - 1), -1):
        tail = text[start:]
        if tail not in tables.tails:
            break
        if tail in tables.free_heads or (tail in tables.heads and _LEFT.match(text, start)):
            at = start
    edge = text[-_LEAD_CHARS:]
    if edge[-1:] not in _LEAD_SIGNS:
        return at
    lead = _LEAD.search(text, size - len(edge) + len(edge.rstrip(_LEAD_SIGNS)))
    return at if lead is None else min(at, lead.start())


_Match: TypeAlias = Callable[[str, int], "re.Match[str] | None"]


@dataclass(frozen=True, slots=True)
class _Tables:
    """What the rules look for."""

    keywords: Keywords
    heads: frozenset[str]
    """What a token's mark may begin with, the whole of it left out."""
    free_heads: frozenset[str]
    """Those of marks that may stand anywhere."""
    tails: frozenset[str]
    """What a head may end with."""
    longest_chars: int


@functools.cache
def _tables() -> _Tables:
    rules = all_rules()
    words = tuple(dict.fromkeys((keyword, not rule.context) for rule in rules for keyword in rule.keywords))
    marks = {keyword for keyword, is_exact in words if is_exact}
    free = {keyword for rule in rules if rule.left != LEFT or any(rule.offsets) for keyword in rule.keywords}
    heads, free_heads = _heads(marks - free), _heads(marks & free | {BEGIN})
    every = heads | free_heads
    tails = frozenset(head[start:] for head in every for start in range(len(head)))
    return _Tables(Keywords(words), heads, free_heads, tails, max(map(len, every)))


def _heads(marks: set[str]) -> frozenset[str]:
    return frozenset(mark[:chars] for mark in marks for chars in range(1, len(mark)))


@functools.cache
def _tries(number: int) -> Sequence[tuple[int, Rule, _Match | None, _Match, int]]:
    """The rules of a keyword with their patterns, compiled when a text first has it: most never do."""
    keyword, is_exact = _tables().keywords.words[number]
    return tuple(
        (rank, rule, None, rule.compiled.match, offset)
        if rule.opening is None
        else (rank, rule, rule.opened if rule.is_named else rule.opening.match, rule.closing.match, offset)
        for rank, rule in enumerate(all_rules())
        if keyword in rule.keywords and is_exact is not bool(rule.context)
        for offset in rule.offsets
    )
