"""Four ways to write DP-SGD that look right and protect nobody: for the audit to catch. Notebook 04, break it.

Each takes per-window gradients as plain.clip_and_noise does, trains just as well or better, and has no guarantee.
"""

import numpy as np


def noise_left_out(gradients: np.ndarray, clip: float, noise_multiplier: float, rng: np.random.Generator) -> np.ndarray:
    """Clips every window and forgets the noise."""
    return _cut(gradients, clip).sum(0)


def clipped_by_batch(
    gradients: np.ndarray, clip: float, noise_multiplier: float, rng: np.random.Generator
) -> np.ndarray:
    """Clips the mean gradient of the batch, as one does against exploding gradients: one window can turn it around."""
    mean = _cut(gradients.mean(0, keepdims=True), clip)[0]
    return len(gradients) * mean + rng.normal(0, noise_multiplier * clip, gradients.shape[1])


def noise_on_the_mean(
    gradients: np.ndarray, clip: float, noise_multiplier: float, rng: np.random.Generator
) -> np.ndarray:
    """Clips rightly, but adds the noise of a single window to each window's share: too little by the batch size."""
    return _cut(gradients, clip).sum(0) + rng.normal(0, noise_multiplier * clip / len(gradients), gradients.shape[1])


def clipped_by_coordinate(
    gradients: np.ndarray, clip: float, noise_multiplier: float, rng: np.random.Generator
) -> np.ndarray:
    """Cuts every number to the clip instead of the norm: a window can move all parameters at once."""
    return np.clip(gradients, -clip, clip).sum(0) + rng.normal(0, noise_multiplier * clip, gradients.shape[1])


def _cut(rows: np.ndarray, clip: float) -> np.ndarray:
    return rows * np.minimum(1, clip / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


LEAKY = {
    "noise left out": noise_left_out,
    "clipped by batch": clipped_by_batch,
    "noise on the mean": noise_on_the_mean,
    "clipped by coordinate": clipped_by_coordinate,
}
