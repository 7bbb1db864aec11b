"""No verdict's reason repeats what is personal or secret."""

from __future__ import annotations

import re

import pytest

from nbkit.guards.grounded import GroundedGuard
from nbkit.guards.telling import told
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Message, Request

REQUEST = Request("echo", "echo", (Message("user", "?"),))
KEY = "gsk_" + "aB3dE5gH7j" * 5
TABLE = "| Name | SSN | Phone | Badge |\n|---|---|---|---|\n| Ada | 123-45-6789 | +49 30 1234567 | 4711 |\n"
SOURCES = [
    (TABLE, "Ada's phone is 4711."),
    (TABLE, "The SSN of Ada is 4711."),
    (TABLE, "Ada's SSN is 987-65-4321."),
    ("Ada Lovelace has the SSN 123-45-6789 since birth.", "Ada Lovelace has the SSN 321-54-9876 since birth."),
    ("Ada pays with card 4111 1111 1111 1111 each month.", "Ada pays with card 5500 0000 0000 0004 each month."),
    ("The server of Ada is 86.231.85.193 at home.", "The server of Ada is 86.231.85.194 at home."),
    (f"Ada's key is {KEY} as of 2024.", "Ada's key is 37 as of 2025."),
    ("Call Ada at (030) 555-0199 in the evening.", "Call Ada at (030) 555-0142 in the evening."),
]


@pytest.mark.parametrize(("source", "answer"), SOURCES)
def test_reason_repeats_no_part_of_it(source, answer):
    guard = GroundedGuard(GuardOptions(SecretRegistry())).about([source], question="")
    reason = guard.screen(answer, stage="output", request=REQUEST).verdict.reason
    told_of = set(re.findall(r"\d+", re.sub(r"\d+ of \d+ sentences?|passage \d+", "", reason)))
    assert told_of <= {"4711", "2024", "2025", "37"}


def test_numbers_of_no_one_are_told():
    assert told("30", "The fan needs 30 W.") == "30"
    assert told("twelve", "The warranty lasts twelve years.") == "twelve"
