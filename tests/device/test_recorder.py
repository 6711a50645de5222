"""A recorder tells what work costs, survives a power cut, and never writes over a log."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.device import Recorder, read_log
from pmt_helpers.device.pi_profile import Readings


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
        with Recorder(path, origin, every_s=0, readings=Readings(tmp_path)) as recorder:
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
