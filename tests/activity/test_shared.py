"""The shared model never meets the person it is meant for, and says how it was trained."""

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity import train_shared
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.splits import random_validation
from pmt_helpers.activity.weights import Preprocessor
from pmt_helpers.datasets import ActivityData


@pytest.fixture(scope="module")
def shared(four_people: ActivityData) -> ActivityModel:
    return train_shared(four_people, exclude_user=3, seed=0, epochs=80, progress=False)


def test_it_learns_what_chance_does_not_know(shared: ActivityModel, four_people: ActivityData) -> None:
    own = four_people.users == 3
    assert shared.accuracy(four_people.X[own], four_people.y[own]) > 2 / len(four_people.class_names)
    assert shared.history["loss"].iloc[-1] < shared.history["loss"].iloc[0] / 2


def test_changing_the_left_out_persons_data_changes_nothing(shared: ActivityModel, four_people: ActivityData) -> None:
    X = four_people.X.copy()
    X[four_people.users == 3] = 1e6
    spoilt = ActivityData(**{**vars(four_people), "X": X})
    again = train_shared(spoilt, exclude_user=3, seed=0, epochs=80, progress=False)
    for a, b in zip(shared.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(shared.scaler.mean, again.scaler.mean)


def test_the_scaler_comes_from_the_training_windows_of_others(shared: ActivityModel, four_people: ActivityData) -> None:
    X = four_people.X[four_people.users != 3]
    expected = Preprocessor.fit(X[~random_validation(len(X), 0.2, 0)])
    np.testing.assert_array_equal(shared.scaler.mean, expected.mean)


def test_another_seed_gives_another_model(shared: ActivityModel, four_people: ActivityData) -> None:
    other = train_shared(four_people, exclude_user=3, seed=1, epochs=2, progress=False)
    assert not np.allclose(other.model.get_weights()[0], shared.model.get_weights()[0])


def test_early_stopping_brings_back_the_best_weights(four_people: ActivityData) -> None:
    hasty = {"epochs": 60, "patience": 2, "learning_rate": 0.02, "monitor": "val_loss", "refit": False}
    model = train_shared(four_people, 3, 0, "better", progress=False, **hasty)
    assert len(model.history) < 60
    validators = [u for u in model.card["users"] if u not in _trained_on(model, four_people)]
    held = np.isin(four_people.users, validators)
    loss = -np.log(model.predict_proba(four_people.X[held])[np.arange(held.sum()), four_people.y[held]]).mean()
    # Keras adds the penalty to the loss it reports; it is below 0.01 here
    assert model.history["val_loss"].min() == pytest.approx(float(loss), abs=0.01)


def test_the_better_recipe_keeps_the_weights_of_the_best_validation_accuracy(four_people: ActivityData) -> None:
    model = train_shared(four_people, 3, 0, "better", epochs=12, refit=False, progress=False)
    validators = [u for u in model.card["users"] if u not in _trained_on(model, four_people)]
    held = np.isin(four_people.users, validators)
    assert model.val_accuracy == model.history["val_accuracy"].max()
    assert model.accuracy(four_people.X[held], four_people.y[held]) == pytest.approx(model.val_accuracy, abs=1e-6)


def test_the_better_recipe_then_trains_on_everybody_for_as_long_as_validation_said(four_people: ActivityData) -> None:
    chosen = train_shared(four_people, 3, 0, "better", epochs=12, progress=False)
    X = four_people.X[four_people.users != 3]
    np.testing.assert_array_equal(chosen.scaler.mean, Preprocessor.fit(X).mean)
    first_stage = train_shared(four_people, 3, 0, "better", epochs=12, refit=False, progress=False)
    pd.testing.assert_frame_equal(chosen.history, first_stage.history)
    assert not np.allclose(chosen.model.get_weights()[0], first_stage.model.get_weights()[0])


def _trained_on(model: ActivityModel, data: ActivityData) -> set[int]:
    from pmt_helpers.activity.splits import grouped_validation

    users = data.users[data.users != model.card["exclude_user"]]
    return set(users[~grouped_validation(users, 0.2, model.card["seed"])])


def test_the_card_says_who_was_left_out_and_how_it_was_trained(shared: ActivityModel) -> None:
    assert shared.card["exclude_user"] == 3
    assert 3 not in shared.card["users"]
    assert shared.card["optimizer"] == "sgd"
    assert shared.card["n_train"] + shared.card["n_validation"] > 0


def test_even_from_the_papers_literal_start_it_learns(four_people: ActivityData) -> None:
    # its first scores are in the thousands; from clipped probabilities no gradient would come back
    literal = train_shared(four_people, 3, 0, init="literal", progress=False)
    assert literal.history["accuracy"].max() > 0.6


def test_the_confusions_are_those_of_the_predictions(shared: ActivityModel, four_people: ActivityData) -> None:
    X, y = four_people.X[:50], four_people.y[:50]
    counts = shared.confusion(X, y)
    assert counts.sum() == 50
    assert counts.trace() / 50 == shared.accuracy(X, y)


def test_a_wrong_recipe_or_person_is_named(four_people: ActivityData) -> None:
    with pytest.raises(ValueError, match="choose one of paper, better"):
        train_shared(four_people, recipe="best")
    with pytest.raises(ValueError, match="no user 42"):
        train_shared(four_people, exclude_user=42)
    with pytest.raises(ValueError, match="random or grouped"):
        train_shared(four_people, validation="stratified")


def test_windows_of_another_width_are_refused(shared: ActivityModel) -> None:
    with pytest.raises(ValueError, match=r"\(n_windows, 43\)"):
        shared.predict(np.zeros((2, 7)))
