"""Logs recorded in 512 MB: the limit was real, the log says so, and its seconds are nobody's measure of speed."""

import shlex
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pmt_helpers.commands.profile import record_profile
from pmt_helpers.device import Log, read_log, read_logs
from pmt_helpers.device.fits import memory_by_kernel
from tools.constrained import guest, record
from tools.raspi3b import board

LOGS = Path(__file__).resolve().parents[2] / "data" / "pi_logs"
STORED = sorted(LOGS.glob(f"{record.ORIGIN}-*.jsonl"))
LIMIT_MB = 512


@pytest.fixture
def log() -> Log:
    return read_log(STORED[0])


def module(folder: Path, name: str, depends: str) -> None:
    (folder / f"{name}.ko").write_bytes(f"\x7fELF\0license=GPL\0depends={depends}\0name={name}\0".encode())


def test_what_the_recorder_makes_here_is_what_is_stored() -> None:
    assert {path.stem for path in STORED} == {f"{record.ORIGIN}-{name}" for name in record.RUNS}
    assert {log.path for log in read_logs(LOGS)[record.ORIGIN]} == set(STORED)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_log_is_whole_and_was_recorded_within_the_limit(path: Path) -> None:
    log = read_log(path)
    record.check(log, LIMIT_MB)
    assert 0 < log.spans["peak_rss_mb"].max() < LIMIT_MB < log.header["mem_total_mb"]
    assert {"import", "load", "build", "train"} <= set(log.spans["phase"])
    assert path.stat().st_size < 100_000


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_log_says_that_its_processor_was_software(path: Path) -> None:
    log = read_log(path)
    assert log.header["note"].endswith(record.NOTE.format(limit=LIMIT_MB))
    assert "seconds are not" in log.header["note"]
    assert "QEMU" in log.header["cpu"]


def test_keras_trains_in_the_memory_of_a_pi_zero_2_w() -> None:
    table = memory_by_kernel(read_log(path) for path in STORED).set_index("kernel")
    assert table["limited_mb"].eq(LIMIT_MB).all()
    assert table["fits"].all()
    assert table.loc["numpy", "peak_mb"] < table.loc["keras_fit", "peak_mb"] / 2


def test_a_log_without_end_or_limit_is_not_kept(tmp_path: Path, log: Log) -> None:
    lines = log.path.read_text().splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_text("".join(lines[:-1]))
    with pytest.raises(click.ClickException, match="has no end"):
        record.check(read_log(cut), LIMIT_MB)
    with pytest.raises(click.ClickException, match=r"256 MB; it says .* 512"):
        record.check(log, 256)


def test_a_log_that_fails_its_check_replaces_nothing(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "log.jsonl"
    out.write_text("precious")
    monkeypatch.setattr(guest, "run", lambda *_, **__: log.path.read_text().splitlines()[:-1])
    one = guest.Guest(*(tmp_path / name for name in ("kernel", "system", "packed")))
    with pytest.raises(click.ClickException):
        record.record(one, "activity-numpy", LIMIT_MB, out, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    assert out.read_text() == "precious"
    monkeypatch.setattr(guest, "run", lambda *_, **__: log.path.read_text().splitlines())
    record.record(one, "activity-numpy", LIMIT_MB, out, 1)
    assert out.read_text() == log.path.read_text()


@pytest.mark.parametrize(
    ("codes", "holds"), [(["0", "137"], True), (["0", "0"], False), (["137", "137"], False), ([], False)]
)
def test_the_limit_is_proven_by_what_is_killed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, codes: list[str], holds: bool
) -> None:
    monkeypatch.setattr(guest, "run", lambda *_, **__: codes)
    one = guest.Guest(Path("kernel"), Path("system"), Path("packed"))
    if holds:
        record.prove(one, LIMIT_MB, 1)
        assert "614 MB: exit code 137" in capsys.readouterr().out
    else:
        with pytest.raises(click.ClickException, match="512 MB does not hold"):
            record.prove(one, LIMIT_MB, 1)


def test_modules_are_loaded_after_those_they_rest_on(tmp_path: Path) -> None:
    for name, depends in (("9p", "9pnet,netfs"), ("9pnet", ""), ("netfs", "fscache"), ("fscache", "")):
        module(tmp_path, name, depends)
    names = [path.stem for path in guest.load_order(tmp_path, ("9p", "netfs"))]
    assert names == ["9pnet", "fscache", "netfs", "9p"]
    module(tmp_path, "overlay", "gone")
    with pytest.raises(click.ClickException, match="no module gone"):
        guest.load_order(tmp_path, ("overlay",))


def test_the_command_survives_two_shells(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(guest, "GROUP", str(tmp_path))
    words = ["/bin/sh", "-c", 'echo "$NOTE"; pwd']
    line = guest.limited_command(words, tmp_path, {"PATH": "/bin", "NOTE": "it's 512 MB; $HOME"})
    chroot = next(each for each in guest.init(line, "512M").splitlines() if each.startswith("chroot "))
    quoted = chroot.partition(" -c ")[2].rpartition(" 2>")[0]
    assert shlex.split(quoted) == [line]
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["it's 512 MB; $HOME", str(tmp_path)]
    assert (tmp_path / "cgroup.procs").read_text().strip().isdecimal()


def test_the_group_is_limited_before_the_log_begins() -> None:
    script = guest.init("python", "512M").splitlines()
    limit, begins, command = (
        next(n for n, line in enumerate(script) if part in line)
        for part in ("echo 512M >/sys/fs/cgroup/limited/memory.max", board.BEGINS, "chroot")
    )
    assert limit < begins < command


def test_without_qemu_the_command_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = CliRunner().invoke(record.main, ["--build", str(tmp_path)])
    assert done.exit_code == 1
    assert "qemu-system-x86_64 was not found: apt-get install qemu-system-x86" in done.output
    assert not list(tmp_path.iterdir())


def test_a_guest_that_ends_by_itself_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "qemu-system-x86_64"
    broken.write_text("#!/bin/sh\necho 'no such machine' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "system").mkdir()
    one = guest.Guest(*(tmp_path / name for name in ("kernel", "system", "packed")))
    with pytest.raises(click.ClickException, match="QEMU ended by itself: no such machine"):
        guest.run(one, "true", "512M", timeout_s=20)


@pytest.mark.parametrize("limit", ["512", "512M", "256m"])
def test_limits_are_megabytes(limit: str) -> None:
    assert record.Limit().convert(limit, None, None) == int(limit.rstrip("Mm"))


@pytest.mark.parametrize("limit", ["1G", "4096M", "2", "much"])
def test_limits_that_the_guest_cannot_have_are_refused(limit: str) -> None:
    done = CliRunner().invoke(record.main, ["--limit", limit])
    assert done.exit_code == 2
    assert "is no limit such as 512M" in done.output


def test_a_log_is_printed_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        record_profile, ["--out", "-", "--samples", "5", "--epochs", "1", "--origin", "measured-host"]
    )
    assert done.exit_code == 0, done.output
    assert not list(tmp_path.iterdir())
    (tmp_path / "log.jsonl").write_text(done.stdout)
    assert read_log(tmp_path / "log.jsonl").complete
