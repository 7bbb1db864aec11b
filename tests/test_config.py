from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.config import check
from nbkit.errors import BadSetting, ConfigError
from nbkit.session.layers import environment_layers, file_layers
from nbkit.setting import TABLE

ODD = st.one_of(
    st.sampled_from(
        ["none", "NEVER", "", "nan", "inf", "1e400", "1w", "99999999999w", "~nobody-here/x", "\0", "\ud800"]
    ),
    st.sampled_from(["[" * 100_000, "9" * 400, "9" * 5000, 10**400, 1e300, float("nan"), float("inf"), b"x"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    st.lists(st.none() | st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


@given(st.sampled_from(TABLE), ODD)
def test_value_is_taken_or_refused_in_three_short_lines(setting, value):
    said = ""
    try:
        found = check(setting.name, value, origin="cell")
    except ConfigError as error:
        said = str(error)
    assert said or found is not None or setting.default is None
    assert said.count("\n") in (0, 2)
    assert len(said) < 600


@pytest.mark.parametrize("name", ["timeout", "samples", "max_tokens", "local_context_tokens"])
@pytest.mark.parametrize("value", ["none", "", "never"])
def test_setting_that_needs_a_value_refuses_none(name, value):
    with pytest.raises(BadSetting) as raised:
        check(name, value, origin="cell")
    assert "a value is needed" in raised.value.why
    assert "default" in raised.value.fix


@pytest.mark.parametrize("name", ["ttl", "seed", "local_threads", "records_jsonl"])
def test_setting_that_can_be_none_takes_none(name):
    assert check(name, "" if name == "records_jsonl" else "none", origin="cell") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("timeout", "6000w"), ("max_tokens", 1 << 31), ("seed", 1 << 63), ("cache_answers_bytes", 1 << 60)],
)
def test_number_that_clocks_models_or_databases_cannot_take_is_refused(name, value):
    with pytest.raises(BadSetting):
        check(name, value, origin="cell")


def test_variable_that_is_none_where_a_value_is_needed_is_named():
    with pytest.raises(BadSetting) as raised:
        environment_layers({"NBKIT_TIMEOUT": "none"})
    assert "NBKIT_TIMEOUT" in raised.value.why


def test_home_below_a_file_is_said_to_be_that(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BadSetting) as raised:
        file_layers(tmp_path, file / "home")
    assert "NBKIT_HOME" in raised.value.fix
    assert "mend" not in raised.value.fix


@pytest.mark.parametrize("content", [b"model = ", b'model = "\xff"', b"a = " + b"[" * 5000])
def test_file_of_settings_that_is_no_toml_is_named(content, tmp_path):
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(BadSetting) as raised:
        file_layers(tmp_path, tmp_path)
    assert "config.toml" in raised.value.what
    assert "mend the file" in raised.value.fix


@pytest.mark.parametrize("value", ["localhost:4318", "ftp://x.example", "http://", "http://["])
def test_a_receiver_is_an_address_of_the_web(value):
    with pytest.raises(BadSetting, match="http://localhost:4318"):
        check("records.otlp", value, origin="cell")
