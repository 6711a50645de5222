"""pi_profile.py: the sensors, the recorder, the kernels, and that the file runs alone."""

import ast
import json
import platform
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.device import Recorder, pi_profile, read_log
from pmt_helpers.device.pi_profile import (
    BETA,
    NOTE,
    Sensors,
    Tokens,
    latencies,
    numpy_gibbs,
    passes,
    python_gibbs,
    synthetic_tokens,
    synthetic_windows,
)
from pmt_helpers.topics import gibbs_reference

# Sensors

PI_5 = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
    "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "50005\n",
    "proc/meminfo": "MemTotal:        4147200 kB\nMemFree:  1 kB\nMemAvailable:    3145728 kB\n",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Cortex-A76\n\nModel\t\t: Raspberry Pi 5\n",
    "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 total=7\n",
    "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "proc/self/cgroup": "0::/user.slice/run\n",
    "sys/fs/cgroup/user.slice/memory.max": "536870912\n",
    "sys/fs/cgroup/user.slice/run/memory.max": "max\n",
    "etc/os-release": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
}


def machine(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode("latin-1"))
    return folder


def firmware(*words: str) -> str | None:
    """Two rails with both numbers, one of which only the voltage is known."""
    rails = "     3V3_SYS_A current(1)=0.10000000A\n  3V3_SYS_V volt(9)=3.30000000V\nVDD_CORE_A current(7)=2.0A\n"
    return {"pmic_read_adc": rails + "VDD_CORE_V volt(15)=0.80000000V\nEXT5V_V volt(24)=5.1V\n"}.get(words[0])


def silent(*_: str) -> str | None:
    return None


def test_a_pi_5_says_everything(tmp_path: Path) -> None:
    sensors = Sensors(machine(tmp_path, PI_5), firmware)
    found, sample = sensors.machine(), sensors.sample()
    assert (found["model"], found["cpu"]) == ("Raspberry Pi 5 Model B Rev 1.0", "Cortex-A76")
    assert (found["governor"], found["fmax_mhz"], found["os"]) == ("ondemand", 2400, "Debian GNU/Linux 12 (bookworm)")
    assert (found["mem_total_mb"], found["mem_limit_mb"]) == (4050, 512)  # the limit of a parent holds too
    assert sample["temp_c"] == pytest.approx(48.312)
    assert sample["freq_mhz"] == pytest.approx([2400, 1500])
    assert sample["throttled"] == 0x50005
    assert sample["power_w"] == pytest.approx(0.1 * 3.3 + 2 * 0.8)
    assert (sample["psi_cpu_s"], sample["psi_mem_s"], sample["mem_avail_mb"]) == (1.5, 0, 3072)
    assert "psi_io_s" not in sample


@pytest.mark.parametrize(
    ("model", "watts"),
    [("Raspberry Pi Compute Module 5 Rev 1.0", True), ("Raspberry Pi 500 Rev 1.0", True), ("Raspberry Pi 4B", False)],
)
def test_every_board_with_the_pi_5s_power_chip_has_watts(tmp_path: Path, model: str, watts: bool) -> None:
    sensors = Sensors(machine(tmp_path, {**PI_5, "proc/device-tree/model": f"{model}\0"}), firmware)
    assert ("power_w" in sensors.sample()) == watts


@pytest.mark.parametrize(
    "arguments",
    [
        ("--samples", "0"),
        ("--samples", "5,x"),
        ("--epochs", "-1"),
        ("--calls", "0"),
        ("--every", "nan"),
        ("--every", "-1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_a_log_is_made(
    tmp_path: Path, arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        pi_profile.main(["--out", str(tmp_path / "log.jsonl"), *arguments])
    assert end.value.code == 2
    assert f"argument {arguments[0]}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_machine_that_says_nothing_leaves_all_out(tmp_path: Path) -> None:
    sensors = Sensors(tmp_path, silent)
    assert set(sensors.sample()) <= {"rss_mb"}
    assert not {"model", "cpu", "os", "governor", "fmax_mhz", "mem_total_mb", "mem_limit_mb"} & set(sensors.machine())


@pytest.mark.parametrize("broken", ["", "\n", "nan", "inf", "1.e999", "no number", "\xff\xfe\0", "total=", "-", "0x"])
def test_broken_files_are_left_out_rather_than_zero(tmp_path: Path, broken: str) -> None:
    files = {name: broken for name in PI_5 if name != "proc/device-tree/model"}
    sensors = Sensors(machine(tmp_path, {**PI_5, **files}), lambda *_: f"A_A current(0)={broken}\n{broken}")
    assert set(sensors.sample()) <= {"rss_mb"}
    assert not {"fmax_mhz", "mem_total_mb", "mem_limit_mb"} & set(sensors.machine())


def test_a_folder_where_a_file_should_be_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "proc/meminfo").mkdir(parents=True)
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").mkdir(parents=True)
    assert set(Sensors(tmp_path, silent).sample()) <= {"rss_mb"}


def test_throttling_is_asked_of_the_firmware(tmp_path: Path) -> None:
    asked = Sensors(tmp_path, lambda *words: "throttled=0x50000\n" if words == ("get_throttled",) else None)
    assert asked.sample()["throttled"] == 0x50000


def test_power_is_asked_only_of_a_pi_5(tmp_path: Path) -> None:
    files = {"proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0"}
    assert "power_w" not in Sensors(machine(tmp_path, files), firmware).sample()


@pytest.mark.parametrize(
    ("cgroup", "limit", "expected"),
    [
        ("0::/\n", {"sys/fs/cgroup/memory.max": "268435456"}, 256),
        ("4:memory:/docker/abc\n0::/\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456"}, 256),
        ("4:memory:/a\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("0::/../..\n", {"sys/fs/cgroup/memory.max": "max"}, None),
        ("garbage\n", {}, None),
    ],
)
def test_both_kinds_of_control_groups_limit_memory(tmp_path: Path, cgroup: str, limit: dict, expected) -> None:
    files = {"proc/self/cgroup": cgroup, "proc/meminfo": "MemTotal: 1048576 kB\n", **limit}
    assert Sensors(machine(tmp_path, files), silent).memory_limit() == expected


def test_the_header_has_no_name_of_this_machine(tmp_path: Path) -> None:
    found = Sensors().machine()
    assert platform.node() not in map(str, found.values())
    assert found["lib"]["numpy"]


# Recorder


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_is_a_header_spans_and_an_end(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with Recorder(path, "measured-host", task="activity", note="a test", every_s=0) as recorder:
        with recorder.span("import", task="activity", kernel="numpy"):
            sum(range(100_000))
        with recorder.span("train", n_samples=np.int64(20), epoch=1, updates=20, n_topics=None) as found:
            found["latency_ms_median"] = np.float32(0.5)
    header, first, second, end = lines(path)
    assert (header["ev"], header["schema"], header["origin"]) == ("header", "pi-profile/1", "measured-host")
    assert {"run_id", "utc", "machine", "python", "lib"} <= set(header)
    assert (first["phase"], first["kernel"]) == ("import", "numpy")
    assert min(first["cpu_s"], first["wall_s"], first["peak_rss_mb"]) > 0
    assert (second["n_samples"], second["latency_ms_median"]) == (20, 0.5)
    assert not {"n_topics", "error"} & set(second)
    assert second["t_s"] >= first["t_s"] + first["wall_s"] - 1e-5
    assert (end["ev"], end["t_s"] >= second["t_s"]) == ("end", True)


def test_waiting_is_wall_time_and_no_cpu_time(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with Recorder(path, "measured-host", every_s=0) as recorder, recorder.span("load"):
        time.sleep(0.05)
    span = lines(path)[1]
    assert span["wall_s"] >= 0.05 > 2 * span["cpu_s"]
    assert span["ctx_vol"] >= 1


def test_samples_are_taken_beside_the_work(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with Recorder(path, "measured-host", every_s=0.01) as recorder, recorder.span("train"):
        while sum(line.startswith('{"ev": "sample"') for line in path.read_text().splitlines()) < 2:
            time.sleep(0.01)
    assert len(read_log(path).samples) >= 2


def test_work_that_fails_is_recorded_and_still_fails(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with pytest.raises(MemoryError), Recorder(path, "measured-host", every_s=0) as r, r.span("train", epoch=3):
        raise MemoryError("too much")
    log = read_log(path)
    assert log.complete
    assert log.spans["error"].tolist() == ["MemoryError"]


def test_a_log_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("precious")
    with pytest.raises(FileExistsError), Recorder(path, "measured-host"):
        pass
    assert path.read_text() == "precious"


def test_unknown_origins_and_phases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="measured-pi"):
        Recorder(tmp_path / "log.jsonl", "measured-somewhere")
    recorder = Recorder(tmp_path / "log.jsonl", "predicted", every_s=0)
    with recorder, pytest.raises(ValueError, match="compile"), recorder.span("thinking"):
        pass


def test_an_emulated_board_has_no_thermometer(tmp_path: Path) -> None:
    (tmp_path / "sys/class/thermal/thermal_zone0").mkdir(parents=True)
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").write_text("25000")
    for origin, has in (("emulated-raspi3b-icount", False), ("measured-pi", True)):
        path = tmp_path / f"{origin}.jsonl"
        with Recorder(path, origin, every_s=0, readings=Sensors(tmp_path)) as recorder:
            recorder.sample()
        assert ("temp_c" in lines(path)[1]) is has


KILLED = """
import os, signal, sys
from pmt_helpers.device import Recorder
with Recorder(sys.argv[1], "measured-host", every_s=0) as recorder:
    for epoch in range(1, 4):
        with recorder.span("train", epoch=epoch):
            pass
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_recorded_survives_a_sudden_death(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode != 0
    log = read_log(path)
    assert log.spans["epoch"].tolist() == [1, 2, 3]
    assert not log.complete
    assert "without an end" in log.notes[0]


# Kernels


@pytest.mark.parametrize("gibbs", [numpy_gibbs, python_gibbs])
def test_a_timed_iteration_is_a_pass_of_the_sampler(gibbs) -> None:
    """Two words that never share a document end in topics of their own, and the counts stay counts."""
    corpus = Tokens([0, 1] * 40 + [2, 3] * 40, [d for d in range(8) for _ in range(20)], 4, 8)
    trainer = gibbs(corpus, 2, seed=1)
    trainer.run(60)
    run = dict(zip(trainer.run.__code__.co_freevars, trainer.run.__closure__, strict=True))["sweep"].cell_contents
    state = {name: cell.cell_contents for name, cell in zip(run.__code__.co_freevars, run.__closure__, strict=True)}
    by_word = np.array(state["by_word"], float)
    assert by_word.sum() == 160
    assert (by_word >= 0).all()
    assert np.array(state["totals"]) == pytest.approx(by_word.sum(axis=0) + 4 * BETA)
    assert Counter(state["z"]) == Counter(dict(enumerate(by_word.sum(axis=0).astype(int))))


def test_numpys_iteration_draws_the_topics_of_the_reference() -> None:
    corpus, n_topics = synthetic_tokens(6, 50, 20), 8
    trainer = numpy_gibbs(corpus, n_topics, seed=3)
    rng = np.random.default_rng(3)
    z = rng.integers(0, n_topics, len(corpus.words)).astype(np.uint32)
    words, documents = np.array(corpus.words), np.array(corpus.documents)
    by_word, by_doc = (np.zeros((n, n_topics), np.float32) for n in (corpus.n_words, corpus.n_documents))
    np.add.at(by_word, (words, z), 1)
    np.add.at(by_doc, (documents, z), 1)
    totals, eta_totals = by_word.sum(axis=0, dtype=float), np.full(n_topics, corpus.n_words * BETA)
    eta, alpha, starts = np.full(n_topics, BETA, np.float32), np.float32(50 / 8), np.array([0, 1])
    for _ in range(3):
        trainer.run(1)
        draws = rng.random(len(z)).astype(np.float32)
        for i, document in enumerate(documents):  # one by one, so that the reference does not work ahead
            tables = by_word.reshape(-1), by_doc[document], totals, eta, eta_totals, 0, alpha, n_topics
            token = slice(i, i + 1)
            gibbs_reference.sweep(words[token], starts, z[token], draws[token], gibbs_reference.Tables(*tables))
    run = dict(zip(trainer.run.__code__.co_freevars, trainer.run.__closure__, strict=True))["sweep"].cell_contents
    state = {name: cell.cell_contents for name, cell in zip(run.__code__.co_freevars, run.__closure__, strict=True)}
    assert state["z"].tolist() == z.tolist()


def test_made_up_data_have_the_true_shapes() -> None:
    start, X, y = synthetic_windows(7)
    assert (start.hidden.shape, start.output.shape, X.shape, y.shape) == ((44, 128), (6, 128), (7, 44), (7,))
    assert start.hidden[:-1].size + start.output.size + 128 + 6 == 6406
    whole, half = synthetic_tokens(80, 1000, 60), synthetic_tokens(80, 1000, 60, 50)
    assert len(whole.words) == 4800
    assert len(half.words) == pytest.approx(2400, rel=0.1)
    assert max(half.words) < half.n_words == 500


def test_spans_cover_all_passes() -> None:
    assert passes(5, 1) == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]
    assert passes(25, 10) == [(10, 10), (20, 10), (25, 5)]
    assert passes(3, 10) == [(3, 3)]


def test_latencies_are_the_middle_and_the_tail() -> None:
    found = latencies(lambda x: sum(range(2000 if x else 200_000)), [True] * 50 + [False], 102)
    assert 0 < found["latency_ms_median"] < found["latency_ms_p99"]


# One file

ALONE = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
beside = sorted(name for name in sys.modules if name.partition(".")[0] in ("pmt_helpers", "pandas", "scipy", "tqdm"))
assert not beside, beside
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A Python without any package but NumPy, about to run pi_profile.py."""
    folder = tmp_path_factory.mktemp("only_numpy")
    numpy = Path(np.__file__).parent
    for package in numpy.parent.glob("numpy*"):
        (folder / package.name).symlink_to(package)
    file = shutil.copy(pi_profile.__file__, tmp_path_factory.mktemp("pi"))
    return [sys.executable, "-I", "-S", "-c", ALONE, str(folder), str(file)]


def run(command: list[str], *options: str) -> subprocess.CompletedProcess:
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def test_activity_is_recorded_with_numpy_alone(alone: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "log.jsonl")
    options = ("--samples", "5,10", "--epochs", "3", "--run-id", "abc", "--utc", "2026-05-01T00:00:00Z")
    done = run(alone, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    log = read_log(out)
    assert log.complete
    assert (log.header["run_id"], log.header["utc"]) == ("abc", "2026-05-01T00:00:00Z")
    assert log.notes == (NOTE,)
    assert log.spans["phase"].tolist() == ["import", "load", *["build", "train", "train", "train"] * 2, "inference"]
    assert log.spans.query("phase == 'train'")["updates"].tolist() == [5, 5, 5, 10, 10, 10]
    inference = log.spans.iloc[-1]
    assert 0 < inference["latency_ms_median"] <= inference["latency_ms_p99"]


def test_topics_are_printed_without_even_numpy(alone: list[str], tmp_path: Path) -> None:
    options = ("--task", "topics", "--kernel", "python", "--documents", "3,6", "--percents", "50", "--iterations", "2")
    done = run(alone, "--out", "-", "--origin", "emulated-raspi3b-icount", *options)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "log.jsonl"
    path.write_text(done.stdout)
    log = read_log(path)
    assert log.origin == "emulated-raspi3b-icount"
    train = log.spans.query("phase == 'train'")
    assert train["n_documents"].tolist() == [3, 3, 6, 6, 6, 6]
    assert train["n_words"].tolist() == [1000, 1000, 1000, 1000, 500, 500]
    assert "import" not in log.spans["phase"].tolist()


def test_the_file_refuses_unknown_origins_and_existing_logs(alone: list[str], tmp_path: Path) -> None:
    assert "invalid choice" in run(alone, "--out", "-", "--origin", "my-pi").stderr
    (tmp_path / "log.jsonl").write_text("precious")
    said = run(alone, "--out", str(tmp_path / "log.jsonl")).stderr
    assert said.startswith(f"Cannot write {tmp_path / 'log.jsonl'}: File exists")
    assert len(said.splitlines()) == 1
    assert (tmp_path / "log.jsonl").read_text() == "precious"


def test_the_file_is_python_3_9_and_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(pi_profile.__file__).read_text("utf-8"), feature_version=(3, 9))
    names = Counter(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    targets = [node.targets for node in tree.body if isinstance(node, ast.Assign)]
    names.update(
        name.id for some in targets for target in some for name in ast.walk(target) if isinstance(name, ast.Name)
    )
    assert [name for name, times in names.items() if times > 1] == []
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported - set(sys.stdlib_module_names) == {"numpy", "psutil"}


LEAN = """
import sys
from pathlib import Path
from pmt_helpers.device.pi_profile import main
main(["--out", sys.argv[1], "--task", sys.argv[2], "--samples", "20", "--epochs", "1", "--documents", "20"])
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("task", ["activity", "topics"])
def test_recording_with_numpy_stays_below_60_mb(tmp_path: Path, task: str) -> None:
    """The memory of a small Pi is what a log is about: the package adds next to nothing to NumPy's own."""
    (tmp_path / "lean.py").write_text(LEAN)
    done = run([sys.executable, str(tmp_path / "lean.py"), str(tmp_path / "log.jsonl"), task])
    assert done.returncode == 0, done.stderr
    assert 20 < int(done.stdout) / 1024 < 60
