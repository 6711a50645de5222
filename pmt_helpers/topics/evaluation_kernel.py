"""Held-out document completion, compiled. `evaluation.py` has the same in NumPy. Notebook 03."""

from collections.abc import Callable

import numba
import numpy as np

from pmt_helpers.topics.gibbs_kernel import compile_once
from pmt_helpers.topics.gibbs_reference import BLOCK

U = np.uint64
Array = np.ndarray
Entries = tuple[Array, Array, Array]


@numba.njit(error_model="numpy", forceinline=True)
def _block_sum(p: Array, k: np.uint64) -> float:
    """The sum of p[k] to p[k + 7]."""
    first, second = (p[k] + p[k + U(1)]) + (p[k + U(2)] + p[k + U(3)]), p[k + U(4)] + p[k + U(5)]
    return first + (second + (p[k + U(6)] + p[k + U(7)]))


@numba.njit(error_model="numpy", forceinline=True)
def _products(theta: Array, phi: Array, row: np.uint64, p: Array) -> float:
    """p becomes theta times the word's row of phi; returns their sum."""
    for k in range(U(p.size)):
        p[k] = theta[k] * phi[row + k]
    total = 0.0
    for b in range(U(p.size) // U(BLOCK)):
        total += _block_sum(p, U(b) * U(BLOCK))
    return total


@numba.njit(error_model="numpy", nogil=True, cache=True)
def complete(
    seen: Entries, unseen: Entries, phi: Array, width: int, n_topics: int, alpha: float, iterations: int
) -> float:
    """Sum over the unseen tokens of log2 theta . phi, each document's theta from its seen ones.

    seen, unseen: words (uint32) and counts (float64) of each entry of a table documents x words, and where the entries
    of each document start (int64). phi: flat, `width` topics per word, those from n_topics on without weight.
    """
    seen_words, seen_counts, seen_starts = seen
    words, counts, starts = unseen
    size = U(width)
    theta, new, p = np.zeros(size), np.zeros(size), np.zeros(size)
    total_bits = 0.0
    for d in range(U(starts.size - 1)):
        for k in range(U(n_topics)):
            theta[k] = 1.0 / n_topics
        for _ in range(iterations):
            length = 0.0
            for k in range(U(n_topics)):
                new[k] = alpha
            for i in range(U(seen_starts[d]), U(seen_starts[d + U(1)])):
                share = seen_counts[i] / _products(theta, phi, U(seen_words[i]) * size, p)
                for k in range(size):
                    new[k] += share * p[k]
                length += seen_counts[i]
            for k in range(U(n_topics)):
                theta[k] = new[k] / (length + n_topics * alpha)
        for i in range(U(starts[d]), U(starts[d + U(1)])):
            total_bits += counts[i] * np.log2(_products(theta, phi, U(words[i]) * size, p))
    return total_bits


def compiled_loop() -> Callable[..., float]:
    """`complete`, compiled: a few seconds, with a bar, the first time on a machine; later it is read from a file."""
    nothing = np.zeros(0, np.uint32), np.zeros(0), np.zeros(1, np.int64)
    compile_once(complete, lambda: complete(nothing, nothing, np.zeros(0), BLOCK, 1, 1.0, 1))
    return complete
