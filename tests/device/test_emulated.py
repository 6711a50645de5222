"""What the emulated board prints becomes a log that claims no more than an emulator knows; instructions are counted."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pmt_helpers.device import pi_profile, read_log, read_logs
from pmt_helpers.device.pi_profile import KERNELS
from tools.raspi3b import board, count_instructions, image, on_board, record, wheels

LOGS = Path(__file__).resolve().parents[2] / "data" / "pi_logs"
ORIGIN = "emulated-raspi3b-icount"
STORED = sorted(LOGS.glob(f"{ORIGIN}-*.jsonl"))
SENSORS = {"temp_c", "freq_mhz", "throttled", "power_w"}

# The first bytes are noise of a serial line that is being set up; the kernel of Linux ends lines with both characters.
SERIAL = (
    "��---- pi-profile begins ----\r\n"
    '{"ev": "header", "schema": "pi-profile/1"}\r\n'
    "\r\n"
    '{"ev": "end", "t_s": 0.6}\r\n'
    "---- pi-profile ends, exit code 0\r\n"
    "after the end\r\n"
)


def test_the_log_is_cut_out_between_two_marks() -> None:
    lines, code = board.between_marks(SERIAL)
    assert ([json.loads(line)["ev"] for line in lines], code) == (["header", "end"], 0)


def test_the_end_mark_says_failed_or_running() -> None:
    assert board.between_marks(SERIAL.replace("code 0", "code 1"))[1] == 1
    lines, code = board.between_marks(SERIAL.partition('{"ev": "end"')[0])
    assert (len(lines), code) == (1, None)


def test_a_board_that_never_began_is_an_error_with_its_last_words() -> None:
    with pytest.raises(ValueError, match=r"never printed.*Kernel panic"):
        board.between_marks("Booting Linux\r\nKernel panic - not syncing\r\n")


def test_the_first_process_warms_up_before_the_marks() -> None:
    script = board.init("python3 /pi_profile.py", before="python3 -c 'import numpy'").splitlines()
    warm, begins, command, ends = (
        next(n for n, line in enumerate(script) if part in line)
        for part in ("import numpy", board.BEGINS, "/pi_profile.py", board.ENDS)
    )
    assert warm < begins < command < ends
    assert script[warm].endswith(">$HOME/before 2>&1")


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        click.ClickException, match=r"qemu-system-aarch64 was not found: apt-get install qemu-system-arm"
    ):
        image.require_programs("qemu-system-aarch64")


def test_a_silent_board_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "qemu-system-aarch64"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    boot = image.Boot(*(tmp_path / name for name in ("kernel", "tree", "system", "packed")))
    with pytest.raises(click.ClickException, match=r"silent for .* last it printed nothing"):
        board.run(boot, tmp_path / "serial.log", timeout_s=0.1)


def test_the_archive_holds_files_links_and_folders(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr/run").write_text("odd")
    (tmp_path / "usr/run").chmod(0o755)
    (tmp_path / "bin").symlink_to("usr")
    found, data = {}, b"".join(image.newc(tmp_path))
    while data:
        assert data[:6] == b"070701"
        fields = [int(data[n : n + 8], 16) for n in range(6, 110, 8)]
        mode, size, named = fields[1], fields[6], fields[11]
        body = 110 + named + -(110 + named) % 4
        found[data[110 : 110 + named - 1].decode()] = mode, data[body : body + size]
        data = data[body + size + -size % 4 :]
    assert list(found) == ["bin", "usr", "usr/run", "TRAILER!!!"]
    assert found["bin"] == (stat.S_IFLNK | 0o777, b"usr")
    assert found["usr/run"] == (stat.S_IFREG | 0o755, b"odd")
    assert stat.S_ISDIR(found["usr"][0])


def test_a_run_on_the_board_gets_origin_name_and_date() -> None:
    boot = image.Boot(*(Path(name) for name in ("kernel", "tree", "system", "packed")))
    first, second = (record.session(boot, "activity", Path("nowhere")) for _ in range(2))
    assert f"--origin {ORIGIN}" in first.command
    assert re.search(r"--utc 20\d\d-\d\d-\d\dT", first.command)
    names = [re.findall(r"--run-id (\w+)", each.command) for each in (first, second)]
    assert names[0] != names[1]
    assert first.card is None


def test_the_card_runs_the_projects_own_kernels(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task, kernel in record.ON_CARD.values():
        assert kernel in KERNELS[task]
    for name, value in {"DOCUMENTS": (2, 4), "ITERATIONS": 2}.items():
        monkeypatch.setattr(on_board, name, value)
    on_board.main("topics", "numba", "r1", "2026-01-01T00:00:00Z", "virtual time")
    (tmp_path / "log.jsonl").write_text(capsys.readouterr().out)
    train = read_log(tmp_path / "log.jsonl").spans.query("phase == 'train'")
    assert train["n_documents"].unique().tolist() == [2, 4]


EVERY_KERNEL = """
from pmt_helpers.device import workloads
from pmt_helpers.device.pi_profile import synthetic_tokens, synthetic_windows
for network in workloads.NETWORKS.values():
    network(*synthetic_windows(2))
workloads.NETWORKS["numba"](*synthetic_windows(2)).run(1)
workloads.SAMPLERS["numba"](synthetic_tokens(2, 9, 5), 3).run(1)
"""


def test_the_wheels_hold_all_that_the_kernels_import(tmp_path: Path) -> None:
    """A Python that sees only these packages, and those that they require, makes every kernel."""
    wanted, seen = list(wheels.WHEELS), set()
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name not in seen:
            seen.add(name)
            needed = [Requirement(text) for text in distribution(name).requires or ()]
            wanted += [each.name for each in needed if not each.marker or each.marker.evaluate({"extra": ""})]
    for top in {
        Path(file.parts[0]) for name in seen for file in distribution(name).files or () if file.parts[0] != ".."
    }:
        if not (tmp_path / top).exists():
            (tmp_path / top).symlink_to(Path(np.__file__).parents[1] / top)
    environment = {**os.environ, **wheels.ONE_THREAD, "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    subprocess.run([sys.executable, "-S", "-c", EVERY_KERNEL], env=environment, check=True)


def test_two_recordings_are_compared_span_by_span(tmp_path: Path) -> None:
    slower = tmp_path / "slower.jsonl"
    lines = [json.loads(line) for line in STORED[0].read_text().splitlines()]
    for line in lines:
        if line.get("phase") == "train":
            line["wall_s"] *= 1.01
    slower.write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = record.differences(slower, STORED[0])
    assert table.loc["train", "median %"] == pytest.approx(1, abs=0.02)
    assert table.drop(index="train")["max %"].eq(0).all()
    slower.write_text("".join(json.dumps(line) + "\n" for line in lines if line.get("phase") != "build"))
    with pytest.raises(click.ClickException, match="not the same spans"):
        record.differences(slower, STORED[0])


def test_both_tasks_are_recorded_on_the_emulated_board() -> None:
    names = {path.stem.removeprefix(f"{ORIGIN}-") for path in STORED}
    assert names >= set(record.RUNS)
    assert {log.path for log in read_logs(LOGS)[ORIGIN]} == set(STORED)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_an_emulated_log_says_what_it_is_and_claims_no_sensor(path: Path) -> None:
    log = read_log(path)
    assert (log.origin, log.complete) == (ORIGIN, True)
    assert log.header["machine"] == "aarch64"
    assert "virtual time" in log.header["note"]
    assert not {"governor", "fmax_mhz"} & set(log.header)
    assert not SENSORS & set(log.samples.dropna(axis=1, how="all"))
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", log.header["utc"])  # the board itself believes in 1970


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_emulated_seconds_grow_on_a_line_with_the_work(path: Path) -> None:
    train = read_log(path).spans.query("phase == 'train'")
    size = "n_samples" if "n_samples" in train else "n_tokens"
    seconds = train.groupby(size)["wall_s"].mean()
    assert len(seconds) >= 4
    assert np.corrcoef(seconds.index, seconds)[0, 1] ** 2 > 0.99


def test_documents_and_words_are_both_varied() -> None:
    train = read_log(LOGS / f"{ORIGIN}-topics.jsonl").spans.query("phase == 'train'")
    assert train.query(f"n_words == {train['n_words'].max()}")["n_documents"].nunique() >= 4
    assert train.query(f"n_documents == {train['n_documents'].max()}")["n_words"].nunique() >= 4


def test_predictions_take_less_than_a_millisecond_each() -> None:
    found = read_log(LOGS / f"{ORIGIN}-activity.jsonl").spans.query("phase == 'inference'").iloc[0]
    assert 0 < found["latency_ms_median"] <= found["latency_ms_p99"] < 1


@pytest.fixture(scope="module")
def instructions() -> pd.DataFrame:
    return pd.read_csv(LOGS / "instructions.csv").set_index(["task", "kernel"])


def test_every_kernel_has_its_instructions_and_their_provenance(instructions: pd.DataFrame) -> None:
    assert set(instructions.index) == set(count_instructions.RUNS)
    assert (instructions > 0).all(axis=None)
    about = json.loads((LOGS / "instructions.json").read_text())
    assert about["command"] == "python -m tools.raspi3b.count_instructions"
    assert {"qemu", "python", "numpy", "numba", "jax", "keras"} <= set(about["versions"])


@pytest.mark.parametrize(
    ("task", "kernel", "sketched"),
    [
        ("activity", "numpy", 261e3),
        ("activity", "keras_fit", 655e3),
        ("activity", "keras_batch", 2.38e6),
        ("topics", "python", 41e3),
        ("topics", "numpy", 69.5e3),
        ("topics", "numba", 392),
    ],
)
def test_counts_are_near_those_of_the_first_sketch(
    instructions: pd.DataFrame, task: str, kernel: str, sketched: float
) -> None:
    assert 1 / 1.5 < instructions.loc[(task, kernel), "per_update"] / sketched < 1.5


def test_the_compiled_loop_is_within_what_the_arithmetic_needs(instructions: pd.DataFrame) -> None:
    # A step multiplies and adds twice for each weight: forward, and to change it. NEON does four at a time.
    weights = 44 * 128 + 6 * 128
    least = 2 * weights / 4
    assert least < instructions.loc[("activity", "numba"), "per_update"] < 8 * least
    assert least < instructions.loc[("activity", "jax"), "per_update"] < 20 * least


def test_the_board_and_the_counter_agree_on_python(instructions: pd.DataFrame) -> None:
    # The same interpreter, once under Linux on the board and once alone: the rest is Linux's own share.
    train = read_log(LOGS / f"{ORIGIN}-topics-python.jsonl").spans.query("phase == 'train'")
    on_board = train["wall_s"].sum() / train["updates"].sum() * 1e9
    assert on_board / instructions.loc[("topics", "python"), "per_update"] == pytest.approx(1, abs=0.05)


def test_a_difference_of_two_trainings_is_what_an_update_costs() -> None:
    printed = "".join(f"mark {n} {count}\n" for n, count in enumerate([10, 100, 300, 700, 800, 1200]))
    found = count_instructions.count_of("topics", "numba", count_instructions.marks_of(printed), 10, short=1, long=4)
    assert (found.per_update, found.setup_instructions, found.updates_counted) == (10, 100 + 400 - 10 * 10, 30)
    with pytest.raises(ValueError, match=r"no mark \[5\]"):
        count_instructions.marks_of(printed.replace("mark 5", "park 5"))


def test_pi_profile_takes_the_options_that_the_board_gives_it(tmp_path: Path) -> None:
    shutil.copy(pi_profile.__file__, tmp_path / "pi_profile.py")
    small = {"--samples 20,40,80,160": "--samples 2", "--epochs 40": "--epochs 1", "--calls 1000": "--calls 2"}
    options = record.RUNS["activity"]
    for given, less in small.items():
        assert given in options
        options = options.replace(given, less)
    command = [sys.executable, "pi_profile.py", *options.split(), "--origin", ORIGIN, "--out", "-"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (tmp_path / "log.jsonl").write_text(done.stdout)
    assert read_log(tmp_path / "log.jsonl").origin == ORIGIN
