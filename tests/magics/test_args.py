import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import BadSetting, ConfigError, UnknownSetting
from nbkit.magics.args import help_text, parse, parse_line
from nbkit.magics.options import OPTIONS
from nbkit.setting import TABLE


def test_every_option_arrives_checked_and_by_its_settings_name():
    options = parse(
        '-m echo -o answer -s "be terse" -t 0.5 --max-tokens 20 --seed 7 --stop a --stop "b c" -n 3 -f json '
        "--thread t --cache off --ttl 7d --raw --file p.txt --show-prompt --no-stream --quiet --tag x --timeout 30s"
    )
    assert options.explicit == {
        "model": "echo",
        "system": "be terse",
        "temperature": 0.5,
        "max_tokens": 20,
        "seed": 7,
        "stop": ("a", "b c"),
        "samples": 3,
        "format": "json",
        "cache": "off",
        "ttl": 604800.0,
        "stream": False,
        "quiet": True,
        "tag": "x",
        "timeout": 30.0,
    }
    assert (options.out, options.thread, options.file) == ("answer", "t", "p.txt")
    assert options.is_raw
    assert options.shows_prompt


def test_nothing_given_sets_nothing():
    options = parse("")
    assert options.explicit == {}
    assert options.params == {}
    assert not options.is_raw


@pytest.mark.parametrize(
    ("line", "system"),
    [
        ('-s "be terse"', "be terse"),
        ("-s 'be terse'", "be terse"),
        ("""-s "it's terse\"""", "it's terse"),
        ("--system='a b'", "a b"),
        (r'-s "say \"hi\""', 'say "hi"'),
        ("-s -5", "-5"),
        ("--system=-x", "-x"),
        ('-s "{{ x }} {y} $z"', "{{ x }} {y} $z"),
        ("-s #tag", "#tag"),
    ],
)
def test_quotes_are_taken_off_as_in_a_shell(line, system):
    assert parse(line).explicit == {"system": system}


@pytest.mark.parametrize("line", ["-s it's terse", '-s "open', "-s 'open", "-s \\"])
def test_an_open_quotation_is_said_in_three_lines(line):
    with pytest.raises(BadSetting, match="left open") as caught:
        parse(line)
    assert len(str(caught.value).split("\n")) == 3
    assert "double quotes" in caught.value.fix


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("--temprature 3", "--temperature"),
        ("--temp 3", "--temperature"),
        ("--max 3", "--max-tokens"),
        ("--modle=x", "--model"),
        ("--nostream", "--no-stream"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest(line, near):
    with pytest.raises(UnknownSetting) as caught:
        parse(line)
    assert f"use {near};" in caught.value.fix
    assert len(str(caught.value).split("\n")) == 3


@pytest.mark.parametrize(
    "line",
    ["-t hot", "-t 3", "-n 0", "-n 1.5", "--max-tokens 0", "-f yaml", "--cache maybe", "--ttl soon", "--timeout -3"],
)
def test_a_value_that_does_not_fit_is_refused_by_the_settings_rule(line):
    with pytest.raises(BadSetting) as caught:
        parse(line)
    assert len(str(caught.value).split("\n")) == 3


@pytest.mark.parametrize("line", ["-t", "-m", "--stop", '-s "-terse"', "-o 1x", "-o class", "-o a.b", "-p x", "-p =1"])
def test_an_incomplete_option_is_refused(line):
    with pytest.raises(BadSetting):
        parse(line)


def test_text_on_the_cells_line_is_refused():
    with pytest.raises(BadSetting, match="text after the options") as caught:
        parse("-t 0 tell me a secret")
    assert "tell" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "params"),
    [
        ("-p top_p=0.9", {"top_p": 0.9}),
        ("-p a=1 -p b=true -p c=null", {"a": 1, "b": True, "c": None}),
        ("-p 'logit_bias={\"5\": -1}'", {"logit_bias": {"5": -1}}),
        ("-p user=ann", {"user": "ann"}),
        ("-p a=", {"a": ""}),
        ("-p a=b=c", {"a": "b=c"}),
        ("-p a=NaN", {"a": "NaN"}),
        ("-p a=1 -p a=2", {"a": 2}),
    ],
)
def test_parameters_are_json_or_text(line, params):
    assert parse(line).params == params


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("what is RAG?", "what is RAG?"),
        ('it\'s {this} and $that "quoted"', 'it\'s {this} and $that "quoted"'),
        ("-t 0 what's up", "what's up"),
        ("--raw  two  spaces ", "two  spaces "),
        ("-- --dashes first", "--dashes first"),
        ("-s 'be terse' -n 2 go", "go"),
        ("--system=x go", "go"),
        ("-t0.5 go", "go"),
        ("- a list", "- a list"),
        ("", ""),
        ("-m echo", ""),
        ('"quoted" -t 5', '"quoted" -t 5'),
    ],
)
def test_the_prompt_of_a_line_is_kept_as_typed(line, prompt):
    assert parse_line(line)[1] == prompt


def test_a_lines_options_are_read_up_to_the_prompt():
    assert parse_line("-t 0.5 --stop x -n 2 go -n 3")[0].explicit == {
        "temperature": 0.5,
        "stop": ("x",),
        "samples": 2,
    }


def test_an_unknown_option_of_a_line_is_no_prompt():
    with pytest.raises(UnknownSetting):
        parse_line("--temprature 3 hello")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1))
def test_any_prompt_after_two_dashes_is_kept(prompt):
    assert parse_line(f"-t 0 -- {prompt}")[1] == prompt


@given(st.text())
def test_any_line_parses_or_is_an_error_on_purpose(line):
    for read in (parse, parse_line):
        try:
            read(line)
        except ConfigError as error:
            assert len(str(error).split("\n")) >= 3  # noqa: PT017 - both ways out are right


def test_the_help_says_every_option_with_its_settings_meaning():
    words = " ".join(help_text().split())
    for option in OPTIONS:
        assert all(flag in words for flag in option.flags)
        assert option.help in words


def test_options_of_settings_say_what_the_setting_says():
    docs = {setting.name: setting.doc for setting in TABLE}
    assert all(option.help == docs[option.name] for option in OPTIONS if option.name in set(docs) - {"stream"})
