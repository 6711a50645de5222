"""Settings that other projects leave behind: the first cells of notebook 00 give the same numbers, or say why not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from pmt_helpers.teaching.surroundings import Finding
from pmt_helpers.teaching.trial_run import check_kernel, check_libraries, check_names
from pmt_helpers.workbook.build import read_source
from pmt_helpers.workbook.files import ROOT, source_paths

Surroundings = Callable[[Path], dict[str, str]]
SAME, NOT_READY = "Ready: ", "Not ready yet:"


def sets(**variables: str) -> Surroundings:
    return lambda folder: variables


def home(name: str, content: str) -> Surroundings:
    """A file in the home folder, which is also the current folder and lies on Python's path."""

    def make(folder: Path) -> dict[str, str]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
        return {"HOME": str(folder), "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}

    return make


def keras_json(**settings: object) -> Surroundings:
    return home(".keras/keras.json", json.dumps(settings))


# What is set; then what preflight says. "Ready": and the numbers are those of a clean machine.
SURROUNDINGS: dict[str, tuple[Surroundings, str]] = {
    "another backend": (sets(KERAS_BACKEND="tensorflow"), SAME),
    "a backend that does not exist": (sets(KERAS_BACKEND="JAX"), SAME),
    "half precision in Keras": (keras_json(floatx="float16", epsilon=1e-7), SAME),
    "double precision in Keras": (keras_json(floatx="float64"), SAME),
    "a precision that Keras refuses": (keras_json(floatx="bfloat16"), SAME),
    "another backend in keras.json": (keras_json(backend="torch", nnx_enabled=True), SAME),
    "a damaged keras.json": (home(".keras/keras.json", '{"floatx": '), SAME),
    "a home of Keras that is not there": (sets(KERAS_HOME="/proc/none"), SAME),
    "few epochs": (sets(KERAS_MAX_EPOCHS="3", KERAS_MAX_STEPS_PER_EPOCH="1"), SAME),
    "an epoch limit that is no number": (sets(KERAS_MAX_EPOCHS="few"), SAME),
    "Flax modules in Keras": (sets(KERAS_NNX_ENABLED="true"), SAME),
    "a graphics card": (sets(JAX_PLATFORMS="cuda"), SAME),
    "double precision in JAX": (sets(JAX_ENABLE_X64="1"), SAME),
    "no compilation in JAX": (sets(JAX_DISABLE_JIT="1", JAX_DEBUG_NANS="1"), SAME),
    "a setting that JAX refuses": (sets(JAX_NUM_CPU_DEVICES="many"), SAME),
    "a JAX cache that cannot be written": (sets(JAX_COMPILATION_CACHE_DIR="/proc/none"), SAME),
    "a flag that XLA does not know": (sets(XLA_FLAGS="--xla_no_such_flag=1"), SAME),
    "a processor that XLA does not know": (sets(XLA_FLAGS="--xla_cpu_max_isa=AVX9000"), SAME),
    "no compilation in Numba": (sets(NUMBA_DISABLE_JIT="1"), SAME),
    "no compilation, by a file": (home(".numba_config.yaml", "disable_jit: 1\n"), SAME),
    "no threads in Numba": (sets(NUMBA_NUM_THREADS="0"), SAME),
    "a Numba cache that cannot be written": (sets(NUMBA_CACHE_DIR="/proc/none"), SAME),
    "no home": (sets(HOME="/proc/none", XDG_CACHE_HOME="/proc/none"), SAME),
    "ASCII only": (sets(LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii"), SAME),
    "no docstrings and asserts": (sets(PYTHONOPTIMIZE="2"), SAME),
    "figures in a browser": (sets(PLOTLY_RENDERER="browser", BROWSER="false"), SAME),
    "a broken Keras": (
        home("keras.py", "raise ImportError('no metrics')"),
        "a Keras model stopped: ImportError: no met",
    ),
    "a JAX that ends its process": (home("jax.py", "import os\nos.abort()"), "a JAX operation stopped by signal 6"),
    "a broken Numba": (home("numba.py", "raise OSError('no libLLVM')"), "stopped: OSError: no libLLVM"),
}


def first_cells() -> str:
    """The code of notebook 00 up to its three models, and their accuracies in full."""
    code = [cell.source for cell in read_source(source_paths(["00"])[0]).cells if cell.cell_type == "code"]
    last = next(place for place, text in enumerate(code) if "you.compare(" in text)
    return "\n\n".join([*code[: last + 1], "print(result.round(12).to_string())"])


@cache
def run(folder: Path, surroundings: Surroundings) -> subprocess.CompletedProcess[str]:
    variables = surroundings(folder)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PMT_WORKBOOK_FILE": str(folder / "mine.json")} | variables
    return subprocess.run(
        [sys.executable, "-c", first_cells()], cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )


@pytest.fixture(scope="session")
def on_a_clean_machine(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = run(tmp_path_factory.mktemp("clean"), sets())
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_hostile_surroundings_change_no_number_or_are_named(
    name: str, tmp_path: Path, on_a_clean_machine: list[str]
) -> None:
    surroundings, words = SURROUNDINGS[name]
    done = run(tmp_path, surroundings)
    told = done.stdout
    assert words in told.replace("\n", " "), (told, done.stderr[-2000:])
    if words == SAME:
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-4:] == on_a_clean_machine[-4:]
        assert "Warning" not in done.stderr
    else:
        assert told.startswith(NOT_READY)


def kernel(folder: Path, monkeypatch: pytest.MonkeyPatch, description: str) -> Finding:
    """What is said of a description of the kernel `python3` that Jupyter finds first."""
    (folder / "kernels" / "python3").mkdir(parents=True)
    (folder / "kernels" / "python3" / "kernel.json").write_text(description, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(folder))
    return check_kernel()


@pytest.mark.parametrize("name", [sys.executable, "python"])
def test_a_kernel_of_this_python_is_fine(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel(tmp_path, monkeypatch, json.dumps({"argv": [name, "-m", "ipykernel_launcher"]})).state == "ok"


def test_a_kernel_of_another_python_without_the_workbook_is_found_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bin" / "python-of-another-project"
    other.parent.mkdir()
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')  # without its packages
    other.chmod(0o755)
    found = kernel(tmp_path, monkeypatch, json.dumps({"argv": [str(other), "-m", "ipykernel_launcher"]}))
    assert found.state == "stop"
    assert "No module named 'ipykernel'" in found.found
    assert "ipykernel install --sys-prefix" in found.remedy
    assert str(tmp_path / "kernels" / "python3") in found.remedy


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ('{"argv": ["/nowhere/python", "-m", "ipykernel_launcher"]}', "/nowhere/python is not there"),
        ('{"argv": []}', "its description cannot be read"),
        ('{"argv": ', "its description cannot be read"),
        ("[]", "its description cannot be read"),
    ],
)
def test_a_kernel_that_cannot_start_is_found(
    description: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = kernel(tmp_path, monkeypatch, description)
    assert (found.state, words in found.found) == ("stop", True), found


def test_a_learners_file_that_hides_a_module_is_named(tmp_path: Path) -> None:
    assert check_names(tmp_path).state == "ok"
    for name in ("random.py", "keras.py", "mine.py"):
        (tmp_path / name).touch()
    found = check_names(tmp_path)
    assert found.state == "stop"
    assert found.found.startswith("keras.py, random.py would be imported")


def test_a_trial_run_that_went_well_is_not_repeated_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[object] = []
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("pmt_helpers.teaching.trial_run._run", lambda *arguments: runs.append(arguments))
    assert [check_libraries().state for _ in range(3)] == ["ok"] * 3
    assert len(runs) == 1
    monkeypatch.setenv("KERAS_SOMETHING", "else")
    check_libraries()
    assert len(runs) == 2


def test_a_trial_run_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("pmt_helpers.teaching.trial_run.SECONDS", 0.01)
    found = check_libraries()
    assert (found.state, found.found) == ("stop", "cannot be tried (TimeoutExpired)")
