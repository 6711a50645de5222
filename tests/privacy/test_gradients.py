"""No window and no person moves the sum by more than the clip, and the fast way is the plain way."""

import jax.numpy as jnp
import numpy as np
import pytest

from pmt_helpers.activity.model import build_mlp
from pmt_helpers.datasets import ActivityData
from pmt_helpers.privacy import clip_and_noise, public_scaler, window_gradients
from pmt_helpers.privacy.dp_sgd import Units, clipped_sum, clipped_sum_of_units


@pytest.fixture(scope="module")
def layers(watch: ActivityData) -> list[np.ndarray]:
    return build_mlp(len(watch.feature_names), len(watch.class_names), seed=3).get_weights()


@pytest.fixture(scope="module")
def windows(watch: ActivityData) -> tuple[np.ndarray, np.ndarray]:
    """Real windows, some of them stretched to a hundred times their size."""
    X = public_scaler(watch.feature_names).transform(watch.X[::9])
    X[::5] *= 100
    return X, watch.y[::9].astype(np.int32)


def flat(parts: tuple) -> np.ndarray:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])


def test_the_fast_sum_is_the_plain_sum(layers: list[np.ndarray], windows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = windows
    fast = flat(clipped_sum(layers, X, y, np.ones(len(y), np.float32), np.float32(1)))
    units = Units.windows(X, y)
    by_vmap = flat(clipped_sum_of_units(layers, units.X, units.y, units.weights, np.ones(len(y)), np.float32(1)))
    by_hand = clip_and_noise(window_gradients(layers, X, y), 1.0, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(fast, by_hand, atol=2e-4)
    np.testing.assert_allclose(by_vmap, by_hand, atol=2e-4)
    assert np.linalg.norm(by_hand) > 1


@pytest.mark.parametrize("clip", [0.1, 1.0, 5.0])
def test_every_single_window_stays_within_the_clip(
    layers: list[np.ndarray], windows: tuple[np.ndarray, np.ndarray], clip: float
) -> None:
    X, y = windows
    own = np.linalg.norm(window_gradients(layers, X, y), axis=1)
    assert own.max() > 10 * clip  # there is something to cut
    for row in range(len(y)):
        alone = flat(clipped_sum(layers, X[row : row + 1], y[row : row + 1], np.ones(1, np.float32), np.float32(clip)))
        assert np.linalg.norm(alone) == pytest.approx(min(own[row], clip), rel=1e-4)


def test_a_whole_person_stays_within_the_clip(layers: list[np.ndarray], watch: ActivityData) -> None:
    X = public_scaler(watch.feature_names).transform(watch.X)
    people = Units.people(X, watch.y, watch.users)
    assert len(people) == 10
    np.testing.assert_allclose(people.weights.sum(1), 1, rtol=1e-5)
    gradients = window_gradients(layers, X, watch.y)
    for row, user in enumerate(watch.user_ids):
        one = (people.X[row : row + 1], people.y[row : row + 1], people.weights[row : row + 1])
        mean = gradients[watch.users == user].mean(0)
        for clip in (0.05, 100.0):
            found = flat(clipped_sum_of_units(layers, *one, jnp.ones(1), jnp.float32(clip)))
            np.testing.assert_allclose(found, mean * min(1, clip / np.linalg.norm(mean)), atol=1e-4)
            assert np.linalg.norm(found) <= clip * (1 + 1e-5)


def test_who_does_not_take_part_adds_nothing(layers: list[np.ndarray], windows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = windows
    counts = (np.arange(len(y)) % 2).astype(np.float32)
    half = flat(clipped_sum(layers, X, y, counts, np.float32(1)))
    np.testing.assert_allclose(
        half, flat(clipped_sum(layers, X[1::2], y[1::2], np.ones(len(y[1::2]), np.float32), np.float32(1))), atol=1e-4
    )
    assert not flat(clipped_sum(layers, X, y, 0 * counts, np.float32(1))).any()


def test_a_window_without_any_gradient_is_left_as_it_is() -> None:
    dead = [np.zeros((4, 3)), np.full(3, -1.0), np.zeros((3, 2)), np.array([500.0, 0.0])]
    total = flat(clipped_sum(dead, np.ones((1, 4), np.float32), np.zeros(1, np.int32), np.ones(1), np.float32(1)))
    assert np.isfinite(total).all()
    assert not total.any()
