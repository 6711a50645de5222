"""Faults around the commands (full disk, closed pipe, Ctrl-C, old encoding): one sentence and an exit code."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from pmt_helpers.__main__ import main
from pmt_helpers.datasets import DataError
from pmt_helpers.datasets.files import check_writable
from pmt_helpers.device import pi_profile
from pmt_helpers.experiments.resume import _here

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "pmt_helpers"]
on_unix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of Unix")


@pytest.fixture(autouse=True)
def no_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PMT_DEBUG", raising=False)


@pytest.fixture
def doctor_raises(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException]:
    """The command `doctor`, replaced by one that raises what is put in here."""
    put: dict[str, BaseException] = {}

    @click.command()
    def doctor() -> None:
        raise put["error"]

    module = ModuleType("pmt_helpers.commands.workbook")
    module.doctor = doctor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return put


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "grid.csv"), "Error: grid.csv: No space left on device\n"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), "Error: a/b: Permission denied\n"),
        (OSError(errno.EROFS, "Read-only file system"), "Error: what this command prints or writes: Read-only file"),
    ],
)
def test_a_system_that_refuses_is_told_in_a_sentence_with_the_path(
    doctor_raises: dict[str, BaseException],
    error: OSError,
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    doctor_raises["error"] = error
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err.startswith(says)
    monkeypatch.setenv("PMT_DEBUG", "1")
    with pytest.raises(OSError, match=error.strerror):
        main(["doctor"])


def test_ctrl_c_is_one_word_and_130(
    doctor_raises: dict[str, BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    doctor_raises["error"] = KeyboardInterrupt()
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err.strip() == "Stopped."


def test_a_command_that_found_something_ends_with_its_own_code(doctor_raises: dict[str, BaseException]) -> None:
    doctor_raises["error"] = SystemExit(1)
    assert main(["doctor"]) == 1


def test_help_says_what_each_exit_code_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n    {code:<4} " in said for code in ("0", "1", "2", "130")), said


@on_unix
def test_nobody_who_reads_is_no_message() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run([*COMMAND, "--help"], cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full")
def test_a_full_disk_under_what_is_printed_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "--help"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "No space left" in done.stderr


def test_letters_that_an_encoding_lacks_do_not_stop_a_command() -> None:
    program = (
        "import click; from pmt_helpers import __main__ as m; m.cli.add_command(click.Command('x', callback=lambda: "
        "click.echo('m/s\\u00b2, 3 \\u2265 2'))); m.LazyGroup.get_command = m.click.Group.get_command; "
        "raise SystemExit(m.main(['x']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "cp932"}, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode("cp932").startswith("m/s?, 3 ")


@pytest.mark.parametrize("command", [["run"], ["sweep", "figure3"], ["profile"]])
def test_a_place_that_cannot_be_written_is_named_before_anything_is_computed(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("workbook.run.run_notebooks", "experiments.activity.curve_grid", "device.workloads.record_kernel"):
        monkeypatch.setattr(f"pmt_helpers.{name}", None)
    (tmp_path / "file").write_text("precious")
    assert main([*command, "--out", str(tmp_path / "file" / "below" / "x")]) == 1
    assert "choose another place with --out" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "precious"


@on_unix
def test_a_full_disk_is_noticed_though_it_lets_files_be_made(tmp_path: Path) -> None:
    said = in_little_room("from pmt_helpers.datasets.files import check_writable; check_writable(Path('.'))", tmp_path)
    assert "DataError: cannot use ." in said
    check_writable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@on_unix
def test_what_is_compiled_is_not_kept_on_a_full_disk(tmp_path: Path) -> None:
    program = "import os, pmt_helpers; print('kept in', os.environ.get('JAX_COMPILATION_CACHE_DIR'))"
    assert "kept in None" in in_little_room(program, tmp_path)


def in_little_room(program: str, folder: Path, room: int = 0) -> str:
    """What a program says in a process that cannot write a file larger than `room` bytes, as on a full disk."""
    limit = f"import resource; from pathlib import Path; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room})); "
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", limit + program], cwd=folder, env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return done.stdout


@on_unix
def test_a_disk_that_fills_during_a_recording_is_one_sentence(tmp_path: Path) -> None:
    arguments = ["profile", "--out", "log.jsonl", "--samples", "5", "--epochs", "50"]
    said = in_little_room(f"from pmt_helpers.__main__ import main; print('exit', main({arguments}))", tmp_path, 4096)
    assert "Error: log.jsonl: File too large" in said
    assert "exit 1" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--samples", "2000"], "at least 2000 windows"),
        (["--task", "topics", "--documents", "100000"], "at least 100000 documents"),
        (["--dataset", "mnist"], "Check the spelling"),
    ],
)
def test_a_recording_without_data_leaves_no_log_behind(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "--out", str(tmp_path / "log.jsonl"), *arguments]) == 1
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_whole_vocabulary_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "--out", str(tmp_path / "log.jsonl"), "--percents", "50,200"]) == 2
    assert "1 to 100" in capsys.readouterr().err


def test_export_writes_over_nothing_but_its_own_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, thesis = tmp_path / "pi_profile.py", tmp_path / "thesis.py"
    thesis.write_text('"""My thesis."""')
    assert main(["profile", "--export", str(thesis)]) == 2
    assert "is no pi_profile.py" in capsys.readouterr().err
    assert thesis.read_text() == '"""My thesis."""'
    own.write_bytes(Path(pi_profile.__file__).read_bytes()[:2000])  # an older edition
    assert main(["profile", "--export", str(own)]) == 0
    assert own.read_bytes() == Path(pi_profile.__file__).read_bytes()


@on_unix
def test_export_does_not_replace_a_pipe_or_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main(["profile", "--export", str(pipe)]) == 2
    assert pipe.is_fifo()


def test_a_number_that_the_data_cannot_give_is_one_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_figure5(*_: object, **__: object) -> Iterator[None]:
        raise ValueError("1265 documents cannot be split into 1000000 local ones")
        yield

    monkeypatch.setattr("pmt_helpers.experiments.topics.run_figure5", run_figure5)
    arguments = ["sweep", "figure5", "--n-local", "1000000", "--out", str(tmp_path), "--work", str(tmp_path / "work")]
    assert main(arguments) == 2
    assert "cannot be split into 1000000 local ones (with PMT_DEBUG=1: where)" in capsys.readouterr().err
    monkeypatch.setenv("PMT_DEBUG", "1")
    with pytest.raises(ValueError, match="cannot be split"):
        main(arguments)


@pytest.mark.parametrize("folds", ["2", "100000"])
def test_folds_have_a_range(folds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "figure3", "--folds", folds]) == 2
    assert "3<=x<=50" in capsys.readouterr().err


def blocked_signals() -> str:
    return next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("SigBlk"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_workers_do_not_hear_the_ctrl_c_that_stops_the_sweep() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    (_, line), *_ = _here({"one": (blocked_signals, ()), "two": (blocked_signals, ())}, workers=2)
    assert int(line.split()[1], 16) & 1 << (signal.SIGINT - 1)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@on_unix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_recording_leaves_a_log_that_can_be_read(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "log.jsonl"
    command = [*COMMAND, "profile", "--out", str(path), "--samples", "160", "--epochs", "100000"]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while '"train"' not in (path.read_text() if path.exists() else "") and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(number)
    said = running.communicate(timeout=60)[1]
    assert "Traceback" not in said
    assert pi_profile.SCHEMA in path.read_text()
    if number == signal.SIGINT:
        assert said.strip().endswith("Stopped.")
    again = subprocess.run([*COMMAND, "profile", "--out", str(path)], cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 2
    assert "never written over" in again.stderr


def test_an_error_says_the_file_what_was_expected_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="room in it") as caught:
        check_writable(tmp_path / "file")
    assert caught.value.file == str(tmp_path / "file")
