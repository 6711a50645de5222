"""Training at home: starts where it says, leaves the shared model alone, refuses what it cannot learn from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.activity import Person, build_mlp, load_model, personalise, save_model, train_local, train_shared
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.datasets import ActivityData


@pytest.fixture(scope="module")
def shared(watch: ActivityData) -> ActivityModel:
    return train_shared(watch, exclude_user=3, seed=0, epochs=150, progress=False)


@pytest.fixture(scope="module")
def you(watch: ActivityData) -> Person:
    return Person.of(watch, 3)


def test_twenty_windows_at_home_help_and_a_start_from_scratch_helps_less(shared: ActivityModel, you: Person) -> None:
    personal = personalise(shared, *you.train(20), epochs=60)
    local = train_local(shared, *you.train(20), epochs=60)
    assert personal.accuracy(*you.test) > shared.accuracy(*you.test)
    assert personal.accuracy(*you.test) > local.accuracy(*you.test)


def test_models_are_compared_on_windows_that_none_has_trained_on(shared: ActivityModel, you: Person) -> None:
    table = you.compare(shared=shared)
    assert table["n_test"].item() == len(you.split.test)
    assert table["accuracy"].item() == shared.accuracy(*you.test)
    assert table["lower"].item() < table["accuracy"].item() < table["upper"].item()


def test_the_shared_model_is_left_as_it_was(shared: ActivityModel, you: Person) -> None:
    before = [w.copy() for w in shared.model.get_weights()]
    personalise(shared, *you.train(5), epochs=3)
    for a, b in zip(before, shared.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_step_is_plain_gradient_descent_from_the_shared_weights(shared: ActivityModel, you: Person) -> None:
    X, y = you.train(1)
    personal = personalise(shared, X, y, epochs=1)
    p = shared.predict_proba(X)[0].copy()
    p[y[0]] -= 1
    np.testing.assert_allclose(
        personal.model.get_weights()[3], shared.model.get_weights()[3] - 0.001 * p, rtol=1e-4, atol=1e-7
    )


def test_the_same_seed_gives_the_same_personal_model(shared: ActivityModel, you: Person) -> None:
    first, again, other = (
        personalise(shared, *you.train(8), epochs=4, seed=s).model.get_weights()[0] for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_with_validation_windows_training_stops_early(shared: ActivityModel, you: Person) -> None:
    noise = np.random.default_rng(0)
    X, y = you.train(20)
    personal = personalise(shared, X, noise.permutation(y), validation=you.validation(20), epochs=300)
    assert len(personal.history) < 300


def test_what_cannot_be_learnt_from_is_refused(shared: ActivityModel, you: Person) -> None:
    X, y = you.train(5)
    with pytest.raises(ValueError, match="at least one window"):
        personalise(shared, X[:0], y[:0])
    with pytest.raises(ValueError, match=r"labels y \[9\]"):
        personalise(shared, X, np.full(5, 9))
    with pytest.raises(ValueError, match="infinity"):
        train_local(shared, np.full((1, 43), np.inf), [0])
    with pytest.raises(ValueError, match="43"):
        train_local(shared, X[:, :10], y)


def test_a_network_of_another_width_is_personalised_saved_and_read_again(
    shared: ActivityModel, you: Person, tmp_path: Path
) -> None:
    narrow = replace(shared, model=build_mlp(len(shared.feature_names), len(shared.class_names), hidden_units=64))
    for train in (personalise, train_local):
        mine = train(narrow, *you.train(20), epochs=50)
        assert mine.model.get_weights()[0].shape == (len(shared.feature_names), 64)
        assert mine.accuracy(*you.train(20)) > narrow.accuracy(*you.train(20))
    again = load_model(save_model(mine, tmp_path / "narrow"))
    np.testing.assert_array_equal(again.predict_proba(you.test[0]), mine.predict_proba(you.test[0]))
