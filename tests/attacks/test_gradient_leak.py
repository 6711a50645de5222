"""A gradient of one window is the window; of many, it fades. Held against the training loop and JAX's own gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.gradient_leak import gradient_at, leak_by_batch, recover_from_gradient, weight_update
from pmt_helpers.datasets import ActivityData, load_activity


@pytest.fixture(scope="module")
def own() -> ActivityData:
    watch = load_activity("watch")
    return watch.select(watch.users == 3)


def test_the_gradient_is_the_one_that_jax_finds(own: ActivityData, shared: Checkpoint) -> None:
    inputs, y = jnp.asarray(shared.windows(own.X[:9])), own.y[:9]

    def loss(hidden, output, bias):
        log_p = jax.nn.log_softmax(jax.nn.relu(inputs @ hidden) @ output.T + bias)
        return -log_p[jnp.arange(9), y].mean()

    weights = shared.weights
    wanted = jax.grad(loss, argnums=(0, 1, 2))(weights.hidden, weights.output, weights.bias)
    found = gradient_at(shared, own.X[:9], y)
    for ours, theirs in zip((found.hidden, found.output, found.bias), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_step_at_home_is_the_rate_times_the_gradient(own: ActivityData, shared: Checkpoint) -> None:
    X, y = own.X[:1], own.y[:1]
    one_step = train_online(Task(shared.weights, shared.windows(X), y), epochs=1, learning_rate=0.5).weights
    change, gradient = weight_update(shared.weights, one_step), gradient_at(shared, X, y)
    np.testing.assert_allclose(change.hidden, 0.5 * gradient.hidden, atol=1e-5)
    np.testing.assert_allclose(change.bias, 0.5 * gradient.bias, atol=1e-6)


def test_one_window_and_its_label_are_read_exactly(own: ActivityData, shared: Checkpoint) -> None:
    for row in range(0, len(own), 9):
        leak = recover_from_gradient(gradient_at(shared, own.X[[row]], own.y[[row]]), shared.scaler)
        assert leak.windows.shape == (1, 43)
        deviations = (leak.windows[0] - own.X[row]) / shared.scaler.scale
        assert np.abs(deviations).max() < 1e-4  # as float32 rounds
        assert leak.labels.tolist() == [own.y[row]]


def test_of_few_windows_some_are_found_and_of_many_none(own: ActivityData, shared: Checkpoint) -> None:
    fades = leak_by_batch(shared, own.X, own.y, (1, 4, 60), draws=5).groupby("windows").mean()
    assert fades["found"][1] == 1
    assert fades["found"][4] > 0.5
    assert fades["found"][60] == 0
    assert fades["correlation"].is_monotonic_decreasing
    assert fades["error"][4] < 0.05


def test_a_change_of_weights_is_no_safer_than_a_gradient(own: ActivityData, shared: Checkpoint) -> None:
    trained = leak_by_batch(shared, own.X, own.y, (1, 2), epochs=30, draws=5).groupby("windows").mean()
    assert (trained["found"] > 0.7).all()


def test_a_gradient_without_content_is_refused(shared: Checkpoint, own: ActivityData) -> None:
    with pytest.raises(ValueError, match="certain and right"):
        recover_from_gradient(weight_update(shared.weights, shared.weights))
    with pytest.raises(ValueError, match="at least one window"):
        gradient_at(shared, own.X[:0], own.y[:0])
