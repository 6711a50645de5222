"""A sweep killed in the middle and resumed, on one core, two, or a cluster, writes the same file to the last byte."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity.curves import CurvePlan
from pmt_helpers.activity.mitigation import Mitigation
from pmt_helpers.activity.shared import train_shared
from pmt_helpers.activity.splits import split_user
from pmt_helpers.activity.weights import Weights
from pmt_helpers.datasets import ActivityData, DataError
from pmt_helpers.datasets.files import shipped
from pmt_helpers.experiments.activity import Sweep, curve_grid
from pmt_helpers.experiments.results import write_grid

MITIGATIONS = {"pull 3": Mitigation(l2_sp=3.0), "rehearsal 1": Mitigation(rehearsal=1)}
LONG = CurvePlan("all", split="random", early_stopping=False, epochs=500)  # long enough to be killed in the middle
SWEEP = """
import sys
from pathlib import Path
from pmt_helpers.experiments.activity import curve_grid
from pmt_helpers.activity.curves import CurvePlan
from pmt_helpers.datasets import load_activity

data = load_activity("watch")
data = data.select((data.users <= 4) & (data.starts % 500 == 0))
plan = CurvePlan("all", split="random", early_stopping=False, epochs=500)
curve_grid(data, plan, Path(sys.argv[1]) / "sweep", workers=2)
"""


def pieces(work: Path) -> list[Path]:
    return sorted(work.glob("sweep/seed-*/user-*.csv"))


def csv_of(sweep: Sweep, folder: Path) -> bytes:
    """The file that `sweep figure3` would leave in data/results."""
    origin = {"dataset": "watch", "dataset_digest": "", "command": "", "seed": 0, "seconds": 0}
    return write_grid(sweep.table, folder / "curve.csv", digits=4, **origin).read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, four_people: ActivityData) -> tuple[Path, bytes]:
    """The pieces and the result of a sweep that nobody disturbed."""
    work = tmp_path_factory.mktemp("whole")
    return work, csv_of(curve_grid(four_people, LONG, work / "sweep", workers=1), work / "out")


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
def test_killed_in_the_middle_and_resumed_it_writes_the_same_bytes(
    whole: tuple[Path, bytes], four_people: ActivityData, tmp_path: Path
) -> None:
    for shared in whole[0].glob("shared-*"):  # the slow part, which need not be repeated for this
        shutil.copytree(shared, tmp_path / shared.name)
    environment = {**os.environ, "PYTHONPATH": str(shipped().parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", SWEEP, str(tmp_path)], env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    while not pieces(tmp_path) and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    _, said = process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in pieces(tmp_path)}
    assert 0 < len(kept) < 4, f"not killed in the middle: {said.decode()}"

    resumed = curve_grid(four_people, LONG, tmp_path / "sweep", workers=2)
    assert csv_of(resumed, tmp_path / "out") == whole[1]
    assert len(pieces(tmp_path)) == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # what was there was not computed again
    assert not list(tmp_path.rglob(".writing-*"))


@pytest.fixture(scope="module")
def small_plan() -> CurvePlan:
    return CurvePlan(sizes=(2, 5), folds=3, epochs=40)


@pytest.fixture(scope="module")
def with_shared_models(whole: tuple[Path, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder that has the shared models, and nothing else."""
    folder = tmp_path_factory.mktemp("work")
    for shared in whole[0].glob("shared-*"):
        shutil.copytree(shared, folder / shared.name)
    return folder


@pytest.fixture(scope="module")
def table(four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path) -> pd.DataFrame:
    return curve_grid(four_people, small_plan, with_shared_models / "one", cures=MITIGATIONS, workers=1).table


def test_the_table_has_a_row_for_each_person_model_and_size(table: pd.DataFrame) -> None:
    assert len(table) == 4 * (3 + len(MITIGATIONS)) * 2
    assert set(table["folds"]) <= {2, 3}  # folds differ by a window: not all have five to train on
    assert table["accuracy"].between(0, 1).all()
    assert not table.isna().any().any()


def test_two_processes_give_what_one_gives(
    table: pd.DataFrame, four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path
) -> None:
    other = curve_grid(four_people, small_plan, with_shared_models / "two", cures=MITIGATIONS, workers=2)
    pd.testing.assert_frame_equal(other.table, table, check_exact=True)
    assert other.models == table.loc[table["model"] != "shared", "folds"].sum()
    assert other.updates > other.models


def test_a_dask_cluster_gives_the_same_bits(
    table: pd.DataFrame, four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as cluster:
        other = curve_grid(
            four_people, small_plan, with_shared_models / "dask", cures=MITIGATIONS, dask=cluster.scheduler_address
        )
    pd.testing.assert_frame_equal(other.table, table, check_exact=True)


def test_another_seed_is_another_row_not_another_column(
    four_people: ActivityData, with_shared_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hardly_trained(data: ActivityData, user: int, init: str, seed: int) -> dict[str, np.ndarray]:
        shared = train_shared(data, user, seed, init=init, progress=False, epochs=3)
        return {**vars(Weights.from_model(shared.model)), "mean": shared.scaler.mean, "scale": shared.scaler.scale}

    monkeypatch.setattr("pmt_helpers.experiments.activity._shared_model", hardly_trained)
    two = curve_grid(
        four_people.select(four_people.users <= 2),
        CurvePlan(sizes=(2,), folds=3, epochs=5),
        with_shared_models / "seeds",
        seeds=(0, 1),
        workers=1,
    )
    assert two.table.groupby("seed").size().to_dict() == {0: 6, 1: 6}
    accuracy = two.table.set_index(["seed", "user", "model"])["accuracy"]
    assert not accuracy[0].equals(accuracy[1])


def test_a_piece_that_something_else_has_changed_is_named(
    four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path, table: pd.DataFrame
) -> None:
    piece = with_shared_models / "one" / "seed-0" / "user-2.csv"
    for content in ("", "a,b\n1,2\n"):
        piece.write_text(content)
        with pytest.raises(DataError, match=r"user-2\.csv[\s\S]*remove that file"):
            curve_grid(four_people, small_plan, with_shared_models / "one", cures=MITIGATIONS, workers=1)
    piece.unlink()
    again = curve_grid(four_people, small_plan, with_shared_models / "one", cures=MITIGATIONS, workers=1)
    pd.testing.assert_frame_equal(again.table, table, check_exact=True)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_a_shared_model_that_something_else_has_changed_is_named(
    four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path, tmp_path: Path, content: bytes
) -> None:
    shutil.copytree(with_shared_models, tmp_path / "work")
    for shared in (tmp_path / "work").glob("shared-*/user-2.npz"):
        shared.write_bytes(content)
    with pytest.raises(DataError, match=r"user-2\.npz[\s\S]*remove that file"):
        curve_grid(four_people, small_plan, tmp_path / "work" / "sweep", workers=1)


def test_people_with_too_few_windows_are_left_out_and_nobody_at_all_is_an_error(
    four_people: ActivityData, with_shared_models: Path
) -> None:
    most = {user: len(split_user(four_people, user).train) for user in (1, 2, 3, 4)}
    size = max(most.values())
    plan = CurvePlan(sizes=(size,), epochs=2)
    found = curve_grid(four_people, plan, with_shared_models / "large", workers=1).table
    assert 0 < found["user"].nunique() < 4
    with pytest.raises(ValueError, match="nobody has as many"):
        curve_grid(four_people, replace(plan, sizes=(10_000,)), with_shared_models / "too-large", workers=1)
