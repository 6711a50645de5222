"""The set-up: what it says when it cannot go on, and when it does its work anew. Nothing here asks the network."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "environment.py"


def set_up(folder: Path, python: str | Path = sys.executable, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, SCRIPT, folder], env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
    )


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("Set-up stopped: ")
    for word in words:
        assert word in done.stderr


def pythons_too_old() -> list[Path]:
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return sorted(path for path in versions.glob("*/bin/python") if path.parts[-3].startswith(("2.", "3.8.", "3.10.")))


def test_a_python_that_is_too_old_is_told_what_to_install(tmp_path: Path) -> None:
    if not (pythons := pythons_too_old()):
        pytest.skip("no older Python on this machine (looked in pyenv's folder)")
    for python in pythons:
        assert_one_line(set_up(tmp_path / "venv", python), "3.11 or newer", "make PYTHON=")
    assert not (tmp_path / "venv").exists()


def test_without_the_venv_module_debian_users_read_which_package_to_install(tmp_path: Path) -> None:
    (tmp_path / "ensurepip.py").write_text("raise ImportError")  # as on Debian without python3-venv
    done = set_up(tmp_path / "venv", PYTHONPATH=str(tmp_path))
    assert_one_line(done, "venv module", f"apt install python3.{sys.version_info.minor}-venv")


def test_a_full_disk_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    assert_one_line(set_up(tmp_path / "venv", PMT_FREE_GB="1e9"), "GB free", "Free some space")
    assert not (tmp_path / "venv").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert_one_line(set_up(tmp_path / "missing" / "venv"), "cannot write in", "missing", "Move the workbook")


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.tex").write_text("chapter 1")
    assert_one_line(set_up(tmp_path / "venv"), "is not a Python environment", "Move it away")
    assert (tmp_path / "venv" / "thesis.tex").exists()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The set-up's steps, written down rather than done; making the folder is done in small."""
    done: list[str] = []

    def run(folder: environment.Folder, command: list[str]) -> list[str]:
        done.append(" ".join(map(str, command)))
        if command[1:3] == ["-m", "venv"]:
            python = Path(folder.python)
            python.parent.mkdir()
            python.symlink_to(sys.executable)
            (Path(folder.path) / "pyvenv.cfg").touch()
        return []

    monkeypatch.setattr(environment.Folder, "run", run)
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    return done


def kinds(steps: list[str]) -> list[str]:
    """The steps in short; the list is emptied."""
    names = {"-m venv": "make", "requirements.lock": "runtime", "requirements-dev.lock": "dev", "-e .": "package"}
    names |= {"pip check": "check", "doctor": "doctor", "compile_kernels": "compile"}
    short = [next(short for part, short in names.items() if part in step) for step in steps]
    steps.clear()
    return short


def test_the_folder_is_made_once_checked_and_then_left_in_peace(tmp_path: Path, steps: list[str]) -> None:
    environment.main(str(tmp_path / "venv"), dev=False)
    assert kinds(steps) == ["make", "runtime", "package", "check", "doctor", "compile"]
    environment.main(str(tmp_path / "venv"), dev=False)
    assert kinds(steps) == []


def test_the_tools_for_testing_are_added_once_and_running_needs_no_other_folder(
    tmp_path: Path, steps: list[str]
) -> None:
    environment.main(str(tmp_path / "venv"), dev=False)
    kinds(steps)
    environment.main(str(tmp_path / "venv"), dev=True)
    assert kinds(steps) == ["runtime", "dev", "package", "check", "doctor", "compile"]
    environment.main(str(tmp_path / "venv"), dev=False)
    environment.main(str(tmp_path / "venv"), dev=True)
    assert kinds(steps) == []


def test_packages_are_compiled_by_uv_as_they_are_by_pip(
    tmp_path: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.shutil, "which", lambda name: name)
    environment.main(str(tmp_path / "venv"), dev=True)
    installed = [step for step in steps if step.startswith("uv pip install")]
    assert len(installed) == 3
    assert all("--compile-bytecode" in step for step in installed)


@pytest.mark.parametrize("key", ["runtime", "dev", "python", "place"])
def test_a_changed_lock_interpreter_or_place_makes_the_folder_anew(tmp_path: Path, steps: list[str], key: str) -> None:
    environment.main(str(tmp_path / "venv"), dev=True)
    kinds(steps)
    state_file = tmp_path / "venv" / "pmt-state.json"
    state_file.write_text(json.dumps({**json.loads(state_file.read_text()), key: "of yesterday"}))
    (tmp_path / "venv" / "left-over").touch()
    environment.main(str(tmp_path / "venv"), dev=True)
    assert kinds(steps) == ["make", "runtime", "dev", "package", "check", "doctor", "compile"]
    assert not (tmp_path / "venv" / "left-over").exists()


def test_an_interrupted_installation_is_done_again(
    tmp_path: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:

        def interrupted(folder: environment.Folder, *arguments: str) -> None:
            raise KeyboardInterrupt

        broken.setattr(environment.Folder, "install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            environment.main(str(tmp_path / "venv"), dev=False)
    kinds(steps)
    environment.main(str(tmp_path / "venv"), dev=False)
    assert kinds(steps)[:2] == ["make", "runtime"]


def test_a_folder_whose_python_has_gone_is_made_anew(tmp_path: Path, steps: list[str]) -> None:
    environment.main(str(tmp_path / "venv"), dev=False)
    kinds(steps)
    (tmp_path / "venv" / "bin" / "python").unlink()
    environment.main(str(tmp_path / "venv"), dev=False)
    assert kinds(steps)[0] == "make"


def test_a_folder_made_by_hand_as_the_readme_says_is_completed_not_deleted(tmp_path: Path, steps: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (tmp_path / "venv" / "my-own").touch()
    environment.main(str(tmp_path / "venv"), dev=False)
    assert kinds(steps) == ["runtime", "package", "check", "doctor", "compile"]
    assert (tmp_path / "venv" / "my-own").exists()


def test_what_a_failing_step_said_is_shown_and_the_folder_stays_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "venv").mkdir()
    folder = environment.Folder(str(tmp_path / "venv"))
    folder.mark()
    with pytest.raises(SystemExit):
        folder.run([sys.executable, "-c", "print('No space left on device'); raise SystemExit(2)"])
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "run make again" in said
    assert folder.state() is None


def test_what_jax_compiles_is_kept_for_the_next_kernel_in_the_package_or_where_the_reader_wants_it(
    tmp_path: Path,
) -> None:
    variable, program = "JAX_COMPILATION_CACHE_DIR", "import pmt_helpers, jax; print(jax.jit(lambda x: x + 1)(1.0))"
    where = f"import os, pmt_helpers; print(os.environ['{variable}'])"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    run = functools.partial(subprocess.run, cwd=ROOT, check=True, capture_output=True, text=True)
    done = run([sys.executable, "-c", where], env=inherited)
    assert Path(done.stdout.strip()) == ROOT / "pmt_helpers" / "__pycache__" / "jax"
    done = run([sys.executable, "-c", program], env=inherited | {variable: str(tmp_path)})
    assert (done.stdout, done.stderr) == ("2.0\n", "")
    (kept,) = tmp_path.glob("jit__lambda*-cache")
    kept.write_bytes(kept.read_bytes()[:100])  # a kernel that was killed while it wrote
    done = run([sys.executable, "-c", program], env=inherited | {variable: str(tmp_path)})
    assert (done.stdout, done.stderr) == ("2.0\n", "")


def test_pips_own_settings_do_not_move_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_USER", "yes")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    program = "import os; print(os.environ['PIP_USER'], os.environ.get('PIP_TARGET'))"
    assert environment.Folder(str(tmp_path)).run([sys.executable, "-c", program]) == ["0 None\n"]
