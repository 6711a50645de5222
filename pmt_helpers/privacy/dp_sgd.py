"""Training on noisy sums of clipped gradients: DP-SGD, of windows (Abadi et al. 2016) or people (McMahan et al. 2018).

Notebook 04. Everything that touches data is `noisy_sum`; what the optimiser then does with it costs no privacy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from pmt_helpers.privacy.accountant import check_schedule

Layers = tuple[jax.Array, ...]


def clipped_sum(layers: Layers, X: jax.Array, y: jax.Array, counts: jax.Array, clip: jax.Array) -> Layers:
    """Sum over windows of each window's loss gradient, cut to norm `clip`. counts: 1 if it takes part, else 0.

    A dense layer's gradient for one window is an outer product, input times error, so its norm is the product of
    their norms (Goodfellow 2015), and the sum is that of windows whose errors were scaled down.
    """
    kernel, bias, output, output_bias = layers
    before = X @ kernel + bias
    hidden = jnp.maximum(before, 0)
    error = jax.nn.softmax(hidden @ output + output_bias) - jax.nn.one_hot(y, len(output_bias))
    back = error @ output.T * (before > 0)
    squared = (_squared(X) + 1) * _squared(back) + (_squared(hidden) + 1) * _squared(error)
    share = (counts * _cut(squared, clip))[:, None]
    error, back = error * share, back * share
    return X.T @ back, back.sum(0), hidden.T @ error, error.sum(0)


def clipped_sum_of_units(
    layers: Layers, X: jax.Array, y: jax.Array, weights: jax.Array, counts: jax.Array, clip: jax.Array
) -> Layers:
    """The same for units of several windows. X: (n_units, n_windows, n_features); y, weights: (n_units, n_windows).

    A unit's gradient is that of its weighted loss; weights that add up to 1 make it the mean over a person's windows.
    """
    gradients = jax.vmap(jax.grad(_weighted_loss), (None, 0, 0, 0))(layers, X, y, weights)
    squared = _squared(jnp.hstack([part.reshape(len(X), -1) for part in gradients]))
    share = counts * _cut(squared, clip)
    return tuple(jnp.tensordot(share, part, 1) for part in gradients)


def _weighted_loss(layers: Layers, X: jax.Array, y: jax.Array, weights: jax.Array) -> jax.Array:
    kernel, bias, output, output_bias = layers
    logits = jnp.maximum(X @ kernel + bias, 0) @ output + output_bias
    return -(weights * jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)[:, 0]).sum()


def _squared(rows: jax.Array) -> jax.Array:
    return (rows**2).sum(1)


def _cut(squared_norms: jax.Array, clip: jax.Array) -> jax.Array:
    """What to multiply gradients of these squared norms with; never more than 1."""
    return jnp.minimum(1.0, clip / jnp.sqrt(jnp.maximum(squared_norms, 1e-24)))


def poisson_batches(
    n_units: int, sampling: float, steps: int, rng: np.random.Generator, *, multiple: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the units of each step, and a mask of those that count; (steps, most) int32 and float32.

    Every unit takes part in every step with probability `sampling`, whatever the others do (Poisson sampling): batches
    differ in size, and some may be empty. They are filled up to the largest, rounded up to `multiple`, with rows of
    mask 0.
    """
    drawn = rng.random((steps, n_units)) < sampling
    sizes = drawn.sum(1)
    most = max(1, -(-int(sizes.max()) // multiple)) * multiple
    mask = np.arange(most) < sizes[:, None]
    rows = np.zeros((steps, most), np.int32)
    rows[mask] = np.nonzero(drawn)[1]
    return rows, mask.astype(np.float32)


OPTIMIZERS = ("sgd", "adam")


ROUNDED_TO = {
    True: (512, 32),
    False: (1, 8),
}  # units and batches are filled up, so that JAX compiles once for everybody


FIRST, SECOND = 0.9, 0.999  # Adam's memory of gradients and of their squares


@dataclass(frozen=True, eq=False)
class Units:
    """What is protected, a unit a row: X (n_units, n_windows, n_features), y and weights (n_units, n_windows).

    A unit is a window (n_windows 1, weight 1) or a person, whose windows weigh 1 together; missing ones weigh 0.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray

    @classmethod
    def windows(cls, X: np.ndarray, y: np.ndarray) -> "Units":
        """Every window for itself; X: (n_windows, n_features) scaled."""
        ones = np.ones((len(y), 1), np.float32)
        return cls(np.asarray(X, np.float32)[:, None], np.asarray(y, np.int32)[:, None], ones)

    @classmethod
    def people(cls, X: np.ndarray, y: np.ndarray, users: np.ndarray) -> "Units":
        """All windows of a person together."""
        ids, counts = np.unique(users, return_counts=True)
        most = -(-int(counts.max()) // 32) * 32
        units = cls(
            np.zeros((len(ids), most, X.shape[1]), np.float32),
            np.zeros((len(ids), most), np.int32),
            np.zeros((len(ids), most), np.float32),
        )
        for row, (user, n) in enumerate(zip(ids, counts, strict=True)):
            own = users == user
            units.X[row, :n], units.y[row, :n], units.weights[row, :n] = X[own], y[own], 1 / n
        return units

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class DPSGDConfig:
    """What is done with the noisy sums, and how often they are asked for. Raises ValueError for what is none."""

    optimizer: str
    learning_rate: float
    steps: int
    sampling: float

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {self.optimizer!r}; choose one of {', '.join(OPTIMIZERS)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0; got {self.learning_rate}")
        check_schedule(self.sampling, self.steps)


def train(
    layers: list[np.ndarray],
    units: Units,
    plan: DPSGDConfig,
    clip: float,
    noise_multiplier: float,
    seed: Sequence[int],
    *,
    reference: bool = False,
) -> list[np.ndarray]:
    """Train `layers` (as Keras gives them, left as they are) on the units; returns the trained layers.

    Divides by the expected number of units in a batch, a constant, not by those drawn. noise_multiplier 0 trains
    without noise, and without any guarantee. reference: form the gradient of every unit (see `gradients`).
    Raises FloatingPointError when the weights leave the finite numbers.
    """
    by_window = units.y.shape[1] == 1 and bool((units.weights == 1).all())
    unit_multiple, batch_multiple = ROUNDED_TO[by_window]
    # three streams of one seed: the batches, the noise, and (in `shared`) the initial weights
    rows, counts = poisson_batches(
        len(units), plan.sampling, plan.steps, np.random.default_rng([*seed, 0]), multiple=batch_multiple
    )
    fill = -len(units) % unit_multiple
    X, y, weights = (np.pad(a, [(0, fill)] + [(0, 0)] * (a.ndim - 1)) for a in (units.X, units.y, units.weights))
    trained = _steps(
        tuple(jnp.asarray(layer, jnp.float32) for layer in layers),
        (X, y, weights),
        (rows, counts),
        jax.random.key(int(np.random.default_rng([*seed, 1]).integers(2**31))),
        (np.float32(clip), np.float32(noise_multiplier), np.float32(plan.sampling * len(units))),
        np.float32(plan.learning_rate),
        optimizer=plan.optimizer,
        by_window=by_window and not reference,
    )
    found = [np.asarray(layer) for layer in trained]
    if not all(np.isfinite(layer).all() for layer in found):
        raise FloatingPointError(
            f"the weights left the finite numbers within {plan.steps} steps: use a learning rate below "
            f"{plan.learning_rate:g}, or less noise"
        )
    return found


@partial(jax.jit, static_argnames="by_window")
def noisy_sum(
    layers: Layers,
    units: tuple[jax.Array, jax.Array, jax.Array],
    counts: jax.Array,
    clip: jax.Array,
    noise_multiplier: jax.Array,
    key: jax.Array,
    *,
    by_window: bool,
) -> Layers:
    """The mechanism: gradients of the units that take part, each cut to `clip`, summed, plus noise on every parameter.

    units: X, y and weights of a batch; counts: 1 for those that take part, 0 for what fills the batch up.
    """
    X, y, weights = units
    if by_window:
        total = clipped_sum(layers, X[:, 0], y[:, 0], counts, clip)
    else:
        total = clipped_sum_of_units(layers, X, y, weights, counts, clip)
    keys = jax.random.split(key, len(total))
    return tuple(
        part + noise_multiplier * clip * jax.random.normal(one, part.shape)
        for part, one in zip(total, keys, strict=True)
    )


@partial(jax.jit, static_argnames=("optimizer", "by_window"))
def _steps(layers, units, batches, key, mechanism, learning_rate, *, optimizer, by_window):  # type: ignore[no-untyped-def]
    """All the steps in one compiled loop."""
    clip, noise_multiplier, expected = mechanism

    def step(state, given):  # type: ignore[no-untyped-def]
        layers, first, second, number = state
        rows, counts, key = given
        drawn = tuple(array[rows] for array in units)
        total = noisy_sum(layers, drawn, counts, clip, noise_multiplier, key, by_window=by_window)
        gradient = tuple(part / expected for part in total)
        number = number + 1
        if optimizer == "adam":
            first = _blend(FIRST, first, gradient)
            second = _blend(SECOND, second, tuple(part**2 for part in gradient))
            gradient = tuple(
                (m / (1 - FIRST**number)) / (jnp.sqrt(v / (1 - SECOND**number)) + 1e-7)
                for m, v in zip(first, second, strict=True)
            )
        layers = tuple(layer - learning_rate * part for layer, part in zip(layers, gradient, strict=True))
        return (layers, first, second, number), None

    nothing = tuple(jnp.zeros_like(layer) for layer in layers)
    start = (layers, nothing, nothing, jnp.float32(0))
    (layers, *_), _ = jax.lax.scan(step, start, (*batches, jax.random.split(key, len(batches[0]))))
    return layers


def _blend(memory: float, old: Layers, new: Layers) -> Layers:
    return tuple(memory * a + (1 - memory) * b for a, b in zip(old, new, strict=True))
