"""What a user installs: pins within bounds, the command, and a wheel with all that it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def pins(root: Path) -> dict[str, Version]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned: dict[str, Version] = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, equals, version = line.partition("==")
            assert equals, f"not a plain pin: {line}"
            assert canonicalize_name(name) not in pinned, f"pinned twice: {name}"
            pinned[canonicalize_name(name)] = Version(version)
    return pinned


def _requirements(project: dict[str, Any]) -> list[Requirement]:
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in extras.values() for line in extra)]
    return [Requirement(line) for line in lines]


def test_every_requirement_is_pinned_inside_its_bounds(project, pins):
    for requirement in _requirements(project):
        name = canonicalize_name(requirement.name)
        assert name in pins, f"run make constraints: {name} has no pin"
        assert pins[name] in requirement.specifier, f"{name} {pins[name]} is out of bounds"


def test_no_pin_asks_for_one_machine_s_build(pins):
    assert {name for name, version in pins.items() if version.local} == set()


def test_what_is_installed_follows_the_pins(project, pins):
    """Every pinned package that the base install requires, down to the last, fits its pin."""
    waiting = [Requirement(line).name for line in project["dependencies"]]
    seen: set[str] = set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        found = distribution(name)
        assert name in pins, f"run make constraints: {name} has no pin"
        for line in found.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    assert len(seen) > len(project["dependencies"])


def test_the_base_install_has_no_torch(project):
    names = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert names.isdisjoint({"torch", "transformers", "sentence-transformers", "ray", "psycopg"})


def test_make_lists_its_targets(root: Path):
    if shutil.which("make") is None:
        pytest.skip("needs make (Debian package make)")
    answer = subprocess.run(["make"], cwd=root, check=True, capture_output=True, text=True)
    targets = re.findall(r"^  make (\w+) +\S", answer.stdout, re.MULTILINE)
    known = {"help", "demo", "test", "lint", "bench", "describe", "size", "constraints", "clean"}
    assert known == set(targets)


@pytest.fixture(scope="module")
def wheel_names(
    root: Path, tracked: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory
) -> set[str]:
    """Names inside a wheel built from a copy of the tree, as `pip install` would build it."""
    copy = tmp_path_factory.mktemp("source")
    for path in tracked:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path, copy / path)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    built = subprocess.run(
        [*command, "--wheel-dir", str(copy / "dist"), "."],
        cwd=copy,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (copy / "dist").glob("undertow-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_rooms(wheel_names: set[str], tracked: tuple[Path, ...]):
    rooms = {"corpus", "nlp", "models", "service"}
    expected = {path.as_posix() for path in tracked if path.parts[0] in rooms}
    assert expected - wheel_names == set()
    kinds = {
        "corpus/sample/outlets.toml",
        "corpus/sample/prices.csv",
        "corpus/sample/templates/rss.xml",
        "corpus/sources.toml",
        "nlp/taxonomy.toml",
    }
    assert kinds <= wheel_names


@pytest.mark.slow
def test_the_wheel_holds_nothing_of_tests_and_has_licence_and_command(wheel_names: set[str]):
    assert not [name for name in wheel_names if name.startswith(("tests", "docs", "demo"))]
    information = {
        name.partition(".dist-info/")[2] for name in wheel_names if ".dist-info/" in name
    }
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= information
