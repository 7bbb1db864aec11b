"""Tables in the README are made from the code they describe; `--update-goldens` writes them anew."""

import re
from pathlib import Path

import pytest

from nbkit import registry
from nbkit.magics.options import OPTIONS
from nbkit.parse import size_bytes
from nbkit.setting import TABLE

README = Path(__file__).parents[1] / "README.md"


def options_table():
    yield "| option | meaning |"
    yield "|---|---|"
    for option in OPTIONS:
        flags = ", ".join(f"`{flag}`" for flag in option.flags)
        value = f" `{option.metavar}`".replace("|", "\\|") if option.metavar else ""
        again = "; may be repeated" if option.is_repeatable else ""
        yield f"| {flags}{value} | {option.help}{again} |"


def settings_table():
    yield "| setting | default | meaning | environment |"
    yield "|---|---|---|---|"
    for setting in TABLE:
        value = setting.default
        if setting.parse is size_bytes:
            value = f"{value / (1 << 30):g}GiB"
        default = "" if value in (None, (), {}) else f"`{value}`"
        yield f"| `{setting.key}` | {default} | {setting.doc} | `{setting.env}` |"


def guards_table():
    yield "| guard | looks at | `standard` does | `strict` does |"
    yield "|---|---|---|---|"
    for name in registry.names("guards"):
        kind = registry.load("guards", name)
        standard = getattr(kind, "standard", {})
        strict = getattr(kind, "strict", standard)
        stages = [stage for stage in ("input", "retrieved", "output") if stage in kind.stages]
        cells = [", ".join(table.get(stage, "always") for stage in stages) for table in (standard, strict)]
        yield f"| `{name}` | {', '.join(stages)} | {cells[0]} | {cells[1]} |"


@pytest.mark.parametrize(
    ("name", "rows"), [("guards", guards_table), ("options", options_table), ("settings", settings_table)]
)
def test_table_in_the_readme_is_the_codes(name, rows, update_goldens):
    text = README.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- {name}: [^\n]*-->\n)(.*?)(<!-- end -->)", re.DOTALL)
    wanted = "\n" + "\n".join(rows()) + "\n\n"
    if update_goldens:
        README.write_text(place.sub(lambda m: m[1] + wanted + m[3], text), encoding="utf-8")
        return
    assert place.search(text)[2] == wanted
