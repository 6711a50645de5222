"""The shared model never meets the person it is meant for, and both ways to train it follow Keras' own fit."""

from dataclasses import replace
from typing import Any

import jax
import keras
import numpy as np
import pandas as pd
import psutil
import pytest

from pmt_helpers.activity import shared as shared_module
from pmt_helpers.activity import shared_loop, train_shared
from pmt_helpers.activity.keras_reference import fit_with_keras, logits_model
from pmt_helpers.activity.model import ActivityModel, build_mlp
from pmt_helpers.activity.shared import train_shared_fast, training_rows
from pmt_helpers.activity.shared_loop import CHUNK, _compiled
from pmt_helpers.activity.splits import random_validation
from pmt_helpers.activity.weights import Preprocessor
from pmt_helpers.attacks import poison_volunteers
from pmt_helpers.datasets import ActivityData, load_activity
from pmt_helpers.datasets.wisdm import find_wisdm
from pmt_helpers.experiments.activity import PAPER, rows_of_setting, stored_base_models


@pytest.fixture(scope="module")
def shared(four_people: ActivityData) -> ActivityModel:
    return train_shared(four_people, exclude_user=3, seed=0, epochs=80, progress=False)


def test_it_learns_what_chance_does_not_know(shared: ActivityModel, four_people: ActivityData) -> None:
    own = four_people.users == 3
    assert shared.accuracy(four_people.X[own], four_people.y[own]) > 2 / len(four_people.class_names)
    assert shared.history["loss"].iloc[-1] < shared.history["loss"].iloc[0] / 2


def test_the_excluded_persons_data_change_nothing(shared: ActivityModel, four_people: ActivityData) -> None:
    X = four_people.X.copy()
    X[four_people.users == 3] = 1e6
    spoilt = ActivityData(**{**vars(four_people), "X": X})
    again = train_shared(spoilt, exclude_user=3, seed=0, epochs=80, progress=False)
    for a, b in zip(shared.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(shared.scaler.mean, again.scaler.mean)


def test_the_scaler_comes_from_others_training_windows(shared: ActivityModel, four_people: ActivityData) -> None:
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
    validating = np.isin(four_people.users, validators)
    loss = -np.log(
        model.predict_proba(four_people.X[validating])[np.arange(validating.sum()), four_people.y[validating]]
    ).mean()
    # Keras adds the penalty to the loss it reports; it is below 0.01 here
    assert model.history["val_loss"].min() == pytest.approx(float(loss), abs=0.01)


def test_the_better_recipe_keeps_the_best_validation_accuracy(four_people: ActivityData) -> None:
    model = train_shared(four_people, 3, 0, "better", epochs=12, refit=False, progress=False)
    validators = [u for u in model.card["users"] if u not in _trained_on(model, four_people)]
    validating = np.isin(four_people.users, validators)
    assert model.val_accuracy == model.history["val_accuracy"].max()
    assert model.accuracy(four_people.X[validating], four_people.y[validating]) == pytest.approx(
        model.val_accuracy, abs=1e-6
    )


def test_the_better_recipe_then_trains_as_long_on_everybody(four_people: ActivityData) -> None:
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


def test_the_card_says_who_was_excluded_and_how_it_was_trained(shared: ActivityModel) -> None:
    assert shared.card["exclude_user"] == 3
    assert 3 not in shared.card["users"]
    assert shared.card["optimizer"] == "sgd"
    assert shared.card["n_train"] + shared.card["n_validation"] > 0


def test_even_from_the_papers_literal_start_it_learns(four_people: ActivityData) -> None:
    # its first logits are in the thousands; from clipped probabilities no gradient would come back
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
    with pytest.raises(ValueError, match="choose one of random, grouped"):
        train_shared(four_people, validation="stratified")


def test_windows_of_another_width_are_refused(shared: ActivityModel) -> None:
    with pytest.raises(ValueError, match=r"\(n_windows, 43\)"):
        shared.predict(np.zeros((2, 7)))


def test_fast_training_is_as_good_as_keras_on_unseen_people(watch: ActivityData) -> None:
    keras = rows_of_setting(stored_base_models("watch"), PAPER).set_index("user")["accuracy"]
    gaps = []
    for user in watch.user_ids:
        mine = watch.users == user
        quick = train_shared_fast(watch, int(user)).predict(watch.X[mine])
        gaps.append((quick == watch.y[mine]).mean() - keras[user])
    assert abs(np.mean(gaps)) < 0.02
    assert np.abs(gaps).max() < 0.08


def test_fast_training_follows_keras_on_poisoned_labels(watch: ActivityData) -> None:
    poisoned = poison_volunteers(watch, 3, 0.5, "least_likely")
    X = watch.X[watch.users == 3]
    keras = train_shared(poisoned, 3, progress=False)
    quick = train_shared_fast(poisoned, 3)
    np.testing.assert_array_equal(quick.scaler.mean, keras.scaler.mean)
    assert (quick.predict(X) == keras.predict(X)).mean() > 0.9


def test_windows_left_out_are_not_seen(watch: ActivityData) -> None:
    keep = watch.users <= 4
    among_four = train_shared_fast(watch, 3, keep=keep)
    X = np.array(watch.X)
    X[~keep] = 0
    elsewhere = train_shared_fast(replace(watch, X=X), 3, keep=keep)
    np.testing.assert_array_equal(among_four.weights.hidden, elsewhere.weights.hidden)
    assert not np.isin(training_rows(watch, 3, 0), np.flatnonzero(watch.users == 3)).any()


def test_an_unknown_user_and_an_empty_training_set_are_named(watch: ActivityData) -> None:
    with pytest.raises(ValueError, match="no user 99"):
        train_shared_fast(watch, 99)
    with pytest.raises(ValueError, match="no window is left"):
        train_shared_fast(watch, 3, keep=np.zeros(len(watch), bool))


def by_keras(monkeypatch: pytest.MonkeyPatch, *args: Any, **options: Any) -> ActivityModel:
    """train_shared with keras.fit in the place of the compiled loop."""
    with monkeypatch.context() as patch:
        patch.setattr(shared_loop, "fit_compiled", lambda *fit: fit_with_keras(*fit[:-1]))
        return train_shared(*args, progress=False, **options)


def assert_same(ours: ActivityModel, keras: ActivityModel) -> None:
    pd.testing.assert_frame_equal(ours.history, keras.history, rtol=1e-4)
    for a, b in zip(ours.model.get_weights()[:4], keras.model.get_weights()[:4], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


# from the literal start rounding grows a hundredfold in thirty steps, as it does when keras.fit sums in another order
@pytest.mark.parametrize(
    ("recipe", "init", "epochs"), [("paper", "he", 200), ("paper", "literal", 10), ("better", "he", 6)]
)
def test_the_same_steps_give_the_weights_of_keras(
    watch: ActivityData, monkeypatch: pytest.MonkeyPatch, recipe: str, init: str, epochs: int
) -> None:
    same: dict[str, Any] = {"exclude_user": 3, "seed": 1, "recipe": recipe, "init": init, "epochs": epochs}
    assert_same(train_shared(watch, **same, progress=False), by_keras(monkeypatch, watch, **same))


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_early_stopping_ends_at_the_epoch_of_keras(
    four_people: ActivityData, monkeypatch: pytest.MonkeyPatch, monitor: str
) -> None:
    hasty: dict[str, Any] = {"recipe": "better", "monitor": monitor, "patience": 4, "learning_rate": 0.01}
    ours = train_shared(four_people, 3, progress=False, **hasty)
    assert 5 < len(ours.history) < 200
    assert_same(ours, by_keras(monkeypatch, four_people, 3, **hasty))


no_wisdm = pytest.mark.skipif(find_wisdm() is None, reason="the WISDM data is not here: set PMT_DATA_HOME")


@pytest.mark.parametrize("dataset", ["watch", pytest.param("wisdm", marks=no_wisdm)])
def test_unseen_people_get_the_accuracy_of_keras(dataset: str) -> None:
    """The stored models were trained by keras.fit."""
    data = load_activity(dataset)
    stored = rows_of_setting(stored_base_models(dataset), PAPER).set_index("user").loc[5]
    model, own = train_shared(data, 5, progress=False), data.users == 5
    assert model.accuracy(data.X[own], data.y[own]) == pytest.approx(stored["accuracy"], abs=0.01)
    assert model.val_accuracy == pytest.approx(stored["val_accuracy"], abs=0.01)


def test_nothing_is_compiled_for_a_second_person(watch: ActivityData, caplog: pytest.LogCaptureFixture) -> None:
    for recipe in ("paper", "better"):
        _compiled.cache_clear()
        compilations = []
        for user in (1, 4, 5):  # 211, 105 and 182 windows
            caplog.clear()
            with jax.log_compiles():
                train_shared(watch, user, recipe=recipe, epochs=CHUNK + 2, progress=False)
            compilations.append(
                sum(line.startswith("Finished XLA compilation of jit(run)") for line in caplog.messages)
            )
        assert compilations == [1, 0, 0]


def test_memory_does_not_grow_with_calls(watch: ActivityData) -> None:
    memory = psutil.Process().memory_info
    used = []
    for call in range(14):
        train_shared(watch, int(watch.user_ids[call % 10]), seed=call, epochs=10, progress=False)
        used.append(memory().rss)
    assert used[-1] - used[1] < 20e6
    assert _compiled.cache_info().maxsize  # compiled loops for other data are let go one day


def test_the_bar_moves_once_a_chunk_and_is_full_when_training_stops_early(
    four_people: ActivityData, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = []

    class Bar(shared_module.tqdm):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.moves: list[int] = []
            bars.append(self)

        def update(self, n: int = 1) -> None:
            self.moves.append(n)
            super().update(n)

    monkeypatch.setattr(shared_module, "tqdm", Bar)
    model = train_shared(four_people, 3, recipe="better", epochs=400, monitor="val_loss", patience=60, refit=False)
    assert len(model.history) % CHUNK
    assert bars[0].moves == [*[CHUNK] * (len(model.history) // CHUNK), len(model.history) % CHUNK]
    assert bars[0].n == bars[0].total == len(model.history)
    assert bars[0].desc == "training the shared model"
    assert not bars[0].leave


def test_fitting_the_logits_model_trains_the_network() -> None:
    model = build_mlp(4, 3)
    before = [w.copy() for w in model.get_weights()]
    X, y = np.random.default_rng(0).normal(size=(20, 4)).astype("float32"), np.arange(20, dtype=np.int32) % 3
    logits_model(model, keras.optimizers.SGD(0.1)).fit(X, y, epochs=2, verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
