"""system: what is written in README between two machines, here on one; Ctrl-C and kill; what is refused, in a line."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from click.testing import CliRunner

from pmt_helpers import system
from pmt_helpers.commands.system import system_group
from pmt_helpers.datasets import load_recordings
from pmt_helpers.datasets.mine import write_as_phone
from pmt_helpers.device import read_log

ROOT = Path(__file__).resolve().parents[2]
STARTED: list[subprocess.Popen] = []
PORT = 24000 + os.getpid() % 1000 * 8  # eight for each test process, below those that the system gives to clients


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(system_group, [str(each) for each in arguments])


def well(*arguments: Any) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.output


def start(*arguments: Any) -> subprocess.Popen:
    command = [sys.executable, "-m", "pmt_helpers", "system", *(str(each) for each in arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
def nothing_runs_on() -> Iterator[None]:
    """Whatever a test started and did not end is killed, also when the test fails."""
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a cloud with one release, and one person's windows."""
    folder = tmp_path_factory.mktemp("system")
    assert "Version 1" in well("publish", folder / "cloud", "--leave-out", "3")
    assert "20 to train" in well("person", folder / "mine.npz", "--person", 3)
    return folder


@pytest.fixture
def cloud(home: Path) -> subprocess.Popen:
    process = start("cloud", home / "cloud", "--port", PORT)
    assert process.stdout is not None
    assert f":{PORT}" in process.stdout.readline()
    return process


def peak(pid: int) -> float:
    """Megabytes of a process at most, so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def device(home: Path, folder: Path, source: object, *more: Any) -> tuple[Any, ...]:
    told = ("--invitation", home / "cloud" / "invitation.json", "--windows", home / "mine.npz")
    return ("device", folder, "--from", source, *told, *more)


def test_secrets_are_the_owners_and_the_invitation_holds_none(home: Path) -> None:
    secrets = list((home / "cloud" / "secret").iterdir())
    assert {path.name for path in secrets} == {"signing.key", "curve.key"}
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    told = (home / "cloud" / "invitation.json").read_text()
    assert not any(each in told for path in secrets for each in (str(path.read_bytes()), path.read_bytes().hex()))


def test_a_device_a_mirror_and_a_volunteer_at_a_cloud(cloud: subprocess.Popen, home: Path, tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{PORT}"
    (signal_,) = [r.signal for r in load_recordings("watch") if r.user == 3][:1]
    lines = "\n".join(",".join(map(str, row)) for row in signal_[:600])
    (tmp_path / "readings.csv").write_text(lines + "\n")
    more = ("--visits", 1, "--log", tmp_path / "log.jsonl", "--readings", tmp_path / "readings.csv")
    said = well(*device(home, tmp_path / "home", address, *more))
    assert "Version 1; 512 bytes up" in said
    assert len(said.splitlines()) == 1 + 3
    log = read_log(tmp_path / "log.jsonl")
    assert log.complete
    assert log.spans["phase"].tolist() == ["train"] + 3 * ["inference"]
    assert "Nothing newer" in well(*device(home, tmp_path / "home", address, "--visits", 1))

    (tmp_path / "home" / "private" / "kept.npz").unlink()  # as if it was killed after the download
    trained, nothing = well(*device(home, tmp_path / "home", address, "--visits", 1)).splitlines()
    assert trained.startswith("Version 1; kept the new model; shared")
    assert nothing == "Nothing newer."

    volunteer = ("volunteer", tmp_path / "volunteer", "--to", f"tcp://127.0.0.1:{PORT + 1}",
                 "--invitation", home / "cloud" / "invitation.json", "--windows", home / "mine.npz")  # fmt: skip
    refused = run(*volunteer)
    assert refused.exit_code == 1
    assert "volunteers.txt" in refused.output
    (home / "cloud" / "volunteers.txt").write_text(refused.output.splitlines()[0].rpartition(" ")[2])
    assert "took 35 windows" in well(*volunteer)
    assert "10 people" in well("publish", home / "cloud", "--leave-out", "3")

    mirror = start("mirror", tmp_path / "mirror", "--from", address, "--port", PORT + 2, "--every", 0.7,
                   "--invitation", home / "cloud" / "invitation.json")  # fmt: skip
    assert mirror.stdout is not None
    assert "Ctrl-C" in mirror.stdout.readline()
    # the cloud may need a second to notice its new version
    assert any("Version 2" in mirror.stdout.readline() for _ in range(20))
    told = ("--invitation", tmp_path / "mirror" / "invitation.json", "--windows", home / "mine.npz", "--visits", 1)
    assert "Version 2" in well("device", tmp_path / "home", "--from", f"tcp://127.0.0.1:{PORT + 2}", *told)
    mirror.send_signal(signal.SIGINT)
    assert mirror.wait(20) == 130
    assert "Nothing newer" in well(*device(home, tmp_path / "home", home / "cloud" / "shelf", "--visits", 1))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_ends_a_cloud_and_a_device_cleanly_and_both_start_again(
    cloud: subprocess.Popen, home: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        running = start(*device(home, tmp_path / "home", f"tcp://127.0.0.1:{PORT}", "--every", 0.2))
        assert running.stdout is not None
        assert running.stdout.readline()
        if Path("/proc").exists():
            processes = [psutil.Process(running.pid), *psutil.Process(running.pid).children()]
            assert len(processes) == 2
            assert max(peak(process.pid) for process in processes) < 75
        second = run(*device(home, tmp_path / "home", f"tcp://127.0.0.1:{PORT}", "--visits", 1))
        assert (second.exit_code, "another process uses" in second.output) == (1, True)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
        assert (running.returncode, err.strip()) == (130, "Stopped.")
    cloud.send_signal(signal.SIGINT)
    _, err = cloud.communicate(timeout=20)
    assert cloud.returncode == 130
    assert "Traceback" not in err


def test_a_cloud_that_was_killed_serves_again(home: Path, tmp_path: Path) -> None:
    for number in range(2):
        process = start("cloud", home / "cloud", "--port", PORT + 4)
        assert process.stdout is not None
        process.stdout.readline()
        address = f"tcp://127.0.0.1:{PORT + 4}"
        assert "Version" in well(*device(home, tmp_path / str(number), address, "--visits", 1))
        process.kill()
        process.wait()


def test_private_keys_are_never_written_over_and_a_damaged_one_stops_everything(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret" / "signing.key"
    secret.parent.mkdir()
    secret.write_text("spoiled")
    done = run("publish", tmp_path, "--leave-out", "3")
    assert (done.exit_code, "put the true one back" in done.output) == (1, True)
    assert secret.read_text() == "spoiled"


@pytest.mark.parametrize(("arguments", "code", "says"), [
    (("cloud", "{new}"), 2, "nothing is published"),
    (("publish", "{new}", "--leave-out", "a"), 2, "not a valid integer"),
    (("publish", "{new}", *(word for i in range(1, 11) for word in ("--leave-out", str(i)))), 2, "nobody to train on"),
    (("person", "{new}/p.npz", "--person", "99"), 2, "no windows of user 99"),
    (("person", "{new}/p.npz", "--person", "3", "--samples", "9999"), 2, "training windows"),
    (("device", "{new}", "--from", "ftp://a", "--invitation", "{told}", "--windows", "{mine}"), 2, "tcp://host:port"),
    (("device", "{new}", "--from", "tcp://nowhere", "--invitation", "{told}", "--windows", "{mine}"), 2, "--from"),
    (("device", "{new}", "--from", "a", "--invitation", "{mine}", "--windows", "{mine}"), 1, "is no invitation"),
    (("device", "{new}", "--from", "a", "--invitation", "{told}", "--windows", "{told}"), 1, "cannot use"),
])  # fmt: skip
def test_what_cannot_be_done_is_told_in_a_line(
    arguments: tuple[str, ...], code: int, says: str, home: Path, tmp_path: Path
) -> None:
    names = {"new": tmp_path / "new", "told": home / "cloud" / "invitation.json", "mine": home / "mine.npz"}
    command = [sys.executable, "-m", "pmt_helpers", "system", *(each.format(**names) for each in arguments)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, says in ended.stderr) == (code, True), ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture
def my_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PMT_RECORDINGS", str(tmp_path / "my_recordings"))
    write_as_phone([r for r in load_recordings("watch") if r.user == 5], tmp_path / "my_recordings" / "a.csv")
    return tmp_path


def test_publishing_mine_leaves_you_out_unless_you_ask(my_recordings: Path) -> None:
    """The same weights, to the bit, as the data set without you."""
    made = {}
    for name, options in {"watch": [], "mine": [], "with me": ["--with-me"]}.items():
        dataset = "watch" if name == "watch" else "mine"
        well("publish", my_recordings / name, "--dataset", dataset, *options)
        head = (my_recordings / name / "shelf" / "watch" / "head").read_bytes()
        made[name] = json.loads(head[64:])
    assert made["mine"]["arrays"] == made["watch"]["arrays"] != made["with me"]["arrays"]
    assert made["mine"]["dataset"] == "watch"


def test_your_own_device_gets_your_windows(my_recordings: Path) -> None:
    assert "20 to train" in well("person", my_recordings / "me.npz", "--dataset", "mine", "--person", 0)


def test_the_audit_says_what_differs_and_fails_where_the_real_device_does(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"place": "on the wire", "channel": "lengths", "difference_s": 0.1}
    monkeypatch.setattr(system, "audit_processes", lambda *_, **__: pd.DataFrame([{**row, "verdict": "same"}]))
    said = well("audit")
    for name, before in {
        "honest": "nothing",
        "order of pieces": "bytes",
        "asks again": "number, lengths, bytes",
    }.items():
        assert any(line.startswith(f"{name} ") and line[18:].startswith(before) for line in said.splitlines()), said
    assert "processes send: nothing." in said
    assert all(words in said for words in system.CANNOT_FIND)
    monkeypatch.setattr(system, "audit_processes", lambda *_, **__: pd.DataFrame([{**row, "verdict": "random"}]))
    failed = run("audit")
    assert failed.exit_code == 1
    assert "processes send: lengths." in failed.output
