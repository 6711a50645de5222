"""The stored inversions and uploaded gradients: how they are made, and what was found."""

import numpy as np
import pytest

from pmt_helpers.datasets import ActivityData
from pmt_helpers.experiments import (
    JobRunner,
    inversion,
    stored_gradients,
    stored_inversion,
)

PEOPLE = {"wisdm": 36, "watch": 10}


@pytest.mark.parametrize("dataset", PEOPLE)
def test_the_gradient_of_one_window_is_that_window_and_many_blur(dataset: str) -> None:
    rows = stored_gradients(dataset).query("upload == 'gradient'").set_index("windows")
    assert rows["found"][1] == rows["labels"][1] == 1
    assert rows["error"][1] < 1e-5
    assert rows["found"].is_monotonic_decreasing
    assert rows["found"][60] < 0.05


def test_climbing_a_personal_model_finds_no_more_than_the_population_and_its_change_does() -> None:
    distance = stored_inversion("wisdm").query("n_samples == 60").groupby("method")["distance"].mean()
    assert distance["weights"] < distance["population"] < distance["ascent"]


def three_people(watch: ActivityData) -> ActivityData:
    return watch.select(np.isin(watch.users, [2, 5, 6]))


def test_inversions_and_gradients_are_gathered_person_by_person(
    watch: ActivityData, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inversion, "SIZES", (20, 500))  # nobody has 500 windows
    monkeypatch.setattr(inversion, "DRAWS", 1)
    monkeypatch.setattr(inversion, "EPOCHS", 5)
    monkeypatch.setattr(inversion, "UPLOADS", {"gradient": None})
    data = three_people(watch)
    rows = inversion.inversion_grid(data, runner.at(runner.folder / "inversion"))
    assert set(rows["user"]) <= {2, 5, 6}
    assert not rows.duplicated(["n_samples", "user", "activity", "method"]).any()
    leaks = inversion.gradient_grid(data, runner.at(runner.folder / "gradients"))
    assert leaks["windows"].tolist() == [1, 2, 4, 8, 16, 32, 60]
    assert leaks.loc[0, "found"] == 1
    assert (leaks["people"] == 3).all()


@pytest.mark.parametrize("dataset", PEOPLE)
def test_stored_inversions_and_gradients_tell_one_story(dataset: str) -> None:
    inverted = stored_inversion(dataset).groupby("method")[["distance", "unusual", "first_unusual"]].mean()
    assert inverted.loc["ascent", "distance"] > inverted.loc["population", "distance"]
    if dataset == "wisdm":  # among the watch's ten people the difference is within its error
        assert inverted.loc["weights", "distance"] < inverted.loc["population", "distance"] - 0.1
    assert inverted.loc["weights", "first_unusual"] > 0.3
    leaks = stored_gradients(dataset).set_index(["upload", "windows"])["found"]
    assert leaks["gradient", 1] > 0.99
    assert leaks["gradient", 32] < 0.02
