"""The training loop adds the noise it says, to every parameter, in every step, whoever was drawn."""

from functools import partial
from itertools import pairwise

import jax
import numpy as np
import pytest
from scipy.stats import kstest

from pmt_helpers.activity.model import build_mlp
from pmt_helpers.datasets import ActivityData
from pmt_helpers.privacy import clip_and_noise, dp_sgd, public_scaler, window_gradients
from pmt_helpers.privacy.dp_sgd import DPSGDConfig, Units, train

ONE_STEP = DPSGDConfig("sgd", learning_rate=1.0, steps=1, sampling=1.0)
CLIP, NOISE = 0.5, 3.0


@pytest.fixture(scope="module")
def layers(watch: ActivityData) -> list[np.ndarray]:
    return build_mlp(len(watch.feature_names), len(watch.class_names), seed=1).get_weights()


@pytest.fixture(scope="module")
def windows(watch: ActivityData) -> Units:
    return Units.windows(public_scaler(watch.feature_names).transform(watch.X[::7]), watch.y[::7])


@pytest.fixture(scope="module")
def people(watch: ActivityData) -> Units:
    return Units.people(public_scaler(watch.feature_names).transform(watch.X), watch.y, watch.users)


def flat(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])


def noise_of_one_step(layers: list[np.ndarray], units: Units, seed: int) -> np.ndarray:
    """What one step added to the clipped sum, in clips: one number a parameter."""
    noisy = train(layers, units, ONE_STEP, CLIP, NOISE, [seed])
    silent = train(layers, units, ONE_STEP, CLIP, 0.0, [seed])
    return (flat(silent) - flat(noisy)) * len(units) / CLIP


def is_the_promised_noise(noise: np.ndarray) -> bool:
    return noise.std() > 0 and kstest(noise / NOISE, "norm").pvalue > 0.001


@pytest.mark.parametrize("kind", ["windows", "people"])
def test_one_step_adds_the_promised_noise_to_every_parameter(
    layers: list[np.ndarray], kind: str, request: pytest.FixtureRequest
) -> None:
    units = request.getfixturevalue(kind)
    noise = noise_of_one_step(layers, units, 0)
    assert is_the_promised_noise(noise)
    assert noise.std() == pytest.approx(NOISE, rel=4 / np.sqrt(2 * len(noise)))
    for start, stop in pairwise(np.cumsum([0] + [layer.size for layer in layers])):  # no layer is spared
        assert is_the_promised_noise(noise[start:stop])
    another = noise_of_one_step(layers, units, 1)
    assert abs(np.corrcoef(noise, another)[0, 1]) < 4 / np.sqrt(len(noise))


def test_training_with_the_noise_left_out_is_caught(
    layers: list[np.ndarray], windows: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = dp_sgd.noisy_sum

    def leaky(layers, units, counts, clip, noise_multiplier, key, *, by_window):  # type: ignore[no-untyped-def]
        return right(layers, units, counts, clip, 0.0 * noise_multiplier, key, by_window=by_window)

    monkeypatch.setattr(dp_sgd, "noisy_sum", leaky)
    try:
        jax.clear_caches()
        assert not is_the_promised_noise(noise_of_one_step(layers, windows, 0))
    finally:
        jax.clear_caches()


def test_without_noise_one_step_is_the_plain_one(layers: list[np.ndarray], windows: Units) -> None:
    after = flat(train(layers, windows, ONE_STEP, CLIP, 0.0, [0]))
    gradients = window_gradients(layers, windows.X[:, 0], windows.y[:, 0])
    total = clip_and_noise(gradients, CLIP, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(after, flat(layers) - total / len(windows), atol=1e-5)


def test_every_step_has_noise_of_its_own_and_an_empty_one_too(layers: list[np.ndarray], windows: Units) -> None:
    """Hardly anybody is drawn: what moves the weights is the sum of twenty independent noises."""
    rarely = DPSGDConfig("sgd", learning_rate=1.0, steps=20, sampling=1e-7)
    moved = flat(train(layers, windows, rarely, CLIP, NOISE, [0])) - flat(layers)
    expected = 1e-7 * len(windows)
    assert (moved * expected / CLIP).std() == pytest.approx(NOISE * np.sqrt(20), rel=0.05)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_fast_loop_and_the_reference_end_in_the_same_weights(
    layers: list[np.ndarray], windows: Units, optimizer: str
) -> None:
    plan = DPSGDConfig(optimizer, learning_rate=0.02, steps=30, sampling=0.3)
    fast, slow = (flat(train(layers, windows, plan, 1.0, 1.0, [0], reference=way)) for way in (False, True))
    assert np.abs(fast - flat(layers)).max() > 0.01
    np.testing.assert_allclose(fast, slow, atol=5e-4)


def test_the_start_is_left_as_it_was_and_a_seed_repeats_itself(layers: list[np.ndarray], windows: Units) -> None:
    before = flat(layers).copy()
    run = partial(train, layers, windows, DPSGDConfig("sgd", 0.02, 30, 0.3), 1.0, 1.0)
    first, again, other = flat(run([0, 4])), flat(run([0, 4])), flat(run([0, 5]))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(before, flat(layers))


def test_numbers_that_train_nothing_are_refused(layers: list[np.ndarray], windows: Units) -> None:
    with pytest.raises(ValueError, match="sgd, adam"):
        DPSGDConfig("lbfgs", 0.1, 10, 0.1)
    with pytest.raises(ValueError, match="learning_rate"):
        DPSGDConfig("sgd", 0.0, 10, 0.1)
    with pytest.raises(FloatingPointError, match="finite"):
        train(layers, windows, DPSGDConfig("sgd", 1e30, 30, 0.3), 1.0, 1.0, [0])
