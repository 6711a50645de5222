"""The stored grid: the numbers in it come out again, and its file says where they come from."""

from pathlib import Path

import pandas as pd
import pytest

from pmt_helpers.activity.base_grid import Setting, base_model_grid
from pmt_helpers.datasets import ActivityData, DataError
from pmt_helpers.datasets.grids import read_grid, write_grid


def test_a_stored_row_comes_out_again(watch: ActivityData) -> None:
    stored = read_grid("base_model_watch")
    settings = (Setting("better", "grouped"),)
    rows, cells = base_model_grid(watch, settings, seeds=(0,), users=(4,), workers=1)
    kept = stored.query("recipe == 'better' and validation == 'grouped' and seed == 0 and user == 4")
    # two windows of a hundred may fall on the other side on another processor
    assert rows["accuracy"].item() == pytest.approx(kept["accuracy"].item(), abs=0.021)
    assert cells["windows"].sum() == (watch.users == 4).sum() == kept["n_test"].item()


@pytest.mark.parametrize("name", ["base_model_watch", "base_model_wisdm"])
def test_confusions_and_accuracies_of_a_grid_agree(name: str) -> None:
    grid, cells = read_grid(name), read_grid(f"{name}_confusion")
    key = ["recipe", "validation", "init", "seed", "user"]
    right = cells[cells.actual == cells.predicted].groupby(key)["windows"].sum()
    total = cells.groupby(key)["windows"].sum()
    accuracy = grid.set_index(key)["accuracy"]
    pd.testing.assert_series_equal((right / total).loc[accuracy.index], accuracy, atol=1e-5, check_names=False)


def test_a_number_without_its_origin_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="command"):
        write_grid(pd.DataFrame({"accuracy": [0.5]}), tmp_path / "grid.csv", dataset="watch")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_grid_says_how_to_make_it() -> None:
    with pytest.raises(DataError, match="sweep"):
        read_grid("no_such_grid")
