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
OPTIMIZERS = ("sgd", "adam")
BETA_1, BETA_2 = 0.9, 0.999  # Adam's decay of the mean of gradients and of their squares
# Numbers of units and of a batch are rounded up to a multiple of these, so that JAX compiles once for everybody.
WINDOW_MULTIPLES, PERSON_MULTIPLES = (512, 32), (1, 8)


@dataclass(frozen=True, eq=False)
class Units:
    """What is protected, one row per unit: X (n_units, n_windows, n_features), y and weights (n_units, n_windows).

    A unit is a window (n_windows 1, weight 1) or a person, whose windows weigh 1 together; padding weighs 0.
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
        shape = len(ids), -(-int(counts.max()) // 32) * 32
        units = cls(np.zeros((*shape, X.shape[1]), np.float32), np.zeros(shape, np.int32), np.zeros(shape, np.float32))
        for row, (user, n) in enumerate(zip(ids, counts, strict=True)):
            own = users == user
            units.X[row, :n], units.y[row, :n], units.weights[row, :n] = X[own], y[own], 1 / n
        return units

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class DPSGDConfig:
    """What is done with the noisy sums, and how often they are asked for. Raises ValueError for invalid settings."""

    optimizer: str
    learning_rate: float
    steps: int
    sampling_prob: float

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {self.optimizer!r}; choose one of {', '.join(OPTIMIZERS)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0; got {self.learning_rate}")
        check_schedule(self.sampling_prob, self.steps)


def train(
    layers: list[np.ndarray], units: Units, config: DPSGDConfig, clip_norm: float, noise_multiplier: float,
    seed: Sequence[int],
    *, reference: bool = False,
) -> list[np.ndarray]:  # fmt: skip
    """Train `layers` (as Keras gives them, left as they are) on the units; returns the trained layers.

    Divides by the expected number of units in a batch, a constant, not by those drawn.

    Parameters
    ----------
    noise_multiplier: 0 trains without noise, and without any guarantee.
    seed: of the batches and of the noise, each with a stream of its own.
    reference: form the gradient of every unit (see `clipped_sum_of_units`).

    Raises FloatingPointError when the weights are no longer finite.
    """
    by_window = units.y.shape[1] == 1 and bool((units.weights == 1).all())
    unit_multiple, batch_multiple = WINDOW_MULTIPLES if by_window else PERSON_MULTIPLES
    batch_rng, noise_rng = (np.random.default_rng([*seed, stream]) for stream in (0, 1))
    batches = poisson_batches(len(units), config.sampling_prob, config.steps, batch_rng, multiple=batch_multiple)
    fill = -len(units) % unit_multiple
    trained = _run_steps(
        tuple(jnp.asarray(layer, jnp.float32) for layer in layers),
        tuple(np.pad(a, [(0, fill)] + [(0, 0)] * (a.ndim - 1)) for a in (units.X, units.y, units.weights)),
        batches,
        jax.random.key(int(noise_rng.integers(2**31))),
        (np.float32(clip_norm), np.float32(noise_multiplier), np.float32(config.sampling_prob * len(units))),
        np.float32(config.learning_rate),
        optimizer=config.optimizer,
        by_window=by_window and not reference,
    )
    trained = [np.asarray(layer) for layer in trained]
    if not all(np.isfinite(layer).all() for layer in trained):
        remedy = f"use a learning rate below {config.learning_rate:g}, or less noise"
        raise FloatingPointError(f"the weights are no longer finite within {config.steps} steps: {remedy}")
    return trained


def poisson_batches(
    n_units: int, sampling_prob: float, steps: int, rng: np.random.Generator, *, multiple: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the units of each step, and a mask of those that count; (steps, largest batch) int32 and float32.

    Every unit takes part in every step with probability `sampling_prob`, whatever the others do (Poisson sampling):
    batches differ in size, and some may be empty. They are filled up to the largest, rounded up to `multiple`, with
    rows of mask 0.
    """
    drawn = rng.random((steps, n_units)) < sampling_prob
    sizes = drawn.sum(1)
    largest = max(1, -(-int(sizes.max()) // multiple)) * multiple
    mask = np.arange(largest) < sizes[:, None]
    rows = np.zeros((steps, largest), np.int32)
    rows[mask] = np.nonzero(drawn)[1]
    return rows, mask.astype(np.float32)


@partial(jax.jit, static_argnames="by_window")
def noisy_sum(
    layers: Layers, units: tuple[jax.Array, jax.Array, jax.Array], counts: jax.Array, clip_norm: jax.Array,
    noise_multiplier: jax.Array, key: jax.Array,
    *, by_window: bool,
) -> Layers:  # fmt: skip
    """The mechanism: gradients of the units that take part, each clipped, summed, plus noise on every parameter.

    units: X, y and weights of a batch; counts: 1 for those that take part, 0 for what fills the batch up.
    """
    X, y, weights = units
    if by_window:
        total = clipped_sum(layers, X[:, 0], y[:, 0], counts, clip_norm)
    else:
        total = clipped_sum_of_units(layers, X, y, weights, counts, clip_norm)
    keys = jax.random.split(key, len(total))
    return tuple(
        part + noise_multiplier * clip_norm * jax.random.normal(part_key, part.shape)
        for part, part_key in zip(total, keys, strict=True)
    )


def clipped_sum(layers: Layers, X: jax.Array, y: jax.Array, counts: jax.Array, clip_norm: jax.Array) -> Layers:
    """Sum over windows of each window's loss gradient, clipped. counts: 1 if it takes part, else 0.

    A dense layer's gradient for one window is an outer product, input times error, so its norm is the product of
    their norms (Goodfellow 2015), and the sum is that of windows whose errors were scaled down.
    """
    kernel, bias, output, output_bias = layers
    before = X @ kernel + bias
    hidden = jnp.maximum(before, 0)
    error = jax.nn.softmax(hidden @ output + output_bias) - jax.nn.one_hot(y, len(output_bias))
    back = error @ output.T * (before > 0)
    squared = (_squared_norms(X) + 1) * _squared_norms(back) + (_squared_norms(hidden) + 1) * _squared_norms(error)
    scale = (counts * _clip_factors(squared, clip_norm))[:, None]
    error, back = error * scale, back * scale
    return X.T @ back, back.sum(0), hidden.T @ error, error.sum(0)


def clipped_sum_of_units(
    layers: Layers, X: jax.Array, y: jax.Array, weights: jax.Array, counts: jax.Array, clip_norm: jax.Array
) -> Layers:
    """The same for units of several windows. X: (n_units, n_windows, n_features); y, weights: (n_units, n_windows).

    A unit's gradient is that of its weighted loss; weights that add up to 1 make it the mean over a person's windows.
    """
    gradients = jax.vmap(jax.grad(_weighted_loss), (None, 0, 0, 0))(layers, X, y, weights)
    squared = _squared_norms(jnp.hstack([part.reshape(len(X), -1) for part in gradients]))
    scale = counts * _clip_factors(squared, clip_norm)
    return tuple(jnp.tensordot(scale, part, 1) for part in gradients)


def _weighted_loss(layers: Layers, X: jax.Array, y: jax.Array, weights: jax.Array) -> jax.Array:
    kernel, bias, output, output_bias = layers
    logits = jnp.maximum(X @ kernel + bias, 0) @ output + output_bias
    return -(weights * jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)[:, 0]).sum()


def _squared_norms(rows: jax.Array) -> jax.Array:
    return (rows**2).sum(1)


def _clip_factors(squared_norms: jax.Array, clip_norm: jax.Array) -> jax.Array:
    """What to multiply gradients of these squared norms with; never more than 1."""
    return jnp.minimum(1.0, clip_norm / jnp.sqrt(jnp.maximum(squared_norms, 1e-24)))


@partial(jax.jit, static_argnames=("optimizer", "by_window"))
def _run_steps(layers, units, batches, key, mechanism, learning_rate, *, optimizer, by_window):  # type: ignore[no-untyped-def]
    """All the steps in one compiled loop. mechanism: clip norm, noise multiplier, expected number of units."""
    clip_norm, noise_multiplier, expected = mechanism

    def step(state, batch):  # type: ignore[no-untyped-def]
        layers, mean, square, number = state
        rows, counts, key = batch
        drawn = tuple(array[rows] for array in units)
        total = noisy_sum(layers, drawn, counts, clip_norm, noise_multiplier, key, by_window=by_window)
        gradient = tuple(part / expected for part in total)
        number = number + 1
        if optimizer == "adam":
            mean = _decayed(BETA_1, mean, gradient)
            square = _decayed(BETA_2, square, tuple(part**2 for part in gradient))
            gradient = tuple(
                (m / (1 - BETA_1**number)) / (jnp.sqrt(v / (1 - BETA_2**number)) + 1e-7)
                for m, v in zip(mean, square, strict=True)
            )
        layers = tuple(layer - learning_rate * part for layer, part in zip(layers, gradient, strict=True))
        return (layers, mean, square, number), None

    zeros = tuple(jnp.zeros_like(layer) for layer in layers)
    start = (layers, zeros, zeros, jnp.float32(0))
    (layers, *_), _ = jax.lax.scan(step, start, (*batches, jax.random.split(key, len(batches[0]))))
    return layers


def _decayed(decay: float, old: Layers, new: Layers) -> Layers:
    return tuple(decay * a + (1 - decay) * b for a, b in zip(old, new, strict=True))
