"""Retraining forgets what it is not shown, and each mitigation holds some of it back."""

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity import personalise, train_shared
from pmt_helpers.activity.mitigation import MITIGATIONS, compare_strategies, rehearsal_windows, strategy_family
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.datasets import ActivityData


@pytest.fixture(scope="module")
def shared(watch: ActivityData) -> ActivityModel:
    return train_shared(watch, exclude_user=3, epochs=150, progress=False)


def test_rehearsal_is_of_other_people_and_every_class(watch: ActivityData) -> None:
    X, y = rehearsal_windows(watch, exclude_user=3, per_class=4)
    own = {row.tobytes() for row in watch.X[watch.users == 3]}
    assert np.bincount(y).tolist() == [4] * len(watch.class_names)
    assert not own & {row.tobytes() for row in X}


def test_more_windows_contain_the_fewer(watch: ActivityData) -> None:
    few, many = (rehearsal_windows(watch, 3, n) for n in (2, 5))
    for label in range(len(watch.class_names)):
        np.testing.assert_array_equal(many[0][many[1] == label][:2], few[0][few[1] == label])


def test_more_windows_than_there_are_is_an_error(watch: ActivityData) -> None:
    with pytest.raises(ValueError, match="windows of other people; asked for 100000"):
        rehearsal_windows(watch, 3, 100_000)


def test_shown_one_class_retraining_forgets_the_others_and_two_mitigations_less(
    watch: ActivityData, shared: ActivityModel
) -> None:
    own, other = (watch.users == 3) & (watch.y == 3), (watch.users == 3) & (watch.y != 3)
    shown = watch.X[own][:15], watch.y[own][:15]
    asked = watch.X[other], watch.y[other]
    options = {"epochs": 1000}
    plain = personalise(shared, *shown, **options).accuracy(*asked)
    assert plain < shared.accuracy(*asked) - 0.1
    for mitigation in ({"pull": 10.0}, {"rehearsal": rehearsal_windows(watch, 3, 10)}):
        assert personalise(shared, *shown, **options, **mitigation).accuracy(*asked) > plain + 0.05
    # the output layer alone is no mitigation here: it is where the classes compete
    assert personalise(shared, *shown, layers="output", **options).accuracy(*asked) < plain + 0.05


def test_strategies_are_compared_on_people_of_both_splits() -> None:
    def curve(users: list[int], accuracy: float) -> pd.DataFrame:
        rows = [
            {"user": user, "n_samples": 40, "model": model, "accuracy": accuracy + 0.1 * (user == 9)}
            for user in users
            for model in ("shared", "local", "personal", *MITIGATIONS)
        ]
        return pd.DataFrame(rows)

    table = compare_strategies(curve([1, 2, 9], 0.8), curve([1, 2], 0.5), 40).set_index("strategy")
    assert table.index.tolist() == ["shared", "personal", *MITIGATIONS]
    assert table["known"].to_numpy() == pytest.approx(0.8)
    assert table["new"].to_numpy() == pytest.approx(0.5)


def test_a_family_is_a_name_without_its_strength() -> None:
    assert [strategy_family(name) for name in ("pull 0.3", "rehearsal 10", "output layer only", "shared")] == [
        "pull",
        "rehearsal",
        "output layer only",
        "shared",
    ]
