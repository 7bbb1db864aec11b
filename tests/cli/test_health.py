from __future__ import annotations

import json

import pytest

from nbkit.cli import main
from nbkit.cli.health import lines
from nbkit.doctor import Check
from nbkit.magics.status import doctor_table


@pytest.fixture
def damaged(nbkit_home):
    nbkit_home.mkdir(mode=0o700)
    (nbkit_home / "records.sqlite").write_bytes(b"not a database" * 100)


def test_a_fresh_installation_is_in_order(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "FAIL" not in said
    assert said.splitlines()[-1].endswith("0 failed")


def test_damage_ends_with_1_and_says_what_to_do(damaged, capsys):
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out.splitlines()
    at = next(index for index, line in enumerate(said) if line.startswith("FAIL  records"))
    assert said[at + 1].strip().startswith("fix: ")


def test_json_says_the_same(damaged, capsys):
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["healthy"] is False
    assert {one["name"]: one["status"] for one in found["checks"]}["records"] == "fail"
    assert all(set(one) == {"name", "status", "what", "fix"} for one in found["checks"])


def test_a_key_is_named_and_never_shown(monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-this-is-the-secret-value")
    monkeypatch.setenv("NBKIT_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("NBKIT_MODEL", "openai:gpt-x")
    monkeypatch.setenv(
        "NBKIT_ALIASES", json.dumps({"mine": {"model": "ollama:x", "base_url": "http://u:p@127.0.0.1:9"}})
    )
    main(["doctor", "--json"])
    said = capsys.readouterr().out
    assert "OPENAI_API_KEY" in said
    assert "sk-this-is-the-secret-value" not in said
    assert "u:p@" not in said


def test_what_is_not_installed_and_need_not_be_is_not_ok():
    found = [Check("Python", "ok", "3.12"), Check("extra [ocr]", "absent", "not installed", "pip install nbkit[ocr]")]
    assert lines(found).splitlines() == [
        "ok    Python       3.12",
        "-     extra [ocr]  not installed",
        "                   fix: pip install nbkit[ocr]",
        "1 of 1 in order, 1 optional not installed, 0 to look at, 0 failed",
    ]
    (_, row) = doctor_table(found).rows
    assert row[1] == "- optional"
