"""DP-SGD: batches are coin flips, nobody moves the sum by more than the clip norm, every step has its noise."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom, kstest

from pmt_helpers.activity.model import build_mlp
from pmt_helpers.datasets import ActivityData
from pmt_helpers.privacy import clip_and_noise, public_scaler, window_gradients
from pmt_helpers.privacy import noise as noise_module
from pmt_helpers.privacy.dp_sgd import DPSGDConfig, Units, gradient_sum, train
from pmt_helpers.privacy.noise import BITS, Grid, coin_flips

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


def noise_of_one_step(layers: list[np.ndarray], units: Units, insecure_seed: list[int] | None = None) -> np.ndarray:
    """What one step added to the clipped sum, in clips: one number per parameter."""
    noisy = train(layers, units, ONE_STEP, CLIP, NOISE, insecure_seed=insecure_seed)
    silent = train(layers, units, ONE_STEP, CLIP, 0.0)  # everybody takes part
    return (flat(silent) - flat(noisy)) * len(units) / CLIP


def is_the_promised_noise(noise: np.ndarray) -> bool:
    return noise.std() > 0 and kstest(noise / NOISE, "norm").pvalue > 0.001


@pytest.mark.parametrize("kind", ["windows", "people"])
@pytest.mark.parametrize("seeds", [(None, None), ([0], [1])], ids=["secret", "insecure"])
def test_one_step_adds_the_promised_noise_to_every_parameter(
    layers: list[np.ndarray], kind: str, seeds: tuple, request: pytest.FixtureRequest
) -> None:
    units = request.getfixturevalue(kind)
    noise = noise_of_one_step(layers, units, seeds[0])
    assert is_the_promised_noise(noise)
    assert noise.std() == pytest.approx(NOISE, rel=4 / np.sqrt(2 * len(noise)))
    for start, stop in pairwise(np.cumsum([0] + [layer.size for layer in layers])):  # no layer is spared
        assert is_the_promised_noise(noise[start:stop])
    another = noise_of_one_step(layers, units, seeds[1])
    assert abs(np.corrcoef(noise, another)[0, 1]) < 4 / np.sqrt(len(noise))


def test_training_with_the_noise_left_out_is_caught(
    layers: list[np.ndarray], windows: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise_module, "draw_noise", lambda size, normal: np.zeros(size, np.int64))
    assert not is_the_promised_noise(noise_of_one_step(layers, windows))


def test_without_noise_one_step_is_the_plain_one(layers: list[np.ndarray], windows: Units) -> None:
    after = flat(train(layers, windows, ONE_STEP, CLIP, 0.0))
    gradients = window_gradients(layers, windows.X[:, 0], windows.y[:, 0])
    total = clip_and_noise(gradients, CLIP, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(after, flat(layers) - total / len(windows), atol=1e-5)


def test_every_step_has_noise_of_its_own_and_an_empty_one_too(layers: list[np.ndarray], windows: Units) -> None:
    """Hardly anybody is drawn: what moves the weights is the sum of twenty independent noises."""
    rarely = DPSGDConfig("sgd", learning_rate=1.0, steps=20, sampling_prob=1e-7)
    moved = flat(train(layers, windows, rarely, CLIP, NOISE)) - flat(layers)
    expected = 1e-7 * len(windows)
    assert (moved * expected / CLIP).std() == pytest.approx(NOISE * np.sqrt(20), rel=0.05)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("kind", ["windows", "people"])
def test_compiled_gradients_and_the_reference_end_in_the_same_weights(
    layers: list[np.ndarray], kind: str, optimizer: str, request: pytest.FixtureRequest
) -> None:
    units = request.getfixturevalue(kind)
    plan = DPSGDConfig(optimizer, learning_rate=0.02, steps=30, sampling_prob=0.3)
    options = {"insecure_seed": [0]}
    fast, slow = (flat(train(layers, units, plan, 1.0, 1.0, reference=way, **options)) for way in (False, True))
    assert np.abs(fast - flat(layers)).max() > 0.01
    np.testing.assert_allclose(fast, slow, atol=5e-4)


def test_the_start_is_left_as_it_was_and_only_an_insecure_seed_repeats_itself(
    layers: list[np.ndarray], windows: Units
) -> None:
    before = flat(layers).copy()
    run = partial(train, layers, windows, DPSGDConfig("sgd", 0.02, 30, 0.3), 1.0, 1.0)
    first, again, other = (flat(run(insecure_seed=seed)) for seed in ([0, 4], [0, 4], [0, 5]))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(flat(run()), flat(run()))
    assert np.array_equal(before, flat(layers))


def test_numbers_that_train_nothing_are_refused(layers: list[np.ndarray], windows: Units) -> None:
    with pytest.raises(ValueError, match="sgd, adam"):
        DPSGDConfig("lbfgs", 0.1, 10, 0.1)
    with pytest.raises(ValueError, match="learning_rate"):
        DPSGDConfig("sgd", 0.0, 10, 0.1)
    with pytest.raises(FloatingPointError, match="finite"):
        train(layers, windows, DPSGDConfig("sgd", 1e40, 30, 0.3), 1.0, 1.0)


# The clipped sum


@pytest.fixture(scope="module")
def network(watch: ActivityData) -> list[np.ndarray]:
    return build_mlp(len(watch.feature_names), len(watch.class_names), seed=3).get_weights()


@pytest.fixture(scope="module")
def stretched(watch: ActivityData) -> Units:
    """Real windows, some of them stretched to a hundred times their size."""
    X = public_scaler(watch.feature_names).transform(watch.X[::9])
    X[::5] *= 100
    return Units.windows(X, watch.y[::9])


def clipped(layers: list[np.ndarray], units: Units, clip: float = 1.0, drawn: np.ndarray | None = None) -> np.ndarray:
    """The clipped sum as numbers, from the compiled loop; the reference's must be within a step for each unit."""
    grid, drawn = Grid(clip, 0.0), np.ones(len(units), bool) if drawn is None else drawn
    layers = [np.asarray(layer, float) for layer in layers]
    fast, slow = (gradient_sum(layers, units, drawn, grid, reference=way) for way in (False, True))
    assert fast.dtype == slow.dtype == np.int64
    assert np.abs(fast - slow).max() <= max(1, drawn.sum())
    return fast * grid.step


def test_the_sum_is_the_plain_sum(network: list[np.ndarray], stretched: Units) -> None:
    gradients = window_gradients(network, stretched.X[:, 0], stretched.y[:, 0])
    by_hand = clip_and_noise(gradients, 1.0, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(clipped(network, stretched), by_hand, atol=len(stretched) / 2**BITS)
    assert np.linalg.norm(by_hand) > 1


def rows(units: Units, which: np.ndarray | slice) -> Units:
    return Units(units.X[which], units.y[which], units.weights[which])


@pytest.mark.parametrize("clip", [0.1, 1.0, 5.0])
def test_every_single_window_stays_within_the_clip(network: list[np.ndarray], stretched: Units, clip: float) -> None:
    norms = np.linalg.norm(window_gradients(network, stretched.X[:, 0], stretched.y[:, 0]), axis=1)
    assert norms.max() > 10 * clip  # there is something to cut
    for row in range(len(stretched)):
        alone = np.linalg.norm(clipped(network, rows(stretched, slice(row, row + 1)), clip))
        assert alone == pytest.approx(min(norms[row], clip), rel=1e-4)
        assert alone <= clip


def test_one_window_moves_the_sum_by_exactly_what_it_adds_alone_whoever_else_is_there(
    network: list[np.ndarray], stretched: Units
) -> None:
    """In whole numbers nothing is rounded, and order is nothing: the sensitivity is that of one unit."""
    layers, grid = [np.asarray(layer, float) for layer in network], Grid(1.0, 1.1)
    everybody = np.ones(len(stretched), bool)
    total = gradient_sum(layers, stretched, everybody, grid)
    for row in (0, 5, 77):
        alone = gradient_sum(layers, stretched, np.arange(len(stretched)) == row, grid)
        without = gradient_sum(layers, rows(stretched, np.arange(len(stretched)) != row), everybody[1:], grid)
        np.testing.assert_array_equal(total - without, alone)
        assert sum(int(step) ** 2 for step in alone) <= (2**BITS / 1.1) ** 2
    shuffled = np.random.default_rng(0).permutation(len(stretched))
    np.testing.assert_array_equal(gradient_sum(layers, rows(stretched, shuffled), everybody, grid), total)


def test_a_whole_person_stays_within_the_clip(network: list[np.ndarray], watch: ActivityData, people: Units) -> None:
    assert len(people) == 10
    np.testing.assert_allclose(people.weights.sum(1), 1, rtol=1e-5)
    gradients = window_gradients(network, public_scaler(watch.feature_names).transform(watch.X), watch.y)
    for row, user in enumerate(watch.user_ids):
        mean = gradients[watch.users == user].mean(0)
        for clip in (0.05, 100.0):
            found = clipped(network, rows(people, slice(row, row + 1)), clip)
            np.testing.assert_allclose(found, mean * min(1, clip / np.linalg.norm(mean)), atol=1e-4)
            assert np.linalg.norm(found) <= clip


def test_who_does_not_take_part_adds_nothing(network: list[np.ndarray], stretched: Units) -> None:
    drawn = np.arange(len(stretched)) % 2 == 1
    half = clipped(network, stretched, drawn=drawn)
    np.testing.assert_array_equal(half, clipped(network, rows(stretched, drawn)))
    assert not clipped(network, stretched, drawn=~drawn & drawn).any()


def test_a_window_without_any_gradient_is_left_as_it_is() -> None:
    dead = [np.zeros((4, 3)), np.full(3, -1.0), np.zeros((3, 2)), np.array([500.0, 0.0])]
    assert not clipped(dead, Units.windows(np.ones((1, 4)), np.zeros(1, int))).any()


def test_a_window_that_is_no_number_adds_nothing(network: list[np.ndarray], stretched: Units) -> None:
    broken = rows(stretched, slice(0, 4))
    broken.X[1, 0, 3] = np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(clipped(network, broken), clipped(network, rows(broken, np.array([0, 2, 3]))))


# Poisson batches


@pytest.fixture(scope="module")
def taking_part() -> np.ndarray:
    """(steps, units) bool: who was drawn when."""
    return coin_flips((3000, 400), 0.061, np.random.default_rng(0).bytes)


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
