"""DP-SGD by hand: one clipped and noisy step in NumPy, and the accountant in ten lines. Notebook 05.

The references of what `dp_sgd` compiles and of what `accountant` counts; tests hold them together. And four ways to get
the step nearly right, which `auditing` must catch.
"""

import math

import numpy as np
from scipy.special import gammaln, logsumexp

Array = np.ndarray
Rng = np.random.Generator
Layers = tuple[Array, Array, Array, Array]  # hidden kernel and bias, output kernel and bias
ORDERS = range(2, 257)


def window_gradients(layers: Layers, X: Array, y: Array) -> Array:
    """The gradient of each window's own loss, by the chain rule; (n_windows, n_parameters), layer after layer.

    layers: as Keras gives them; X: (n_windows, n_features) scaled; y: (n_windows,).
    """
    kernel, bias, output, output_bias = (np.asarray(layer, np.float64) for layer in layers)
    shapes = [(X.shape[1], bias.size), (bias.size,), (bias.size, output_bias.size), (output_bias.size,)]
    if [layer.shape for layer in (kernel, bias, output, output_bias)] != shapes:
        raise ValueError(
            f"layers of a network for X {X.shape} have shapes {shapes}; got {[np.shape(a) for a in layers]}"
        )
    if len(y) != len(X) or not np.isin(y, np.arange(len(output_bias))).all():
        raise ValueError(f"y must be one class from 0 to {len(output_bias) - 1} per window of X {X.shape}; got {y}")
    before = X @ kernel + bias
    hidden = np.maximum(before, 0)
    logits = hidden @ output + output_bias
    error = np.exp(logits - logsumexp(logits, axis=1, keepdims=True)) - np.eye(len(output_bias))[y]
    back = error @ output.T * (before > 0)
    gradients = [X[:, :, None] * back[:, None], back, hidden[:, :, None] * error[:, None], error]
    return np.hstack([part.reshape(len(X), -1) for part in gradients])


def clip_and_noise(gradients: Array, clip_norm: float, noise_multiplier: float, rng: Rng) -> Array:
    """The noisy sum of DP-SGD (Abadi et al. 2016, algorithm 1): each row clipped, added up, noise on top.

    gradients: (n_units, n_parameters), one row per window or person that takes part. Returns (n_parameters,). The noise
    has standard deviation noise_multiplier x clip_norm, however many take part.
    """
    return _clipped(gradients, clip_norm).sum(0) + rng.normal(0, noise_multiplier * clip_norm, gradients.shape[1])


def _clipped(rows: Array, clip_norm: float) -> Array:
    return rows * np.minimum(1, clip_norm / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def renyi_epsilon(noise_multiplier: float, sampling_prob: float, steps: int, delta: float) -> float:
    """Epsilon of the Poisson-sampled Gaussian, by Renyi divergences of whole orders (Mironov, Talwar, Zhang 2019).

    Turned into (epsilon, delta) as Mironov (2017, proposition 3) does, which is what the early papers and the
    TensorFlow Privacy tutorial report; dp-accounting's own conversion is newer and tighter. sampling_prob: below 1.
    """
    if not (noise_multiplier > 0 and 0 < sampling_prob < 1 and 0 < delta < 1):
        raise ValueError(
            "noise_multiplier must be above 0, sampling_prob and delta above 0 and below 1; "
            f"got {noise_multiplier}, {sampling_prob} and {delta}"
        )
    best = math.inf
    for order in ORDERS:
        k = np.arange(order + 1)
        ways = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
        terms = ways + k * np.log(sampling_prob) + (order - k) * np.log1p(-sampling_prob)
        divergence = logsumexp(terms + (k * k - k) / (2 * noise_multiplier**2)) / (order - 1)
        best = min(best, steps * float(divergence) + math.log(1 / delta) / (order - 1))
    return best


def noise_left_out(gradients: Array, clip_norm: float, noise_multiplier: float, rng: Rng) -> Array:
    """Clips every window and forgets the noise."""
    return _clipped(gradients, clip_norm).sum(0)


def clipped_by_batch(gradients: Array, clip_norm: float, noise_multiplier: float, rng: Rng) -> Array:
    """Clips the mean gradient of the batch, as one does against exploding gradients: one window can turn it around."""
    mean = _clipped(gradients.mean(0, keepdims=True), clip_norm)[0]
    return len(gradients) * mean + rng.normal(0, noise_multiplier * clip_norm, gradients.shape[1])


def noise_on_the_mean(gradients: Array, clip_norm: float, noise_multiplier: float, rng: Rng) -> Array:
    """Clips rightly, but adds the noise of a single window to each window's share: too little by the batch size."""
    scale = noise_multiplier * clip_norm / len(gradients)
    return _clipped(gradients, clip_norm).sum(0) + rng.normal(0, scale, gradients.shape[1])


def clipped_by_coordinate(gradients: Array, clip_norm: float, noise_multiplier: float, rng: Rng) -> Array:
    """Cuts every number to the clip norm instead of the row: a window can move all parameters at once."""
    total = np.clip(gradients, -clip_norm, clip_norm).sum(0)
    return total + rng.normal(0, noise_multiplier * clip_norm, gradients.shape[1])


LEAKY = {
    "noise left out": noise_left_out,
    "clipped by batch": clipped_by_batch,
    "noise on the mean": noise_on_the_mean,
    "clipped by coordinate": clipped_by_coordinate,
}
