"""The kernels that need more than NumPy: the workbook's compiled loops, JAX and Keras. Notebook 05, step 2."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pmt_helpers.device.kernels import (
    ALPHA_TOTAL,
    BETA,
    LEARNING_RATE,
    Network,
    Tokens,
    Trainer,
    numpy_gibbs,
    numpy_mlp,
    python_gibbs,
)


def _numba(start: Network, X: np.ndarray, y: np.ndarray) -> Trainer:
    """activity/online.py: a thousand epochs a span, for one takes less than its record. It does not predict."""
    from pmt_helpers.activity.online import Task, train_online
    from pmt_helpers.activity.weights import Weights

    task = Task(Weights(*start), X, y)

    def run(epochs: int) -> None:
        train_online(task, epochs=epochs, shuffle=False)

    return Trainer(run, None, True, 1000)


def _jax(start: Network, X: np.ndarray, y: np.ndarray) -> Trainer:
    """One compiled scan over the windows, compiled anew for each number of them."""
    import jax
    import jax.numpy as jnp

    first = tuple(map(jnp.asarray, start[:3]))
    data = jnp.asarray(X), jnp.asarray(y, jnp.int32)

    def scores(weights: tuple, x: Any) -> Any:
        hidden, output, bias = weights
        return output @ jnp.maximum(x @ hidden, 0) + bias

    def loss(weights: tuple, x: Any, label: Any) -> Any:
        return -jax.nn.log_softmax(scores(weights, x))[label]

    def step(weights: tuple, window: Any) -> tuple[tuple, None]:
        slopes = jax.grad(loss)(weights, *window)
        return tuple(w - LEARNING_RATE * slope for w, slope in zip(weights, slopes, strict=True)), None

    @jax.jit
    def train(weights: tuple, epochs: int) -> tuple:
        return jax.lax.fori_loop(0, epochs, lambda _, w: jax.lax.scan(step, w, data)[0], weights)

    @jax.jit
    def predict(x: Any) -> Any:
        return scores(first, x).argmax()

    def run(epochs: int) -> None:
        jax.block_until_ready(train(first, epochs))

    return Trainer(run, lambda x: int(predict(x)), True, 1000)


def _keras_fit(start: Network, X: np.ndarray, y: np.ndarray) -> Trainer:
    model, view = _keras(start)
    features, labels = X[:, : start.n_features], y.astype(np.int32)

    def run(epochs: int) -> None:
        view.fit(features, labels, batch_size=1, epochs=epochs, shuffle=False, verbose=0)

    return Trainer(run, lambda x: int(model.predict_on_batch(x[None, : start.n_features]).argmax()), True, 10)


def _keras_batch(start: Network, X: np.ndarray, y: np.ndarray) -> Trainer:
    model, view = _keras(start)
    features, labels = X[:, : start.n_features], y.astype(np.int32)

    def run(epochs: int) -> None:
        for _ in range(epochs):
            for at in range(len(labels)):
                view.train_on_batch(features[at : at + 1], labels[at : at + 1])

    return Trainer(run, lambda x: int(model.predict_on_batch(x[None, : start.n_features]).argmax()), True)


def _keras(start: Network) -> tuple[Any, Any]:
    """The network, and the view of it that is fitted, as activity/keras_at_home.py has them."""
    import keras

    from pmt_helpers.activity.model import build_mlp
    from pmt_helpers.activity.training import trainable_view

    model = build_mlp(start.n_features, len(start.bias))
    n = start.n_features
    model.set_weights([start.hidden[:n], start.hidden[n], start.output.T, start.bias])
    return model, trainable_view(model, keras.optimizers.SGD(LEARNING_RATE))


def _numba_gibbs(corpus: Tokens, n_topics: int, seed: int = 0) -> Trainer:
    """topics/gibbs_kernel.py."""
    from scipy.sparse import csr_array

    from pmt_helpers.topics.chain import Chain

    ones = np.ones(len(corpus.words), int)
    counts = csr_array((ones, (corpus.documents, corpus.words)), shape=(corpus.n_documents, corpus.n_words))
    rng = np.random.default_rng(seed)
    z = rng.integers(0, n_topics, len(corpus.words), dtype=np.uint32)
    chain = Chain(counts, z, n_topics, ALPHA_TOTAL / n_topics, np.full((1, 1), BETA))

    def run(iterations: int) -> None:
        for _ in range(iterations):
            chain.sweep(rng)

    return Trainer(run, None, True, 20)


# What makes a trainer: from a start, inputs and labels.
NETWORKS: dict[str, Callable[..., Trainer]] = {
    "numpy": numpy_mlp,
    "numba": _numba,
    "jax": _jax,
    "keras_fit": _keras_fit,
    "keras_batch": _keras_batch,
}
# The same from tokens, the number of topics, and a seed.
SAMPLERS: dict[str, Callable[..., Trainer]] = {"numpy": numpy_gibbs, "numba": _numba_gibbs, "python": python_gibbs}
