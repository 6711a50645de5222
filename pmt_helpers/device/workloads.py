"""The two tasks on the workbook's own data, in each of its kernels. Notebook 06."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from pmt_helpers.datasets import DataError
from pmt_helpers.device import pi_profile
from pmt_helpers.device.pi_profile import Network, Progress, Recorder, Tokens, Trainer

N_TOPICS = 20


def _numba(start: Network, X: np.ndarray, y: np.ndarray) -> Trainer:
    """activity/online.py: a thousand epochs per span, since one takes less than its record. It does not predict."""
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

    rate, first = pi_profile.LEARNING_RATE, tuple(map(jnp.asarray, start[:3]))
    data = jnp.asarray(X), jnp.asarray(y, jnp.int32)

    def logits(weights: tuple, x: Any) -> Any:
        hidden, output, bias = weights
        return output @ jnp.maximum(x @ hidden, 0) + bias

    def loss(weights: tuple, x: Any, label: Any) -> Any:
        return -jax.nn.log_softmax(logits(weights, x))[label]

    def step(weights: tuple, window: Any) -> tuple[tuple, None]:
        gradients = jax.grad(loss)(weights, *window)
        return tuple(w - rate * gradient for w, gradient in zip(weights, gradients, strict=True)), None

    @jax.jit
    def train(weights: tuple, epochs: int) -> tuple:
        return jax.lax.fori_loop(0, epochs, lambda _, w: jax.lax.scan(step, w, data)[0], weights)

    @jax.jit
    def predict(x: Any) -> Any:
        return logits(first, x).argmax()

    def run(epochs: int) -> None:
        jax.block_until_ready(train(first, epochs))

    return Trainer(run, lambda x: int(predict(x)), True, 1000)


def _keras(start: Network, X: np.ndarray, y: np.ndarray, by_batch: bool = False) -> Trainer:
    """As activity/keras_reference.py: Keras's `fit`, or by_batch its `train_on_batch`, one window per step."""
    import keras

    from pmt_helpers.activity.keras_reference import logits_model
    from pmt_helpers.activity.model import build_mlp

    n = start.n_features
    model = build_mlp(n, len(start.bias))
    model.set_weights([start.hidden[:n], start.hidden[n], start.output.T, start.bias])
    fitted = logits_model(model, keras.optimizers.SGD(pi_profile.LEARNING_RATE))
    features, labels = X[:, :n], y.astype(np.int32)

    def fit(epochs: int) -> None:
        fitted.fit(features, labels, batch_size=1, epochs=epochs, shuffle=False, verbose=0)

    def train_on_batches(epochs: int) -> None:
        for _ in range(epochs):
            for at in range(len(labels)):
                fitted.train_on_batch(features[at : at + 1], labels[at : at + 1])

    def predict(x: np.ndarray) -> int:
        return int(model.predict_on_batch(x[None, :n]).argmax())

    return Trainer(train_on_batches, predict, True) if by_batch else Trainer(fit, predict, True, 10)


def _numba_gibbs(corpus: Tokens, n_topics: int, seed: int = 0) -> Trainer:
    """topics/gibbs_kernel.py."""
    from scipy.sparse import csr_array

    from pmt_helpers.topics.gibbs import GibbsState

    ones = np.ones(len(corpus.words), int)
    counts = csr_array((ones, (corpus.documents, corpus.words)), shape=(corpus.n_documents, corpus.n_words))
    rng = np.random.default_rng(seed)
    z = rng.integers(0, n_topics, len(corpus.words), dtype=np.uint32)
    state = GibbsState(counts, z, n_topics, pi_profile.ALPHA_TOTAL / n_topics, np.full((1, 1), pi_profile.BETA))

    def run(iterations: int) -> None:
        for _ in range(iterations):
            state.sweep(rng)

    return Trainer(run, None, True, 20)


# Each makes a Trainer from a start, inputs and labels.
NETWORKS: dict[str, Callable[..., Trainer]] = {
    "numpy": pi_profile.numpy_mlp,
    "numba": _numba,
    "jax": _jax,
    "keras_fit": _keras,
    "keras_batch": partial(_keras, by_batch=True),
}
# Each makes a Trainer from tokens, the number of topics, and a seed.
SAMPLERS: dict[str, Callable[..., Trainer]] = {
    "numpy": pi_profile.numpy_gibbs,
    "numba": _numba_gibbs,
    "python": pi_profile.python_gibbs,
}

# What each kernel needs. Others need NumPy alone.
_MODULES = {
    ("activity", "numba"): "pmt_helpers.activity.online_kernel",
    ("activity", "jax"): "jax",
    ("activity", "keras_fit"): "pmt_helpers.activity.shared",
    ("activity", "keras_batch"): "pmt_helpers.activity.shared",
    ("topics", "numba"): "pmt_helpers.topics.gibbs_kernel",
}


def import_kernel(task: str, kernel: str) -> None:
    """Import what it needs, for a span of its own. Raises ValueError for a kernel that the task does not have."""
    if kernel not in pi_profile.KERNELS[task]:
        raise ValueError(f"{task} has the kernels {', '.join(pi_profile.KERNELS[task])}; got {kernel!r}")
    import_module(_MODULES.get((task, kernel), "numpy"))


def record_kernel(
    recorder: Recorder,
    task: str,
    kernel: str,
    *,
    dataset: str | None,
    samples: Sequence[int],
    epochs: int,
    documents: Sequence[int],
    percents: Sequence[int],
    iterations: int,
    progress: Progress,
) -> None:
    """Record one task with one kernel, after its import. Sizes that the data do not have are left out.

    Parameters
    ----------
    dataset : default: "watch", or "wikipedia"
    samples, epochs : of activity: numbers of windows, each trained for `epochs`
    documents, percents, iterations : of topics: numbers of documents, then the largest of them with `percents` of its
        vocabulary, each sampled for `iterations`
    progress : called with a line after each step
    """
    about = {"task": task, "kernel": kernel}
    if task == "activity":
        with recorder.span("load", **about):
            start, X, y = windows(dataset or "watch", max(samples))
        network, sizes = NETWORKS[kernel], [n for n in samples if n <= len(X)]
        if not sizes:
            raise _too_few(dataset or "watch", len(X), "windows", samples, "--samples")
        pi_profile.record_activity(
            recorder, kernel, lambda n: network(start, X[:n], y[:n]), X, sizes, epochs, calls=1000, progress=progress
        )
    else:
        with recorder.span("load", **about):
            corpora = tokens(dataset or "wikipedia", documents, percents)
        sampler = SAMPLERS[kernel]
        pi_profile.record_topics(
            recorder, kernel, lambda corpus: sampler(corpus, N_TOPICS), corpora, iterations, N_TOPICS, progress=progress
        )


def windows(dataset: str, n: int) -> tuple[Network, np.ndarray, np.ndarray]:
    """A new network; up to n windows of all people together, scaled, (n, n_inputs); their labels (n,).

    The inputs are laid out as Weights.inputs does: the features, 1 for the bias, zeros up to a multiple of four.
    """
    from pmt_helpers.datasets import load_activity

    data = load_activity(dataset)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(data.X))[:n]
    n_features, n_classes = data.X.shape[1], len(data.class_names)
    inputs = np.zeros((len(rows), -(-(n_features + 1) // 4) * 4), np.float32)
    inputs[:, :n_features] = ((data.X - data.X.mean(0)) / np.maximum(data.X.std(0), 1e-9))[rows]
    inputs[:, n_features] = 1
    hidden = np.zeros((inputs.shape[1], pi_profile.N_HIDDEN), np.float32)
    hidden[:n_features] = rng.normal(0, np.sqrt(2 / n_features), (n_features, pi_profile.N_HIDDEN))
    output = rng.normal(0, np.sqrt(2 / pi_profile.N_HIDDEN), (n_classes, pi_profile.N_HIDDEN)).astype(np.float32)
    return Network(hidden, output, np.zeros(n_classes, np.float32), n_features), inputs, data.y[rows]


def tokens(dataset: str, documents: Sequence[int], percents: Sequence[int]) -> list[Tokens]:
    """A corpus for each number of documents, drawn at random; then the largest with each share of its vocabulary."""
    from pmt_helpers.datasets import load_documents

    counts = load_documents(dataset).counts.tocsr()
    order = np.random.default_rng(0).permutation(counts.shape[0])
    tables = [counts[order[:n]] for n in documents if n <= len(order)]
    if not tables:
        raise _too_few(dataset, len(order), "documents", documents, "--documents")
    tables = [table[:, np.flatnonzero(np.asarray(table.sum(axis=0)).ravel())] for table in tables]  # words that occur
    largest = tables[-1]
    # words spread evenly over the ranks of frequency, so that the tokens shrink with the words
    by_frequency = np.argsort(-np.asarray(largest.sum(axis=0)).ravel(), kind="stable")
    spread = np.argsort(np.arange(len(by_frequency)) * pi_profile.GOLDEN % 1, kind="stable")
    tables += [largest[:, by_frequency[spread[: len(spread) * percent // 100]]] for percent in percents]
    return [_tokens(table) for table in tables]


def _too_few(dataset: str, n: int, what: str, asked: Sequence[int], option: str) -> DataError:
    return DataError(
        file=dataset, expected=f"at least {min(asked)} {what}", found=str(n), remedy=f"give {option} a smaller number"
    )


def _tokens(counts: Any) -> Tokens:
    table = counts.tocoo()
    order = np.lexsort((table.col, table.row))
    times = table.data[order].astype(int)
    words, rows = (np.repeat(axis[order], times).tolist() for axis in (table.col, table.row))
    return Tokens(words, rows, table.shape[1], table.shape[0])
