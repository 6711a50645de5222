"""python -m pmt_helpers sweep: results are stored with their origin, and one recipe can be redone alone."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.activity import base_grid
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
