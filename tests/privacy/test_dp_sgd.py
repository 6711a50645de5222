"""DP-SGD: batches are coin flips, nobody moves the sum by more than the clip norm, every step has its noise."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binom, kstest

from pmt_helpers.activity.model import build_mlp
from pmt_helpers.datasets import ActivityData
from pmt_helpers.privacy import clip_and_noise, dp_sgd, public_scaler, window_gradients
from pmt_helpers.privacy.dp_sgd import DPSGDConfig, Units, clipped_sum, clipped_sum_of_units, poisson_batches, train

ONE_STEP = DPSGDConfig("sgd", learning_rate=1.0, steps=1, sampling_prob=1.0)
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
    """What one step added to the clipped sum, in clips: one number per parameter."""
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

    def leaky(layers, units, counts, clip_norm, noise_multiplier, key, *, by_window):  # type: ignore[no-untyped-def]
        return right(layers, units, counts, clip_norm, 0.0 * noise_multiplier, key, by_window=by_window)

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
    rarely = DPSGDConfig("sgd", learning_rate=1.0, steps=20, sampling_prob=1e-7)
    moved = flat(train(layers, windows, rarely, CLIP, NOISE, [0])) - flat(layers)
    expected = 1e-7 * len(windows)
    assert (moved * expected / CLIP).std() == pytest.approx(NOISE * np.sqrt(20), rel=0.05)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_fast_loop_and_the_reference_end_in_the_same_weights(
    layers: list[np.ndarray], windows: Units, optimizer: str
) -> None:
    plan = DPSGDConfig(optimizer, learning_rate=0.02, steps=30, sampling_prob=0.3)
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


# The clipped sum


@pytest.fixture(scope="module")
def network(watch: ActivityData) -> list[np.ndarray]:
    return build_mlp(len(watch.feature_names), len(watch.class_names), seed=3).get_weights()


@pytest.fixture(scope="module")
def stretched(watch: ActivityData) -> tuple[np.ndarray, np.ndarray]:
    """Real windows, some of them stretched to a hundred times their size."""
    X = public_scaler(watch.feature_names).transform(watch.X[::9])
    X[::5] *= 100
    return X, watch.y[::9].astype(np.int32)


def test_the_fast_sum_is_the_plain_sum(network: list[np.ndarray], stretched: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = stretched
    fast = flat(clipped_sum(network, X, y, np.ones(len(y), np.float32), np.float32(1)))
    units = Units.windows(X, y)
    by_vmap = flat(clipped_sum_of_units(network, units.X, units.y, units.weights, np.ones(len(y)), np.float32(1)))
    by_hand = clip_and_noise(window_gradients(network, X, y), 1.0, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(fast, by_hand, atol=2e-4)
    np.testing.assert_allclose(by_vmap, by_hand, atol=2e-4)
    assert np.linalg.norm(by_hand) > 1


@pytest.mark.parametrize("clip", [0.1, 1.0, 5.0])
def test_every_single_window_stays_within_the_clip(
    network: list[np.ndarray], stretched: tuple[np.ndarray, np.ndarray], clip: float
) -> None:
    X, y = stretched
    norms = np.linalg.norm(window_gradients(network, X, y), axis=1)
    assert norms.max() > 10 * clip  # there is something to cut
    for row in range(len(y)):
        alone = flat(clipped_sum(network, X[row : row + 1], y[row : row + 1], np.ones(1, np.float32), np.float32(clip)))
        assert np.linalg.norm(alone) == pytest.approx(min(norms[row], clip), rel=1e-4)


def test_a_whole_person_stays_within_the_clip(network: list[np.ndarray], watch: ActivityData) -> None:
    X = public_scaler(watch.feature_names).transform(watch.X)
    people = Units.people(X, watch.y, watch.users)
    assert len(people) == 10
    np.testing.assert_allclose(people.weights.sum(1), 1, rtol=1e-5)
    gradients = window_gradients(network, X, watch.y)
    for row, user in enumerate(watch.user_ids):
        one = (people.X[row : row + 1], people.y[row : row + 1], people.weights[row : row + 1])
        mean = gradients[watch.users == user].mean(0)
        for clip in (0.05, 100.0):
            found = flat(clipped_sum_of_units(network, *one, jnp.ones(1), jnp.float32(clip)))
            np.testing.assert_allclose(found, mean * min(1, clip / np.linalg.norm(mean)), atol=1e-4)
            assert np.linalg.norm(found) <= clip * (1 + 1e-5)


def test_who_does_not_take_part_adds_nothing(
    network: list[np.ndarray], stretched: tuple[np.ndarray, np.ndarray]
) -> None:
    X, y = stretched
    counts = (np.arange(len(y)) % 2).astype(np.float32)
    half = flat(clipped_sum(network, X, y, counts, np.float32(1)))
    np.testing.assert_allclose(
        half, flat(clipped_sum(network, X[1::2], y[1::2], np.ones(len(y[1::2]), np.float32), np.float32(1))), atol=1e-4
    )
    assert not flat(clipped_sum(network, X, y, 0 * counts, np.float32(1))).any()


def test_a_window_without_any_gradient_is_left_as_it_is() -> None:
    dead = [np.zeros((4, 3)), np.full(3, -1.0), np.zeros((3, 2)), np.array([500.0, 0.0])]
    total = flat(clipped_sum(dead, np.ones((1, 4), np.float32), np.zeros(1, np.int32), np.ones(1), np.float32(1)))
    assert np.isfinite(total).all()
    assert not total.any()


# Poisson batches


@pytest.fixture(scope="module")
def taking_part() -> np.ndarray:
    """(steps, units) bool: who was drawn when."""
    rows, mask = poisson_batches(400, 0.061, 3000, np.random.default_rng(0))
    drawn = np.zeros((3000, 400), bool)
    step, place = np.nonzero(mask)
    drawn[step, rows[step, place]] = True
    assert drawn.sum() == mask.sum()  # nobody twice in one step
    return drawn


def test_everybody_is_drawn_at_the_rate_asked_for(taking_part: np.ndarray) -> None:
    n = len(taking_part)
    rates = taking_part.mean(0)
    assert abs(rates.mean() - 0.061) < 4 * np.sqrt(0.061 * 0.939 / taking_part.size)
    spread = np.sqrt(0.061 * 0.939 / n)
    assert np.abs(rates - 0.061).max() < 5 * spread
    assert rates.std() == pytest.approx(spread, rel=0.15)


def test_batch_sizes_are_binomial_and_so_not_fixed(taking_part: np.ndarray) -> None:
    sizes = taking_part.sum(1)
    jittered = sizes - np.random.default_rng(1).random(len(sizes))  # a continuous copy, for the test
    cdf = lambda x: binom.cdf(np.ceil(x) - 1, 400, 0.061) + binom.pmf(np.ceil(x), 400, 0.061) * (x - np.ceil(x) + 1)  # noqa: E731
    assert kstest(jittered, cdf).pvalue > 0.01
    assert kstest(np.full(len(sizes), 24.4), cdf).pvalue < 1e-6  # what fixed batches would look like


def test_nobody_is_drawn_because_somebody_else_is(taking_part: np.ndarray) -> None:
    between = np.corrcoef(taking_part[:, :60].T)[np.triu_indices(60, 1)]
    assert np.abs(between).max() < 5 / np.sqrt(len(taking_part))  # fixed batches push every pair below zero
    in_time = [np.corrcoef(taking_part[:-1, unit], taking_part[1:, unit])[0, 1] for unit in range(60)]
    assert np.abs(in_time).max() < 5 / np.sqrt(len(taking_part))


def test_a_step_may_be_empty_and_the_last_places_do_not_count() -> None:
    rows, mask = poisson_batches(3, 0.2, 50, np.random.default_rng(0), multiple=8)
    assert rows.shape == mask.shape == (50, 8)
    assert (mask.sum(1) == 0).any()
    assert mask[:, 3:].sum() == 0


def test_sampling_of_one_takes_everybody() -> None:
    rows, mask = poisson_batches(5, 1.0, 2, np.random.default_rng(0))
    assert (rows == np.arange(5)).all()
    assert mask.all()
