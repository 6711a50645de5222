"""The lists of packages: each with its reason, each in the lock with digests, and both locks of one mind."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.hatch_metadata import read_requirements

ROOT = Path(__file__).resolve().parents[2]
LISTS = {"requirements.txt": "requirements.lock", "requirements-dev.txt": "requirements-dev.lock"}


def locked(name: str) -> dict[str, list[Requirement]]:
    """Canonical name -> the pinned requirements of a lock: several where versions differ between Pythons."""
    pins: dict[str, list[Requirement]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            pin = Requirement(line.rstrip("\\ "))
            pins.setdefault(canonicalize_name(pin.name), []).append(pin)
    return pins


@pytest.mark.parametrize("name", LISTS)
def test_each_direct_requirement_has_a_range_and_a_reason(name: str) -> None:
    for line in (ROOT / name).read_text().splitlines():
        if line and not line.startswith("#"):
            requirement, _, reason = line.partition("#")
            assert Requirement(requirement.strip()).specifier, f"{name}: {line}: say from which version on"
            assert len(reason.split()) >= 2, f"{name}: {line}: say what it is for"


@pytest.mark.parametrize(("name", "lock"), LISTS.items())
def test_the_lock_satisfies_each_direct_requirement(name: str, lock: str) -> None:
    pins = locked(lock)
    for requirement in map(Requirement, read_requirements(ROOT / name)):
        found = pins.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} of {name} is not in {lock}: run `make lock`"
        for pin in found:
            version = next(iter(pin.specifier)).version
            assert requirement.specifier.contains(version), f"{lock} has {pin}, {name} wants {requirement}: `make lock`"


@pytest.mark.parametrize("lock", LISTS.values())
def test_every_pin_is_exact_and_carries_digests(lock: str) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / lock).read_text())[1:]
    assert len(blocks) > 20
    for block in blocks:
        first = block.splitlines()[0]
        assert re.match(r"[A-Za-z0-9._-]+==\S+", first), f"{lock}: {first}: not an exact version"
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), f"{lock}: {first}: no digest"


def test_both_locks_agree_on_every_package_they_share() -> None:
    runtime, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    for name in runtime.keys() & dev.keys():
        assert {str(pin.specifier) for pin in dev[name]} <= {str(pin.specifier) for pin in runtime[name]}, name


def test_an_extra_asks_for_what_development_is_tested_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["nbgrader"]
    assert set(extra) <= set(read_requirements(ROOT / "requirements-dev.txt"))
    assert not set(extra) & set(read_requirements(ROOT / "requirements.txt"))


def test_nothing_drags_in_a_second_deep_learning_library() -> None:
    for lock in LISTS.values():
        heavy = [name for name in locked(lock) if re.match(r"torch|tensorflow|nvidia|triton", name)]
        assert heavy == [], f"{lock}: hundreds of megabytes that nothing here needs"


def test_whatever_the_package_imports_it_also_asks_for() -> None:
    distributions = packages_distributions()
    wanted = {canonicalize_name(Requirement(line).name) for name in LISTS for line in read_requirements(ROOT / name)}
    for path in (ROOT / "pmt_helpers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"pmt_helpers"}:
                owners = {canonicalize_name(name) for name in distributions.get(top, [top])}
                assert owners & wanted, f"{path.relative_to(ROOT)} imports {top}: name it in requirements.txt"
