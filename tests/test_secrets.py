"""The forms in which ordinary tools write a secret, and where each sink finds it."""

from __future__ import annotations

import base64
import html
import json
import textwrap
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards.markdown import MarkdownGuard
from nbkit.pipeline.recording import without_secrets
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.testing.factories import record, request

KEY = "sk-proj-7Qx/Zk+2mVr9-canary-Lw4Tb8Yc1NsE6Hd0Jf5Gp3Ua"
LONG = "sk-ant-api03-" + "canaryB7dK2xM9qR4tV6wZ1" * 5
PASSWORD = "pa\"ss'w&o<r\\d/x y+z=Ü1"
VALUES = {"key": KEY, "long": LONG, "password": PASSWORD}


def percent_lowered(text: str) -> str:
    first, *rest = text.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def units(value: str) -> list[int]:
    wide = value.encode("utf-16-be")
    return [int.from_bytes(wide[at : at + 2]) for at in range(0, len(wide), 2)]


FORMS = {
    "plain": lambda value: value,
    "reversed": lambda value: value[::-1],
    "hex": lambda value: value.encode().hex(),
    "URL, slash kept": quote,
    "URL": lambda value: quote(value, safe=""),
    "URL, lower case": lambda value: percent_lowered(quote(value, safe="")),
    "URL, as a browser": lambda value: quote(value, safe="!'()*"),
    "form": quote_plus,
    "query": lambda value: urlencode({"key": value}),
    "JSON": json.dumps,
    "JSON, slash escaped": lambda value: json.dumps(value).replace("/", "\\/"),
    "JSON in JSON": lambda value: json.dumps(json.dumps({"key": value})),
    "JSON, reversed": lambda value: json.dumps(value[::-1]),
    "repr": repr,
    "repr of bytes": lambda value: repr(value.encode()),
    "HTML": html.escape,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 of user and key": lambda value: base64.b64encode(b"user:" + value.encode()).decode(),
    "base64 in an address": lambda value: quote(base64.b64encode(value.encode()).decode(), safe=""),
    "base64 in a mail": lambda value: base64.encodebytes(value.encode()).decode(),
    "base64 twice": lambda value: base64.b64encode(base64.b64encode(value.encode())).decode(),
    "base64 twice, in a shell": lambda value: base64.b64encode(base64.b64encode(value.encode()) + b"\n").decode(),
    "base64 as PowerShell": lambda value: base64.b64encode(value.encode("utf-16-le")).decode(),
    "escapes": lambda value: "".join(f"\\u{unit:04x}" for unit in units(value)),
    "escapes, upper case": lambda value: "".join(f"\\u{unit:04X}" for unit in units(value)),
    "escapes in JSON": lambda value: json.dumps("".join(f"\\u{unit:04x}" for unit in units(value))),
    "bytes by number": lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()),
    "entities": lambda value: "".join(f"&#{ord(char)};" for char in value),
    "entities, hexadecimal": lambda value: "".join(f"&#x{ord(char):x};" for char in value),
    "UTF-16 read as bytes": lambda value: value.encode("utf-16-le").decode("latin-1") if value.isascii() else value,
    "UTF-16, shown": lambda value: str(value.encode("utf-16-le")) if value.isascii() else value,
    "base64 in short lines": lambda value: "\n".join(textwrap.wrap(base64.b64encode(value.encode()).decode(), 64)),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_every_way_in_which_tools_write_a_secret_is_found(value, write):
    registry = SecretRegistry({"MY_KEY": value})
    assert "[secret:MY_KEY]" in registry.redact(f"see {write(value)}, please")


@pytest.mark.parametrize("value", ["pa<Ssw0rd-1", "[a](b)-0123456", "https://hooks.example/T0/B0", "x<y>://www.a0"])
def test_secret_that_is_made_inert_in_an_answer_is_still_found(value):
    inert = MarkdownGuard(GuardOptions(SecretRegistry())).screen(f"It is {value} .", stage="output", request=request())
    assert inert.text != f"It is {value} ."
    assert SecretRegistry({"MY_KEY": value}).redact(inert.text) == "It is [secret:MY_KEY] ."


@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_a_record_keeps_no_form(write):
    registry = SecretRegistry({"MY_KEY": PASSWORD})
    kept = without_secrets(
        record(request=request("hi"), tag=f"see {write(PASSWORD)}", notes=(write(PASSWORD),)), registry
    )
    assert "[secret:MY_KEY]" in (kept.tag or "")
    assert "[secret:MY_KEY]" in kept.notes[0]


@given(st.sampled_from([*FORMS.values()]), st.sampled_from([*VALUES.values()]), st.integers(1, 20))
def test_what_is_before_the_pending_end_is_decided(write, value, size):
    registry = SecretRegistry({"MY_KEY": value})
    text = f"see {write(value)}, please"
    shown, held = "", ""
    for at in range(0, len(text), size):
        held += text[at : at + size]
        cut = registry.pending(held)
        hits = [start for start, end, _ in registry.find(held) if start < cut < end]
        cut = min([cut, *hits])
        shown, held = shown + registry.redact(held[:cut]), held[cut:]
    assert shown + registry.redact(held) == registry.redact(text)
