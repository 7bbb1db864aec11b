"""Named prompts: what makes a version, and what a name stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import PromptError
from nbkit.prompts.versions import PromptVersions, Version, version_of
from nbkit.setting import Settings


@pytest.fixture
def kept(tmp_path):
    versions = PromptVersions(tmp_path)
    yield versions
    versions.close()


def test_the_same_text_and_parameters_are_one_version_and_another_parameter_is_another(kept):
    for settings in (Settings(), Settings(), Settings(temperature=0.7), Settings(system="Be brief.")):
        kept.keep(version_of("greet", "Say hi.", settings))
    assert len(kept.of("greet")) == 3


def test_another_model_is_the_same_version():
    one, other = (version_of("greet", "Say hi.", Settings(model=model)) for model in ("a:b", "c:d"))
    assert one.sha256 == other.sha256


def test_a_name_stands_for_what_was_used_last_also_when_that_is_an_old_one(kept):
    first, second = Version("greet", "Say hi."), Version("greet", "Say hello.")
    for one in (first, second, first):
        kept.keep(one)
    assert kept.newest("greet").body == "Say hi."
    assert [one.body for one in kept.of("greet")] == ["Say hi.", "Say hello."]


def test_a_version_is_found_by_the_beginning_of_its_hash(kept):
    one = Version("greet", "Say hi.")
    kept.keep(one)
    assert kept.find("greet", one.sha256[:8]).body == "Say hi."
    for wrong in ("", "abc", "zzzzzzzz"):
        with pytest.raises(PromptError, match="is no version"):
            kept.find("greet", wrong)


def test_a_prompt_that_is_not_there_is_refused_with_the_nearest(kept):
    with pytest.raises(PromptError, match="prompts there are: none"):
        kept.newest("greet")
    kept.keep(Version("greet", "Say hi."))
    with pytest.raises(PromptError, match="use 'greet'"):
        kept.of("gret")


_ANY = st.text(st.characters(exclude_categories=()))


@given(_ANY, _ANY, st.dictionaries(_ANY, st.integers() | _ANY | st.none()))
def test_a_version_reads_back_as_it_was_kept(tmp_path_factory, body, system, parameters):
    kept = PromptVersions(tmp_path_factory.mktemp("prompts"))
    one = Version("greet", body, system, parameters)
    kept.keep(one)
    found = kept.newest("greet")
    assert (found.body, found.system, found.parameters) == (body, system, parameters)
    assert found.sha256 == one.sha256
    kept.close()
