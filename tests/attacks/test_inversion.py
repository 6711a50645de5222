"""Inversion: gradient ascent reaches the top, and what personal training changed points at the person it was for."""

import numpy as np
import pytest

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.inversion import METHODS, PRIOR, compare_inversions, gradient_ascent, invert_model
from pmt_helpers.datasets import ActivityData


def at_home(shared: Checkpoint, X: np.ndarray, y: np.ndarray) -> Checkpoint:
    return Checkpoint(train_online(Task(shared.weights, shared.windows(X), y), epochs=100).weights, shared.scaler)


def test_gradient_ascent_ends_where_no_step_leads_higher(shared: Checkpoint) -> None:
    weights, n = shared.weights, shared.weights.n_features

    def height(x: np.ndarray, label: int) -> float:
        scores = np.maximum(weights.inputs(x[None]) @ weights.hidden, 0) @ weights.output.T + weights.bias
        scores = scores[0].astype(np.float64)
        return scores[label] - np.logaddexp.reduce(scores) - PRIOR / 2 * x @ x

    rng = np.random.default_rng(0)
    for label in range(len(weights.bias)):
        top = gradient_ascent(weights, label)
        assert height(top, label) > height(np.zeros(n), label)
        nearby = [height(top + 0.05 * rng.normal(size=n), label) for _ in range(20)]
        assert max(nearby) < height(top, label) + 1e-3


def test_a_personal_habit_shows_in_the_change_of_weights(watch: ActivityData, shared: Checkpoint) -> None:
    rows = watch.users == 3
    label = 2
    X = watch.X[rows].copy()
    of_class = watch.y[rows] == label
    X[of_class, 5] += 4 * shared.scaler.scale[5]  # an invented habit
    personal = at_home(shared, X, watch.y[rows])
    others = watch.select((watch.users != 3) & (watch.y == label))
    population = shared.scaler.transform(others.X).mean(0)
    for method in ("difference", "weights"):
        added = invert_model(personal, label, method=method, shared=shared, population=population) - population
        assert added.argmax() == 5
        assert added[5] > 0.1


def test_methods_and_baselines_are_compared_with_true_means(watch: ActivityData, shared: Checkpoint) -> None:
    rows = watch.users == 3
    personal = at_home(shared, watch.X[rows], watch.y[rows])
    found = compare_inversions(watch, 3, personal, shared, watch.y[rows])
    assert set(found["method"]) == {"scaler's mean", "population", *METHODS}
    assert found["activity"].nunique() == len(watch.class_names)
    mean = found.groupby("method").mean(numeric_only=True)
    assert mean["distance"]["population"] < mean["distance"]["ascent"]  # what a model says is no person's mean
    assert mean["unusual"]["weights"] > 0.2 > mean["unusual"]["scaler's mean"]
    assert (mean["people"] == 10).all()
    assert found.loc[found["method"] == "population", "unusual"].isna().all()


def test_a_person_not_trained_on_is_not_found(watch: ActivityData, shared: Checkpoint) -> None:
    """The control: invert the model of person 5, and hold it against person 3."""
    rows = watch.users == 5
    personal = at_home(shared, watch.X[rows], watch.y[rows])
    found = compare_inversions(watch, 3, personal, shared)
    assert found.loc[found["method"] == "weights", "first"].mean() < 0.2


def test_what_is_missing_or_unknown_is_named(shared: Checkpoint) -> None:
    with pytest.raises(ValueError, match="ascent, difference, weights"):
        invert_model(shared, 0, method="guess")
    with pytest.raises(ValueError, match="needs shared="):
        invert_model(shared, 0, method="weights")
    with pytest.raises(ValueError, match="label must be 0 to 6"):
        invert_model(shared, 7)
