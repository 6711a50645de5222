"""The logs in data/pi_logs say how they were obtained, name no machine, and lie on lines."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.datasets.files import paper_table, shipped
from pmt_helpers.device import Log, Recorder, read_log, read_logs
from pmt_helpers.device.pi_profile import Sensors, origin_here

FOLDER = shipped("pi_logs")
HOST = sorted(path.stem for path in FOLDER.glob("measured-host-[at]*.jsonl"))  # of activities and topics


@pytest.fixture(scope="module")
def logs() -> Iterator[dict[str, tuple[Log, ...]]]:
    return read_logs(FOLDER)


def r_squared(x: pd.Series, y: pd.Series) -> float:
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def cost(log: Log, *by: str) -> pd.DataFrame:
    """Median CPU seconds of a pass over the data, by what it was a pass of."""
    train = log.spans[log.spans["phase"] == "train"]
    passes = train["updates"] / train["n_samples" if by[0] == "n_samples" else "n_tokens"]
    return train.assign(seconds=train["cpu_s"] / passes).groupby(list(by))["seconds"].median().reset_index()


def test_every_log_is_whole_under_its_origin_and_described(logs: dict) -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert {"measured-host", "paper-digitised"} <= set(logs)
    for origin, of_it in logs.items():
        assert origin in readme
        for log in of_it:
            assert log.path.stem.startswith(origin)
            assert log.complete
            assert log.header["note"]
            assert log.path.stat().st_size < 300_000


def test_no_log_names_a_machine_or_its_folders(logs: dict) -> None:
    for path in filter(Path.is_file, FOLDER.rglob("*")):
        assert not re.search(
            r"/(home|root|tmp|work|usr)/|https?://(?!data)|\b\d+\.\d+\.\d+\.\d+\b", path.read_text("utf-8")
        )
    for log in (log for of_it in logs.values() for log in of_it):
        assert not {"node", "hostname", "user"} & set(log.header)


def test_the_host_has_all_kernels_and_their_set_up(logs: dict) -> None:
    kernels = {(log.header["task"], kernel) for log in logs["measured-host"] for kernel in log.spans["kernel"].unique()}
    assert kernels == {
        *(("activity", kernel) for kernel in ("numpy", "numba", "jax", "keras_fit", "keras_batch")),
        *(("topics", kernel) for kernel in ("numpy", "numba", "python")),
    }
    for log in logs["measured-host"]:
        assert {"import", "load", "build", "train"} <= set(log.spans["phase"])
        assert log.header["affinity"] == 1


@pytest.mark.parametrize("name", [name for name in HOST if "activity" in name])
def test_cpu_time_of_an_epoch_is_a_line_in_samples(name: str) -> None:
    by_size = cost(read_log(FOLDER / f"{name}.jsonl"), "n_samples")
    assert len(by_size) == 8
    assert r_squared(by_size["n_samples"], by_size["seconds"]) > 0.99


@pytest.mark.parametrize("name", [name for name in HOST if "topics" in name])
def test_an_iteration_is_a_line_in_documents_and_in_words(name: str) -> None:
    sizes = cost(read_log(FOLDER / f"{name}.jsonl"), "n_documents", "n_words")
    most = sizes["n_documents"].max()
    by_words = sizes[sizes["n_documents"] == most]
    by_documents = sizes[(sizes["n_documents"] < most) | (sizes["n_words"] == by_words["n_words"].max())]
    assert (len(by_documents), len(by_words)) == (5, 5)
    assert r_squared(by_documents["n_documents"], by_documents["seconds"]) > 0.99
    assert r_squared(by_words["n_words"], by_words["seconds"]) > 0.99


def test_training_with_keras_fits_into_half_a_gigabyte(logs: dict) -> None:
    peaks = [log.spans["peak_rss_mb"].max() for log in logs["measured-host"]]
    assert 300 < max(peaks) < 512


def test_the_papers_logs_are_the_points_of_its_figures(logs: dict) -> None:
    figure_7 = paper_table("fig7_training_time_points")
    tables = {f"figure7-{model}": ("activity", "n_samples", rows) for model, rows in figure_7.groupby("model")}
    tables["figure8a"] = ("topics", "documents", paper_table("fig8a_seconds_per_iteration_by_documents"))
    assert {log.path.stem for log in logs["paper-digitised"]} == {f"paper-digitised-{name}" for name in tables}
    for name, (task, size, rows) in tables.items():
        log = read_log(FOLDER / f"paper-digitised-{name}.jsonl")
        column = "n_samples" if task == "activity" else "n_documents"
        assert (log.header["task"], log.header["run_id"], log.complete) == (task, log.path.stem, True)
        assert set(zip(log.spans["phase"], log.spans["task"], strict=True)) == {("train", task)}
        assert log.spans[column].tolist() == rows[size].tolist()
        assert log.spans["wall_s"].tolist() == rows["seconds"].tolist()
    for log in logs["paper-digitised"]:
        assert not {"cpu_s", "t_s", "updates"} & set(log.spans)
        assert "no CPU time" in log.notes[0]


def test_a_log_under_a_memory_limit_says_so(tmp_path: Path) -> None:
    for name, text in {
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/memory.max": "536870912\n",
        "proc/meminfo": "MemTotal: 8388608 kB\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    sensors = Sensors(tmp_path)
    with Recorder(tmp_path / "log.jsonl", origin_here(sensors), every_s=0, readings=sensors) as recorder:
        recorder.sample()
    log = read_log(tmp_path / "log.jsonl")
    assert (log.origin, log.header["mem_limit_mb"]) == ("measured-host-constrained", 512)


def test_the_replayed_log_is_one_training_apart(logs: dict) -> None:
    log = read_log(FOLDER / "replay" / "measured-host-activity-keras-batch.jsonl")
    train = log.spans[log.spans["phase"] == "train"]
    assert log.complete
    assert log.origin == "measured-host"
    assert train["epoch"].tolist() == list(range(1, 201))
    assert log.header["run_id"] not in {one.header["run_id"] for found in logs.values() for one in found}
