"""Training on noisy sums of clipped gradients: DP-SGD, of windows (Abadi et al. 2016) or people (McMahan et al. 2018).

Notebook 05. Everything that touches data is `gradient_sum`, and what leaves it has noise on it; what the optimiser then
does with the noisy sum costs no privacy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pmt_helpers.privacy.accountant import check_schedule
from pmt_helpers.privacy.gradient_kernel import clipped_sum
from pmt_helpers.privacy.noise import Draw, Grid, coin_flips, floored
from pmt_helpers.privacy.reference import window_gradients

OPTIMIZERS = ("sgd", "adam")
BETA_1, BETA_2 = 0.9, 0.999  # Adam's decay of the mean of gradients and of their squares


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
        shape = len(ids), int(counts.max())
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
    layers: Sequence[np.ndarray], units: Units, config: DPSGDConfig, clip_norm: float, noise_multiplier: float,
    *, insecure_seed: Sequence[int] | None = None, reference: bool = False,
) -> list[np.ndarray]:  # fmt: skip
    """Train `layers` (as Keras gives them, left as they are) on the units; returns the trained layers, float32.

    Batches are Poisson samples: every unit takes part in every step with probability `sampling_prob`, whatever the
    others do. Divides by the expected number of units in a batch, a constant, not by those drawn.

    Parameters
    ----------
    noise_multiplier: 0 trains without noise, and without any guarantee.
    insecure_seed: of batches and noise that come out again; None draws both from the system's secure source.
    reference: form gradients in plain NumPy, to compare with.

    Raises FloatingPointError when the weights are no longer finite.
    """
    grid = Grid(clip_norm, clip_norm * noise_multiplier)
    shapes, ends = [layer.shape for layer in layers], np.cumsum([layer.size for layer in layers])[:-1]
    draw: Draw | None = None
    if insecure_seed is None:
        taking_part = coin_flips((config.steps, len(units)), config.sampling_prob)
    else:
        rng = np.random.default_rng([*insecure_seed, 0])
        taking_part = rng.random((config.steps, len(units))) < config.sampling_prob
        draw = _known_noise(insecure_seed, config.steps, shapes)

    def parts(flat: np.ndarray) -> list[np.ndarray]:
        return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]

    flat = np.concatenate([np.asarray(layer, float).ravel() for layer in layers])
    mean, square = np.zeros_like(flat), np.zeros_like(flat)
    for number, drawn in enumerate(taking_part, start=1):
        total = gradient_sum(parts(flat), units, drawn, grid, reference=reference)
        gradient = grid.published(total, draw) / (config.sampling_prob * len(units))
        if config.optimizer == "adam":
            mean = BETA_1 * mean + (1 - BETA_1) * gradient
            square = BETA_2 * square + (1 - BETA_2) * gradient**2
            gradient = (mean / (1 - BETA_1**number)) / (np.sqrt(square / (1 - BETA_2**number)) + 1e-7)
        flat = flat - config.learning_rate * gradient
    with np.errstate(over="ignore"):
        trained = [part.astype(np.float32) for part in parts(flat)]
    if not all(np.isfinite(layer).all() for layer in trained):
        remedy = f"use a learning rate below {config.learning_rate:g}, or less noise"
        raise FloatingPointError(f"the weights are no longer finite within {config.steps} steps: {remedy}")
    return trained


def gradient_sum(
    layers: Sequence[np.ndarray], units: Units, taking_part: np.ndarray, grid: Grid, *, reference: bool = False
) -> np.ndarray:
    """Sum of the clipped gradients of the units that take part, as int64 steps of the grid; (n_parameters,).

    A unit's gradient is that of its weighted loss; weights that add up to 1 make it the mean over a person's windows.
    """
    parts: Any = tuple(layers)
    if not reference:
        return clipped_sum(parts, units.X, units.y, units.weights, taking_part, grid.step, grid.bound)
    total = np.zeros(sum(layer.size for layer in layers), np.int64)
    for row in np.flatnonzero(taking_part):
        total += grid.truncated(units.weights[row] @ window_gradients(parts, units.X[row], units.y[row]))
    return total


def _known_noise(seed: Sequence[int], steps: int, shapes: Sequence[tuple[int, ...]]) -> Draw:
    """JAX's single-precision normal numbers, those of one step at each call: the stored results were made with them."""
    import jax  # here: seconds, which a model with secret noise need not wait for

    key = jax.random.key(int(np.random.default_rng([*seed, 1]).integers(2**31)))
    keys = jax.vmap(lambda key: jax.random.split(key, len(shapes)))(jax.random.split(key, steps))
    parts = [
        np.asarray(jax.vmap(lambda key, shape=shape: jax.random.normal(key, shape))(keys[:, layer])).reshape(steps, -1)
        for layer, shape in enumerate(shapes)
    ]
    noise = iter(np.hstack(parts))
    return lambda size, normal: floored(next(noise))
