"""The Makefile's choices, Binder's scripts and the built package, without installing anything."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "PYTHON")}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60)


@needs_make
def test_make_alone_lists_every_command_of_the_readme() -> None:
    listed = make().stdout
    for command in ("run", "pages", "slides", "test", "lab", "notebooks", "solutions", "bench", "lock", "clean"):
        assert re.search(rf"^make {command} +\w", listed, re.MULTILINE), command


@needs_make
def test_another_interpreter_gets_a_folder_of_its_own() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f".venv-{version}/bin/python -m pytest" in make("-n", f"PYTHON={sys.executable}", "test").stdout
    assert ".venv/bin/python -m pytest" in make("-n", "test").stdout
    tests = make("-n", "TESTS=--ignore=tests/notebooks", "test").stdout
    assert re.search(r"-m pytest .*--ignore=tests/notebooks$", tests, re.MULTILINE)


@needs_make
def test_solutions_are_made_without_the_learners_copies() -> None:
    assert "notebooks build --solutions-only" in make("-n", "solutions").stdout


@needs_make
@pytest.mark.parametrize(("user", "allowed"), [("0", True), ("1000", False)])
def test_the_lab_starts_for_root_too_as_in_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str, allowed: bool
) -> None:
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (tmp_path / "id").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert ("--allow-root" in make("-n", "lab").stdout) == allowed


@needs_make
def test_an_interpreter_that_does_not_start_is_one_line() -> None:
    done = make("PYTHON=no-such-python", "run")
    assert done.returncode != 0
    ours = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(ours) == 1
    assert "no Python starts as 'no-such-python'" in ours[0]


def stub_folder(folder: Path, failing: str) -> Path:
    """A folder with a python that notes how it was called, and fails where the call matches."""
    folder.mkdir()
    stub = folder / "python"
    stub.write_text(f'#!/bin/sh\necho "python $*" >> "{folder}/calls"\ncase "$*" in {failing}) exit 3;; esac\n')
    stub.chmod(0o755)
    return folder


def post_build(stubs: Path) -> subprocess.CompletedProcess[str]:
    path = f"{stubs}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / "binder" / "postBuild"], env={**os.environ, "PATH": path}, capture_output=True, text=True
    )


def test_a_failed_prefetch_never_fails_binders_build(tmp_path: Path) -> None:
    stubs = stub_folder(tmp_path / "stubs", failing="*pmt_helpers*")
    done = post_build(stubs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("not done; the workbook works without it") == 1
    assert "pmt_helpers run" in (stubs / "calls").read_text()


def test_a_package_that_cannot_be_installed_does_fail_binders_build(tmp_path: Path) -> None:
    assert post_build(stub_folder(tmp_path / "stubs", failing="*install*")).returncode != 0


def test_binder_hands_each_processor_only_functions_compiled_for_its_like(tmp_path: Path) -> None:
    command = [ROOT / "binder" / "start", "sh", "-c", "echo $JAX_COMPILATION_CACHE_DIR"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "HOME": str(tmp_path)}
    )
    assert re.fullmatch(rf"{re.escape(str(tmp_path))}/\S+/jax-\d+\n", done.stdout)


def test_binder_installs_the_lock_on_the_python_of_the_stored_outputs() -> None:
    assert (ROOT / "binder" / "runtime.txt").read_text().strip() == "python-3.11"
    assert (ROOT / "binder" / "requirements.txt").read_text().split() == ["-r", "../requirements.lock"]


def test_repo2docker_makes_of_the_folder_what_binder_would_build() -> None:
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "environment for python=3.11" in done.stderr
    steps = (
        "COPY --chown=0:0 src/ ${REPO_DIR}/",  # all of it, for the list that binder/requirements.txt names
        'pip install --no-cache-dir -r "binder/requirements.txt"',
        "binder/postBuild",
        "binder/start",
    )
    places = [done.stdout.rfind(step) for step in steps]
    assert -1 not in places, dict(zip(steps, places, strict=True))
    assert places == sorted(places)


def test_binders_image_gets_no_data_that_may_not_be_handed_on(tmp_path: Path) -> None:
    stubs = stub_folder(tmp_path / "stubs", failing="*never*")
    assert post_build(stubs).returncode == 0
    calls = (stubs / "calls").read_text()
    assert "fetch" not in calls
    assert "PMT_DATA_HOME" not in "".join(path.read_text() for path in (ROOT / "binder").iterdir())
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    assert not [path for path in tracked if re.search(r"(^|/)WISDM_ar_|(^|/)nips/|\.gz$", path, re.I)]


def test_a_built_package_carries_cards_requirements_and_the_settings_for_jupyterlab(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert "pmt_helpers/_data/cards/watch.toml" in names
    assert "pmt_helpers/_data/paper/facts.csv" in names
    for settings in ("jupyter_lab_config.json", "labconfig/page_config.json"):
        assert any(name.endswith(f".data/data/etc/jupyter/{settings}") for name in names)
    assert not any(name.startswith(("tests/", "notebooks/", "course/")) for name in names)
    assert not any("teaching_notes" in name or name.endswith("exam.md") for name in names)
    assert re.search(r"^Requires-Dist: keras", metadata, re.MULTILINE)
