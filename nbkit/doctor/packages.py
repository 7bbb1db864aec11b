"""Python, the packages that nbkit needs and those of its extras, widgets, Jupyter."""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass

from nbkit import registry
from nbkit.doctor.findings import Check

_LEAST_PYTHON = (3, 11)
_REQUIREMENT = re.compile(r"""([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)(?:;.*?extra\s*==\s*['"]([^'"]+)['"])?""")
_BOUND = re.compile(r"(>=|==|<)\s*([0-9][0-9.]*)")
_LEFT_OUT = ("test", "all")
"""Not for users, and only the sum of the others."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of a distribution's requirements."""

    package: str
    bounds: tuple[tuple[str, tuple[int, ...]], ...] = ()
    extra: str | None = None

    def is_met_by(self, version: str) -> bool:
        """Whether an installed version is within the bounds.

        >>> read_requirement("httpx>=0.28.1").is_met_by("0.29")
        True
        """
        found = numbers(version)
        for sign, bound in self.bounds:
            short = found[: len(bound)]
            if (
                (sign == ">=" and found < bound)
                or (sign == "==" and short != bound)
                or (sign == "<" and found >= bound)
            ):
                return False
        return True


def read_requirement(line: str) -> Requirement:
    """A requirement from its line; environment markers other than `extra` are not read.

    >>> read_requirement('pandas>=2.2; extra == "data"')
    Requirement(package='pandas', bounds=(('>=', (2, 2)),), extra='data')
    """
    match = _REQUIREMENT.match(line)
    assert match is not None, line
    bounds = tuple((sign, numbers(version)) for sign, version in _BOUND.findall(match[2]))
    return Requirement(match[1], bounds, match[3])


def numbers(version: str) -> tuple[int, ...]:
    """The numbers a version begins with.

    >>> numbers("2.13.0+cpu")
    (2, 13, 0)
    """
    match = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def python() -> Check:
    """The Python that runs this."""
    what = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < _LEAST_PYTHON:
        return Check("Python", "fail", what, f"use Python {_LEAST_PYTHON[0]}.{_LEAST_PYTHON[1]} or newer")
    return Check("Python", "ok", what)


def required() -> list[Check]:
    """The packages that nbkit cannot do without."""
    own = [one for one in _requirements() if one.extra is None]
    wrong = [problem for one in own if (problem := _problem(one))]
    what = f"nbkit {registry.installed_version()} with {len(own)} packages"
    if wrong:
        return [Check("packages", "fail", "; ".join(wrong), registry.install_command())]
    return [Check("packages", "ok", what)]


def extras() -> list[Check]:
    """One check for each extra that has packages: one that is not installed is only named."""
    by_extra: dict[str, list[Requirement]] = {}
    for one in _requirements():
        if one.extra is not None and one.extra not in _LEFT_OUT and one.package != registry.DISTRIBUTION:
            by_extra.setdefault(one.extra, []).append(one)
    return [_extra(name, wanted) for name, wanted in sorted(by_extra.items())]


def widgets() -> Check:
    """Whether `%config NbKit.ui = "widget"` can work: the package, its front end, and a kernel that has comms."""
    package, front_end = _version("ipywidgets"), _version("jupyterlab-widgets")
    if package is None or front_end is None:
        missing = "ipywidgets" if package is None else "jupyterlab-widgets"
        return Check("widgets", "fail", f"{missing} is not installed", registry.install_command())
    what = f"ipywidgets {package}, front end {front_end}"
    if "ipykernel" not in sys.modules:
        return Check("widgets", "ok", f"{what}; this process is no notebook kernel, so they were not tried")
    return Check("widgets", "ok", what)


def jupyter() -> Check:
    """The front ends that are installed beside this Python, and the kernel they start."""
    found = [f"{name} {version}" for name in ("jupyterlab", "notebook") if (version := _version(name))]
    kernel = _version("ipykernel")
    if kernel is None:
        return Check("Jupyter", "fail", "ipykernel is not installed", registry.install_command())
    what = ", ".join([*found, f"ipykernel {kernel}"])
    if not found:
        return Check("Jupyter", "ok", f"{what}; no front end beside this Python", registry.install_command("lab"))
    return Check("Jupyter", "ok", what)


def _extra(name: str, wanted: list[Requirement]) -> Check:
    versions = {one.package: _version(one.package) for one in wanted}
    command = registry.install_command(name)
    title = f"extra [{name}]"
    if not any(versions.values()):
        return Check(title, "absent", "not installed", command)
    wrong = [problem for one in wanted if (problem := _problem(one))]
    if wrong:
        return Check(title, "warn", "; ".join(wrong), command)
    return Check(title, "ok", ", ".join(f"{package} {version}" for package, version in versions.items()))


def _problem(one: Requirement) -> str | None:
    version = _version(one.package)
    if version is None:
        return f"{one.package} is not installed"
    if not one.is_met_by(version):
        bounds = ",".join(f"{sign}{'.'.join(map(str, bound))}" for sign, bound in one.bounds)
        return f"{one.package} {version} is not {bounds}"
    return None


def _requirements() -> list[Requirement]:
    return [read_requirement(line) for line in registry.requirements()]


def _version(package: str) -> str | None:
    try:
        return registry.installed_version(package)
    except ImportError:  # `PackageNotFoundError` is one
        return None
