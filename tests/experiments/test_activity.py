"""The stored shared models and learning curves: how they resume, that slices come out again, what was found."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity import learning_curve
from pmt_helpers.activity.curves import CurvePlan
from pmt_helpers.activity.evaluation import crossing, curve_distance, gain_chosen_on_others, paired_gain, user_means
from pmt_helpers.activity.mitigation import Mitigation, strategy_family
from pmt_helpers.activity.shared import train_shared
from pmt_helpers.activity.splits import split_user
from pmt_helpers.activity.weights import Weights
from pmt_helpers.datasets import ActivityData, DataError
from pmt_helpers.datasets.arrays import write_arrays
from pmt_helpers.datasets.files import paper_table, shipped
from pmt_helpers.experiments import JobRunner, activity
from pmt_helpers.experiments.activity import (
    BETTER,
    PAPER,
    CurveGrid,
    base_model_grid,
    compare_at_equal_labels,
    confusion_matrix,
    curve_grid,
    grid_name,
    rows_of_setting,
    stored_base_models,
    stored_curve,
    validation_vs_test,
)
from pmt_helpers.experiments.catalogue import EXPERIMENTS, parse_sizes
from pmt_helpers.experiments.results import read_grid, write_grid
from pmt_helpers.experiments.resume import read_arrays


def test_a_stored_row_comes_out_again(watch: ActivityData, runner: JobRunner) -> None:
    stored = stored_base_models("watch")
    # the paper's setting: full batches amplify another processor's rounding less than hundreds of small steps do
    rows, cells = base_model_grid(watch, runner, (PAPER,), users=(4,))
    kept = rows_of_setting(stored, PAPER).query("user == 4")
    # two windows of a hundred may fall on the other side on another processor
    assert rows["accuracy"].item() == pytest.approx(kept["accuracy"].item(), abs=0.021)
    assert cells["windows"].sum() == (watch.users == 4).sum() == kept["n_test"].item()


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_confusions_and_accuracies_of_a_grid_agree(dataset: str) -> None:
    grid, cells = stored_base_models(dataset), stored_base_models(dataset, confusion=True)
    key = ["recipe", "validation", "init", "seed", "user"]
    right = cells[cells.actual == cells.predicted].groupby(key)["windows"].sum()
    total = cells.groupby(key)["windows"].sum()
    accuracy = grid.set_index(key)["accuracy"]
    pd.testing.assert_series_equal((right / total).loc[accuracy.index], accuracy, atol=1e-5, check_names=False)


def test_a_setting_is_one_row_a_person_and_its_confusions_are_their_windows(watch: ActivityData) -> None:
    rows = rows_of_setting(stored_base_models("watch"), PAPER)
    assert rows["user"].tolist() == watch.user_ids.tolist()
    cells = rows_of_setting(stored_base_models("watch", confusion=True), PAPER)
    for user, own in cells.groupby("user"):
        counts = confusion_matrix(own, len(watch.class_names))
        assert counts.sum(axis=1).tolist() == [
            ((watch.users == user) & (watch.y == label)).sum() for label in range(len(watch.class_names))
        ]


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_random_validation_promises_more_than_whole_people_do(dataset: str) -> None:
    table = validation_vs_test(stored_base_models(dataset)).pivot(index="split", columns="what", values="accuracy")
    excess = table["validation"] - table["unseen person"]
    assert excess["random windows"] > 0.04
    assert excess["whole people"] < excess["random windows"] - 0.04


def test_the_shared_model_on_wisdm_is_what_was_measured_before_this_workbook() -> None:
    grid = stored_base_models("wisdm")
    assert rows_of_setting(grid, PAPER)["accuracy"].mean() == pytest.approx(0.729, abs=0.01)
    assert rows_of_setting(grid, BETTER)["accuracy"].mean() == pytest.approx(0.748, abs=0.02)
    assert grid["user"].nunique() == 36


MITIGATIONS = {"pull 3": Mitigation(l2_sp=3.0), "rehearsal 1": Mitigation(rehearsal=1)}
LONG = CurvePlan("all", split="random", early_stopping=False, epochs=500)  # long enough to be killed in the middle
SWEEP = """
import sys
from pathlib import Path
from typing import Any
from pmt_helpers.experiments import JobRunner
from pmt_helpers.experiments.activity import curve_grid
from pmt_helpers.activity.curves import CurvePlan
from pmt_helpers.datasets import load_activity

data = load_activity("watch")
data = data.select((data.users <= 4) & (data.starts % 500 == 0))
runner = JobRunner(Path(sys.argv[1]) / "sweep", workers=2)
curve_grid(data, CurvePlan("all", split="random", early_stopping=False, epochs=500), runner)
"""


def job_results(work: Path) -> list[Path]:
    return sorted(work.glob("sweep/seed-*/user-*.csv"))


def csv_of(sweep: CurveGrid, folder: Path) -> bytes:
    """The file that `sweep figure3` would leave in data/results."""
    origin = {"dataset": "watch", "dataset_digest": "", "command": "", "seed": 0, "seconds": 0}
    return write_grid(sweep.table, folder / "curve.csv", digits=4, **origin).read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, four_people: ActivityData) -> tuple[Path, bytes]:
    """The work folder and the result of a sweep that nobody disturbed."""
    work = tmp_path_factory.mktemp("whole")
    return work, csv_of(curve_grid(four_people, LONG, JobRunner(work / "sweep", workers=1)), work / "out")


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
    while not job_results(tmp_path) and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    _, said = process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in job_results(tmp_path)}
    assert 0 < len(kept) < 4, f"not killed in the middle: {said.decode()}"

    resumed = curve_grid(four_people, LONG, JobRunner(tmp_path / "sweep", workers=2))
    assert csv_of(resumed, tmp_path / "out") == whole[1]
    assert len(job_results(tmp_path)) == 4
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
    return curve_grid(
        four_people, small_plan, JobRunner(with_shared_models / "one", workers=1), cures=MITIGATIONS
    ).table


def test_the_table_has_a_row_for_each_person_model_and_size(table: pd.DataFrame) -> None:
    assert len(table) == 4 * (3 + len(MITIGATIONS)) * 2
    assert set(table["folds"]) <= {2, 3}  # folds differ by a window: not all have five to train on
    assert table["accuracy"].between(0, 1).all()
    assert not table.isna().any().any()


def test_two_processes_give_what_one_gives(
    table: pd.DataFrame, four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path
) -> None:
    other = curve_grid(four_people, small_plan, JobRunner(with_shared_models / "two", workers=2), cures=MITIGATIONS)
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
        on_cluster = JobRunner(with_shared_models / "dask", dask=cluster.scheduler_address)
        other = curve_grid(four_people, small_plan, on_cluster, cures=MITIGATIONS)
    pd.testing.assert_frame_equal(other.table, table, check_exact=True)


def test_with_one_model_for_all_nobody_is_left_out(
    table: pd.DataFrame, four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path, runner: JobRunner
) -> None:
    """The model that was trained without user 2 gives user 2 the same rows, and nobody else."""
    models = {n: next(with_shared_models.glob(f"shared-*/user-{n}.npz")) for n in (2, 3)}
    shared = {n: activity._read_model(path) for n, path in models.items()}
    without_2 = curve_grid(four_people, small_plan, runner, shared=shared[2]).table
    expected = table[~table["model"].isin(MITIGATIONS)]
    rows = {
        name: frame[frame["user"] == 2].reset_index(drop=True) for name, frame in (("a", without_2), ("b", expected))
    }
    pd.testing.assert_frame_equal(rows["a"], rows["b"], check_exact=True)
    assert len(without_2) == len(expected)
    assert not without_2.equals(expected.reset_index(drop=True))
    without_3 = curve_grid(four_people, small_plan, runner, shared=shared[3]).table
    assert not without_3.equals(without_2)  # another model is another plan
    assert not list(runner.folder.parent.glob("shared-*"))  # none was trained


def test_another_seed_is_another_row_not_another_column(
    four_people: ActivityData, with_shared_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hardly_trained(data: ActivityData, user: int, init: str, seed: int) -> dict[str, np.ndarray]:
        shared = train_shared(data, user, seed, init=init, progress=False, epochs=3)
        return {**vars(Weights.from_model(shared.model)), "mean": shared.scaler.mean, "scale": shared.scaler.scale}

    monkeypatch.setattr("pmt_helpers.experiments.activity._shared_model", hardly_trained)
    two = curve_grid(
        four_people.select(four_people.users <= 2), CurvePlan(sizes=(2,), folds=3, epochs=5),
        JobRunner(with_shared_models / "seeds", workers=1), seeds=(0, 1),
    )  # fmt: skip
    assert two.table.groupby("seed").size().to_dict() == {0: 6, 1: 6}
    accuracy = two.table.set_index(["seed", "user", "model"])["accuracy"]
    assert not accuracy[0].equals(accuracy[1])


def test_a_job_result_that_something_else_has_changed_is_named(
    four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path, table: pd.DataFrame
) -> None:
    result = with_shared_models / "one" / "seed-0" / "user-2.csv"
    for content in ("", "a,b\n1,2,3,4\n1\n1,2,3,4,5\n"):
        result.write_text(content)
        with pytest.raises(DataError, match=r"user-2\.csv[\s\S]*remove that file"):
            curve_grid(four_people, small_plan, JobRunner(with_shared_models / "one", workers=1), cures=MITIGATIONS)
    result.unlink()
    again = curve_grid(four_people, small_plan, JobRunner(with_shared_models / "one", workers=1), cures=MITIGATIONS)
    pd.testing.assert_frame_equal(again.table, table, check_exact=True)


def test_a_job_result_of_older_code_is_computed_again(
    four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path, table: pd.DataFrame
) -> None:
    run = JobRunner(with_shared_models / "one", workers=1)
    result = run.folder / "seed-0" / "user-2.csv"
    pd.read_csv(result).drop(columns="macro_f1").to_csv(result, index=False)
    model = next(with_shared_models.glob("shared-watch-he-0-*/user-2.npz"))
    arrays = read_arrays(model)
    write_arrays(model, {name: array for name, array in arrays.items() if name != "scale"})
    again = curve_grid(four_people, small_plan, run, cures=MITIGATIONS)
    pd.testing.assert_frame_equal(again.table, table, check_exact=True)
    np.testing.assert_array_equal(read_arrays(model)["scale"], arrays["scale"])


def test_base_models_resume_and_give_the_same_bytes(
    four_people: ActivityData, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "train_shared", partial(train_shared, epochs=3))
    first = base_model_grid(four_people, runner, (PAPER,), users=(1, 2))
    monkeypatch.setattr(activity, "train_shared", None)
    for again, table in zip(base_model_grid(four_people, runner, (PAPER,), users=(1, 2)), first, strict=True):
        pd.testing.assert_frame_equal(again, table, check_exact=True)
    model = train_shared(four_people, 2, 0, "paper", validation="random", progress=False, epochs=3)
    own = four_people.users == 2
    assert first[0]["macro_f1"][1] == model.scores(four_people.X[own], four_people.y[own])["macro_f1"]  # every digit
    assert first[1].query("user == 2")["windows"].sum() == own.sum()


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_a_shared_model_that_something_else_has_changed_is_named(
    four_people: ActivityData, small_plan: CurvePlan, with_shared_models: Path, tmp_path: Path, content: bytes
) -> None:
    shutil.copytree(with_shared_models, tmp_path / "work")
    for shared in (tmp_path / "work").glob("shared-*/user-2.npz"):
        shared.write_bytes(content)
    with pytest.raises(DataError, match=r"user-2\.npz[\s\S]*remove that file"):
        curve_grid(four_people, small_plan, JobRunner(tmp_path / "work" / "sweep", workers=1))


def test_people_with_too_few_windows_are_left_out_and_nobody_at_all_is_an_error(
    four_people: ActivityData, with_shared_models: Path
) -> None:
    most = {user: len(split_user(four_people, user).train) for user in (1, 2, 3, 4)}
    size = max(most.values())
    plan = CurvePlan(sizes=(size,), epochs=2)
    found = curve_grid(four_people, plan, JobRunner(with_shared_models / "large", workers=1)).table
    assert 0 < found["user"].nunique() < 4
    with pytest.raises(ValueError, match="nobody has as many"):
        curve_grid(four_people, replace(plan, sizes=(10_000,)), JobRunner(with_shared_models / "too-large", workers=1))


def accuracies(curve: pd.DataFrame, model: str, sizes: tuple[int, ...]) -> list[float]:
    """Mean over users at each size."""
    means = user_means(curve)[model].groupby("n_samples").mean()
    return [float(means[size]) for size in sizes]


def test_blocked_with_early_stopping_on_wisdm() -> None:
    curve = stored_curve("wisdm", "blocked")
    sizes = (10, 20, 40, 60)
    assert accuracies(curve, "personal", sizes) == pytest.approx([0.783, 0.810, 0.820, 0.823], abs=0.02)
    assert accuracies(curve, "local", (10, 20, 60)) == pytest.approx([0.557, 0.653, 0.731], abs=0.025)
    # 0.710 was measured before, 0.026 more. There the windows that tell when to stop came from among the training
    # stretches, it seems (drawn so, we get 0.712); here they are a stretch of time of their own.
    assert accuracies(curve, "local", (40,)) == pytest.approx([0.684], abs=0.005)
    gain = paired_gain(curve, 20)
    assert gain.mean == pytest.approx(0.08, abs=0.03)
    assert gain.low > 0
    assert 3 <= len(gain.harmed) <= 12
    assert len(gain.by_user) == 36


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_with_few_samples_stopping_early_gains_more_and_harms_fewer(dataset: str) -> None:
    stopped, never = (paired_gain(stored_curve(dataset, early_stopping=stop), 5) for stop in (True, False))
    assert stopped.mean > never.mean
    assert len(stopped.harmed) < len(never.harmed)


def test_on_the_watch_five_pairs_are_too_few_to_say_that_twenty_samples_help() -> None:
    gain = paired_gain(stored_curve("watch"), 20)
    assert (gain.low, gain.high) == pytest.approx((-0.006, 0.154), abs=0.002)
    assert gain.n_groups == 5
    assert paired_gain(stored_curve("watch").drop(columns="group"), 20).low > 0.03  # as if they were strangers


def test_at_equal_labels_the_watch_is_better_off_training_on_all_and_stopping_protects_people_of_wisdm() -> None:
    watch, _, _ = compare_at_equal_labels("watch")
    assert (watch.low, watch.high) == pytest.approx((0.045, 0.080), abs=0.002)
    wisdm, harmed, harmed_stopped = compare_at_equal_labels("wisdm")
    assert (wisdm.low, wisdm.high) == pytest.approx((-0.034, 0.007), abs=0.002)
    assert (harmed, harmed_stopped, len(wisdm.by_user)) == (16, 5, 34)


def test_the_papers_protocol_on_wisdm() -> None:
    curve = stored_curve("wisdm", "random", early_stopping=False)
    assert accuracies(curve, "personal", (40,)) == pytest.approx([0.830], abs=0.02)
    assert accuracies(curve, "local", (40,)) == pytest.approx([0.777], abs=0.02)
    assert curve["user"].nunique() == 36
    assert curve["n_samples"].max() > 160


def test_with_initial_weights_as_printed_on_wisdm() -> None:
    curve = stored_curve("wisdm", "random", early_stopping=False, init="literal")
    assert accuracies(curve, "shared", (20,)) == pytest.approx([0.630], abs=0.03)
    assert accuracies(curve, "personal", (40,)) == pytest.approx([0.727], abs=0.03)
    assert accuracies(curve, "local", (40,)) == pytest.approx([0.515], abs=0.03)


def test_the_literal_initial_weights_come_nearer_to_the_papers_figure() -> None:
    paper = paper_table("fig3_accuracy_smooth")
    he, literal = (
        curve_distance(stored_curve("wisdm", "random", early_stopping=False, init=init), paper)
        for init in ("he", "literal")
    )
    assert literal < 0.5 * he
    assert crossing(stored_curve("wisdm", "random", early_stopping=False, init="literal"), "personal", "shared") <= 3


def test_in_file_order_and_on_whole_bouts_personalising_harms() -> None:
    assert paired_gain(stored_curve("wisdm", "file_order", early_stopping=False), 60).mean < -0.08
    for early_stopping in (True, False):
        gain = paired_gain(stored_curve("wisdm", "bout", early_stopping=early_stopping), 40)
        assert gain.high < 0
        assert len(gain.harmed) > len(gain.by_user) / 2


def strengths(family: str) -> list[str]:
    return [name for name in activity.MITIGATIONS if strategy_family(name) == family]


def test_two_cures_beat_plain_retraining_on_whole_bouts_and_nothing_beats_the_shared_model_there() -> None:
    curve = stored_curve("wisdm", "bout", cures=True)
    for size in (40, 60):
        assert gain_chosen_on_others(curve, size, strengths("rehearsal")).low > 0
        assert gain_chosen_on_others(curve, size, strengths("pull")).low > 0
    assert gain_chosen_on_others(curve, 40, ["output layer only"]).high < 0.01  # no cure
    means = user_means(curve[curve["n_samples"] == 40]).mean()
    assert means.idxmax() == "shared"


def test_a_pull_does_better_than_plain_retraining_on_the_other_arm_but_four_pairs_are_too_few_to_be_sure() -> None:
    curve = stored_curve("watch", "recording", cures=True)
    for size in (40, 60):
        gain = gain_chosen_on_others(curve, size, strengths("pull"))
        assert gain.mean > 0.03
        assert gain.n_groups == 4
    assert gain_chosen_on_others(curve, 40, strengths("pull")).low < 0


def test_no_cure_is_free_where_the_bouts_are_known() -> None:
    means = user_means(stored_curve("wisdm", cures=True).query("n_samples == 40")).mean()
    assert means["pull 30"] < means["pull 10"] < means["pull 3"] < means["personal"]
    assert means["rehearsal 30"] < means["rehearsal 10"] < means["personal"]
    assert means["shared"] < means["pull 30"] + 0.01


def test_blocked_in_time_on_watch() -> None:
    assert accuracies(stored_curve("watch"), "personal", (20, 40, 60)) == pytest.approx([0.829, 0.872, 0.897], abs=0.03)


def test_a_stored_slice_comes_out_again(watch: ActivityData) -> None:
    stored = stored_curve("watch").query("user == 4")
    again = learning_curve(watch, users=[4], sizes=(5, 20), shared={4: train_shared(watch, 4, progress=False)})
    means = again.groupby(["model", "n_samples"])[["accuracy", "macro_recall"]].mean()
    kept = stored.set_index(["model", "n_samples"]).loc[means.index]
    # on another processor a window or two may fall on the other side
    assert means["accuracy"].to_numpy() == pytest.approx(kept["accuracy"].to_numpy(), abs=0.021)
    assert means["macro_recall"].to_numpy() == pytest.approx(kept["macro_recall"].to_numpy(), abs=0.03)


@pytest.mark.parametrize("path", sorted(shipped("results").glob("c*_*.csv")), ids=lambda path: path.stem)
def test_a_grid_is_whole_and_says_where_it_comes_from(path) -> None:
    grid = read_grid(path.stem)
    assert not grid.duplicated(["seed", "user", "model", "n_samples"]).any()
    assert grid["accuracy"].between(0, 1).all()
    assert grid.attrs["models"] > 0
    assert grid.attrs["updates"] > grid.attrs["models"]
    assert path.stat().st_size < 1_000_000


def test_a_grid_is_named_after_what_it_holds() -> None:
    assert grid_name("wisdm", CurvePlan("all", split="random", early_stopping=False)) == "curve_wisdm_random_1000"
    assert grid_name("watch", CurvePlan("all", init="literal"), 3) == "curve_watch_blocked_literal_stopped_3seeds"
    assert grid_name("wisdm", CurvePlan((10, 20, 40, 60), split="bout"), cures=True) == "cures_wisdm_bout_stopped"


def test_every_stored_curve_has_the_name_of_its_command() -> None:
    for path in shipped("results").glob("c*_*.json"):
        words = json.loads(path.read_text())["command"].split()
        given = {word.removeprefix("--"): after for word, after in itertools.pairwise([*words, ""])}
        plan = CurvePlan(
            parse_sizes(given["sizes"]), int(given["folds"]), given["split"], "early-stopping" in given, given["init"]
        )
        assert grid_name(given["dataset"], plan, int(given["seeds"]), "cures" in given) == path.stem


def test_no_other_setting_shares_the_name_of_a_stored_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = CurvePlan("all")
    others = [
        replace(usual, **other)
        for other in (
            {"folds": 3},
            {"sizes": (5,)},
            {"sizes": (5, 10)},
            {"sizes": tuple(range(1, 200))},
            {"sizes": tuple(range(1, 201))},
            {"split": "bout"},
            {"init": "literal"},
            {"early_stopping": False},
            {"early_stopping": False, "epochs": 50},
            {"epochs": 50},
            {"sizes": (10, 20, 40, 60)},
        )
    ]
    names = [grid_name("watch", plan, cures=cures) for plan in (usual, *others) for cures in (False, True)]
    names += [grid_name("watch", usual, 2)]
    monkeypatch.setattr(activity, "PATIENCE", 7)
    names += [grid_name("watch", usual)]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) < 150
    assert names[0] == "curve_watch_blocked_stopped"
    assert "curve_watch_blocked_stopped_3folds" in names


@pytest.mark.parametrize("options", [{}, {"early_stopping": False}, {"init": "literal"}, {"cures": True}])
def test_a_curve_that_is_missing_names_the_command_that_stores_it(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        stored_curve("no_data", "bout", **options)
    command = re.search(r"sweep figure3 (.*), or take", str(error.value))
    assert command is not None
    words = command[1].replace("no_data", "watch").split()
    [figure3] = [experiment for experiment in EXPERIMENTS if experiment.name == "figure3"]
    chosen = click.Command("figure3", params=list(figure3.options)).make_context("figure3", words).params
    sizes = parse_sizes(chosen["sizes"])
    plan = CurvePlan(sizes, chosen["folds"], chosen["split"], chosen["early_stopping"], chosen["init"])
    assert grid_name("no_data", plan, cures=chosen["cures"]) in str(error.value)
