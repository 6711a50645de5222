"""A private shared model: like any other to use, and honest about what it promises."""

import math
import time
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.activity import load_model, personalise, save_model
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.weights import Preprocessor
from pmt_helpers.datasets import ActivityData
from pmt_helpers.privacy import PrivateModel, public_scaler, train_shared_private

SHORT = {"steps": 60, "sampling": 0.1}


@pytest.fixture(scope="module")
def private(watch: ActivityData) -> PrivateModel:
    return train_shared_private(watch, exclude_user=3)


def test_it_knows_a_stranger_and_says_what_it_promised(watch: ActivityData, private: PrivateModel) -> None:
    own = watch.users == 3
    assert isinstance(private, ActivityModel)
    assert private.accuracy(watch.X[own], watch.y[own]) > 0.5
    assert 7.9 < private.epsilon <= 8.0
    assert private.delta == 1e-5
    assert "single window" in private.guarantee
    assert "public knowledge" in private.guarantee
    assert len(private.history) == 0  # losses of volunteers would tell about them
    with pytest.raises(AttributeError, match="without validation"):
        _ = private.val_accuracy


def test_the_person_left_out_has_no_say_in_it(few_windows: ActivityData) -> None:
    known = {"insecure_seed": 0, **SHORT}
    first = train_shared_private(few_windows, 3, **known)
    stranger = few_windows.users == 3
    X, y = few_windows.X.copy(), few_windows.y.copy()
    X[stranger], y[stranger] = 7.0, 0
    other = ActivityData(
        X, y, few_windows.users, few_windows.recordings, few_windows.starts, few_windows.window_readings,
        few_windows.feature_names, few_windows.class_names, few_windows.card,
    )  # fmt: skip
    second = train_shared_private(other, 3, **known)
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_unknown_level_is_named(few_windows: ActivityData) -> None:
    with pytest.raises(ValueError, match="'window'"):
        train_shared_private(few_windows, 3, level="window")


def test_a_protected_person_costs_more_noise_than_a_protected_window(few_windows: ActivityData) -> None:
    """With the same sampling the multiplier is the same; but a mean of nine people hides one less than one of 800."""
    moved = {}
    for level in ("example", "user"):
        plan = {"level": level, "optimizer": "sgd", "learning_rate": 0.05, "insecure_seed": 0, **SHORT}
        silent, noisy = (train_shared_private(few_windows, 3, epsilon, **plan) for epsilon in (math.inf, 3.0))
        weights = [model.model.get_weights()[0] for model in (silent, noisy)]
        moved[level] = noisy.noise_multiplier, np.std(weights[1] - weights[0])
    assert "volunteer with all their windows" in noisy.guarantee
    assert "(9)" in noisy.guarantee
    assert moved["user"][0] == moved["example"][0]
    assert moved["user"][1] > 20 * moved["example"][1]


def test_less_epsilon_is_more_noise_and_none_is_no_promise(few_windows: ActivityData) -> None:
    found = [train_shared_private(few_windows, 3, epsilon, **SHORT) for epsilon in (math.inf, 8.0, 1.0)]
    noises = [model.noise_multiplier for model in found]
    assert noises == sorted(noises)
    assert noises[0] == 0
    assert math.isinf(found[0].epsilon)
    assert found[0].guarantee.startswith("nothing")


def test_a_private_scaler_is_paid_for_and_differs_from_the_exact_one(few_windows: ActivityData) -> None:
    public = train_shared_private(few_windows, 3, **SHORT)
    private = train_shared_private(few_windows, 3, scaler="private", **SHORT)
    assert private.noise_multiplier > public.noise_multiplier
    assert private.epsilon <= 8.0
    assert "counted in" in private.guarantee
    exact = Preprocessor.fit(few_windows.X[few_windows.users != 3])
    assert (private.scaler.mean != exact.mean).all()


def test_the_default_scaler_comes_from_definitions_alone(private: PrivateModel, watch: ActivityData) -> None:
    expected = public_scaler(watch.feature_names)
    np.testing.assert_array_equal(private.scaler.mean, expected.mean)
    np.testing.assert_array_equal(private.scaler.scale, expected.scale)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"clip": None}, "as far as it likes"),
        ({"clip": math.inf}, "as far as it likes"),
        ({"epsilon": 0.0}, "epsilon"),
        ({"delta": 0.01}, "is not below 1/"),
        ({"level": "user", "delta": 0.2}, "not below 1/9"),
        ({"level": "group"}, "'group'"),
        ({"scaler": "fitted"}, "no epsilon covers"),
        ({"sampling": 1.2}, "probability"),
        ({"optimizer": "rmsprop"}, "sgd, adam"),
        ({"exclude_user": 99}, "no user 99"),
    ],
)
def test_what_would_void_the_promise_is_refused(few_windows: ActivityData, options: dict, reason: str) -> None:
    with pytest.raises((ValueError, TypeError), match=reason):
        train_shared_private(few_windows, **{"exclude_user": 3, **options})


@pytest.mark.parametrize(("seed", "people"), [(0, (3, 4)), (None, (4, 4))])
def test_models_have_noise_of_their_own(few_windows: ActivityData, seed: int | None, people: tuple[int, int]) -> None:
    options = {"insecure_seed": seed, **SHORT}
    models = [train_shared_private(few_windows, user, 3.0, **options) for user in people]
    start = [model.model.get_weights()[0] for model in models]
    n_windows = (few_windows.users != 4).sum()
    noisy = models[1].noise_multiplier * 1.5 * np.sqrt(60) / (0.1 * n_windows)  # what noise alone moves
    assert np.std(start[0] - start[1]) > 0.9 * np.sqrt(2) * noisy  # the same noise twice would cancel


def test_only_an_insecure_seed_brings_a_model_out_again_and_card_and_promise_say_so(few_windows: ActivityData) -> None:
    first, again = (train_shared_private(few_windows, 4, 3.0, insecure_seed=7, **SHORT) for _ in range(2))
    np.testing.assert_array_equal(first.model.get_weights()[0], again.model.get_weights()[0])
    assert first.card["insecure_seed"] == 7
    assert "who do not know the seed of the noise, 7" in first.guarantee
    secret = [train_shared_private(few_windows, 4, 3.0, seed=7, scaler="private", **SHORT) for _ in range(2)]
    assert not np.array_equal(secret[0].model.get_weights()[0], secret[1].model.get_weights()[0])
    assert not np.array_equal(secret[0].scaler.mean, secret[1].scaler.mean)
    assert secret[0].card["insecure_seed"] is None
    assert "seed" not in secret[0].guarantee


@pytest.mark.parametrize("level", ["example", "user"])
def test_the_card_holds_what_was_released_and_nothing_about_who_gave_it(
    few_windows: ActivityData, level: str, tmp_path: Path
) -> None:
    private = train_shared_private(few_windows, 3, level=level, **SHORT)
    assert set(private.card) == {
        "dataset", "recipe", "init", "seed", "insecure_seed", "epsilon", "clip_norm", "scaler", "level", "delta",
        "noise_multiplier", "guarantee", "optimizer", "learning_rate", "steps", "sampling_prob",
    }  # fmt: skip
    n_windows = str((few_windows.users != 3).sum())
    path = save_model(private, tmp_path / "private").with_suffix(".json")
    written = path.read_text(encoding="utf-8")
    assert '"users"' not in written
    assert '"exclude_user"' not in written
    assert (n_windows in written.replace(",", "")) == (level == "example")  # the number that is said to be public


def test_an_epsilon_8_model_is_there_within_five_seconds(watch: ActivityData, private: PrivateModel) -> None:
    start = time.process_time()
    train_shared_private(watch, exclude_user=5)
    assert time.process_time() - start < 5


def test_it_is_saved_loaded_and_personalised_like_any_other(
    private: PrivateModel, watch: ActivityData, tmp_path: Path
) -> None:
    back = load_model(save_model(private, tmp_path / "private"))
    assert back.card["epsilon"] == private.epsilon
    assert back.card["guarantee"] == private.guarantee
    own = np.flatnonzero(watch.users == 3)
    np.testing.assert_array_equal(back.predict(watch.X[own]), private.predict(watch.X[own]))
    personal = personalise(private, watch.X[own[::2]], watch.y[own[::2]], epochs=50)
    assert personal.accuracy(watch.X[own[1::2]], watch.y[own[1::2]]) > private.accuracy(watch.X[own], watch.y[own])
