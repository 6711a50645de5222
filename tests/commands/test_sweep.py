"""python -m pmt_helpers sweep: what each command asks for, and that results are stored with their origin."""

import inspect
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.activity.curves import CurvePlan
from pmt_helpers.commands.sweep import sweep_group
from pmt_helpers.datasets import files
from pmt_helpers.experiments import (
    EXPERIMENTS,
    JobRunner,
    activity,
    defences,
    inversion,
    membership,
    poisoning,
    privacy,
    topic_attacks,
    topics,
)
from pmt_helpers.experiments import results as stored

ROOT = Path(__file__).resolve().parents[2]
HELP = """
import sys
from pmt_helpers.__main__ import main
code = main(["sweep", "--help"]) or main(["sweep", "figure3", "--help"])
heavy = {"keras", "jax", "numba", "joblib", "gensim"} & set(sys.modules)
sys.exit(f"help imports {heavy}" if heavy else code)
"""


def test_help_imports_nothing_that_computes() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"\n  {experiment.name} " in done.stdout for experiment in EXPERIMENTS)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_every_experiment_has_a_function_that_takes_its_options(experiment: Any) -> None:
    parameters = list(inspect.signature(experiment.function).parameters)
    assert parameters == ["runner", *(option.name for option in experiment.options)]


@pytest.mark.parametrize("workers", ["-5", "0", "two"])
def test_workers_that_cannot_be_are_refused(workers: str) -> None:
    for experiment in EXPERIMENTS:
        if experiment.runs != "here":
            result = CliRunner().invoke(sweep_group, [experiment.name, "--workers", workers])
            assert result.exit_code == 2
            assert "--workers" in result.output


def test_a_folder_that_cannot_be_written_to_is_noticed_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("precious")
    for name in ("base_model_grid", "curve_grid"):
        monkeypatch.setattr(activity, name, None)
    monkeypatch.setattr(topics, "figure_8", None)
    for command in ("base", "figure3", "figure8"):
        result = CliRunner().invoke(sweep_group, [command, "--out", str(tmp_path / "file" / "results")])
        assert isinstance(result.exception, files.DataError)
        assert "--out" in str(result.exception)


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., Path]:
    """Give a sweep command with one worker; returns the folder of its results, which is its work folder too."""

    def run(*arguments: str) -> Path:
        paths = ["--workers", "1", "--out", str(tmp_path), "--work", str(tmp_path)]
        result = CliRunner().invoke(sweep_group, [*arguments, *paths])
        assert result.exit_code == 0, result.output
        return tmp_path

    return run


def origin(folder: Path, name: str) -> dict[str, Any]:
    """The provenance of a grid, with its command without what all commands begin with."""
    record = json.loads((folder / f"{name}.json").read_text())
    assert record["command"].startswith("python -m pmt_helpers sweep ")
    return {**record, "command": record["command"].removeprefix("python -m pmt_helpers sweep ")}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, with the stored watch results in it."""
    folder = tmp_path / "results"
    shutil.copytree(files.shipped("results"), folder)
    monkeypatch.setattr(stored, "shipped", lambda *parts: tmp_path.joinpath(*parts))
    return folder


def test_redoing_one_recipe_keeps_the_rows_and_the_origin_of_the_others(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = pd.read_csv(results / "base_model_watch.csv")
    redone = stored[stored["recipe"] == "better"].assign(accuracy=0.5)
    cells = pd.read_csv(results / "base_model_watch_confusion.csv").query("recipe == 'better'")
    monkeypatch.setattr(activity, "base_model_grid", lambda *args, **options: (redone, cells))
    first = json.loads((results / "base_model_watch.json").read_text())
    origin_of_others = {"rows": int((stored["recipe"] != "better").sum())}
    origin_of_others |= {key: first[key] for key in ("command", "date", "seconds")}
    arguments = ["base", "--dataset", "watch", "--seeds", "3", "--recipe", "better", "--out", str(results)]
    for _ in range(2):
        assert CliRunner().invoke(sweep_group, arguments).exit_code == 0
        grid = pd.read_csv(results / "base_model_watch.csv")
        assert (grid.loc[grid["recipe"] == "better", "accuracy"] == 0.5).all()
        pd.testing.assert_frame_equal(
            grid[grid["recipe"] == "paper"].reset_index(drop=True),
            stored[stored["recipe"] == "paper"].reset_index(drop=True),
        )
        assert json.loads((results / "base_model_watch.json").read_text())["kept"] == origin_of_others
        assert origin(results, "base_model_watch")["command"] == "base --dataset watch --seeds 3 --recipe better"


def test_an_unknown_recipe_is_named_with_those_there_are() -> None:
    result = CliRunner().invoke(sweep_group, ["base", "--recipe", "best"])
    assert result.exit_code == 2
    assert "'better', 'paper'" in result.output
    assert {setting.recipe for setting in activity.SETTINGS} == {"better", "paper"}


@pytest.mark.parametrize("sizes", ["some", "0,5", "5,,6", "-1"])
def test_sizes_that_are_none_are_named(sizes: str) -> None:
    result = CliRunner().invoke(sweep_group, ["figure3", "--sizes", sizes])
    assert result.exit_code == 2
    assert "neither" in result.output


def test_figure3_writes_the_curve_under_its_name_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def fake(data, plan, runner, **options):
        asked.update(plan=plan, runner=runner, **options)
        table = pd.DataFrame({"seed": [0], "user": [1], "model": ["shared"], "n_samples": [5], "accuracy": [0.5]})
        return activity.CurveGrid(table, models=1, updates=100)

    monkeypatch.setattr(activity, "curve_grid", fake)
    arguments = ["figure3", "--split", "bout", "--init", "literal", "--sizes", "20,5", "--seeds", "2", "--workers", "1"]
    arguments += ["--early-stopping", "--dask", "tcp://127.0.0.1:8786", "--out", str(tmp_path), "--work", str(tmp_path)]
    assert CliRunner().invoke(sweep_group, arguments).exit_code == 0
    name = "curve_watch_bout_literal_stopped_2seeds_sizes-5-20"
    assert asked["plan"] == CurvePlan(sizes=(5, 20), split="bout", early_stopping=True, init="literal")
    assert asked["runner"] == JobRunner(tmp_path / name, 1, "tcp://127.0.0.1:8786")
    assert (asked["seeds"], asked["cures"]) == ((0, 1), {})
    record = origin(tmp_path, name)
    assert record["command"] == (
        "figure3 --dataset watch --split bout --init literal --folds 5 --early-stopping --sizes 20,5 --seeds 2"
    )
    assert (record["models"], record["updates"], record["seed"]) == (1, 100, [0, 1])


def test_three_folds_leave_the_results_of_five_alone(sweep: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []

    def fake(data, plan, runner, **options):
        folders.append(runner.folder.name)
        return activity.CurveGrid(pd.DataFrame({"folds": [plan.folds]}), models=1, updates=100)

    monkeypatch.setattr(activity, "curve_grid", fake)
    for folds in ("5", "3"):
        folder = sweep("figure3", "--folds", folds, "--cures")
    names = ["cures_watch_random_1000_sizes-all", "cures_watch_random_1000_3folds_sizes-all"]
    assert folders == names
    assert [pd.read_csv(folder / f"{name}.csv")["folds"].item() for name in names] == [5, 3]
    assert origin(folder, names[1])["command"] == (
        "figure3 --dataset watch --split random --init he --folds 3 --all-epochs --sizes all --seeds 1 --cures"
    )


def test_the_topics_sweeps_write_their_grids_under_their_names_with_their_origin(
    sweep: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fake(kind, experiment, runner, **options):
        asked.append((kind, experiment.plan.n_local, runner, options))
        return pd.DataFrame({"seed": [0], "iteration": [1], "bits": [-9.0]})

    monkeypatch.setattr(topics, "topic_grid", fake)
    for arguments in (["held-out", "--dataset", "news", "--n-local", "30"], ["figure5"], ["figure6"]):
        folder = sweep(*arguments, "--seeds", "3")
    names = ["held_out_news_30", "likelihood_wikipedia", "one_topic_wikipedia"]
    kinds = (("held_out", 30), ("likelihood", 200), ("one_topic", 200))
    assert asked == [
        (*kind, JobRunner(folder / name, 1), {"seeds": range(3)}) for kind, name in zip(kinds, names, strict=True)
    ]
    record = origin(folder, "held_out_news_30")
    assert record["command"] == "held-out --dataset news --n-local 30 --seeds 3"
    assert (record["dataset"], record["seed"], record["rows"]) == ("news", [0, 1, 2], 1)


def test_figure8_is_measured_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.DataFrame({"by": ["documents"], "size": [200], "tokens": [1000], "seconds": [0.1]})
    monkeypatch.setattr(topics, "figure_8", lambda counts, plan: rows)
    assert CliRunner().invoke(sweep_group, ["figure8", "--out", str(tmp_path)]).exit_code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "iteration_cost_wikipedia.csv"), rows)


def test_poisoning_stores_means_and_people(sweep: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}
    rows = pd.DataFrame(
        [(1, "nobody", "none", 0.0, "shared", 0, 0.8, 0.0, 0.0), (1, "user", "noise", 0.1, "local", 60, 0.5, 0.0, 0.0)],
        columns=["user", *poisoning.KEYS, "accuracy", "attack_success", "target_rate"],
    )

    def fake(data, plan, runner):
        asked.update(plan=plan, runner=runner)
        return rows

    monkeypatch.setattr(poisoning, "poison_rows", fake)
    folder = sweep("poisoning", "--split", "random")
    name = "poisoning_watch_random"
    assert asked == {"plan": poisoning.PLANS["random"], "runner": JobRunner(folder / name, 1)}
    assert len(pd.read_csv(folder / f"{name}.csv")) == 2
    assert len(pd.read_csv(folder / "poisoning_users_watch_random.csv")) == 1  # 0.1 is kept as a mean only
    assert origin(folder, name)["command"] == "poisoning --dataset watch --split random"


def test_defences_stores_strangers_and_volunteers(sweep: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = pd.DataFrame({"user": [1]}), pd.DataFrame({"user": [1, 2]})
    monkeypatch.setattr(defences, "defence_rows", lambda *args: frames)
    folder = sweep("defences")
    assert len(pd.read_csv(folder / "defences_watch.csv")) == 1
    assert len(pd.read_csv(folder / "defence_costs_watch.csv")) == 2
    assert origin(folder, "defences_watch")["seed"] == [0, 1, 2]


def test_privacy_writes_the_grid_under_its_name_with_its_origin(
    sweep: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def fake(data, runner, **settings):
        asked.update(data=data.card.name, runner=runner)
        return pd.DataFrame({"level": ["user"], "epsilon": [float("inf")], "accuracy": [0.5]})

    monkeypatch.setattr(privacy, "privacy_grid", fake)
    folder = sweep("privacy", "--dataset", "watch")
    assert asked == {"data": "watch", "runner": JobRunner(folder / "privacy_watch", 1)}
    assert pd.read_csv(folder / "privacy_watch.csv")["epsilon"].tolist() == [float("inf")]
    record = origin(folder, "privacy_watch")
    assert record["command"] == "privacy --dataset watch"
    assert record["delta"] == 1e-5
    assert record["seed"] == [0, 1]


@pytest.mark.parametrize(("seed", "end"), [(0, ""), (3, "_seed3")])
def test_membership_writes_three_grids_with_their_origin(
    sweep: Callable, monkeypatch: pytest.MonkeyPatch, seed: int, end: str
) -> None:
    asked = {}

    def fake(data, runner, **options):
        asked.update(runner=runner, people=len(data.user_ids), **options)
        frames = [pd.DataFrame({"attack": ["lira"], name: [0.5]}) for name in ("auc", "tpr", "user")]
        return membership.MembershipGrid(*frames)

    monkeypatch.setattr(membership, "membership_grid", fake)
    folder = sweep("membership", "--seed", str(seed))
    assert asked == {"runner": JobRunner(folder / f"membership_watch{end}", 1), "people": 10, "seed": seed}
    for name, column in (("membership", "auc"), ("membership_roc", "tpr"), ("membership_people", "user")):
        assert pd.read_csv(folder / f"{name}_watch{end}.csv")[column].tolist() == [0.5]
        record = origin(folder, f"{name}_watch{end}")
        assert record["command"] == f"membership --dataset watch --seed {seed}"
        assert record["seed"] == seed


@pytest.mark.parametrize(("seed", "end"), [(0, ""), (1, "_seed1")])
def test_inversion_writes_profiles_and_gradients(
    sweep: Callable, monkeypatch: pytest.MonkeyPatch, seed: int, end: str
) -> None:
    folders = []

    def fake(data, runner, **options):
        folders.append(runner.folder)
        return pd.DataFrame({"user": [1]})

    for name in ("inversion_grid", "gradient_grid"):
        monkeypatch.setattr(inversion, name, fake)
    folder = sweep("inversion", "--seed", str(seed))
    names = [f"inversion_watch{end}", f"gradients_watch{end}"]
    assert folders == [folder / name for name in names]
    assert all((folder / f"{name}.json").is_file() for name in names)


@pytest.mark.parametrize(("models", "end"), [(32, ""), (4, "_4models")])
def test_every_level_and_epsilon_is_attacked_and_written_with_its_origin(
    sweep: Callable, monkeypatch: pytest.MonkeyPatch, models: int, end: str
) -> None:
    asked = []

    def fake(data, level, epsilon, models):
        asked.append((data.card.name, level, epsilon, models))
        rows = pd.DataFrame({"level": [level], "epsilon": [epsilon], "game": ["window"], "attack": ["loss"]})
        return rows.assign(**dict.fromkeys(membership.METRICS[1:], 0.5), accuracy=0.7)

    monkeypatch.setattr(membership, "attack_private_models", fake)
    folder = sweep("private-attacks", "--models", str(models))
    levels, epsilons = ("example", "user"), (math.inf, 8.0, 3.0, 1.0)
    wanted = [("watch", level, epsilon, models) for level in levels for epsilon in epsilons]
    assert sorted(asked) == sorted(wanted)
    assert len(pd.read_csv(folder / f"private_attacks_watch{end}.csv")) == len(wanted)
    command = origin(folder, f"private_attacks_watch{end}")["command"]
    assert command == f"private-attacks --dataset watch --models {models}"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Which attacks on topics were asked for, instead of computing them."""
    made: list[tuple] = []

    def fake(kind, job, experiment, runner, **options):
        made.append((kind, job.function.__name__, runner, options))
        if kind != "topic_membership":
            return pd.DataFrame({"seed": [0, 1], "words": [1.0, 0.5]})
        rows = pd.DataFrame({"seed": [0, 1], "documents": 100, "way": "all digits", "attack": "words"})
        rows = rows.assign(auc=[0.9, 1.0], tpr=0.7, fpr=np.nan)
        return pd.concat([rows, rows.assign(auc=np.nan, fpr=0.01, tpr=[0.2, 0.4])])

    monkeypatch.setattr(topic_attacks, "attack_rows", fake)
    return made


def test_one_grid_of_topic_attacks_can_be_made_again_alone(asked: list[tuple], sweep: Callable) -> None:
    folder = sweep("topic-attacks", "--grid", "privacy", "--seeds", "2")
    work = JobRunner(folder / "topic_privacy_wikipedia", 1)
    assert asked == [("topic_privacy", "privacy_rows", work, {"seeds": range(2)})]
    record = origin(folder, "topic_privacy_wikipedia")
    assert record["command"] == "topic-attacks --dataset wikipedia --grid privacy --seeds 2"
    assert (record["seed"], record["rows"]) == ([0, 1], 2)


def test_membership_of_documents_keeps_curves_apart_as_means_over_seeds(asked: list[tuple], sweep: Callable) -> None:
    folder = sweep("topic-attacks", "--grid", "membership", "--grid", "leak")
    table, curve = (pd.read_csv(folder / f"topic_{name}_wikipedia.csv") for name in ("membership", "roc"))
    assert list(table) == ["seed", "documents", "way", "attack", "auc", "tpr"]
    assert curve[["fpr", "tpr"]].to_numpy().ravel() == pytest.approx([0.01, 0.3])
    assert [kind for kind, *_ in asked] == ["topic_membership", "topic_leak"]
    for name, grid in (("membership", "membership"), ("roc", "membership"), ("leak", "leak")):
        command = origin(folder, f"topic_{name}_wikipedia")["command"]
        assert command == f"topic-attacks --dataset wikipedia --grid {grid} --seeds 5"
