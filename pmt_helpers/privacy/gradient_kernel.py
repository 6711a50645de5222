"""Clipped gradients on a grid, summed as integers: what DP-SGD's noise is added to, compiled. Notebook 05, step 3.

Each unit's gradient is formed by itself, in double precision and a fixed order, so that no digit of it depends on who
else is in the batch. The integer sum then depends on no order at all, and one unit moves it by at most the clip norm.
"""

import math

import numba
import numpy as np

from pmt_helpers.privacy.noise import truncate

Array = np.ndarray
Layers = tuple[Array, Array, Array, Array]
_compiled = numba.njit(error_model="numpy", nogil=True, cache=True)


@_compiled
def clipped_sum(
    layers: Layers, X: Array, y: Array, weights: Array, taking_part: Array, step: float, bound: float
) -> Array:
    """Sum over the units that take part of each one's gradient, clipped to `bound` steps and truncated; int64, flat.

    layers: float64 hidden kernel and bias, output kernel and bias. X: (n_units, n_windows, n_features); y, weights:
    (n_units, n_windows); taking_part: (n_units,) bool.
    """
    kernel, bias, output, output_bias = layers
    n_parameters = kernel.size + bias.size + output.size + output_bias.size
    total, gradient = np.zeros(n_parameters, np.int64), np.empty(n_parameters)
    before, error = np.empty(bias.size), np.empty(output_bias.size)
    for unit in np.flatnonzero(taking_part):
        gradient[:] = 0
        for window in range(y.shape[1]):
            if weights[unit, window] > 0:
                share = weights[unit, window] / step
                _add_gradient(layers, X[unit, window], y[unit, window], share, before, error, gradient)
        whole = truncate(gradient, bound, True)
        for i in range(n_parameters):
            total[i] += whole[i]
    return total


@_compiled
def _add_gradient(
    layers: Layers, x: Array, label: int, share: float, before: Array, error: Array, gradient: Array
) -> None:
    """Add `share` of the gradient of one window's loss, by the chain rule; before and error are overwritten."""
    kernel, bias, output, output_bias = layers
    n_features, n_hidden, n_classes = kernel.shape[0], bias.size, output_bias.size
    before[:] = bias
    for i in range(n_features):
        for k in range(n_hidden):
            before[k] += x[i] * kernel[i, k]
    error[:] = output_bias
    for k in range(n_hidden):
        if before[k] > 0:
            for c in range(n_classes):
                error[c] += before[k] * output[k, c]
    largest, scale = error.max(), 0.0
    for c in range(n_classes):
        error[c] = math.exp(error[c] - largest)
        scale += error[c]
    for c in range(n_classes):
        error[c] *= share / scale
    error[label] -= share
    of_bias = kernel.size
    of_output = of_bias + n_hidden
    for k in range(n_hidden):
        back = 0.0
        if before[k] > 0:
            for c in range(n_classes):
                gradient[of_output + k * n_classes + c] += before[k] * error[c]
                back += output[k, c] * error[c]
        before[k] = back
        gradient[of_bias + k] += back
    for c in range(n_classes):
        gradient[of_output + output.size + c] += error[c]
    for i in range(n_features):
        for k in range(n_hidden):
            gradient[i * n_hidden + k] += x[i] * before[k]
