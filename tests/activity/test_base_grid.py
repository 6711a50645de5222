"""The stored grid: the numbers in it come out again, and its file says where they come from."""

from pathlib import Path

import pandas as pd
import pytest

from pmt_helpers.datasets import ActivityData, DataError
from pmt_helpers.experiments.activity import (
    BETTER,
    PAPER,
    base_model_grid,
    confusion_matrix,
    of_setting,
    validation_vs_test,
)
from pmt_helpers.experiments.results import read_grid, write_grid


def test_a_stored_row_comes_out_again(watch: ActivityData) -> None:
    stored = read_grid("base_model_watch")
    # the paper's setting: full batches amplify another processor's rounding less than hundreds of small steps do
    rows, cells = base_model_grid(watch, (PAPER,), seeds=(0,), users=(4,), workers=1)
    kept = of_setting(stored, PAPER).query("user == 4")
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


def test_a_setting_is_one_row_a_person_and_its_confusions_are_their_windows(watch: ActivityData) -> None:
    rows = of_setting(read_grid("base_model_watch"), PAPER)
    assert rows["user"].tolist() == watch.user_ids.tolist()
    cells = of_setting(read_grid("base_model_watch_confusion"), PAPER)
    for user, own in cells.groupby("user"):
        counts = confusion_matrix(own, len(watch.class_names))
        assert counts.sum(axis=1).tolist() == [
            ((watch.users == user) & (watch.y == label)).sum() for label in range(len(watch.class_names))
        ]


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_random_validation_promises_more_than_whole_people_do(dataset: str) -> None:
    table = validation_vs_test(read_grid(f"base_model_{dataset}")).pivot(
        index="split", columns="what", values="accuracy"
    )
    excess = table["validation"] - table["unseen person"]
    assert excess["random windows"] > 0.04
    assert excess["whole people"] < excess["random windows"] - 0.04


def test_the_shared_model_on_wisdm_is_what_was_measured_before_this_workbook() -> None:
    grid = read_grid("base_model_wisdm")
    assert of_setting(grid, PAPER)["accuracy"].mean() == pytest.approx(0.729, abs=0.01)
    assert of_setting(grid, BETTER)["accuracy"].mean() == pytest.approx(0.748, abs=0.02)
    assert grid["user"].nunique() == 36
