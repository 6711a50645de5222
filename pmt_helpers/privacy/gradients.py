"""Clipping what each window or person contributes, compiled by JAX. Notebook 04.

Layers are Keras' four arrays: hidden kernel (n_features, n_hidden) and bias, output kernel (n_hidden, n_classes) and
bias. `clipped_sum` never forms the gradient of a single window, so 500 steps take a quarter of a second instead of
three; `clipped_sum_of_units` forms it with vmap and grad, is the reference, and also clips whole people.
"""

import jax
import jax.numpy as jnp

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
    scores = jnp.maximum(X @ kernel + bias, 0) @ output + output_bias
    return -(weights * jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], 1)[:, 0]).sum()


def _squared(rows: jax.Array) -> jax.Array:
    return (rows**2).sum(1)


def _cut(squared_norms: jax.Array, clip: jax.Array) -> jax.Array:
    """What to multiply gradients of these squared norms with; never more than 1."""
    return jnp.minimum(1.0, clip / jnp.sqrt(jnp.maximum(squared_norms, 1e-24)))
