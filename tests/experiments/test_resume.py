"""Long computations are kept job by job: what is there is not computed again, and half a result never counts."""

import errno
import math
import operator
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError
from pmt_helpers.experiments import resume
from pmt_helpers.experiments.resume import compute_missing, work_folder

ROOT = Path(__file__).resolve().parents[2]


def save(path: Path, result: Any) -> None:
    path.write_text(f"{result}\n")


def compute(jobs: dict, folder: Path, **options: Any) -> dict[str, str]:
    """The content of each job result. Jobs are functions of the standard library: the workers can import them."""
    options = {"suffix": ".txt", "description": "test", "workers": 1} | options
    paths = compute_missing(jobs, folder, save, **options)
    return {name: path.read_text().strip() for name, path in paths.items()}


ROOTS = {f"root-{n}": (math.sqrt, (n * n,)) for n in range(6)}


def test_every_job_leaves_its_result_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    assert compute(ROOTS, tmp_path) == {f"root-{n}": f"{n}.0" for n in range(6)}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"root-{n}.txt" for n in range(6)]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_that_are_there_are_not_computed_again(tmp_path: Path, workers: int) -> None:
    (tmp_path / "root-2.txt").write_text("kept\n")
    found = compute(ROOTS, tmp_path, workers=workers)
    assert found["root-2"] == "kept"
    assert found["root-3"] == "3.0"


@given(st.sets(st.integers(0, 5)))
def test_whatever_a_stopped_run_left_only_the_rest_is_computed(tmp_path_factory: Any, there: set[int]) -> None:
    folder, asked = tmp_path_factory.mktemp("work"), []
    for n in there:
        (folder / f"root-{n}.txt").write_text("kept\n")
    found = compute({f"root-{n}": (asked.append, (n,)) for n in range(6)}, folder)
    assert set(asked) == set(range(6)) - there
    assert found == {f"root-{n}": "kept" if n in there else "None" for n in range(6)}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_that_fails_is_heard_and_done_again_the_next_time(tmp_path: Path, workers: int) -> None:
    jobs = {"good": (math.sqrt, (4,)), "bad": (operator.truediv, (1, 0)), "later": (math.sqrt, (9,))}
    with pytest.raises(ZeroDivisionError):
        compute(jobs, tmp_path, workers=workers)
    assert not (tmp_path / "bad.txt").exists()
    if workers == 1:  # in turn: the result before it is there
        assert (tmp_path / "good.txt").read_text() == "2.0\n"
    assert compute({**jobs, "bad": (operator.truediv, (1, 2))}, tmp_path)["bad"] == "0.5"


def test_a_full_disk_is_named_and_leaves_no_half_result(tmp_path: Path) -> None:
    def save_half(path: Path, result: Any) -> None:
        path.write_text("hal")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DataError, match=r"root-0\.txt[\s\S]*No space left[\s\S]*--work"):
        compute_missing(ROOTS, tmp_path, save_half, suffix=".txt", description="test", workers=1)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_of_one_plan_in_one_folder_do_each_other_no_harm(tmp_path: Path) -> None:
    work_folder(tmp_path, {"seed": 0})
    found = compute({"a-second-run": (compute, (ROOTS, tmp_path)), **ROOTS}, tmp_path)
    assert {name: found[name] for name in ROOTS} == {f"root-{n}": f"{n}.0" for n in range(6)}


def test_a_run_stops_once_another_one_has_taken_its_folder_for_another_plan(tmp_path: Path) -> None:
    work_folder(tmp_path / "sweep", {"seed": 0})
    jobs = {"first": (math.sqrt, (1,)), "other-run": (work_folder, (tmp_path / "sweep", {"seed": 1}))} | ROOTS
    with pytest.raises(DataError, match=r"sweep[\s\S]*another run[\s\S]*--work"):
        compute(jobs, tmp_path / "sweep")
    assert [path.name for path in (tmp_path / "sweep").iterdir()] == ["plan.json"]


plans = st.dictionaries(st.sampled_from(["seed", "sizes", "split"]), st.integers(0, 3))


@given(plans, plans)
def test_results_stay_for_the_same_plan_and_go_for_another(tmp_path_factory: Any, first: dict, second: dict) -> None:
    folder = tmp_path_factory.mktemp("work") / "sweep"
    assert not work_folder(folder, first)
    (folder / "piece.csv").write_text("1\n")
    assert work_folder(folder, second) == (first == second)
    assert (folder / "piece.csv").exists() == (first == second)


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: Path) -> None:
    work_folder(tmp_path / "sweep", {"seed": 0})
    half = tmp_path / "sweep" / ".writing-abc"
    half.mkdir()
    (half / "user-3.csv").write_text("user,fold,mo")
    assert work_folder(tmp_path / "sweep", {"seed": 0})
    assert not half.exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe"])
def test_a_plan_that_cannot_be_read_is_another_plan(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    (tmp_path / "piece.csv").write_text("1\n")
    assert not work_folder(tmp_path, {"seed": 0})
    assert not (tmp_path / "piece.csv").exists()


def local_cluster(n_workers: int) -> Any:
    """A Dask scheduler on this machine, with workers of four threads, as `dask worker` starts on four cores."""
    distributed = pytest.importorskip("distributed")
    return distributed.LocalCluster(
        n_workers=n_workers, threads_per_worker=4, processes=False, dashboard_address="127.0.0.1:0", host="127.0.0.1",
        protocol="tcp://",
    )  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster with one worker."""
    with local_cluster(1) as running:
        yield running.scheduler_address


@pytest.fixture
def without_workers() -> Iterator[str]:
    """The address of a scheduler that nobody works for yet, and that gives up on a job whose worker died."""
    dask = pytest.importorskip("dask")
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), local_cluster(0) as running:
        yield running.scheduler_address


def test_a_cluster_computes_what_is_missing(tmp_path: Path, cluster: str) -> None:
    (tmp_path / "root-2.txt").write_text("kept\n")
    found = compute(ROOTS, tmp_path, dask=cluster)
    assert found == {f"root-{n}": "kept" if n == 2 else f"{n}.0" for n in range(6)}


inside: list[int] = []


def others_inside(number: int) -> int:
    """How many jobs run in this process beside this one."""
    inside.append(number)
    time.sleep(0.01)
    seen = len(inside) - 1
    inside.remove(number)
    return seen


def test_jobs_never_share_a_process_whose_random_numbers_they_would_mix(tmp_path: Path, cluster: str) -> None:
    found = compute({f"{n}": (others_inside, (n,)) for n in range(8)}, tmp_path, dask=cluster)
    assert set(found.values()) == {"0"}


class Counted:
    """A large argument that counts how often it is pickled."""

    pickled = 0

    def __init__(self) -> None:
        self.numbers = np.arange(10_000)

    def __getstate__(self) -> dict:
        Counted.pickled += 1
        return self.__dict__


def weighted(weight: int, shared: Counted, own: np.ndarray, nothing: None) -> float:
    assert nothing is None
    return float(np.sin(shared.numbers) @ own * weight)


def test_what_jobs_share_goes_to_a_cluster_once_and_changes_no_bit(tmp_path: Path, cluster: str) -> None:
    """Also when there are more jobs than it gets at once."""
    shared, rng = Counted(), np.random.default_rng(0)
    jobs = {f"{n}": (weighted, (n, shared, rng.normal(size=10_000), None)) for n in range(resume.AT_ONCE + 5)}
    Counted.pickled = 0
    found = compute(jobs, tmp_path / "cluster", dask=cluster)
    assert Counted.pickled == 1
    assert found == compute(jobs, tmp_path / "processes", workers=1)
    assert list(found) == list(jobs)


def test_a_cluster_gets_only_some_jobs_at_a_time(tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of them, nor their results, stay there: how many people there are is no matter of its memory."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(resume, "AT_ONCE", 2)
    held = []

    def submit(client: Any, *arguments: Any, original: Any = distributed.Client.submit, **options: Any) -> Any:
        held.append(len(client.futures))
        return original(client, *arguments, **options)

    monkeypatch.setattr(distributed.Client, "submit", submit)
    compute({f"{n}": (math.sqrt, (n,)) for n in range(40)}, tmp_path, dask=cluster)
    assert len(held) == 40
    assert max(held) <= 4  # those at once, and those whose results have just been read


def test_a_job_that_fails_on_a_cluster_is_heard(tmp_path: Path, cluster: str) -> None:
    with pytest.raises(ZeroDivisionError):
        compute({"bad": (operator.truediv, (1, 0)), **ROOTS}, tmp_path, dask=cluster)
    assert not (tmp_path / "bad.txt").exists()


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(resume, "ANSWER_WITHIN", 0.5)
    with pytest.raises(DataError, match=r"tcp://127\.0\.0\.1:1[\s\S]*dask scheduler"):
        compute(ROOTS, tmp_path, dask="tcp://127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_without_workers_says_how_to_start_some(
    tmp_path: Path, without_workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "ANSWER_WITHIN", 0.5)
    with pytest.raises(DataError, match=f"0/1 workers[\\s\\S]*dask worker {without_workers}"):
        compute(ROOTS, tmp_path, dask=without_workers)


def test_a_worker_that_dies_is_an_error_not_a_wait_for_ever(
    tmp_path: Path, without_workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "ANSWER_WITHIN", 60)  # a machine at work may take a while to start one
    command = [sys.executable, "-m", "dask", "worker", without_workers, "--no-nanny", "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    try:
        with pytest.raises(DataError, match=r"died[\s\S]*same command again"):
            compute({"fatal": (os._exit, (3,))}, tmp_path, dask=without_workers)
    finally:
        worker.kill()
        _, said = worker.communicate()
    assert worker.returncode == 3, said.decode()


def test_without_the_package_a_cluster_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DataError, match="pip install distributed"):
        compute(ROOTS, tmp_path, dask="tcp://127.0.0.1:8786")
