from __future__ import annotations

import contextlib
import operator
import sqlite3
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.errors import BadSetting
from nbkit.search.filters import COLUMNS, condition

ROWS = [
    {"path": "docs/A.md", "title": "O'Brien", "heading": "Care", "suffix": ".md", "added": "2026-01-01", "page": None},
    {"path": "docs/b.pdf", "title": "", "heading": "Care > Oil", "suffix": ".pdf", "added": "2026-02-01", "page": 1},
    {"path": "b.pdf", "title": '"x"', "heading": "", "suffix": ".pdf", "added": "2025-12-31", "page": 12},
    {"path": "%_?", "title": "or", "heading": "and", "suffix": "", "added": "", "page": 10},
]
OPERATORS: dict[str, Callable[[object, object], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def matches(text: str) -> list[int]:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE document (id, source, title, suffix, added)")
    database.execute("CREATE TABLE chunk (id, headings, page)")
    for number, row in enumerate(ROWS):
        values = number, row["path"], row["title"], row["suffix"], row["added"]
        database.execute("INSERT INTO document VALUES (?, ?, ?, ?, ?)", values)
        headings = row["heading"].replace(" > ", "\n")
        database.execute("INSERT INTO chunk VALUES (?, ?, ?)", (number, headings, row["page"]))
    read = condition(text)
    read.prepare(database)
    sql = f"SELECT id FROM document JOIN chunk USING (id) WHERE {read.sql} ORDER BY id"
    found = [number for (number,) in database.execute(sql, read.values)]
    database.close()
    return found


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Callable[[dict[str, object]], bool]]:
    """A filter, and what it means in Python."""
    kind = draw(st.sampled_from(["compare", "contains", "in", "not", "and", "or"] if depth else ["compare", "in"]))
    if kind == "not":
        text, test = draw(conditions(depth=depth - 1))
        return f"not ({text})", lambda row: not test(row)
    if kind in ("and", "or"):
        (left, first), (right, second) = draw(conditions(depth=depth - 1)), draw(conditions(depth=depth - 1))
        text = f"({left}) {draw(st.sampled_from([kind, kind.upper()]))} ({right})"
        if kind == "and":
            return text, lambda row: first(row) and second(row)
        return text, lambda row: first(row) or second(row)
    name = draw(st.sampled_from([name for name in COLUMNS if kind != "contains" or name != "page"]))
    values = st.sampled_from([row[name] for row in ROWS if row[name] is not None])
    if kind == "contains":
        whole = str(draw(values))
        part = whole[draw(st.integers(0, len(whole))) :]
        return f"{name} ~ {quoted(part.upper())}", lambda row: part.lower() in str(row[name]).lower()
    if kind == "in":
        chosen = draw(st.lists(values, min_size=1, max_size=3))
        listed = ", ".join(str(value) if name == "page" else quoted(str(value)) for value in chosen)
        return f"{name} in ({listed})", lambda row: row[name] in chosen
    sign, value = draw(st.sampled_from(sorted(OPERATORS))), draw(values)
    text = f"{name}{sign}{value}" if name == "page" else f"{name} {sign} {quoted(str(value))}"
    return text, lambda row: row[name] is not None and OPERATORS[sign](row[name], value)


@settings(max_examples=150, deadline=None)
@given(conditions())
def test_a_filter_finds_what_its_meaning_in_python_finds(
    drawn: tuple[str, Callable[[dict[str, object]], bool]],
):
    text, test = drawn
    assert matches(text) == [number for number, row in enumerate(ROWS) if test(row)]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="path title<>=!~()'\"10,and or not in;-\\x\n", max_size=40) | st.text(max_size=20))
def test_any_text_is_a_filter_or_is_refused(text: str):
    # Whatever else is raised, by SQLite or by Python, fails.
    with contextlib.suppress(BadSetting):
        matches(text)


def test_and_binds_closer_than_or():
    assert matches("page = 12 or page = 1 and suffix = '.md'") == [2]
    assert matches("(page = 12 or page = 1) and suffix = '.pdf'") == [1, 2]
    assert matches("not page = 12 and suffix = '.pdf'") == [1]


def test_what_is_not_known_meets_no_condition():
    assert matches("page < 100") == [1, 2, 3]
    assert matches("not page < 100") == [0]


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("", 1, "a name is expected"),
        ("pth = 'x'", 1, "such as path"),
        ("path === 'x'", 8, "text in quotes"),
        ("path ~ docs", 8, "text in quotes"),
        ("page = 'x'", 8, "with a number"),
        ("page ~ 1", 8, "contains nothing"),
        ("path", 5, "an operator is expected"),
        ("path = 'x' page = 1", 12, "`and`, `or` or the end"),
        ("(path = 'x'", 12, "`)` is expected"),
        ("path in 'x'", 9, "`(` is expected"),
        ("page < 10; drop table chunk", 10, "no name, value or operator"),
        ("path = 'x", 8, "no name, value or operator"),
        ("(" * 60 + "page = 1" + ")" * 60, 52, "50 deep"),
    ],
)
def test_an_error_points_to_the_column(text: str, column: int, why: str):
    with pytest.raises(BadSetting) as caught:
        condition(text)
    assert f"at column {column}" in caught.value.what
    assert why in caught.value.why


def test_values_never_become_sql():
    read = condition("path = 'x'' OR 1=1 --' and title = \"a\"\"b\"")
    assert read.values == ("x' OR 1=1 --", 'a"b')
    assert "1=1" not in read.sql


@pytest.mark.parametrize("text", ["title ~ 'überblick'", "title ~ 'ÜBERBLICK'", "title ~ 'U\u0308berblick'"])
def test_upper_and_lower_case_are_alike_in_every_alphabet(monkeypatch, text: str):
    monkeypatch.setitem(ROWS[0], "title", "Der U\u0308BERBLICK")
    assert matches(text) == [0]


@pytest.mark.parametrize("text", ["path = 'é.md'", "path = 'e\u0301.md'", "path in ('x', 'é.md')"])
@pytest.mark.parametrize("written", ["é.md", "e\u0301.md"])
def test_letters_and_their_accents_are_one_letter(monkeypatch, text: str, written: str):
    monkeypatch.setitem(ROWS[0], "path", written)
    assert matches(text) == [0]
    assert 0 not in matches(text.replace("=", "!=").replace("path in", "not path in"))
