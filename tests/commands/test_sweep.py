"""python -m pmt_helpers sweep: results are stored with their origin, and one recipe can be redone alone."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.activity.curves import CurvePlan
from pmt_helpers.commands.sweep import sweep
from pmt_helpers.datasets import files
from pmt_helpers.experiments import activity
from pmt_helpers.experiments import results as stored
from pmt_helpers.experiments import topics as topic_grids


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
    before = json.loads((results / "base_model_watch.json").read_text())["kept"]
    arguments = ["base", "--dataset", "watch", "--seeds", "3", "--recipe", "better", "--out", str(results)]
    for _ in range(2):
        assert CliRunner().invoke(sweep, arguments).exit_code == 0
        grid = pd.read_csv(results / "base_model_watch.csv")
        assert (grid.loc[grid["recipe"] == "better", "accuracy"] == 0.5).all()
        pd.testing.assert_frame_equal(
            grid[grid["recipe"] == "paper"].reset_index(drop=True),
            stored[stored["recipe"] == "paper"].reset_index(drop=True),
        )
        assert json.loads((results / "base_model_watch.json").read_text())["kept"] == before


def test_an_unknown_recipe_is_named_with_those_there_are() -> None:
    result = CliRunner().invoke(sweep, ["base", "--recipe", "best"])
    assert result.exit_code == 2
    assert "better, paper" in result.output


@pytest.mark.parametrize("sizes", ["some", "0,5", "5,,6", "-1"])
def test_sizes_that_are_none_are_named(sizes: str) -> None:
    result = CliRunner().invoke(sweep, ["figure3", "--sizes", sizes])
    assert result.exit_code == 2
    assert "neither" in result.output


def test_figure3_writes_the_curve_under_its_name_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def fake(data, plan, folder, **options):
        asked.update(plan=plan, folder=folder, **options)
        table = pd.DataFrame({"seed": [0], "user": [1], "model": ["shared"], "n_samples": [5], "accuracy": [0.5]})
        return activity.Sweep(table, models=1, updates=100)

    monkeypatch.setattr(activity, "curve_grid", fake)
    arguments = ["figure3", "--split", "bout", "--init", "literal", "--sizes", "20,5", "--seeds", "2", "--workers", "1"]
    arguments += ["--early-stopping", "--dask", "tcp://127.0.0.1:8786", "--out", str(tmp_path), "--work", str(tmp_path)]
    assert CliRunner().invoke(sweep, arguments).exit_code == 0
    name = "curve_watch_bout_literal_stopped_2seeds"
    assert asked["plan"] == CurvePlan(sizes=(5, 20), split="bout", early_stopping=True, init="literal")
    assert asked["folder"] == tmp_path / name
    assert (asked["seeds"], asked["workers"], asked["dask"], asked["cures"]) == ((0, 1), 1, "tcp://127.0.0.1:8786", {})
    origin = json.loads((tmp_path / f"{name}.json").read_text())
    assert origin["command"] == (
        "python -m pmt_helpers sweep figure3 --dataset watch --split bout --init literal --folds 5 --early-stopping "
        "--sizes 20,5 --seeds 2"
    )
    assert (origin["models"], origin["updates"], origin["seed"]) == (1, 100, [0, 1])


def test_the_topics_sweeps_write_their_grids_under_their_names_with_their_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fake(kind, given, folder, **options):
        asked.append((kind, given.plan.n_local, folder, options))
        return pd.DataFrame({"seed": [0], "iteration": [1], "bits": [-9.0]})

    monkeypatch.setattr(topic_grids, "topic_grid", fake)
    end = ["--out", str(tmp_path), "--work", str(tmp_path), "--seeds", "3", "--workers", "1"]
    for arguments in (["held-out", "--dataset", "news", "--n-local", "30"], ["figure5"], ["figure6"]):
        assert CliRunner().invoke(sweep, [*arguments, *end]).exit_code == 0
    names = ["held_out_news_30", "likelihood_wikipedia", "one_topic_wikipedia"]
    options = {"seeds": range(3), "workers": 1, "dask": None}
    kinds = (("held_out", 30), ("likelihood", 200), ("one_topic", 200))
    assert asked == [(*kind, tmp_path / name, options) for kind, name in zip(kinds, names, strict=True)]
    origin = json.loads((tmp_path / "held_out_news_30.json").read_text())
    assert origin["command"] == "python -m pmt_helpers sweep held-out --dataset news --n-local 30 --seeds 3"
    assert (origin["dataset"], origin["seed"], origin["rows"]) == ("news", [0, 1, 2], 1)


def test_figure8_is_measured_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.DataFrame({"by": ["documents"], "size": [200], "tokens": [1000], "seconds": [0.1]})
    monkeypatch.setattr(topic_grids, "figure_8", lambda counts, plan: rows)
    assert CliRunner().invoke(sweep, ["figure8", "--out", str(tmp_path)]).exit_code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "iteration_cost_wikipedia.csv"), rows)
