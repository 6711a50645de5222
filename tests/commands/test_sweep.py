"""python -m pmt_helpers sweep: results are stored with their origin, and one recipe can be redone alone."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.activity import base_grid, curve_grid
from pmt_helpers.activity.protocol import Plan
from pmt_helpers.commands.sweep import sweep
from pmt_helpers.datasets import grids, locations


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, with the stored watch grids in it."""
    folder = tmp_path / "results"
    shutil.copytree(locations.shipped("results"), folder)
    monkeypatch.setattr(grids, "shipped", lambda *parts: tmp_path.joinpath(*parts))
    return folder


def test_redoing_one_recipe_keeps_the_rows_and_the_origin_of_the_others(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = pd.read_csv(results / "base_model_watch.csv")
    redone = stored[stored["recipe"] == "better"].assign(accuracy=0.5)
    cells = pd.read_csv(results / "base_model_watch_confusion.csv").query("recipe == 'better'")
    monkeypatch.setattr(base_grid, "base_model_grid", lambda *args, **options: (redone, cells))
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
        return curve_grid.Sweep(table, models=1, updates=100)

    monkeypatch.setattr(curve_grid, "curve_grid", fake)
    arguments = ["figure3", "--split", "bout", "--init", "literal", "--sizes", "20,5", "--seeds", "2", "--workers", "1"]
    arguments += ["--early-stopping", "--dask", "tcp://127.0.0.1:8786", "--out", str(tmp_path), "--work", str(tmp_path)]
    assert CliRunner().invoke(sweep, arguments).exit_code == 0
    name = "curve_watch_bout_literal_stopped_2seeds"
    assert asked["plan"] == Plan(sizes=(5, 20), split="bout", early_stopping=True, init="literal")
    assert asked["folder"] == tmp_path / name
    assert (asked["seeds"], asked["workers"], asked["dask"], asked["cures"]) == ((0, 1), 1, "tcp://127.0.0.1:8786", {})
    origin = json.loads((tmp_path / f"{name}.json").read_text())
    assert origin["command"] == (
        "python -m pmt_helpers sweep figure3 --dataset watch --split bout --init literal --folds 5 --early-stopping "
        "--sizes 20,5 --seeds 2"
    )
    assert (origin["models"], origin["updates"], origin["seed"]) == (1, 100, [0, 1])
