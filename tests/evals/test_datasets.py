from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.errors import DocumentError
from nbkit.evals.cases import Case
from nbkit.evals.datasets import Dataset, dataset
from nbkit.evals.rows import NAMES

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
asked = text.filter(str.strip)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=4,
)
FIELDS = [name for names in NAMES.values() for name in names]


def is_kept(expected):
    """Whether it is what it seems, and not another way to say that there is none."""
    if isinstance(expected, list):
        return None not in expected
    return not (isinstance(expected, str) and not expected.strip())


columns = text.filter(lambda name: name.strip().lower() not in FIELDS)
cases = st.lists(
    st.builds(
        Case,
        id=asked,
        input=asked,
        expected=plain.filter(is_kept),
        contexts=st.lists(asked, max_size=3).map(tuple),
        metadata=st.dictionaries(columns, plain, max_size=3),
        cluster=st.none() | asked,
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda case: case.id,
).map(tuple)


def write(path, text):
    path.write_bytes(text.encode())
    return path


@settings(deadline=None)
@given(cases=cases)
def test_a_data_set_written_as_json_lines_is_read_as_the_same(tmp_path_factory, cases):
    made = Dataset("made", cases)
    read = dataset(write(tmp_path_factory.mktemp("set") / "made.jsonl", made.jsonl()))
    assert read == made
    assert read.sha256 == made.sha256


def test_half_a_surrogate_pair_survives(tmp_path):
    made = Dataset("made", (Case("\ud800", "\udfff a\u2028b", expected="\\ud800"),))
    assert dataset(write(tmp_path / "made.jsonl", made.jsonl())) == made


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(asked, text.filter(lambda one: one.lstrip()[:1] not in ("[", "{"))), min_size=1, max_size=5
    ),
    mark=st.sampled_from(",;\t|"),
)
def test_csv_with_quotes_marks_and_new_lines_is_read_as_written(tmp_path_factory, rows, mark):
    out = io.StringIO()
    csv.writer(out, delimiter=mark).writerows([["Question", "note"], *rows])
    read = dataset(write(tmp_path_factory.mktemp("set") / "made.csv", out.getvalue()))
    assert [(case.input, case.metadata["note"]) for case in read] == rows


@given(cases, st.randoms())
def test_the_hash_does_not_depend_on_the_order_of_rows(cases, rng):
    mixed = list(cases)
    rng.shuffle(mixed)
    assert Dataset("a", cases).sha256 == Dataset("b", tuple(mixed)).sha256


@given(
    st.lists(st.fixed_dictionaries({"input": st.sampled_from("abc"), "expected": plain}), min_size=1, max_size=6),
    st.randoms(),
)
def test_ids_of_their_own_stay_the_same_when_rows_change_places(rows, rng):
    order = list(range(len(rows)))
    rng.shuffle(order)
    first, second = dataset(rows), dataset([rows[at] for at in order])
    assert len({case.id for case in first}) == len(rows)
    assert {case.id: case for case in first} == {case.id: case for case in second}
    assert first.sha256 == second.sha256


@given(cases)
def test_the_hash_depends_on_all_that_a_case_says(cases):
    first, *rest = cases
    made = Dataset("a", cases).sha256
    changes = [
        {"input": first.input + "x"},
        {"expected": [first.expected]},
        {"contexts": (*first.contexts, "x")},
        {"metadata": {**first.metadata, "more": 1}},
        {"cluster": f"{first.cluster} x"},
        {"id": first.id + " x" * len(cases)},
    ]
    for change in changes:
        assert Dataset("a", (dataclasses.replace(first, **change), *rest)).sha256 != made


def test_hash_and_ids_are_the_same_in_another_process():
    code = (
        "from nbkit.evals.datasets import dataset\n"
        "read = dataset([{'input': 'é?', 'm': {'b': 1, 'a': 2}}])\n"
        "print(read.cases[0].id, read.sha256)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = dataset([{"input": "é?", "m": {"a": 2, "b": 1}}])
    assert ran.stdout.split() == [here.cases[0].id, here.sha256]


def test_an_id_stays_when_the_answer_is_put_right_and_changes_with_the_question():
    asked, mended = {"input": "When?", "expected": "May"}, {"input": "When?", "expected": "June", "lang": "en"}
    ids = [dataset([row]).cases[0].id for row in (asked, mended, {"input": "Why?"})]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("question", ["input", "question", "Query", " INPUT "])
@pytest.mark.parametrize("answer", ["expected", "answer", "Answers", "reference", "references"])
@pytest.mark.parametrize("context", ["context", "Contexts"])
def test_columns_go_by_several_names(question, answer, context):
    [case] = dataset([{question: "When?", answer: "May", context: "In May.", "lang": "en", "cluster": "a"}])
    assert (case.input, case.expected, case.contexts, case.metadata, case.cluster) == (
        "When?",
        "May",
        ("In May.",),
        {"lang": "en"},
        "a",
    )


def test_of_two_columns_for_one_field_the_other_is_metadata():
    [case] = dataset([{"input": "When?", "question": "q", "expected": "May", "answer": "June", "id": 7}])
    assert (case.id, case.input, case.expected, case.metadata) == (
        "7",
        "When?",
        "May",
        {"question": "q", "answer": "June"},
    )


def test_a_frame_is_read_with_its_own_kinds_of_nothing_and_number():
    frame = pd.DataFrame({
        "id": [1, 2, 3],
        "question": ["a", "b", "c"],
        "answer": [30, None, np.int64(4)],
        "contexts": [["x", "y"], None, np.array(["z"])],
        "at": [pd.Timestamp("2026-01-02"), pd.NaT, pd.NA],
        "share": [0.5, float("nan"), 1.25],
        7: [True, False, None],
    })  # fmt: skip
    first, second, third = dataset(frame)
    assert (first.id, first.expected, first.contexts) == ("1", 30, ("x", "y"))
    assert type(first.expected) is int
    assert (second.expected, second.contexts, second.metadata) == (None, (), {"at": None, "share": None, "7": False})
    assert (third.contexts, third.metadata["share"]) == (("z",), 1.25)
    assert first.metadata["at"] == "2026-01-02T00:00:00"


def test_files_of_all_kinds_with_the_same_rows_have_the_same_cases(tmp_path):
    rows = [{"question": 'What, "now"?\nWhen?', "answers": ["May", "5 | 6"]}, {"question": "Who?", "answers": []}]
    out = io.StringIO()
    csv.writer(out).writerows(
        [["question", "answers"], *([row["question"], json.dumps(row["answers"])] for row in rows)]
    )
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    table = "Some words.\n\n| question | answers |\n| --- | :-: |\n" + "".join(
        f"| {row['question']} | {json.dumps(row['answers'])} |\n".replace("5 | 6", "5 \\| 6").replace("?\n", "?<br>")
        for row in rows
    )
    sources = [
        rows,
        pd.DataFrame(rows),
        table,
        tmp_path / "a.parquet",
        write(tmp_path / "a.csv", "\ufeff" + out.getvalue()),
        write(tmp_path / "a.jsonl", "\n\n".join(map(json.dumps, rows))),
        write(tmp_path / "a.json", json.dumps(rows, indent=1)),
        write(tmp_path / "b.json", json.dumps({"data": rows})),
        write(tmp_path / "a.md", table),
        str(tmp_path / "a.md"),
    ]
    hashes = {str(source)[:40]: dataset(source).sha256 for source in sources}
    assert len({*hashes.values()}) == 1, hashes
    assert [case.is_answerable for case in dataset(rows)] == [True, False]


def test_an_empty_cell_says_that_nobody_knows(tmp_path):
    read = dataset(write(tmp_path / "a.csv", "question,answer,context,lang\nWhen?,,,\n"))
    assert (read.cases[0].expected, read.cases[0].contexts, read.cases[0].metadata) == (None, (), {"lang": ""})


@pytest.mark.parametrize(
    ("given", "kept"), [("", None), (" ", None), (None, None), ([None], []), (["", None], [""]), (0, 0)]
)
def test_what_says_nothing_is_no_answer(given, kept):
    assert dataset([{"input": "When?", "expected": given}]).cases[0].expected == kept


def test_a_data_set_is_drawn_in_one_line():
    made = dataset([{"input": "When?"}], name="one")
    assert repr(made) == f"Dataset('one', 1 case, sha256 {made.sha256[:8]}…)"


def test_a_column_without_a_name_is_left_out(tmp_path):
    pd.DataFrame({"input": ["When?"]}).to_csv(tmp_path / "a.csv")
    assert dataset(tmp_path / "a.csv").cases[0].metadata == {}


def test_a_question_that_looks_like_json_stays_a_text(tmp_path):
    read = dataset(write(tmp_path / "a.csv", 'input,source\n"[1, 2]","[""a.md"", ""b.md""]"\n'))
    assert (read.cases[0].input, read.cases[0].metadata) == ("[1, 2]", {"source": ["a.md", "b.md"]})


def test_squad_as_a_table_has_its_answers():
    rows = [
        {"id": "1", "question": "When?", "answers": {"text": ["May"], "answer_start": [3]}},
        {"id": "2", "question": "Who?", "answers": {"text": [], "answer_start": []}},
    ]
    assert [case.expected for case in dataset(rows)] == [["May"], []]


def squad():
    first = {"context": "It rains in May.", "qas": [answered("1", "May", "in May", "May"), {}]}
    first["qas"][1] = {"id": "2", "question": "Who?", "is_impossible": True, "plausible_answers": [{"text": "It"}]}
    second = {"context": "It snows.", "qas": [answered("3", "snows")]}
    return {"version": "v2.0", "data": [{"title": "Rain", "paragraphs": [first, second]}]}


def answered(name, *answers):
    found = [{"text": answer, "answer_start": 0} for answer in answers]
    return {"id": name, "question": "When?", "answers": found}


def test_squad_is_read_with_its_unanswerable_questions_and_paragraphs(tmp_path):
    read = dataset(write(tmp_path / "dev-v2.0.json", json.dumps(squad())))
    assert read.name == "dev-v2.0"
    assert [(case.id, case.expected, case.cluster) for case in read] == [
        ("1", ["May", "in May"], "Rain#0"),
        ("2", [], "Rain#0"),
        ("3", ["snows"], "Rain#1"),
    ]
    assert read.cases[0].contexts == ("It rains in May.",)
    assert read.cases[0].metadata == {"title": "Rain"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[0].pop("paragraphs"), None),
        (lambda data: data[0]["paragraphs"][0]["qas"][1].pop("question"), "data[0].paragraphs[0].qas[1]"),
        (lambda data: data[0]["paragraphs"][0].pop("context"), "data[0].paragraphs[0]"),
        (lambda data: data[0]["paragraphs"][0]["qas"][0]["answers"].append("May"), "qas[0].answers[3]"),
        (lambda data: data[0]["paragraphs"][1]["qas"][0].update(id="1"), "data[0].paragraphs[1].qas[0]"),
    ],
)
def test_a_fault_in_squad_is_named_by_its_place(tmp_path, change, said):
    data = squad()
    change(data["data"])
    with pytest.raises(DocumentError) as raised:
        dataset(write(tmp_path / "dev.json", json.dumps(data)))
    assert (said or "dev.json") in raised.value.what


def beir(folder):
    documents = [{"_id": "d1", "title": "Rain", "text": "It rains."}, {"_id": "d2", "text": "It snows."}]
    queries = [
        {"_id": "q1", "text": "weather?", "answers": ["rain", "rain"]},
        {"_id": "q2", "text": "snow?"},
        {"_id": "q3", "text": "no?"},
    ]
    write(folder / "corpus.jsonl", "\n".join(map(json.dumps, documents)))
    write(folder / "queries.jsonl", "\n".join(map(json.dumps, queries)))
    write(folder / "qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t1\nq2\td1\t1\nq2\tgone\t1\n")
    return folder


def test_a_beir_folder_is_its_judged_questions(tmp_path):
    read = dataset(beir(tmp_path))
    assert read.name == tmp_path.name
    assert read.cases == (
        Case("q1", "weather?", ["rain"], ("It rains.",), {"source": {"d1": 2, "d2": 0}}, "d1"),
        Case("q2", "snow?", None, ("It snows.", "It rains."), {"source": {"d2": 1, "d1": 1, "gone": 1}}, None),
    )


@pytest.mark.data
@pytest.mark.parametrize(("name", "count"), [("xquad-en", 1190), ("cranfield", 225), ("cisi", 76)])
def test_collections_of_others_are_read(name, count):
    read = dataset(Path(os.environ["NBKIT_BENCH_DATA"], name))
    assert len(read) == len({case.id for case in read}) == count
    assert all(case.contexts for case in read)
    if name == "xquad-en":
        assert all(case.expected and case.cluster for case in read)
        assert len({case.cluster for case in read}) == 240


@pytest.mark.parametrize(
    ("name", "content", "what", "why"),
    [
        ("a.csv", "question,answer\nWhen?,May\nWho?\n", "a.csv, line 3", "it has 1 cell, and there are 2 columns"),
        ("a.csv", 'question,answer\n"a\nb",May\nWho?,x,y\n', "a.csv, line 4", "it has 3 cells"),
        ("a.csv", "question,answer\n ,May\n", "a.csv, line 2, column 'question'", "it is empty"),
        ("a.csv", "id,question\n1,a\n2,b\n1,c\n", "a.csv, line 4, column 'id'", "also the id of a.csv, line 2"),
        ("a.csv", "id,question\n,a\n", "a.csv, line 2, column 'id'", "it is empty"),
        ("a.csv", "text,answer\na,b\n", "a.csv has no column of questions", "'text', 'answer'"),
        ("a.csv", "question,answer,answer\na,b,c\n", "a.csv, line 1", "two columns are named 'answer'"),
        ("a.csv", 'question\n"When"x\n', "a.csv, line 2", "expected after"),
        ("a.csv", "question\n", "a.csv has no cases", ""),
        ("a.csv", "", "a.csv has no cases", ""),
        ("a.tsv", "question\tanswer\nWhen?\n", "a.tsv, line 2", "1 cell"),
        ("a.jsonl", '{"input": "a"}\n\n{"input": }\n', "a.jsonl, line 3, column 11", "it is not JSON"),
        ("a.jsonl", '{"input": "a"}\n["b"]\n', "a.jsonl, line 2", "it is a list, not an object"),
        ("a.jsonl", '{"input": "a"}\n{"other": "b"}\n', "a.jsonl, line 2, column 'input'", "it is empty"),
        ("a.jsonl", '{"input": ["a"]}\n', "a.jsonl, line 1, column 'input'", "it is a list, not a question"),
        ("a.jsonl", '{"input": "a", "contexts": [1]}\n', "a.jsonl, line 1, column 'contexts'", "it holds a int"),
        ("a.jsonl", '{"input": "a", "expected": Infinity}\n', "a.jsonl, line 1, column 'expected'", "inf is no number"),
        ("a.jsonl", '{"input": "a", "id": [1]}\n', "a.jsonl, line 1, column 'id'", "it is a list"),
        ("a.jsonl", "[" * 100_000, "a.jsonl, line 1", "it is not JSON"),
        ("a.json", '[{"input": "a"},\n {"input" "b"}]', "a.json, line 2, column 11", "it is not JSON"),
        ("a.json", '{"input": "a"}', "a.json has no cases", "no list of objects"),
        ("a.json", '[{"input": "a"}, 3]', "a.json, item 2", "it is a int"),
        ("a.parquet", "no parquet", "a.parquet cannot be read", ""),
        ("a.md", "no table", "a.md has no table", ""),
        ("a.md", "| question | b |\n|---|---|\n| a | b | c |\n", "a.md, line 3", "it has 3 cells"),
        ("a.xyz", "", "is no data set", "none of the endings"),
    ],
)
def test_what_cannot_be_used_is_named_by_file_line_and_column(tmp_path, name, content, what, why):
    with pytest.raises(DocumentError) as raised:
        dataset(write(tmp_path / name, content))
    assert what in raised.value.what
    assert why in raised.value.why
    assert str(raised.value).count("\n") == 2


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"question\nWhen\xff?\n")
    with pytest.raises(DocumentError, match="byte 13 is not UTF-8"):
        dataset(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "source",
    [3, None, "nowhere.csv", "nowhere", "x" * 5000, "a\0b", "no\ntable", [], [3], b"", {"input": "a"}, pd.DataFrame()],
)
def test_what_is_no_data_set_is_three_lines(source):
    with pytest.raises(DocumentError) as raised:
        dataset(source)
    assert str(raised.value).count("\n") == 2
    assert len(raised.value.what) < 300


def test_cases_are_taken_as_they_are_if_no_two_have_one_id():
    made = [Case("a", "Hi?"), Case("b", "Why?")]
    assert dataset(made, name="mine") == Dataset("mine", tuple(made))
    assert dataset(dataset(made), name="other").name == "other"
    with pytest.raises(DocumentError, match="the id 'a'"):
        dataset([*made, Case("a", "Who?")])


def test_a_part_of_a_data_set_has_a_hash_of_its_own():
    whole = dataset([{"input": letter} for letter in "abc"])
    assert [case.input for case in whole.first(2)] == ["a", "b"]
    assert whole.first(2).sha256 not in (whole.sha256, whole.first(1).sha256)
    assert whole.first(9) == whole


def test_many_rows_are_read_in_little_more_than_their_number():
    rng = random.Random(1)
    rows = [{"input": f"question {rng.random()}", "expected": "x"} for _ in range(20_000)]
    assert len({case.id for case in dataset(rows)}) == 20_000


def test_a_list_that_a_frame_has_as_text_is_one_as_in_the_file_that_it_comes_from(tmp_path):
    pd = pytest.importorskip("pandas")
    path = tmp_path / "q.csv"
    path.write_text('id,question,answer\na,Who?,[]\nb,When?,"[""9"", ""nine""]"\nc,Where?,here\n')
    assert [one.expected for one in dataset(pd.read_csv(path))] == [[], ["9", "nine"], "here"]
    assert dataset(pd.read_csv(path)).sha256 == dataset(path).sha256
