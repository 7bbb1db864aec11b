from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit import registry
from nbkit.doctor import packages

_VERSION = st.lists(st.integers(0, 3000), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(_VERSION, st.sampled_from(["", "rc1", ".post1", "+cpu", ".dev3+g1"]))
def test_a_version_is_its_leading_numbers(version, tail):
    assert packages.numbers(version + tail)[: version.count(".") + 1] == tuple(map(int, version.split(".")))


@given(_VERSION)
def test_a_version_meets_its_own_bound(version):
    assert packages.read_requirement(f"a>={version}").is_met_by(version)
    assert packages.read_requirement(f"a=={version}").is_met_by(f"{version}+cpu")
    assert not packages.read_requirement(f"a<{version}").is_met_by(version)


@pytest.mark.parametrize(
    ("line", "package", "extra"),
    [
        ("httpx>=0.28.1", "httpx", None),
        ("xllamacpp>=2026.10; extra == 'local'", "xllamacpp", "local"),
        ('jupyter-nbkit[data,local]; extra == "all"', "jupyter-nbkit", "all"),
        ("a-b.c_d", "a-b.c_d", None),
    ],
)
def test_a_requirement_line_is_read(line, package, extra):
    found = packages.read_requirement(line)
    assert (found.package, found.extra) == (package, extra)


def test_every_requirement_of_this_distribution_is_read_and_met():
    for line in registry.requirements():
        one = packages.read_requirement(line)
        assert one.package.replace("-", "").replace("_", "").isalnum(), line
    assert [one.status for one in packages.required()] == ["ok"]


def _pretend(monkeypatch, versions):
    def installed_version(package=registry.DISTRIBUTION):
        if versions.get(package) is None:
            raise ModuleNotFoundError(package)
        return versions[package]

    extras = ["xllamacpp>=2026; extra == 'local'", "xllamacpp>=2026; extra == 'all'", "pytest; extra == 'test'"]
    lines = ["httpx>=0.28", "numpy>=2", *extras]
    monkeypatch.setattr(registry, "installed_version", installed_version)
    monkeypatch.setattr(registry, "requirements", lambda: lines)


def test_a_missing_and_an_old_package_fail_with_the_command(monkeypatch):
    _pretend(monkeypatch, {registry.DISTRIBUTION: "0.1", "httpx": "0.27.9"})
    [found] = packages.required()
    assert found.status == "fail"
    assert found.what == "httpx 0.27.9 is not >=0.28; numpy is not installed"
    assert found.fix == registry.install_command()


def test_an_extra_that_is_not_installed_is_optional_and_sums_and_tests_are_left_out(monkeypatch):
    _pretend(monkeypatch, {registry.DISTRIBUTION: "0.1", "httpx": "1", "numpy": "2"})
    [found] = packages.extras()
    assert (found.name, found.status, found.what) == ("extra [local]", "absent", "not installed")
    assert found.fix == registry.install_command("local")


def test_an_extra_that_is_too_old_is_a_warning(monkeypatch):
    _pretend(monkeypatch, {"xllamacpp": "2025.1"})
    assert packages.extras()[0].status == "warn"


def test_widgets_and_jupyter_without_their_packages_fail(monkeypatch):
    _pretend(monkeypatch, {})
    assert packages.widgets().status == packages.jupyter().status == "fail"


def test_outside_a_kernel_widgets_were_not_tried(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert "not tried" in packages.widgets().what
    monkeypatch.setitem(sys.modules, "ipykernel", packages)
    assert "not tried" not in packages.widgets().what
