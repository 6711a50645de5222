"""The command line: quick help, one clear line for an error that a person can mend."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from pmt_helpers.__main__ import COMMANDS, cli, main
from pmt_helpers.datasets.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
HELP = """
import sys
from pmt_helpers.__main__ import main
code = main(["--help"])
heavy = {"keras", "jax", "numpy", "pandas", "plotly", "IPython", "papermill"} & set(sys.modules)
sys.exit(f"help imports {heavy}" if heavy else code)
"""


def test_help_names_every_command_and_imports_none_of_what_they_rest_on() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_page_of_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"Usage: python -m pmt_helpers {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_function_has_the_name_of_its_module(name: str) -> None:
    function = cli.get_command(click.Context(cli), name).callback
    assert function.__module__.split(".")[-1] != function.__name__


def test_an_unknown_command_is_refused_in_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "No such command 'fly'" in capsys.readouterr().err


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    """`python -m pmt_helpers doctor` replaced by a command that finds a damaged file."""

    @click.command()
    def doctor() -> None:
        raise DataError(file="watch.npy", expected="140 recordings", found="3", remedy="Install seglearn again.")

    module = ModuleType("pmt_helpers.commands.workbook")
    module.doctor = doctor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return DataError


def test_a_data_error_is_told_without_a_traceback(
    failing: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PMT_DEBUG", raising=False)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: cannot use watch.npy")
    assert "Install seglearn again." in said
    assert "Traceback" not in said


def test_pmt_debug_shows_all_of_it(failing: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMT_DEBUG", "1")
    with pytest.raises(failing):
        main(["doctor"])


def test_an_error_of_ours_is_never_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PMT_DEBUG", raising=False)
    command = importlib.import_module("pmt_helpers.commands.workbook")
    monkeypatch.setattr("pmt_helpers.workbook.verify.verify_notebooks", lambda: 1 / 0)
    assert command
    with pytest.raises(ZeroDivisionError):
        main(["notebooks", "verify"])


def test_findings_are_printed_and_make_verify_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pmt_helpers.workbook.verify import Finding

    monkeypatch.setattr(
        "pmt_helpers.workbook.verify.verify_notebooks",
        lambda: [Finding("01_activity", 2, "holds a widget", "build it again")],
    )
    assert main(["notebooks", "verify"]) == 1
    said = capsys.readouterr()
    assert said.out == "01_activity, cell 2: holds a widget. To do: build it again.\n"
    assert "1 finding in the stored notebooks" in said.err


def test_run_fails_when_a_notebook_stops(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from pmt_helpers.workbook import run

    asked: dict[str, object] = {}

    def stopped(paths: list[Path], out: Path, **options: object) -> list[run.Run]:
        asked.update(options, out=out)
        return [run.Run("01_activity", 1.0, 100, 0, 0, 0, "01_activity, cell 2 stopped: ValueError: no data")]

    monkeypatch.setattr(run, "run_notebooks", stopped)
    monkeypatch.setattr("pmt_helpers.workbook.files.learner_paths", lambda names: [tmp_path / "01.ipynb"])
    assert main(["run", "01", "--out", str(tmp_path), "--dataset", "wisdm"]) == 1
    assert asked["parameters"] == {"DATASET": "wisdm"}
    assert asked["out"] == tmp_path
    assert "1 of 1 notebooks stopped: 01_activity" in capsys.readouterr().err


def test_run_as_yourself_needs_your_recordings_and_hands_them_to_the_kernels(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from pmt_helpers.datasets import load_recordings, mine
    from pmt_helpers.workbook import run

    seen: list[str] = []
    monkeypatch.setattr(run, "run_notebooks", lambda *_, **__: seen.append(os.environ["PMT_RECORDINGS"]) or [])
    monkeypatch.setattr("pmt_helpers.workbook.files.learner_paths", lambda names: [])
    monkeypatch.setenv("PMT_RECORDINGS", "")  # given back afterwards
    monkeypatch.chdir(tmp_path)
    command = ["run", "--out", str(tmp_path / "out"), "--dataset", "mine"]
    assert main(command) == 1
    assert "0 recordings, none of them labelled" in capsys.readouterr().err
    assert not seen
    mine.write_as_phone([r for r in load_recordings("watch") if r.user == 2], tmp_path / "my_recordings" / "a.csv")
    assert main(command) == 0
    assert seen == [str(tmp_path / "my_recordings")]
    with run.kernel_environment() as variables:  # but what is built of the workbook's own never shows them
        assert variables["PMT_RECORDINGS"] == seen[0]
    monkeypatch.delenv("PMT_RECORDINGS")
    with run.kernel_environment() as variables:
        assert not Path(variables["PMT_RECORDINGS"]).exists()
