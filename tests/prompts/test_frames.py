import pytest

from nbkit.prompts.frames import value_text
from nbkit.prompts.template import expand

pandas = pytest.importorskip("pandas")


def test_a_frame_becomes_schema_and_head():
    frame = pandas.DataFrame({"city": ["Bonn", "Oslo"], "n": [1, 2]})
    text = expand("{{ frame }}", {"frame": frame})
    assert text.startswith("DataFrame: 2 rows x 2 columns\n- city: ")
    assert "- n: int64" in text
    assert text.endswith("All rows:\ncity,n\nBonn,1\nOslo,2")


def test_a_long_frame_shows_its_first_rows():
    text = value_text(pandas.DataFrame({"n": range(5000)}))
    assert "First 10 of 5,000 rows:\nn\n0\n" in text
    assert text.endswith("\n9")


@pytest.mark.parametrize(
    "frame",
    [
        pandas.DataFrame({f"column_{i}": [1.0] for i in range(3000)}),
        pandas.DataFrame({"text": ["x" * 100_000] * 50}),
        pandas.DataFrame(),
        pandas.Series(["y" * 9000] * 20, name="s"),
    ],
)
def test_a_table_keeps_within_its_tokens(frame):
    assert len(value_text(frame, max_tokens=500)) <= 500 * 4


def test_columns_left_out_are_counted():
    text = value_text(pandas.DataFrame({f"c{i:04}": [1] for i in range(3000)}))
    assert "more columns" in text


def test_a_series_names_itself():
    text = value_text(pandas.Series([1.5, 2.5], name="price"))
    assert text == "Series 'price': 2 values, float64\nAll rows:\n1.5\n2.5"


def test_a_table_of_another_package_is_known_by_its_shape():
    class Table:
        shape = (1, 1)
        columns = ("a",)
        dtypes = ("Int64",)

        def head(self, n: int) -> "Table":
            return self

        def write_csv(self) -> str:
            return "a\n1\n"

    assert value_text(Table()) == "DataFrame: 1 rows x 1 columns\n- a: Int64\nAll rows:\na\n1"


@pytest.mark.parametrize("value", [None, 1, [1, 2], {"a": 1}, "text", 1.5, pandas.DataFrame])
def test_other_values_are_as_str_gives_them(value):
    assert value_text(value) == str(value)


def test_an_object_that_invents_attributes_is_not_a_table():
    class Anything:
        def __getattr__(self, name: str) -> object:
            return self

        def __str__(self) -> str:
            return "anything"

    assert value_text(Anything()) == "anything"
