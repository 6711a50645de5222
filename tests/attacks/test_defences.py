"""Defences stop what they are made for, and honest people pay: both are held here."""

import numpy as np
import pytest

from pmt_helpers.attacks.defences import (
    AGGREGATIONS,
    DEFENCES,
    filter_mask,
    neighbour_filter,
    neighbour_labels,
    outlier_filter,
    poisoned_mask,
    removal_rates,
    train_aggregated,
    trimmed_mean,
)
from pmt_helpers.attacks.poisoning import poison_volunteers
from pmt_helpers.datasets import ActivityData


def test_robust_aggregation_ignores_one_outlier() -> None:
    votes = np.array([[1.0], [1.1], [0.9], [1.0], [1000.0]])
    assert AGGREGATIONS["mean"](votes) > 200
    assert AGGREGATIONS["median"](votes) == 1.0
    assert trimmed_mean(votes) == pytest.approx(1.0333, abs=1e-3)


def test_the_outlier_filter_catches_noise_but_no_flips(watch: ActivityData) -> None:
    shares = {}
    for kind in ("noise", "least_likely"):
        poisoned = poison_volunteers(watch, 3, 0.3, kind)
        bad, given = poisoned_mask(watch, poisoned), watch.users != 3
        shares[kind] = removal_rates(filter_mask(outlier_filter, poisoned, 3), bad, given)
    assert shares["noise"][0] > 0.85
    assert shares["least_likely"][0] < 0.4
    assert max(dropped for _, dropped in shares.values()) < 0.1


def test_neighbours_catch_flips_but_drop_honest_people_too(watch: ActivityData) -> None:
    poisoned = poison_volunteers(watch, 3, 0.3, "random")
    bad, given = poisoned_mask(watch, poisoned), watch.users != 3
    caught, dropped = removal_rates(filter_mask(neighbour_filter, poisoned, 3), bad, given)
    assert caught > 0.75
    _, in_peace = removal_rates(filter_mask(neighbour_filter, watch, 3), np.zeros(len(watch), bool), given)
    assert 0.05 < in_peace < 0.2
    assert in_peace < dropped < caught


def test_a_window_asks_other_people_only() -> None:
    """Two people stand apart: by their own windows each would be sure, by the other's they are not."""
    X = np.concatenate([np.zeros((30, 2)), np.ones((30, 2))]) + np.random.default_rng(0).normal(size=(60, 2)) / 100
    users, y = np.repeat([1, 2], 30), np.repeat([0, 1], 30)
    assert (neighbour_labels(X, y, users, 5) == 1 - y[:, None]).all()
    assert not neighbour_filter(X, y, users, neighbours=5).any()


@pytest.mark.parametrize("name", ["trimmed loss", "neighbour filter", "averaged: median"])
def test_a_defence_is_better_than_none(watch: ActivityData, name: str) -> None:
    accuracy = {"none": [], name: []}
    for user in (1, 5, 8):
        poisoned, mine = poison_volunteers(watch, user, 0.3, "least_likely"), watch.users == user
        for defence, found in accuracy.items():
            found.append((DEFENCES[defence](poisoned, user, 0).predict(watch.X[mine]) == watch.y[mine]).mean())
    assert np.mean(accuracy[name]) > np.mean(accuracy["none"]) + 0.03


def test_averaging_is_as_good_as_pooling_honest_volunteers(watch: ActivityData) -> None:
    mine = watch.users == 4
    accuracy = [
        (model.predict(watch.X[mine]) == watch.y[mine]).mean()
        for model in (DEFENCES["averaged: mean"](watch, 4, 0), DEFENCES["none"](watch, 4, 0))
    ]
    assert accuracy[0] > accuracy[1] - 0.06


def test_an_unknown_aggregation_is_named(watch: ActivityData) -> None:
    with pytest.raises(ValueError, match="mean, median, trimmed mean"):
        train_aggregated(watch, 3, 0, "mode")
