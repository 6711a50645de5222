"""The work that is timed, in plain NumPy and plain Python: online training, and Gibbs sampling. Notebook 05, step 2.

NumPy only, imported when asked for, and Python 3.9: this file is also part of the one-file edition that a Pi runs. The
same steps as in activity/online.py and topics/gibbs_plain.py, without their bookkeeping; tests hold them together.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

LEARNING_RATE = 0.001
ALPHA_TOTAL, BETA = 50.0, 0.1  # the paper's: alpha = 50 / topics
GOLDEN = 0.6180339887  # its multiples modulo 1 leave no gaps
KERNELS = {
    "activity": ("numpy", "numba", "jax", "keras_fit", "keras_batch"),
    "topics": ("numpy", "numba", "python"),
}


class Trainer(NamedTuple):
    """run(n): so many epochs or iterations. infer(window): one prediction, where there is one.

    compiles: the first call does. at_once: epochs of one span, where one alone is too short to time.
    """

    run: Callable[[int], None]
    infer: Callable[[Any], int] | None = None
    compiles: bool = False
    at_once: int = 1


class Network(NamedTuple):
    """Weights to start from, float32, as activity/weights.py lays them out: a row of hidden is the bias."""

    hidden: Any  # (n_inputs, 128)
    output: Any  # (n_classes, 128)
    bias: Any  # (n_classes,)
    n_features: int


class Tokens(NamedTuple):
    """A corpus as tokens: the word and the document of each, in order of the documents."""

    words: list[int]
    documents: list[int]
    n_words: int
    n_documents: int


def numpy_mlp(start: Network, X: Any, y: Any) -> Trainer:
    """Gradient descent with one window a step. X: (n, n_inputs) float32, 1 for the bias; y: (n,) class numbers."""
    import numpy as np

    W, V, bias = start.hidden.copy(), start.output.copy(), start.bias.copy()
    rate, labels = np.float32(LEARNING_RATE), [int(label) for label in y]

    def step(x: Any, label: int) -> None:
        h = np.maximum(x @ W, 0)
        p = V @ h + bias
        p = np.exp(p - p.max())
        p /= p.sum()
        p[label] -= 1
        error = rate * p
        change = np.where(h > 0, error @ V, 0)
        np.subtract(V, np.outer(error, h), out=V)
        np.subtract(bias, error, out=bias)
        np.subtract(W, np.outer(x, change), out=W)

    def run(epochs: int) -> None:
        for _ in range(epochs):
            for x, label in zip(X, labels):  # noqa: B905 (strict came with Python 3.10)
                step(x, label)

    return Trainer(run, lambda x: int((V @ np.maximum(x @ W, 0) + bias).argmax()))


def numpy_gibbs(tokens: Tokens, n_topics: int, seed: int = 0) -> Trainer:
    """Collapsed Gibbs sampling, the topics of a token weighed as arrays."""
    import numpy as np

    rng = np.random.default_rng(seed)
    alpha, beta = ALPHA_TOTAL / n_topics, BETA
    z = rng.integers(0, n_topics, len(tokens.words))
    by_word, by_document = np.zeros((tokens.n_words, n_topics)), np.zeros((tokens.n_documents, n_topics))
    np.add.at(by_word, (np.array(tokens.words, int), z), 1)
    np.add.at(by_document, (np.array(tokens.documents, int), z), 1)
    totals = by_word.sum(axis=0) + tokens.n_words * beta

    def sweep() -> None:
        draws = rng.random(len(z))
        for i, (w, d) in enumerate(zip(tokens.words, tokens.documents)):  # noqa: B905
            word, document, old = by_word[w], by_document[d], z[i]
            word[old] -= 1
            document[old] -= 1
            totals[old] -= 1
            upto = np.cumsum((document + alpha) * (word + beta) / totals)
            z[i] = new = min(int(np.searchsorted(upto, draws[i] * upto[-1], side="right")), n_topics - 1)
            word[new] += 1
            document[new] += 1
            totals[new] += 1

    return Trainer(lambda iterations: _repeat(sweep, iterations))


def python_gibbs(tokens: Tokens, n_topics: int, seed: int = 0) -> Trainer:
    """The same without NumPy: lists and loops."""
    rng = random.Random(seed)
    alpha, beta = ALPHA_TOTAL / n_topics, BETA
    z = [rng.randrange(n_topics) for _ in tokens.words]
    by_word = [[0] * n_topics for _ in range(tokens.n_words)]
    by_document = [[0] * n_topics for _ in range(tokens.n_documents)]
    totals = [tokens.n_words * beta] * n_topics
    for w, d, k in zip(tokens.words, tokens.documents, z):  # noqa: B905
        by_word[w][k] += 1
        by_document[d][k] += 1
        totals[k] += 1

    def sweep() -> None:
        for i, (w, d) in enumerate(zip(tokens.words, tokens.documents)):  # noqa: B905
            word, document, old = by_word[w], by_document[d], z[i]
            word[old] -= 1
            document[old] -= 1
            totals[old] -= 1
            upto, total = [], 0.0
            for k in range(n_topics):
                total += (document[k] + alpha) * (word[k] + beta) / totals[k]
                upto.append(total)
            at = rng.random() * total
            z[i] = new = next((k for k in range(n_topics) if at < upto[k]), n_topics - 1)
            word[new] += 1
            document[new] += 1
            totals[new] += 1

    return Trainer(lambda iterations: _repeat(sweep, iterations))


def _repeat(sweep: Callable[[], None], times: int) -> None:
    for _ in range(times):
        sweep()
