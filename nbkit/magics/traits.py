"""`%config NbKit`: the settings as traits.

The traits keep nothing. Reading one gives the value in force in the session, setting one goes to the session's layer
for `%config`, so there is no second copy that can disagree. That also ends a trap of traitlets: a value that was
refused stays in the `config` of every configurable, and the next `%reload_ext` fails on it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from traitlets import TraitError, TraitType
from traitlets.config import Config, Configurable
from traitlets.config.loader import LazyConfigValue

from nbkit.config import check
from nbkit.errors import ConfigError, UnknownSetting
from nbkit.session import current
from nbkit.setting import TABLE

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SECTION = "NbKit"


class SettingRefused(BaseException):
    """A setting that cannot be so, as an error that reaches the reader.

    `%config` logs every `Exception` and goes on, so that Run-All would go on without the setting. This one ends the
    cell; it is drawn as the three lines of its cause.
    """

    def __init__(self, error: ConfigError) -> None:
        super().__init__(str(error))
        self._error = error

    def _render_traceback_(self) -> list[str]:
        return self._error._render_traceback_()


class Setting(TraitType[Any, Any]):
    """One setting."""

    def get(self, obj: Any, cls: type[Any] | None = None) -> Any:  # noqa: ANN401, ARG002 - as in traitlets
        """The value in force, whichever layer it comes from."""
        return getattr(current().config().settings, str(self.name))

    def set(self, obj: Any, value: Any) -> None:  # noqa: ANN401, ARG002 - as in traitlets
        """Sets it for the session; raises `TraitError` with the three lines for a value that does not fit."""
        try:
            current().configure({str(self.name): value})
        except ConfigError as error:
            raise TraitError(str(error)) from error


class Settings(Configurable):
    """What the traits have in common."""

    shell: InteractiveShell

    def update_config(self, config: Config) -> None:
        """Sets what `%config NbKit.name = value` says; raises `SettingRefused`, and then nothing is changed.

        The section is taken out of the shell's own configuration, where traitlets would keep a refused value.
        """
        if SECTION not in config:
            return
        section = config[SECTION]
        for holder in (config, self.shell.config):
            holder.pop(SECTION, None)
        try:
            values = _values(section)
            for name, value in values.items():
                if value is not None:
                    check(name, value, origin="%config")
            current().configure(values)
        except ConfigError as error:
            current().clean(error)
            raise SettingRefused(error) from error


def make(shell: InteractiveShell) -> Settings:
    """The object behind `%config NbKit` for a shell."""
    made = _settings_class()()
    made.shell = shell
    return made


def take_from(shell: InteractiveShell) -> list[ConfigError]:
    """Sets what the shell's configuration files say; gives what was wrong in them, which is dropped."""
    refused: list[ConfigError] = []
    section = shell.config[SECTION]
    for name, value in dict(section).items():
        try:
            current().configure(_values({name: value}))
        except ConfigError as error:
            section.pop(name, None)
            refused.append(error)
    return refused


def _values(section: Mapping[str, Any]) -> dict[str, Any]:
    """What a section says, by setting; raises `UnknownSetting` for a name with a dot, which says how it is written.

    Of `NbKit.budget.session = 1` traitlets makes a value that waits for a trait `budget`, with an attribute `session`.
    """
    values: dict[str, Any] = {}
    for name, value in section.items():
        waits = vars(value) if isinstance(value, LazyConfigValue) else {}
        inner = [one for one in waits if not one.startswith("_")]
        if not inner:
            values[name] = value
            continue
        dotted = f"{name}.{inner[0]}"
        known = {setting.key: setting.name for setting in TABLE}
        if dotted in known:
            raise UnknownSetting(
                what=f"no setting named {dotted!r} in %config",
                why="there a setting's name has no dot",
                fix=f"%config NbKit.{known[dotted]} = …",
            )
        values[f"{name}_{inner[0]}"] = value  # refused by its name
    return values


@functools.cache
def _settings_class() -> type[Settings]:
    traits = {row.name: Setting(row.default, allow_none=True, help=row.doc).tag(config=True) for row in TABLE}
    return type(SECTION, (Settings,), traits)
