import pytest
from traitlets import TraitError
from traitlets.config import Config

from nbkit.magics.extension import Extension
from nbkit.magics.traits import SettingRefused
from nbkit.session import current
from nbkit.setting import TABLE, Settings


def settings(notebook):
    return Extension.of(notebook)._settings


def test_a_value_set_by_config_is_in_force(notebook):
    notebook.run("%config NbKit.temperature = 0.3")
    assert current().config().settings.temperature == 0.3
    assert notebook.run("%config NbKit.temperature").result == 0.3
    assert notebook.run("%%llm\nhi").error is None
    assert notebook.user_ns["_llm"].request.temperature == 0.3


def test_a_trait_shows_what_is_in_force_wherever_it_comes_from(notebook):
    current().configure({"max_tokens": 77})
    assert notebook.run("%config NbKit.max_tokens").result == 77
    assert "Current: 77" in notebook.run("%config NbKit").text


@pytest.mark.parametrize("statement", ["temperature = 5", "temperature = 'hot'", "format = 'yaml'", "temprature = 0.5"])
def test_a_bad_value_fails_in_three_lines_changes_nothing_and_is_not_kept(notebook, statement):
    cell = notebook.run(f"%config NbKit.{statement}")
    assert cell.error is not None
    assert len(cell.traceback) == 3
    assert "  fix: " in cell.traceback[2]
    assert cell.text == ""
    assert "NbKit" not in notebook.config
    assert current().config().settings == current().config().settings.__class__(model="echo")
    for _ in range(3):
        cell = notebook.run("%reload_ext nbkit")
        assert (cell.error, cell.text) == (None, "")
    assert notebook.run("%%llm\nhi").error is None


@pytest.mark.parametrize("value", [0.3, 9])
def test_a_value_is_kept_by_the_session_alone(notebook, value):
    # Which of the shell's configurables were updated before ours depends on their names.
    said = Config({"NbKit": {"temperature": value}})
    notebook.config.merge(said)
    try:
        settings(notebook).update_config(said)
    except SettingRefused:
        assert value == 9
    assert "NbKit" not in notebook.config
    assert "NbKit" not in said


def test_a_later_setting_is_not_undone_by_a_reload(notebook):
    notebook.run("%config NbKit.temperature = 0.3")
    current().configure({"temperature": 0.9})
    notebook.run("%reload_ext nbkit")
    assert current().config().settings.temperature == 0.9


def test_none_goes_back_to_what_holds_without_it(notebook):
    notebook.run("%config NbKit.temperature = 0.3")
    notebook.run("%config NbKit.temperature = None")
    assert current().config().settings.temperature == Settings().temperature


def test_values_may_be_variables_of_the_notebook(notebook):
    notebook.run("mine = 0.7")
    notebook.run("%config NbKit.temperature = mine")
    assert current().config().settings.temperature == 0.7


def test_every_setting_is_a_trait_with_its_meaning(notebook):
    said = " ".join(notebook.run("%config NbKit").text.split())
    for setting in TABLE:
        assert f"NbKit.{setting.name}=" in said
        assert setting.doc in said
    assert "NbKit" in notebook.run("%config").text


def test_config_names_complete(notebook):
    assert notebook.Completer.magic_config_matches("%config NbKit.temp") == ["NbKit.temperature"]


def test_setting_the_attribute_is_checked_too(notebook):
    own = settings(notebook)
    own.temperature = 0.4
    assert own.temperature == 0.4
    with pytest.raises(TraitError, match="why: "):
        own.temperature = 9


def test_settings_of_others_still_work(notebook):
    assert notebook.run("%config InteractiveShell.cache_size = 500").error is None
    assert notebook.cache_size == 500


def test_the_traceback_of_a_refused_setting_is_kept(notebook):
    notebook.run("%config NbKit.temperature = 9")
    (said,) = notebook.run("%nbkit traceback").bundles("text/plain")
    assert "temperature cannot be 9" in said


@pytest.mark.parametrize("setting", [row for row in TABLE if "." in row.key], ids=lambda row: row.key)
def test_a_dotted_name_is_answered_with_the_name_of_its_trait(notebook, setting):
    cell = notebook.run(f"%config NbKit.{setting.key} = 1")
    assert isinstance(cell.error, SettingRefused)
    assert f"no setting named {setting.key!r} in %config" in cell.traceback[0]
    assert f"%config NbKit.{setting.name} = " in cell.traceback[2]
    assert "NbKit" not in notebook.config


def test_a_dotted_name_that_is_mistyped_is_answered_with_the_nearest(notebook):
    assert "'budget_session'" in notebook.run("%config NbKit.bugdet.session = 1").traceback[2]


def test_the_name_of_a_table_is_answered_with_all_that_is_in_it(notebook):
    assert "'budget_day' or 'budget_project'" in notebook.run("%config NbKit.budget = 1").traceback[2]


def test_the_name_that_is_answered_is_one_that_config_takes(notebook):
    failed = notebook.run("%config NbKit.links_allowed_hosts = ['example.org']")
    assert "use 'allowed_hosts'" in "".join(failed.traceback)
    assert notebook.run("%config NbKit.allowed_hosts = ['example.org']").error is None
